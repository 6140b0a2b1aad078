#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q5_0 *t = packed;
    (void)s;
    avx512_fives(t->fives, out->w);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q5_0, tile_q5_0, .blocks = 1, .log2_z = 4)
