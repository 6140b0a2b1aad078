#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q4_k *t = packed;
    avx512_nibbles(t->sub[s].nibbles, out->w);
    out->dw = _mm512_mul_ps(avx512_halves(t->d), avx512_u8(t->sub[s].sc));
    out->dm = _mm512_mul_ps(avx512_halves(t->dmin), avx512_u8(t->sub[s].m));
}

AVX512_LINEAR(Q4_K, tile_q4_k, .blocks = 8, .log2_z = -1)
