#include "../tiles.h"
#include "linear.h"

/* The scales of a k block side by side for each row, that of k 0..15 times 4, as the values of k 16..31 are. */
ALWAYS_INLINE __m512i scales(__m512i sc_m)
{
    const __m512i sc = _mm512_and_si512(sc_m, _mm512_set1_epi16(15));
    return avx512_select(_mm512_set1_epi32(0xffff), _mm512_slli_epi16(sc, 2), sc);
}

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q2_k *t = packed;
    const __m512i both = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc_m));
    avx512_crumbs_x4(t->sub[s].crumbs, out->w);
    avx512_two_scales(scales(both), out->sc);
    out->m = _mm512_srli_epi16(both, 4);
    out->dw = _mm512_mul_ps(avx512_halves(t->d), _mm512_set1_ps(0.25f));
    out->dm = avx512_halves(t->dmin);
}

/* Up to 3 * 4 * 15, so that one multiplication of 16 bits is two of 8. */
ALWAYS_INLINE void fold(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q2_k *t = packed;
    __m512i sc[2];
    avx512_twice(scales(_mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc_m))), sc);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm512_mullo_epi16(out->w[g], sc[g / 4]);
}

AVX512_LINEAR(Q2_K, tile_q2_k, .blocks = 8, .log2_z = -1, .fold = fold, .folded_log2_z = -1)
