#include "../lanes/slots.h"
#include "neon.h"

LANES_DECLARE(neon)

void kernels_init_neon(struct kernels *k)
{
    k->cols = 16;
    KERNEL_SET_TYPE(k, linear, Q4_0, neon);
    KERNEL_SET_TYPE(k, linear, Q4_1, neon);
    KERNEL_SET_TYPE(k, linear, Q5_0, neon);
    KERNEL_SET_TYPE(k, linear, Q5_1, neon);
    KERNEL_SET_TYPE(k, linear, Q8_0, neon);
    KERNEL_SET_TYPE(k, linear, Q2_K, neon);
    KERNEL_SET_TYPE(k, linear, Q3_K, neon);
    KERNEL_SET_TYPE(k, linear, Q4_K, neon);
    KERNEL_SET_TYPE(k, linear, Q5_K, neon);
    KERNEL_SET_TYPE(k, linear, Q6_K, neon);
    KERNEL_SET_TYPE(k, linear, IQ4_NL, neon);
    KERNEL_SET_TYPE(k, linear, IQ4_XS, neon);
    KERNEL_SET_TYPE(k, linear, MXFP4, neon);
    KERNEL_SET_TYPE(k, linear, TQ1_0, neon);
    KERNEL_SET_TYPE(k, linear, TQ2_0, neon);
    KERNEL_SET(k, quantize, neon);
    KERNEL_SET(k, peak, neon);
    KERNEL_SET(k, read, neon);

    LANES_SET(k, neon)
}
