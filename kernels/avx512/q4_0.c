#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    avx512_nibbles(t->nibbles, out->w);
    out->dw = avx512_halves(t->d);
}

void linear_Q4_0_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_Q4_0, .log2_z = 3, .bytes = sizeof(struct tile_q4_0)};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
