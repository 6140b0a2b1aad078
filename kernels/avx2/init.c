#include "../lanes/slots.h"
#include "avx2.h"

LANES_DECLARE(TIER_NAME)

void TIER(kernels_init)(struct kernels *k)
{
    k->cols = 32;
#define SET(type) KERNEL_SET_TYPE(k, linear, type, TIER_NAME);
    AVX2_TYPES(SET)
#undef SET
    KERNEL_SET(k, quantize, TIER_NAME);
    KERNEL_SET(k, peak, TIER_NAME);
    KERNEL_SET(k, read, TIER_NAME);

    LANES_SET(k, TIER_NAME)
}
