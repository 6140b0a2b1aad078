/* apart.h - activations taken apart into magnitudes and signs, for weights of all 8 bits: of the operands of vpmaddubsw, and of vpdpbusd, the
 * first has no sign. With the weight inverted where q is negative,
 *
 *   w q = |q| (w ^ sign) + (q < 0 ? |q| : 0),   sign = q < 0 ? -1 : 0
 *
 * the sum of the second terms is one number for all rows, and |products| <= 127 * 128, so that two of them fit into 16 bits. */
#ifndef SLM_AVX2_APART_H
#define SLM_AVX2_APART_H

#include "../kernels.h"
#include "unpack.h"

/* 32 activations of one column. */
struct avx2_apart {
    _Alignas(32) int8_t magnitude[ACT_BLOCK];
    int8_t sign[ACT_BLOCK];
    int32_t rest;           /* the sum of the second terms */
    float d;
};

ALWAYS_INLINE void avx2_take_apart(const struct act_block *x, struct avx2_apart *to)
{
    const __m256i q = avx2_load(x->q), zero = _mm256_setzero_si256();
    const __m256i magnitude = _mm256_abs_epi8(q), sign = _mm256_cmpgt_epi8(zero, q);
    const __m256i rest = _mm256_sad_epu8(_mm256_and_si256(magnitude, sign), zero);
    const __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(rest), _mm256_extracti128_si256(rest, 1));
    _mm256_store_si256((__m256i *)(void *)to->magnitude, magnitude);
    _mm256_store_si256((__m256i *)(void *)to->sign, sign);
    to->rest = _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2);
    to->d = x->d;
}

#endif
