#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct avx2_block *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    size_t s = b % 8;
    avx2_nibbles(t->sub[s].nibbles, half, out->w);
    /* Bits 2j+1..2j of a byte are the upper bits of vector j (k 0..15) or 4 + j (k 16..31): bring them to bits 5..4. */
    const __m256i upper = _mm256_set1_epi8(0x30);
    UNROLL
    for (int h = 0; h < 2; h++) {
        __m256i x = _mm256_loadu_si256((const void *)(t->sub[s].crumbs[h] + 32 * half));
        __m256i *w = out->w + 4 * h;
        w[0] = _mm256_or_si256(w[0], _mm256_and_si256(_mm256_slli_epi16(x, 4), upper));
        w[1] = _mm256_or_si256(w[1], _mm256_and_si256(_mm256_slli_epi16(x, 2), upper));
        w[2] = _mm256_or_si256(w[2], _mm256_and_si256(x, upper));
        w[3] = _mm256_or_si256(w[3], _mm256_and_si256(_mm256_srli_epi16(x, 2), upper));
    }
    __m256 d = avx2_halves(t->d + 8 * half);
    out->dw = _mm256_mul_ps(d, avx2_i8(t->sub[s].sc_lo + 8 * half));
    out->dw_hi = _mm256_mul_ps(d, avx2_i8(t->sub[s].sc_hi + 8 * half));
}

void linear_Q6_K_avx2(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {.family = FAMILY_OF_Q6_K, .log2_z = 5, .run = 2, .bytes = sizeof(struct tile_q6_k) / 8};
    avx2_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
