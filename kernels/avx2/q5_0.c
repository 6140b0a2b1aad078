#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct avx2_block *out)
{
    const struct tile_q5_0 *t = (const struct tile_q5_0 *)tile + b;
    avx2_nibbles(t->nibbles, half, out->w);
    avx2_bits(t->bits, half, 4, out->w);
    out->dw = avx2_halves(t->d + 8 * half);
}

void TIER(linear_Q5_0)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {.family = FAMILY_OF_Q5_0, .log2_z = 4, .run = 4, .bytes = sizeof(struct tile_q5_0)};
    avx2_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
