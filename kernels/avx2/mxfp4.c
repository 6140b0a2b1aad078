#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q4_0 *t = packed;
    (void)s;
    return avx2_code(mxfp4_codebook, 16, avx2_nibble(t->nibbles, half, g));
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q4_0 *t = packed;
    (void)s;
    const __m256i d = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(t->d + 8 * half)));
    return (struct avx2_scales){.d = _mm256_castsi256_ps(_mm256_slli_epi32(d, 16))}; /* BF16 */
}

AVX2_LINEAR(MXFP4, tile_q4_0, .log2_z = 4, .run = 4, .blocks = 1)
