#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q5_0 *t = (const struct tile_q5_0 *)tile + b;
    avx512_fives(t->fives, out->w);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q5_0, .log2_z = 4, .bytes = sizeof(struct tile_q5_0))
