#include "../lanes/slots.h"
#include "avx2.h"

LANES_DECLARE(avx2)

void kernels_init_avx2(struct kernels *k)
{
    k->cols = 32;
    KERNEL_SET_TYPE(k, linear, Q4_0, avx2);
    KERNEL_SET_TYPE(k, linear, Q4_1, avx2);
    KERNEL_SET_TYPE(k, linear, Q5_0, avx2);
    KERNEL_SET_TYPE(k, linear, Q5_1, avx2);
    KERNEL_SET_TYPE(k, linear, Q8_0, avx2);
    KERNEL_SET_TYPE(k, linear, Q2_K, avx2);
    KERNEL_SET_TYPE(k, linear, Q3_K, avx2);
    KERNEL_SET_TYPE(k, linear, Q4_K, avx2);
    KERNEL_SET_TYPE(k, linear, Q5_K, avx2);
    KERNEL_SET_TYPE(k, linear, Q6_K, avx2);
    KERNEL_SET_TYPE(k, linear, IQ4_NL, avx2);
    KERNEL_SET_TYPE(k, linear, IQ4_XS, avx2);
    KERNEL_SET_TYPE(k, linear, MXFP4, avx2);
    KERNEL_SET_TYPE(k, linear, TQ1_0, avx2);
    KERNEL_SET_TYPE(k, linear, TQ2_0, avx2);
    KERNEL_SET(k, quantize, avx2);
    KERNEL_SET(k, peak, avx2);
    KERNEL_SET(k, read, avx2);

    LANES_SET(k, avx2)
}
