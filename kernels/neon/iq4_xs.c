#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_iq4_xs *t = (const struct tile_iq4_xs *)tile + b / 8;
    size_t s = b % 8;
    neon_nibbles(t->nibbles[s], half, out->w);
    neon_codebook(iq4_codebook, out->w);
    neon_halves_s8(t->d + 8 * half, vld1_s8(t->sc[s] + 8 * half), out->dw);
}

NEON_LINEAR(IQ4_XS)
