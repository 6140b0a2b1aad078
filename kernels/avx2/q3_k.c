#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q3_k *t = packed;
    return avx2_field(avx2_six(t->sub[s].sixes, half, g % 4), g < 4 ? 0 : 3, 3);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q3_k *t = packed;
    return (struct avx2_scales){
        .d = avx2_f16(t->d + 8 * half),
        .sc = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)t->sub[s].sc[8 * half])),
    };
}

void TIER(linear_Q3_K)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {FAMILY_OF_Q3_K, 2, 4, 8, sizeof(struct tile_q3_k), vector, scales};
    avx2_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
