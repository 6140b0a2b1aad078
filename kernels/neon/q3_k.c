#include "../tiles.h"
#include "linear.h"
#include "neon.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q3_k *t = (const struct tile_q3_k *)tile + b / 8;
    size_t s = b % 8;
    neon_crumbs(t->sub[s].crumbs, half, out->w);
    neon_bits(t->sub[s].bits, half, 2, out->w);
    neon_take_away(4, out->w);
    neon_halves_s8(t->d + 8 * half, vld1_s8(t->sub[s].sc_lo + 8 * half), out->dw);
    neon_halves_s8(t->d + 8 * half, vld1_s8(t->sub[s].sc_hi + 8 * half), out->dw_hi);
}

NEON_LINEAR(Q3_K)
