#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q2_k *t = (const struct tile_q2_k *)tile + b / 8;
    neon_crumbs(t->sub[b % 8].crumbs, half, out->w);
    neon_halves(t->d + 8 * half, out->dw);
    neon_halves(t->dmin + 8 * half, out->dm);
    const uint8x8x2_t both = vld2_u8(t->sub[b % 8].sc_m[8 * half]);
    UNROLL
    for (int i = 0; i < 2; i++) {
        neon_u8(vand_u8(both.val[i], vdup_n_u8(15)), out->sc[i]);
        neon_u8(vshr_n_u8(both.val[i], 4), out->m[i]);
    }
}

NEON_LINEAR(Q2_K)
