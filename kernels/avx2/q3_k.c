#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct avx2_block *out)
{
    const struct tile_q3_k *t = (const struct tile_q3_k *)tile + b / 8;
    avx2_crumbs(t->sub[b % 8].crumbs, half, out->w);
    avx2_bits(t->sub[b % 8].bits, half, 2, out->w);
    __m256 d = avx2_halves(t->d + 8 * half);
    out->dw = _mm256_mul_ps(d, avx2_i8(t->sub[b % 8].sc_lo + 8 * half));
    out->dw_hi = _mm256_mul_ps(d, avx2_i8(t->sub[b % 8].sc_hi + 8 * half));
}

void linear_Q3_K_avx2(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {.family = FAMILY_OF_Q3_K, .log2_z = 2, .run = 4, .bytes = sizeof(struct tile_q3_k) / 8};
    avx2_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
