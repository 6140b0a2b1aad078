#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q5_1 *t = (const struct tile_q5_1 *)tile + b;
    avx512_fives(t->fives, out->w);
    out->dw = avx512_halves(t->d);
    out->dm = avx512_halves(t->min);
}

AVX512_LINEAR(Q5_1, .log2_z = -1, .bytes = sizeof(struct tile_q5_1))
