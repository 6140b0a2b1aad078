#include "../codebooks.h"
#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct avx2_block *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    const __m256i book = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)mxfp4_codebook));
    const __m256i book_z = _mm256_add_epi8(book, _mm256_set1_epi8(16));
    avx2_nibbles(t->nibbles, half, out->w);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm256_shuffle_epi8(book_z, out->w[g]);
    __m256i d = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(t->d + 8 * half)));
    out->dw = _mm256_castsi256_ps(_mm256_slli_epi32(d, 16)); /* BF16 */
}

void TIER(linear_MXFP4)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {.family = FAMILY_OF_MXFP4, .log2_z = 4, .run = 4, .bytes = sizeof(struct tile_q4_0)};
    avx2_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
