/* attend_q8_0.h - storing into the KV cache's pages of Q8_0. Both are made of the tiles of Q8_0 weights, 16 positions by 32 dimensions for
 * keys and 16 dimensions by 32 positions for values. */
#ifndef SLM_LANES_ATTEND_Q8_0_H
#define SLM_LANES_ATTEND_Q8_0_H

#include "../half.h"
#include "../tiles.h"
#include "lanes.h"

#include <string.h>

/* Dimensions 32 block .. of a head in int8; those beyond head_dim are zeros. Returns the scale as it is kept. */
static uint16_t attend_quantize(const float *x, size_t head_dim, size_t block, struct act_block *out)
{
    float padded[ACT_BLOCK] = {0};
    size_t first = block * ACT_BLOCK, n = head_dim - first;
    if (n < ACT_BLOCK)
        x = memcpy(padded, x + first, n * sizeof *x);
    else
        x += first;
    TIER(quantize)(x, ACT_BLOCK, true, out, 1);
    return float_to_half(out->d < HALF_MAX ? out->d : HALF_MAX);
}

void TIER(kv_store_k_Q8_0)(const float *k, size_t head_dim, void *page, int slot)
{
    const size_t blocks = (head_dim + ACT_BLOCK - 1) / ACT_BLOCK;
    struct tile_q8_0 *tile = (struct tile_q8_0 *)page + (size_t)(slot / 16) * blocks;
    const int row = slot % 16;
    for (size_t b = 0; b < blocks; b++) {
        struct act_block x;
        tile[b].d[row] = attend_quantize(k, head_dim, b, &x);
        for (int v = 0; v < 8; v++)
            memcpy(tile[b].values[v] + 4 * row, x.q + 4 * v, 4);
    }
}

/* A position is one value in each row of its tiles, and the tiles' own scales are 1 (kv_v_clear): the position's scale is kept apart, since it is
 * the position's weight that it multiplies. */
void TIER(kv_store_v_Q8_0)(const float *v, size_t head_dim, void *page, int slot)
{
    const size_t tiles = (head_dim + 15) / 16;
    struct tile_q8_0 *tile = (struct tile_q8_0 *)page + slot / ACT_BLOCK;
    uint16_t *scales = (uint16_t *)((struct tile_q8_0 *)page + 2 * tiles) + slot;
    const int at = slot % ACT_BLOCK;
    for (size_t t = 0; t < tiles; t++, tile += 2) {
        struct act_block x;
        if (t % 2 == 0)
            scales[t / 2 * KV_PAGE] = attend_quantize(v, head_dim, t / 2, &x);
        for (size_t row = 0; row < 16; row++)
            tile->values[at / 4][4 * row + (size_t)at % 4] = x.q[t % 2 * 16 + row];
    }
}

/* `bytes` bytes at an offset of what is next, if it is anything, into the second-level cache. */
ALWAYS_INLINE void attend_fetch(const void *next, size_t offset, size_t bytes)
{
    if (next)
        for (size_t i = 0; i < bytes; i += 64)
            __builtin_prefetch((const char *)next + offset + i, 0, 2);
}

/* The scales of a page of values stand behind its tiles, but are wanted first. */
ALWAYS_INLINE void attend_fetch_scales(const void *next, size_t head_dim)
{
    attend_fetch(next, (head_dim + 15) / 16 * 2 * sizeof(struct tile_q8_0), (head_dim + ACT_BLOCK - 1) / ACT_BLOCK * KV_PAGE * sizeof(uint16_t));
}

#endif
