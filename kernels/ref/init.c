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

#define SLOT(slot, type) KERNEL_SET(k, slot, ref);
    KERNEL_SLOTS(SLOT)
#undef SLOT
}
