#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

/* Scales (low nibbles) and minima (high nibbles). */
ALWAYS_INLINE void scale_min(const uint8_t p[16], __m512 d, __m512 dmin, __m512 *dw, __m512 *dm)
{
    __m512i both = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)p));
    *dw = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_and_si512(both, _mm512_set1_epi32(15))));
    *dm = _mm512_mul_ps(dmin, _mm512_cvtepi32_ps(_mm512_srli_epi32(both, 4)));
}

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q2_k *t = (const struct tile_q2_k *)tile + b / 8;
    avx512_crumbs(t->sub[b % 8].crumbs, out->w);
    __m512 d = avx512_halves(t->d), dmin = avx512_halves(t->dmin);
    scale_min(t->sub[b % 8].lo, d, dmin, &out->dw, &out->dm);
    scale_min(t->sub[b % 8].hi, d, dmin, &out->dw_hi, &out->dm_hi);
}

void linear_Q2_K_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_Q2_K, .log2_z = -1};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
