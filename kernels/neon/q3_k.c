#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q3_k *t = (const struct tile_q3_k *)tile + b / 8;
    const int8x16_t low = vdupq_n_s8(7);
    int8x16_t x[4][2];
    neon_sixes(t->sub[b % 8].sixes, half, x);
    UNROLL
    for (int i = 0; i < 8; i++) {
        int j = i / 2, quad = i % 2;
        out->w[j][quad] = vandq_s8(x[j][quad], low);
        out->w[4 + j][quad] = vshrq_n_s8(x[j][quad], 3);
    }
    neon_take_away(4, out->w);
    neon_halves(t->d + 8 * half, out->dw);
    const int8x8x2_t sc = vld2_s8(t->sub[b % 8].sc[8 * half]);
    neon_s8(sc.val[0], out->sc[0]);
    neon_s8(sc.val[1], out->sc[1]);
}

NEON_LINEAR(Q3_K)
