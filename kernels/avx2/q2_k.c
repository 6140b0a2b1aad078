#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q2_k *t = packed;
    return avx2_crumb_x4(t->sub[s].crumbs, half, g);
}

/* What vector leaves undone for k 16..31 is done here: all of the integer sum is times 4, and d by 4. */
ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q2_k *t = packed;
    const __m256i both = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)t->sub[s].sc_m[8 * half]));
    return (struct avx2_scales){
        .d = _mm256_mul_ps(avx2_f16(t->d + 8 * half), _mm256_set1_ps(0.25f)),
        .m = avx2_f16(t->dmin + 8 * half),
        .sc = _mm256_mullo_epi16(_mm256_and_si256(both, _mm256_set1_epi16(15)), _mm256_set1_epi32(0x00010004)),
        .mins = _mm256_srli_epi16(both, 4),
    };
}

AVX2_LINEAR(Q2_K, tile_q2_k, .log2_z = -1, .run = 4, .blocks = 8)
