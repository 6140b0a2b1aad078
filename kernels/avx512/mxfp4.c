#include "../codebooks.h"
#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    avx512_nibbles(t->nibbles, out->w);
    avx512_codebook(mxfp4_codebook, 16, out->w);
    __m512i d = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)t->d));
    out->dw = _mm512_castsi512_ps(_mm512_slli_epi32(d, 16)); /* BF16 */
}

void linear_MXFP4_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_MXFP4, .log2_z = 4, .large_scale = true, .bytes = sizeof(struct tile_q4_0)};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
