/* avx2.h - the slots that this folder fills. */
#ifndef SLM_AVX2_H
#define SLM_AVX2_H

#include "../kernels.h"

linear_fn linear_Q4_0_avx2, linear_Q8_0_avx2, linear_Q4_K_avx2, linear_Q6_K_avx2;
quantize_fn quantize_avx2;
peak_fn peak_avx2;
read_fn read_avx2;

#endif
