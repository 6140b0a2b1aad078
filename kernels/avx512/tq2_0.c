#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_tq2_0 *t = packed;
    avx512_crumbs(t->crumbs[s], out->w);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(TQ2_0, tile_tq2_0, .blocks = 8, .log2_z = 0)

TIER_LINEAR_TILES(TQ1_0)
{
    TIER(linear_TQ2_0)(tiles, count, k, x, x_stride, cols, y, y_stride);
}
