#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct avx2_block *out)
{
    const struct tile_q5_k *t = (const struct tile_q5_k *)tile + b / 8;
    avx2_nibbles(t->sub[b % 8].nibbles, half, out->w);
    avx2_bits(t->sub[b % 8].bits, half, 4, out->w);
    out->dw = _mm256_mul_ps(avx2_halves(t->d + 8 * half), avx2_u8(t->sub[b % 8].sc + 8 * half));
    out->dm = _mm256_mul_ps(avx2_halves(t->dmin + 8 * half), avx2_u8(t->sub[b % 8].m + 8 * half));
}

void TIER(linear_Q5_K)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {.family = FAMILY_OF_Q5_K, .log2_z = -1, .run = 4, .bytes = sizeof(struct tile_q5_k) / 8};
    avx2_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
