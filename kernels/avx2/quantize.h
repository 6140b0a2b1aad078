/* quantize.h - activations to int8, for AVX2 and AVX-512. */
#ifndef SLM_AVX2_QUANTIZE_H
#define SLM_AVX2_QUANTIZE_H

#include <immintrin.h>

#include "../kernels.h"
#include "bytes.h"

ALWAYS_INLINE __m128i max_lane(__m256i v)
{
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
}

/* Minus the sums of q[0..15] and of q[16..31]. */
ALWAYS_INLINE void negated_sums(__m256i q, struct act_block *to)
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), q);           /* 8 + 8 words */
    __m256i sums = _mm256_madd_epi16(pairs, _mm256_set1_epi16(-1));         /* 4 + 4 dwords */
    sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0x4e));
    sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0xb1));
    act_sums(to, _mm256_cvtsi256_si32(sums), _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1)));
}

/* The largest magnitude of a block. Magnitudes order like their bits, above all of them NaN. */
ALWAYS_INLINE float largest_of(const float *x)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i amax = _mm256_setzero_si256();
    UNROLL
    for (int i = 0; i < 4; i++)
        amax = _mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x + 8 * i)), magnitude), amax);
    return _mm_cvtss_f32(_mm_castsi128_ps(max_lane(amax)));
}

ALWAYS_INLINE void round_block(const float *x, float id, struct act_block *dst)
{
    __m256i n[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), _mm256_set1_ps(id))); /* to nearest even */
    const __m256i q = _mm256_max_epi8(avx2_bytes(n), _mm256_set1_epi8(-127));
    _mm256_storeu_si256((__m256i *)(void *)dst->q, q);
    negated_sums(q, dst);
}

#include "../lanes/quantize.h"

#endif
