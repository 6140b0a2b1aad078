#include "../lanes/slots.h"
#include "avx2.h"

LANES_DECLARE(avx2)

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

    LANES_SET(k, avx2)
}
