/* values_q8_0.h - weighted sums of pages of Q8_0. The includer has attend_sums, of up to SUMS_COLS columns. */
#ifndef SLM_AVX2_VALUES_Q8_0_H
#define SLM_AVX2_VALUES_Q8_0_H

#include "../lanes/attend_q8_0.h"
#include "weigh.h"

void TIER(values_Q8_0)(const float *p, int cols, size_t head_dim, const void *page, const void *next, const float *scale, float *o)
{
    const size_t tiles = (head_dim + 15) / 16, lanes = tiles * 16;
    const struct tile_q8_0 *tile = page;
    const uint16_t *d = (const uint16_t *)(tile + HALVES * tiles);
    struct attend_weights x[ATTEND_COLS];
    attend_fetch_scales(next, head_dim);
    for (size_t t = 0; t < tiles; t++, tile += HALVES, o += 16) {
        if (t % 2 == 0) { /* these 32 dimensions share their scales */
            for (int c = 0; c < cols; c += 4)
                attend_weigh(p + c * KV_PAGE, cols - c, d, x + c);
            d += KV_PAGE;
        }
        attend_fetch(next, t * HALVES * sizeof *tile, HALVES * sizeof *tile);
        for (int c = 0; c < cols; c += SUMS_COLS) {
#define SUMS(n) attend_sums(tile, x + c, n < SUMS_COLS ? n : SUMS_COLS, scale + c, o + (size_t)c * lanes, lanes)
            switch (cols - c) {
            case 1: SUMS(1); break;
            case 2: SUMS(2); break;
            case 3: SUMS(3); break;
            default: SUMS(SUMS_COLS);
            }
#undef SUMS
        }
    }
}

#endif
