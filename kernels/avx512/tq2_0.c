#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_tq2_0 *t = (const struct tile_tq2_0 *)tile + b / 8;
    avx512_crumbs(t->crumbs[b % 8], out->w);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(TQ2_0, .log2_z = 0, .bytes = sizeof(struct tile_tq2_0) / 8)

TIER_LINEAR_TILES(TQ1_0)
{
    TIER(linear_TQ2_0)(tiles, count, k, x, x_stride, cols, y, y_stride);
}
