#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q5_1 *t = (const struct tile_q5_1 *)tile + b;
    neon_fives(t->fives, half, out->w);
    neon_halves(t->d + 8 * half, out->dw);
    neon_halves(t->min + 8 * half, out->dm);
}

NEON_LINEAR(Q5_1)
