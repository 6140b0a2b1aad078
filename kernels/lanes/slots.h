/* slots.h - the slots that the lanes fill, for a tier's lanes.c and init.c. */
#ifndef SLM_LANES_SLOTS_H
#define SLM_LANES_SLOTS_H

#include "../kernels.h"

/* X(slot, type, tier) */
#define LANES_SLOTS(X, tier)                                                                                               \
    X(rms_norm, rms_norm_fn, tier)                                                                                         \
    X(add, add_fn, tier)                                                                                                   \
    X(scale, scale_fn, tier)                                                                                               \
    X(silu_gate, gate_fn, tier)                                                                                            \
    X(gelu_gate, gate_fn, tier)                                                                                            \
    X(exp, exp_fn, tier)                                                                                                   \
    X(softcap, softcap_fn, tier)                                                                                           \
    X(rope, rope_fn, tier)                                                                                                 \
    X(kv_store, kv_store_fn, tier)                                                                                         \
    X(attend, attend_fn, tier)                                                                                             \
    X(merge, merge_fn, tier)

/* X(weight type, tier): linear */
#define LANES_TYPES(X, tier)                                                                                               \
    X(F32, tier)                                                                                                           \
    X(F16, tier)                                                                                                           \
    X(BF16, tier)

/* Declares a tier's functions; puts them into the table. */
#define LANES_DECLARE(tier) LANES_SLOTS(LANES_DECLARE_SLOT, tier) LANES_TYPES(LANES_DECLARE_TYPE, tier)
#define LANES_DECLARE_SLOT(slot, type, tier) type slot##_##tier;
#define LANES_DECLARE_TYPE(type, tier) linear_fn linear_##type##_##tier;
#define LANES_SET(k, tier) LANES_SLOTS(LANES_SET_SLOT, tier) LANES_TYPES(LANES_SET_TYPE, tier)
#define LANES_SET_SLOT(slot, type, tier) KERNEL_SET(k, slot, tier);
#define LANES_SET_TYPE(type, tier) KERNEL_SET_TYPE(k, linear, type, tier);

#endif
