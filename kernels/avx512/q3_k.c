#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q3_k *t = (const struct tile_q3_k *)tile + b / 8;
    const __m512i low = _mm512_set1_epi8(7);
    __m512i x[4];
    avx512_sixes(t->sub[b % 8].sixes, x);
    UNROLL
    for (int j = 0; j < 4; j++) {
        out->w[j] = _mm512_and_si512(x[j], low);
        out->w[4 + j] = _mm512_and_si512(_mm512_srli_epi16(x[j], 3), low);
    }
    avx512_two_scales(_mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)t->sub[b % 8].sc)), out->sc);
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q3_K, .log2_z = 2, .bytes = sizeof(struct tile_q3_k) / 8)
