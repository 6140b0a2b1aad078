#include "../tiles.h"
#include "avx2.h"
#include "two_scales.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, int half, struct two_scales_block *out)
{
    const struct tile_q3_k *t = packed;
    const __m256i low = _mm256_set1_epi8(7);
    __m256i x[4];
    avx2_sixes(t->sub[s].sixes, half, x);
    UNROLL
    for (int j = 0; j < 4; j++) {
        out->w[j] = _mm256_and_si256(x[j], low);
        out->w[4 + j] = _mm256_and_si256(_mm256_srli_epi16(x[j], 3), low);
    }
    out->sc = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)t->sub[s].sc[8 * half]));
}

void TIER(linear_Q3_K)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct two_scales_type type = {false, 2, 4, sizeof(struct tile_q3_k), unpack};
    two_scales_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
