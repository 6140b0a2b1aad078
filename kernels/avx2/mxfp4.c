#include "../codebooks.h"
#include "../tiles.h"
#include "avx2.h"
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

void TIER(linear_MXFP4)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {FAMILY_OF_MXFP4, 4, 4, 1, sizeof(struct tile_q4_0), vector, scales};
    avx2_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
