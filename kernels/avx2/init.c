#include "avx2.h"

void kernels_init_avx2(struct kernels *k)
{
    k->cols = 16;
    KERNEL_SET_TYPE(k, linear, Q4_0, avx2);
    KERNEL_SET_TYPE(k, linear, Q8_0, avx2);
    KERNEL_SET_TYPE(k, linear, Q4_K, avx2);
    KERNEL_SET_TYPE(k, linear, Q6_K, avx2);
    KERNEL_SET(k, quantize, avx2);
    KERNEL_SET(k, peak, avx2);
    KERNEL_SET(k, read, avx2);

    /* float slots */
}
