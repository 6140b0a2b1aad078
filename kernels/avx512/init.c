#include "../lanes/slots.h"
#include "avx512.h"

LANES_DECLARE(avx512)

void kernels_init_avx512(struct kernels *k)
{
    k->cols = 16;
    KERNEL_SET_TYPE(k, linear, Q4_0, avx512);
    KERNEL_SET_TYPE(k, linear, Q4_1, avx512);
    KERNEL_SET_TYPE(k, linear, Q5_0, avx512);
    KERNEL_SET_TYPE(k, linear, Q5_1, avx512);
    KERNEL_SET_TYPE(k, linear, Q8_0, avx512);
    KERNEL_SET_TYPE(k, linear, Q2_K, avx512);
    KERNEL_SET_TYPE(k, linear, Q3_K, avx512);
    KERNEL_SET_TYPE(k, linear, Q4_K, avx512);
    KERNEL_SET_TYPE(k, linear, Q5_K, avx512);
    KERNEL_SET_TYPE(k, linear, Q6_K, avx512);
    KERNEL_SET_TYPE(k, linear, IQ4_NL, avx512);
    KERNEL_SET_TYPE(k, linear, IQ4_XS, avx512);
    KERNEL_SET_TYPE(k, linear, MXFP4, avx512);
    KERNEL_SET_TYPE(k, linear, TQ1_0, avx512);
    KERNEL_SET_TYPE(k, linear, TQ2_0, avx512);
    KERNEL_SET(k, quantize, avx512);
    KERNEL_SET(k, peak, avx512);
    KERNEL_SET(k, read, avx512);

    LANES_SET(k, avx512)
}
