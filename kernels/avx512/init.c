#include "../tier.h"

void TIER(kernels_init)(struct kernels *k)
{
    k->cols = 16;
    tier_fill(k);
}
