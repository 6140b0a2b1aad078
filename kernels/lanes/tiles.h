/* tiles.h - the one multiply-add loop: dense tiles of 16 rows by a block of columns, accumulators in registers. Dense linear and
 * both halves of attention are made of it. */
#ifndef SLM_LANES_TILES_H
#define SLM_LANES_TILES_H

#include "lanes.h"

/* Byte offset of an element, F32, F16 or BF16. */
ALWAYS_INLINE size_t lanes_offset(enum weight_type type, size_t element)
{
    return element * (type == WEIGHT_F32 ? sizeof(float) : sizeof(uint16_t));
}

/* acc[t * cols + c] = fma(w, x, acc) over n steps of k, ascending, for `tiles` tiles and `cols` columns:
 * w = tile t's 16 values at element t * w_tile + k * w_k, x = x[t * x_tile + k * x_k + c * x_c]. What stands in `next` where these stand
 * in w is fetched into the second-level cache, unless it is NULL, a constant. */
ALWAYS_INLINE void lanes_multiply(enum weight_type type, int tiles, int cols, const void *w, const void *next, size_t w_tile, size_t w_k,
                                  size_t n, const float *x, size_t x_tile, size_t x_k, size_t x_c, v16 *acc)
{
    for (size_t k = 0; k < n; k++) {
        UNROLL for (int t = 0; t < tiles; t++)
        {
            size_t at = (size_t)t * w_tile + k * w_k;
            if (next)
                __builtin_prefetch((const char *)next + lanes_offset(type, at), 0, 2);
            v16 row = type == WEIGHT_F32   ? v_load((const float *)w + at)
                      : type == WEIGHT_F16 ? v_load_f16((const uint16_t *)w + at)
                                           : v_load_bf16((const uint16_t *)w + at);
            UNROLL for (int c = 0; c < cols; c++)
            {
                v16 value = v_set1(x[(size_t)t * x_tile + k * x_k + (size_t)c * x_c]);
                acc[t * cols + c] = v_fma(row, value, acc[t * cols + c]);
            }
        }
    }
}

/* Calls BLOCK(cols, first column) over all columns in blocks of at most V16_COLS, the size a constant in each call. */
#define LANES_COLUMNS(cols, BLOCK)                                                                                         \
    for (int lanes_c = 0, lanes_n; lanes_c < (cols); lanes_c += lanes_n) {                                                 \
        lanes_n = (cols) - lanes_c < V16_COLS ? (cols) - lanes_c : V16_COLS;                                               \
        switch (lanes_n) {                                                                                                 \
            LANES_CASE(1, BLOCK) LANES_CASE(2, BLOCK) LANES_CASE(3, BLOCK) LANES_CASE(4, BLOCK)                            \
            LANES_CASE(5, BLOCK) LANES_CASE(6, BLOCK) LANES_CASE(7, BLOCK) LANES_CASE(8, BLOCK)                            \
            LANES_CASE(9, BLOCK) LANES_CASE(10, BLOCK) LANES_CASE(11, BLOCK) LANES_CASE(12, BLOCK)                         \
            LANES_CASE(13, BLOCK) LANES_CASE(14, BLOCK) LANES_CASE(15, BLOCK) LANES_CASE(16, BLOCK)                        \
        default: __builtin_unreachable();                                                                                  \
        }                                                                                                                  \
    }
#define LANES_CASE(n, BLOCK)                                                                                               \
    case n:                                                                                                                \
        if (n <= V16_COLS) /* narrower tiers never come here */                                                            \
            BLOCK(n <= V16_COLS ? n : 1, lanes_c);                                                                         \
        break;

#endif
