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

#define KV_TYPE(name)                                                                                                      \
    KERNEL_SET_KV(k, kv_store_k, name, ref);                                                                               \
    KERNEL_SET_KV(k, kv_store_v, name, ref);                                                                               \
    KERNEL_SET_KV(k, scores, name, ref);                                                                                   \
    KERNEL_SET_KV(k, values, name, ref);
    KV_TYPE_LIST(KV_TYPE)
#undef KV_TYPE

#define SLOT(slot, type) KERNEL_SET(k, slot, ref);
    KERNEL_SLOTS(SLOT)
#undef SLOT
}
