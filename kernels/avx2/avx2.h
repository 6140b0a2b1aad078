/* avx2.h - the slots that this folder fills, in each of the tiers that are compiled from it (Makefile). */
#ifndef SLM_AVX2_H
#define SLM_AVX2_H

#include "../kernels.h"
#include "../tier.h"

/* X(weight type): linear. */
#define AVX2_TYPES(X)                                                                                                      \
    X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q2_K) X(Q3_K) X(Q4_K) X(Q5_K) X(Q6_K)                                        \
    X(IQ4_NL) X(IQ4_XS) X(MXFP4) X(TQ1_0) X(TQ2_0)

#define AVX2_DECLARE(type) linear_fn TIER(linear_##type);
AVX2_TYPES(AVX2_DECLARE)
quantize_fn TIER(quantize);
peak_fn TIER(peak);
read_fn TIER(read);

#endif
