#include "../tiles.h"
#include "avx2.h"
#include "two_scales.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, int half, struct two_scales_block *out)
{
    const struct tile_q2_k *t = packed;
    const __m256i both = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)t->sub[s].sc_m[8 * half]));
    avx2_crumbs(t->sub[s].crumbs, half, out->w);
    out->sc = _mm256_and_si256(both, _mm256_set1_epi16(15));
    out->m = _mm256_srli_epi16(both, 4);
}

void TIER(linear_Q2_K)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct two_scales_type type = {true, -1, 4, sizeof(struct tile_q2_k), unpack};
    two_scales_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
