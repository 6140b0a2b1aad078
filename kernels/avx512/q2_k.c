#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q2_k *t = packed;
    const __m512i both = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc_m));
    avx512_crumbs(t->sub[s].crumbs, out->w);
    avx512_two_scales(_mm512_and_si512(both, _mm512_set1_epi16(15)), out->sc);
    out->m = _mm512_srli_epi16(both, 4);
    out->dw = avx512_halves(t->d);
    out->dm = avx512_halves(t->dmin);
}

/* Up to 3 * 15, so that one multiplication of 16 bits is two of 8. */
ALWAYS_INLINE void fold(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q2_k *t = packed;
    const __m512i both = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc_m));
    __m512i sc[2];
    avx512_twice(_mm512_and_si512(both, _mm512_set1_epi16(15)), sc);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm512_mullo_epi16(out->w[g], sc[g / 4]);
}

AVX512_LINEAR(Q2_K, tile_q2_k, .blocks = 8, .log2_z = -1, .fold = fold, .folded_log2_z = -1)
