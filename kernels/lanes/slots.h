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
    X(soft_max, soft_max_fn, tier)                                                                                         \
    X(merge, merge_fn, tier)

/* X(weight type, tier): linear */
#define LANES_TYPES(X, tier)                                                                                               \
    X(F32, tier)                                                                                                           \
    X(F16, tier)                                                                                                           \
    X(BF16, tier)

/* X(slot, slot's type, KV type, tier) */
#define LANES_KV(X, tier) LANES_KV_TYPE(X, F32, tier) LANES_KV_TYPE(X, F16, tier) LANES_KV_TYPE(X, Q8_0, tier)
#define LANES_KV_TYPE(X, kv, tier)                                                                                         \
    X(kv_store_k, kv_store_fn, kv, tier)                                                                                   \
    X(kv_store_v, kv_store_fn, kv, tier)                                                                                   \
    X(scores, scores_fn, kv, tier)                                                                                         \
    X(values, values_fn, kv, tier)

/* Declares a tier's functions; puts them into the table. */
#define LANES_DECLARE(tier)                                                                                                \
    LANES_SLOTS(LANES_DECLARE_SLOT, tier) LANES_TYPES(LANES_DECLARE_TYPE, tier) LANES_KV(LANES_DECLARE_KV, tier)
#define LANES_DECLARE_SLOT(slot, type, tier) type slot##_##tier;
#define LANES_DECLARE_TYPE(type, tier) linear_fn linear_##type##_##tier;
#define LANES_DECLARE_KV(slot, type, kv, tier) type slot##_##kv##_##tier;
#define LANES_SET(k, tier) LANES_SLOTS(LANES_SET_SLOT, tier) LANES_TYPES(LANES_SET_TYPE, tier) LANES_KV(LANES_SET_KV, tier)
#define LANES_SET_SLOT(slot, type, tier) KERNEL_SET(k, slot, tier);
#define LANES_SET_TYPE(type, tier) KERNEL_SET_TYPE(k, linear, type, tier);
#define LANES_SET_KV(slot, type, kv, tier) KERNEL_SET_KV(k, slot, kv, tier);

#endif
