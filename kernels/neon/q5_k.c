#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q5_k *t = (const struct tile_q5_k *)tile + b / 8;
    size_t s = b % 8;
    neon_fives(t->sub[s].fives, half, out->w);
    neon_halves_u8(t->d + 8 * half, vld1_u8(t->sub[s].sc + 8 * half), out->dw);
    neon_halves_u8(t->dmin + 8 * half, vld1_u8(t->sub[s].m + 8 * half), out->dm);
}

NEON_LINEAR(Q5_K)
