#include "../codebooks.h"
#include "../tiles.h"
#include "avx2.h"
#include "signed.h"

ALWAYS_INLINE __m256i load(const void *tile, size_t b, int half, int g)
{
    return signed_codebook(((const struct tile_q4_0 *)tile + b)->nibbles, half, g, iq4_codebook);
}

ALWAYS_INLINE __m256 scale(const void *tile, size_t b, int half)
{
    return avx2_halves(((const struct tile_q4_0 *)tile + b)->d + 8 * half);
}

void TIER(linear_IQ4_NL)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct signed_type type = {load, scale, sizeof(struct tile_q4_0)};
    signed_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
