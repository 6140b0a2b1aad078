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

/* The multiples 0, 1, 2, 3 of a row's scale are a table of four bytes, where the row's values stand in a vector: a value selects one of them by
 * the place of its row among the four of 128 bits, plus itself. */
ALWAYS_INLINE void fold(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q2_k *t = packed;
    const __m512i row = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c)), low = _mm512_set1_epi8(3);
    const __m512i sc = _mm512_and_si512(_mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)t->sub[s].sc_m)), _mm512_set1_epi16(15));
    const __m512i times = _mm512_set1_epi32(0x03020100);
    const __m512i lo = _mm512_mullo_epi32(_mm512_and_si512(sc, _mm512_set1_epi32(15)), times);
    const __m512i hi = _mm512_mullo_epi32(_mm512_srli_epi32(sc, 16), times);
    UNROLL
    for (int h = 0; h < 2; h++) {
        const __m512i x = _mm512_loadu_si512(t->sub[s].crumbs[h]);
#define PICK(table, shift) _mm512_shuffle_epi8(table, _mm512_ternarylogic_epi32(_mm512_srli_epi16(x, shift), low, row, 0xea))
        out->w[2 * h] = PICK(lo, 0);
        out->w[4 + 2 * h] = PICK(hi, 2);
        out->w[2 * h + 1] = PICK(lo, 4);
        out->w[5 + 2 * h] = PICK(hi, 6);
#undef PICK
    }
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q2_K, tile_q2_k, .blocks = 8, .log2_z = -1, .fold = fold, .folded_log2_z = -1)
