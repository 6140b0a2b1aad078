/* neon.h - the slots that this folder fills. */
#ifndef SLM_NEON_H
#define SLM_NEON_H

#include "../kernels.h"

linear_fn linear_Q4_0_neon, linear_Q8_0_neon, linear_Q4_K_neon, linear_Q6_K_neon;
quantize_fn quantize_neon;
peak_fn peak_neon;
read_fn read_neon;

#endif
