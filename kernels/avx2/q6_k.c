#include "../tiles.h"
#include "avx2.h"
#include "two_scales.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, int half, struct two_scales_block *out)
{
    const struct tile_q6_k *t = packed;
    const __m256i six = _mm256_set1_epi8(63);
    UNROLL
    for (int h = 0; h < 2; h++) {
        __m256i *w = out->w + 4 * h;
        avx2_sixes(t->sub[s].sixes[h], half, w);
        UNROLL
        for (int j = 0; j < 3; j++)
            w[j] = _mm256_and_si256(w[j], six);
    }
    out->sc = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)t->sub[s].sc[8 * half]));
}

void TIER(linear_Q6_K)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct two_scales_type type = {false, 5, 2, sizeof(struct tile_q6_k), unpack};
    two_scales_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
