#include "../tier.h"

void TIER(kernels_init)(struct kernels *k)
{
    k->cols = 32;
    tier_fill(k);
}
