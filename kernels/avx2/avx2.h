/* avx2.h - the slots that this folder fills. */
#ifndef SLM_AVX2_H
#define SLM_AVX2_H

#include "../kernels.h"

linear_fn linear_Q4_0_avx2, linear_Q4_1_avx2, linear_Q5_0_avx2, linear_Q5_1_avx2, linear_Q8_0_avx2, linear_Q2_K_avx2,
    linear_Q3_K_avx2, linear_Q4_K_avx2, linear_Q5_K_avx2, linear_Q6_K_avx2, linear_IQ4_NL_avx2, linear_IQ4_XS_avx2,
    linear_MXFP4_avx2, linear_TQ1_0_avx2, linear_TQ2_0_avx2;
quantize_fn quantize_avx2;
peak_fn peak_avx2;
read_fn read_avx2;

#endif
