/* dense.h - linear for F32, F16 and BF16: two accumulators per output, k even and k odd. */
#include "tiles.h"

/* The rows of even k and of odd k are treated as two tiles, together or, where registers do not suffice, one after the other. */
ALWAYS_INLINE void dense_block(enum weight_type type, int cols, const void *tile, size_t k, const float *x, size_t x_stride,
                               float *y, size_t y_stride)
{
    v16 acc[2 * V16_COLS];
    UNROLL for (int i = 0; i < 2 * cols; i++)
        acc[i] = v_set1(0);
    const uint8_t *odd = (const uint8_t *)tile + (type == WEIGHT_F32 ? 4 : 2) * TILE_ROWS;
    if (2 * cols <= V16_COLS * V16_TILES) {
        lanes_multiply(type, 2, cols, tile, NULL, 16, 32, k / 2, x, x_stride, 2 * x_stride, 1, acc);
        if (k % 2) {
            const uint8_t *last = (const uint8_t *)tile + (k - 1) * (size_t)(odd - (const uint8_t *)tile);
            lanes_multiply(type, 1, cols, last, NULL, 0, 0, 1, x + (k - 1) * x_stride, 0, 0, 1, acc);
        }
    } else {
        lanes_multiply(type, 1, cols, tile, NULL, 0, 32, (k + 1) / 2, x, 0, 2 * x_stride, 1, acc);
        UNROLL for (int c = 0; c < cols; c++)
            v_store(y + (size_t)c * y_stride, acc[c]);
        lanes_multiply(type, 1, cols, odd, NULL, 0, 32, k / 2, x + x_stride, 0, 2 * x_stride, 1, acc + cols);
        UNROLL for (int c = 0; c < cols; c++)
            acc[c] = v_load(y + (size_t)c * y_stride);
    }
    UNROLL for (int c = 0; c < cols; c++)
        v_store(y + (size_t)c * y_stride, v_add(acc[c], acc[cols + c]));
}

ALWAYS_INLINE void dense_linear(enum weight_type type, const void *tile, size_t k, const float *x, size_t x_stride, int cols,
                                float *y, size_t y_stride)
{
#define BLOCK(n, c) dense_block(type, n, tile, k, x + (c), x_stride, y + (size_t)(c) * y_stride, y_stride)
    LANES_COLUMNS(cols, BLOCK)
#undef BLOCK
}

TIER_LINEAR(F32)
{
    dense_linear(WEIGHT_F32, tile, k, x, x_stride, cols, y, y_stride);
}

TIER_LINEAR(F16)
{
    dense_linear(WEIGHT_F16, tile, k, x, x_stride, cols, y, y_stride);
}

TIER_LINEAR(BF16)
{
    dense_linear(WEIGHT_BF16, tile, k, x, x_stride, cols, y, y_stride);
}
