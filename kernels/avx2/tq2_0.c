#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_tq2_0 *t = packed;
    return avx2_crumb(t->crumbs[s], half, g);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_tq2_0 *t = packed;
    (void)s;
    return (struct avx2_scales){.d = avx2_f16(t->d + 8 * half)};
}

AVX2_LINEAR(TQ2_0, tile_tq2_0, .log2_z = 0, .run = 8, .blocks = 8)

TIER_LINEAR_TILES(TQ1_0)
{
    TIER(linear_TQ2_0)(tiles, count, k, x, x_stride, cols, y, y_stride);
}
