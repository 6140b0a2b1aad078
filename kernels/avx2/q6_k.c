#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q6_k *t = packed;
    return avx2_field(avx2_six(t->sub[s].sixes[g / 4], half, g % 4), 0, 6);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q6_k *t = packed;
    return (struct avx2_scales){
        .d = avx2_f16(t->d + 8 * half),
        .sc = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)t->sub[s].sc[8 * half])),
    };
}

AVX2_LINEAR(Q6_K, tile_q6_k, .log2_z = 5, .run = 2, .blocks = 8)
