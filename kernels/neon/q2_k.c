#include "../tiles.h"
#include "linear.h"
#include "neon.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q2_k *t = (const struct tile_q2_k *)tile + b / 8;
    size_t s = b % 8;
    neon_crumbs(t->sub[s].crumbs, half, out->w);
    /* low nibbles: scales; high nibbles: minima */
    uint8x8_t lo = vld1_u8(t->sub[s].lo + 8 * half), hi = vld1_u8(t->sub[s].hi + 8 * half), low = vdup_n_u8(15);
    neon_halves_u8(t->d + 8 * half, vand_u8(lo, low), out->dw);
    neon_halves_u8(t->d + 8 * half, vand_u8(hi, low), out->dw_hi);
    neon_halves_u8(t->dmin + 8 * half, vshr_n_u8(lo, 4), out->dm);
    neon_halves_u8(t->dmin + 8 * half, vshr_n_u8(hi, 4), out->dm_hi);
}

NEON_LINEAR(Q2_K)
