#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q8_0 *t = (const struct tile_q8_0 *)tile + b;
    UNROLL
    for (int i = 0; i < 16; i++)
        out->w[i / 2][i % 2] = vld1q_s8(t->values[i / 2] + 32 * half + 16 * (i % 2));
    neon_halves(t->d + 8 * half, out->dw);
}

NEON_LINEAR(Q8_0)
