#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q6_k *t = packed;
    avx512_sixes(t->sub[s].sixes[0], out->w);
    avx512_sixes(t->sub[s].sixes[1], out->w + 4);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm512_and_si512(out->w[g], _mm512_set1_epi8(63));
    avx512_two_scales(_mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc)), out->sc);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q6_K, tile_q6_k, .blocks = 8, .log2_z = 5)
