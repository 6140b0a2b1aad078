#include "../tiles.h"
#include "linear.h"
#include "neon.h"

/* low, with bits 5..4 taken from upper. */
ALWAYS_INLINE int8x16_t join(int8x16_t low, uint8x16_t upper)
{
    return vbslq_s8(vdupq_n_u8(0x30), vreinterpretq_s8_u8(upper), low);
}

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    size_t s = b % 8;
    neon_nibbles(t->sub[s].nibbles, half, out->w);
    /* Bits 2j+1..2j of a byte are the upper bits of vector j (k 0..15) or 4 + j (k 16..31): bring them to bits 5..4. */
    UNROLL
    for (int i = 0; i < 4; i++) {
        int h = i / 2, quad = i % 2;
        uint8x16_t x = vld1q_u8(t->sub[s].crumbs[h] + 32 * half + 16 * quad);
        int8x16_t(*w)[2] = out->w + 4 * h;
        w[0][quad] = join(w[0][quad], vshlq_n_u8(x, 4));
        w[1][quad] = join(w[1][quad], vshlq_n_u8(x, 2));
        w[2][quad] = join(w[2][quad], x);
        w[3][quad] = join(w[3][quad], vshrq_n_u8(x, 2));
    }
    neon_take_away(32, out->w);
    neon_halves_s8(t->d + 8 * half, vld1_s8(t->sub[s].sc_lo + 8 * half), out->dw);
    neon_halves_s8(t->d + 8 * half, vld1_s8(t->sub[s].sc_hi + 8 * half), out->dw_hi);
}

NEON_LINEAR(Q6_K)
