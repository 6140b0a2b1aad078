#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_tq2_0 *t = (const struct tile_tq2_0 *)tile + b / 8;
    avx512_crumbs(t->crumbs[b % 8], out->w);
    out->dw = avx512_halves(t->d);
}

void linear_TQ2_0_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_TQ2_0, .log2_z = 0, .bytes = sizeof(struct tile_tq2_0) / 8};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}

void linear_TQ1_0_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    linear_TQ2_0_avx512(tile, k, x, x_stride, cols, y, y_stride);
}
