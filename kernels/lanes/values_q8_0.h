/* values_q8_0.h - weighted sums of pages of Q8_0 by linear. */
#ifndef SLM_LANES_VALUES_Q8_0_H
#define SLM_LANES_VALUES_Q8_0_H

#include "attend_q8_0.h"

void TIER(values_Q8_0)(const float *p, int cols, size_t head_dim, const void *page, const void *next, const float *scale, float *o)
{
    const size_t tiles = (head_dim + 15) / 16, lanes = tiles * 16;
    const struct tile_q8_0 *tile = page;
    const uint16_t *d = (const uint16_t *)(tile + 2 * tiles);
    struct act_block x[KV_PAGE / ACT_BLOCK][ATTEND_COLS];
    float weighted[KV_PAGE], sums[ATTEND_COLS * 16];
    attend_fetch_scales(next, head_dim);
    for (size_t t = 0; t < tiles; t++, tile += 2, o += 16) {
        if (t % 2 == 0) { /* these 32 dimensions share their scales */
            for (int c = 0; c < cols; c++) {
                UNROLL for (int j = 0; j < KV_PAGE; j += 16)
                    v_store(weighted + j, v_mul(v_load(p + c * KV_PAGE + j), v_load_f16(d + j)));
                TIER(quantize)(weighted, KV_PAGE, false, &x[0][c], ATTEND_COLS);
            }
            d += KV_PAGE;
        }
        attend_fetch(next, t * 2 * sizeof *tile, 2 * sizeof *tile);
        TIER(linear_Q8_0)(tile, 1, KV_PAGE, x, ATTEND_COLS, cols, sums, 16);
        for (int c = 0; c < cols; c++) {
            float *sum = o + (size_t)c * lanes;
            v_store(sum, v_fma(v_load(sum), v_set1(scale[c]), v_load(sums + 16 * c)));
        }
    }
}

#endif
