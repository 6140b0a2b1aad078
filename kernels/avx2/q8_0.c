#include "../tiles.h"
#include "avx2.h"
#include "signed.h"

ALWAYS_INLINE __m256i load(const void *tile, size_t b, int half, int g)
{
    const struct tile_q8_0 *t = (const struct tile_q8_0 *)tile + b;
    return _mm256_loadu_si256((const void *)(t->values[g] + 32 * half));
}

ALWAYS_INLINE __m256 scale(const void *tile, size_t b, int half)
{
    return avx2_halves(((const struct tile_q8_0 *)tile + b)->d + 8 * half);
}

void TIER(linear_Q8_0)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct signed_type type = {load, scale, sizeof(struct tile_q8_0)};
    signed_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
