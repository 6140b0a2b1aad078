#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q4_0 *t = packed;
    (void)s;
    avx512_nibbles(t->nibbles, out->w);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q4_0, tile_q4_0, .blocks = 1, .log2_z = 3)
