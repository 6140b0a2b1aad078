#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q4_1 *t = packed;
    (void)s;
    avx512_nibbles(t->nibbles, out->w);
    out->dw = avx512_halves(t->d);
    out->dm = avx512_halves(t->min);
}

AVX512_LINEAR(Q4_1, tile_q4_1, .blocks = 1, .log2_z = -1)
