/* The reference: every slot. */
#include "ref.h"

void kernels_init_scalar(struct kernels *k)
{
    k->cols = 8;
#define QUANT(name, ...)                                                                                                   \
    KERNEL_SET_TYPE(k, pack, name, ref);                                                                                   \
    KERNEL_SET_TYPE(k, unpack, name, ref);                                                                                 \
    KERNEL_SET_TYPE(k, linear, name, ref);
#include "../quants.def"
#undef QUANT
    tier_fill_slots(k);
}
