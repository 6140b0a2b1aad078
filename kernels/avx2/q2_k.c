#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

/* 8 rows' scales (low nibbles) and minima (high nibbles). */
ALWAYS_INLINE void scale_min(const uint8_t *p, __m256 d, __m256 dmin, __m256 *dw, __m256 *dm)
{
    __m256i both = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p));
    *dw = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_and_si256(both, _mm256_set1_epi32(15))));
    *dm = _mm256_mul_ps(dmin, _mm256_cvtepi32_ps(_mm256_srli_epi32(both, 4)));
}

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct avx2_block *out)
{
    const struct tile_q2_k *t = (const struct tile_q2_k *)tile + b / 8;
    avx2_crumbs(t->sub[b % 8].crumbs, half, out->w);
    __m256 d = avx2_halves(t->d + 8 * half), dmin = avx2_halves(t->dmin + 8 * half);
    scale_min(t->sub[b % 8].lo + 8 * half, d, dmin, &out->dw, &out->dm);
    scale_min(t->sub[b % 8].hi + 8 * half, d, dmin, &out->dw_hi, &out->dm_hi);
}

void linear_Q2_K_avx2(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {.family = FAMILY_OF_Q2_K, .log2_z = -1, .run = 4, .bytes = sizeof(struct tile_q2_k) / 8};
    avx2_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
