#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q4_1 *t = packed;
    (void)s;
    return avx2_nibble(t->nibbles, half, g);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q4_1 *t = packed;
    (void)s;
    return (struct avx2_scales){.d = avx2_f16(t->d + 8 * half), .m = avx2_f16(t->min + 8 * half)};
}

void TIER(linear_Q4_1)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {FAMILY_OF_Q4_1, -1, 8, 1, sizeof(struct tile_q4_1), vector, scales};
    avx2_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
