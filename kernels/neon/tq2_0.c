#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_tq2_0 *t = (const struct tile_tq2_0 *)tile + b / 8;
    size_t s = b % 8;
    neon_crumbs(t->crumbs[s], half, out->w);
    neon_take_away(1, out->w);
    neon_halves(t->d + 8 * half, out->dw);
}

NEON_LINEAR(TQ2_0)

TIER_LINEAR_TILES(TQ1_0)
{
    TIER(linear_TQ2_0)(tiles, count, k, x, x_stride, cols, y, y_stride);
}
