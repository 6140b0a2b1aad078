#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_iq4_xs *t = packed;
    avx512_nibbles(t->nibbles[s], out->w);
    avx512_codebook(iq4_codebook, 128, out->w);
    out->dw = _mm512_mul_ps(avx512_halves(t->d), avx512_i8(t->sc[s]));
}

AVX512_LINEAR(IQ4_XS, tile_iq4_xs, .blocks = 8, .log2_z = 7)
