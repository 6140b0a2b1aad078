#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct avx2_block *out)
{
    const struct tile_tq2_0 *t = (const struct tile_tq2_0 *)tile + b / 8;
    avx2_crumbs(t->crumbs[b % 8], half, out->w);
    out->dw = avx2_halves(t->d + 8 * half);
}

void TIER(linear_TQ2_0)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {.family = FAMILY_OF_TQ2_0, .log2_z = 0, .run = 8, .bytes = sizeof(struct tile_tq2_0) / 8};
    avx2_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}

void TIER(linear_TQ1_0)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    TIER(linear_TQ2_0)(tile, k, x, x_stride, cols, y, y_stride);
}
