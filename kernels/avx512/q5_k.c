#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q5_k *t = (const struct tile_q5_k *)tile + b / 8;
    avx512_fives(t->sub[b % 8].fives, out->w);
    out->dw = _mm512_mul_ps(avx512_halves(t->d), avx512_u8(t->sub[b % 8].sc));
    out->dm = _mm512_mul_ps(avx512_halves(t->dmin), avx512_u8(t->sub[b % 8].m));
}

AVX512_LINEAR(Q5_K, .log2_z = -1, .bytes = sizeof(struct tile_q5_k) / 8)
