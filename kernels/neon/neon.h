/* neon.h - the slots that this folder fills. */
#ifndef SLM_NEON_H
#define SLM_NEON_H

#include "../kernels.h"

linear_fn linear_Q4_0_neon, linear_Q4_1_neon, linear_Q5_0_neon, linear_Q5_1_neon, linear_Q8_0_neon, linear_Q2_K_neon,
    linear_Q3_K_neon, linear_Q4_K_neon, linear_Q5_K_neon, linear_Q6_K_neon, linear_IQ4_NL_neon, linear_IQ4_XS_neon,
    linear_MXFP4_neon, linear_TQ1_0_neon, linear_TQ2_0_neon;
quantize_fn quantize_neon;
peak_fn peak_neon;
read_fn read_neon;

#endif
