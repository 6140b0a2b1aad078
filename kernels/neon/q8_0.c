#include "../tiles.h"
#include "linear.h"
#include "neon.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q8_0 *t = (const struct tile_q8_0 *)tile + b;
    UNROLL
    for (int i = 0; i < 16; i++)
        out->w[i / 2][i % 2] = vld1q_s8(t->values[i / 2] + 32 * half + 16 * (i % 2));
    neon_halves(t->d + 8 * half, out->dw);
}

void linear_Q8_0_neon(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    neon_linear(FAMILY_OF_Q8_0, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
