#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    avx512_nibbles(t->nibbles, out->w);
    avx512_codebook(iq4_codebook, 128, out->w);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(IQ4_NL, .log2_z = 7, .bytes = sizeof(struct tile_q4_0))
