#include "../lanes/slots.h"
#include "avx512.h"

LANES_DECLARE(avx512)

void kernels_init_avx512(struct kernels *k)
{
    k->cols = 16;
    KERNEL_SET_TYPE(k, linear, Q4_0, avx512);
    KERNEL_SET_TYPE(k, linear, Q8_0, avx512);
    KERNEL_SET_TYPE(k, linear, Q4_K, avx512);
    KERNEL_SET_TYPE(k, linear, Q6_K, avx512);
    KERNEL_SET(k, quantize, avx512);
    KERNEL_SET(k, peak, avx512);
    KERNEL_SET(k, read, avx512);

    LANES_SET(k, avx512)
}
