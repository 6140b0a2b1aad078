#include "../tiles.h"
#include "linear.h"
#include "neon.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q4_k *t = (const struct tile_q4_k *)tile + b / 8;
    float32x4_t sc[2], m[2];
    neon_nibbles(t->sub[b % 8].nibbles, half, out->w);
    neon_from_u8(t->sub[b % 8].sc + 8 * half, sc);
    neon_from_u8(t->sub[b % 8].m + 8 * half, m);
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        out->dw[quad] = vmulq_f32(neon_halves(t->d + 8 * half + 4 * quad), sc[quad]);
        out->dm[quad] = vmulq_f32(neon_halves(t->dmin + 8 * half + 4 * quad), m[quad]);
    }
}

void linear_Q4_K_neon(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    neon_linear(SCALE_MIN, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
