#include "../lanes/slots.h"
#include "neon.h"

LANES_DECLARE(neon)

void kernels_init_neon(struct kernels *k)
{
    k->cols = 16;
    KERNEL_SET_TYPE(k, linear, Q4_0, neon);
    KERNEL_SET_TYPE(k, linear, Q8_0, neon);
    KERNEL_SET_TYPE(k, linear, Q4_K, neon);
    KERNEL_SET_TYPE(k, linear, Q6_K, neon);
    KERNEL_SET(k, quantize, neon);
    KERNEL_SET(k, peak, neon);
    KERNEL_SET(k, read, neon);

    LANES_SET(k, neon)
}
