#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q4_0 *t = packed;
    (void)s;
    avx512_nibbles(t->nibbles, out->w);
    avx512_codebook(iq4_codebook, 128, out->w);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(IQ4_NL, tile_q4_0, .blocks = 1, .log2_z = 7)
