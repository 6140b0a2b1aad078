#include "../codebooks.h"
#include "../tiles.h"
#include "avx2.h"
#include "signed.h"

ALWAYS_INLINE __m256i load(const void *tile, size_t b, int half, int g)
{
    const struct tile_iq4_xs *t = (const struct tile_iq4_xs *)tile + b / 8;
    return signed_codebook(t->nibbles[b % 8], half, g, iq4_codebook);
}

ALWAYS_INLINE __m256 scale(const void *tile, size_t b, int half)
{
    const struct tile_iq4_xs *t = (const struct tile_iq4_xs *)tile + b / 8;
    return _mm256_mul_ps(avx2_halves(t->d + 8 * half), avx2_i8(t->sc[b % 8] + 8 * half));
}

void TIER(linear_IQ4_XS)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct signed_type type = {load, scale, sizeof(struct tile_iq4_xs) / 8};
    signed_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
