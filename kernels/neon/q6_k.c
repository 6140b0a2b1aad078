#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    neon_sixes(t->sub[b % 8].sixes[0], half, out->w);
    neon_sixes(t->sub[b % 8].sixes[1], half, out->w + 4);
    neon_take_away(32, out->w);
    neon_halves(t->d + 8 * half, out->dw);
    const int8x8x2_t sc = vld2_s8(t->sub[b % 8].sc[8 * half]);
    neon_s8(sc.val[0], out->sc[0]);
    neon_s8(sc.val[1], out->sc[1]);
}

NEON_LINEAR(Q6_K)
