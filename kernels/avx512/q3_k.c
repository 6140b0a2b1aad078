#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q3_k *t = packed;
    const __m512i low = _mm512_set1_epi8(7);
    __m512i x[4];
    avx512_sixes(t->sub[s].sixes, x);
    UNROLL
    for (int j = 0; j < 4; j++) {
        out->w[j] = _mm512_and_si512(x[j], low);
        out->w[4 + j] = _mm512_and_si512(_mm512_srli_epi16(x[j], 3), low);
    }
    avx512_two_scales(_mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc)), out->sc);
    out->dw = avx512_halves(t->d);
}

/* (w - 4) sc is -124 .. 128, so that 128 - (w - 4) sc fits. w |sc|, up to 7 * 32, is multiplied in 16 bits for two values at a time; then
 * -w sc = (w |sc| ^ m) - m, m = sc > 0 ? -1 : 0. */
ALWAYS_INLINE void fold(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q3_k *t = packed;
    const __m512i pairs = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc));
    const __m512i m = _mm512_srai_epi16(_mm512_sub_epi16(_mm512_setzero_si512(), pairs), 15);
    const __m512i rest = _mm512_sub_epi16(_mm512_add_epi16(_mm512_slli_epi16(pairs, 2), _mm512_set1_epi16(128)), m);
    __m512i magnitude[2], sign[2], add[2];
    avx512_twice(_mm512_abs_epi16(pairs), magnitude);
    avx512_twice(m, sign);
    avx512_twice(_mm512_or_si512(rest, _mm512_slli_epi16(rest, 8)), add);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm512_add_epi8(_mm512_xor_si512(_mm512_mullo_epi16(out->w[g], magnitude[g / 4]), sign[g / 4]), add[g / 4]);
    out->dw = _mm512_mul_ps(out->dw, _mm512_set1_ps(-1)); /* of the products with their sign turned */
}

AVX512_LINEAR(Q3_K, tile_q3_k, .blocks = 8, .log2_z = 2, .fold = fold, .folded_log2_z = 7)
