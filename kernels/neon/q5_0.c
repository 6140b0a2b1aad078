#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q5_0 *t = (const struct tile_q5_0 *)tile + b;
    neon_fives(t->fives, half, out->w);
    neon_take_away(16, out->w);
    neon_halves(t->d + 8 * half, out->dw);
}

NEON_LINEAR(Q5_0)
