#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_iq4_xs *t = (const struct tile_iq4_xs *)tile + b / 8;
    avx512_nibbles(t->nibbles[b % 8], out->w);
    avx512_codebook(iq4_codebook, 128, out->w);
    out->dw = _mm512_mul_ps(avx512_halves(t->d), avx512_i8(t->sc[b % 8]));
}

AVX512_LINEAR(IQ4_XS, .log2_z = 7, .bytes = sizeof(struct tile_iq4_xs) / 8)
