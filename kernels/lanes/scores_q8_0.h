/* scores_q8_0.h - scores of pages of Q8_0 by linear. */
#ifndef SLM_LANES_SCORES_Q8_0_H
#define SLM_LANES_SCORES_Q8_0_H

#include "attend_q8_0.h"

void TIER(scores_Q8_0)(const void *q, int cols, size_t head_dim, const void *page, const void *next, int from, int to, float *s)
{
    const size_t blocks = (head_dim + ACT_BLOCK - 1) / ACT_BLOCK;
    const struct tile_q8_0 *tile = (const struct tile_q8_0 *)page + (size_t)from * blocks;
    for (int t = from; t < to; t++, tile += blocks) {
        attend_fetch(next, (size_t)t * blocks * sizeof *tile, blocks * sizeof *tile);
        TIER(linear_Q8_0)(tile, 1, blocks * ACT_BLOCK, q, (size_t)cols, cols, s + 16 * t, KV_PAGE);
    }
}

#endif
