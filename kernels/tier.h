/* tier.h - what the folders of tiers have in common: the slots that each of them fills. The sources of vector tiers are compiled once for every
 * tier of the folder (Makefile): TIER(linear_Q4_0) is linear_Q4_0_avx2 where TIER_NAME is avx2. The reference's is ref. */
#ifndef SLM_TIER_H
#define SLM_TIER_H

#include "kernels.h"
#include "unroll.h"

#define TIER(slot) TIER_PASTE(slot, TIER_NAME)
#define TIER_PASTE(slot, tier) TIER_PASTE_EXPANDED(slot, tier)
#define TIER_PASTE_EXPANDED(slot, tier) slot##_##tier

/* X(weight type): those that all folders of vector tiers have a kernel for. A folder that is ahead of the others sets its own after tier_fill. */
#define TIER_TYPES(X)                                                                                                      \
    X(F32) X(F16) X(BF16)                                                                                                  \
    X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q2_K) X(Q3_K) X(Q4_K) X(Q5_K) X(Q6_K)                                        \
    X(IQ4_NL) X(IQ4_XS) X(MXFP4) X(TQ1_0) X(TQ2_0)

#define QUANT(name, ...) linear_fn TIER(linear_##name);
#include "quants.def"
#undef QUANT
#define DECLARE(kv) kv_store_fn TIER(kv_store_k_##kv), TIER(kv_store_v_##kv); scores_fn TIER(scores_##kv); values_fn TIER(values_##kv);
KV_TYPE_LIST(DECLARE)
#undef DECLARE
#define DECLARE(slot, type) type TIER(slot);
KERNEL_SLOTS(DECLARE)
#undef DECLARE

/* linear of a weight type: its definition up to the body. */
#define TIER_LINEAR_TILES(type)                                                                                            \
    void TIER(linear_##type)(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y, \
                             size_t y_stride)

/* The same where tiles are taken one after the other: the body is of one. */
#define TIER_LINEAR(type)                                                                                                  \
    static void tile_##type(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride); \
    TIER_LINEAR_TILES(type)                                                                                                \
    {                                                                                                                      \
        for (size_t t = 0; t < count; t++)                                                                                 \
            tile_##type((const char *)tiles + t * tile_bytes(WEIGHT_##type, k), k, x, x_stride, cols, y + t * TILE_ROWS, y_stride); \
    }                                                                                                                      \
    static void tile_##type(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)

/* Asks for what lies PREFETCH bytes behind k block b, while it meets several columns: the processor does not itself see far enough ahead then
 * to keep memory busy. (With one column it does.) Into the second-level cache: of misses of the first level there can be only a few at a time. */
enum { PREFETCH = 9216 };

ALWAYS_INLINE void tier_prefetch(const void *tile, size_t b, size_t block_bytes)
{
    const char *later = (const char *)tile + b * block_bytes + PREFETCH;
    UNROLL
    for (size_t i = 0; i < block_bytes; i += 64)
        __builtin_prefetch(later + i, 0, 2);
}

/* Asks for where the outputs of n columns of a tile will be written, before they are computed: in no cache, and written all at once, they would
 * keep the next tile waiting. */
ALWAYS_INLINE void tier_prefetch_outputs(const float *y, size_t y_stride, int n)
{
    for (int c = 0; c < n; c++)
        __builtin_prefetch(y + (size_t)c * y_stride, 1, 3);
}

/* Puts all slots that are not per weight type into the table. */
static inline void tier_fill_slots(struct kernels *k)
{
#define SET(kv)                                                                                                            \
    KERNEL_SET_KV(k, kv_store_k, kv, TIER_NAME);                                                                           \
    KERNEL_SET_KV(k, kv_store_v, kv, TIER_NAME);                                                                           \
    KERNEL_SET_KV(k, scores, kv, TIER_NAME);                                                                               \
    KERNEL_SET_KV(k, values, kv, TIER_NAME);
    KV_TYPE_LIST(SET)
#undef SET
#define SET(slot, type) KERNEL_SET(k, slot, TIER_NAME);
    KERNEL_SLOTS(SET)
#undef SET
}

/* And linear of TIER_TYPES. */
static inline void tier_fill(struct kernels *k)
{
    tier_fill_slots(k);
#define SET(type) KERNEL_SET_TYPE(k, linear, type, TIER_NAME);
    TIER_TYPES(SET)
#undef SET
}

#endif
