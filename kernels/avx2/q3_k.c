#include "../tiles.h"
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

AVX2_LINEAR(Q3_K, tile_q3_k, .log2_z = 2, .run = 4, .blocks = 8)
