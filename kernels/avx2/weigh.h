/* weigh.h - the weights of values in int8, for tiers whose products take one operand without signs: weights have none. */
#ifndef SLM_AVX2_WEIGH_H
#define SLM_AVX2_WEIGH_H

#include <immintrin.h>

#include "../kernels.h"
#include "bytes.h"

enum { HALVES = KV_PAGE / ACT_BLOCK }; /* of a page: blocks of 32 weights */

/* The weights of a page for 32 dimensions, in int8: soft-max's times the values' scales. */
struct attend_weights {
    _Alignas(32) int8_t q[HALVES][ACT_BLOCK];
    float d[HALVES];
};

/* The larger of lanes i and i + 1 of a, then of b, in each 128 bits. */
ALWAYS_INLINE __m256 attend_fold(__m256 a, __m256 b)
{
    return _mm256_max_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}

/* As quantize does, but 8 blocks at a time: those of up to 4 columns. */
ALWAYS_INLINE void attend_weigh(const float *p, int cols, const uint16_t *d, struct attend_weights *to)
{
    __m256 scales[KV_PAGE / 8], top[4][HALVES];
    float inverse[8], steps[8];
    UNROLL
    for (int i = 0; i < KV_PAGE / 8; i++)
        scales[i] = _mm256_cvtph_ps(_mm_loadu_si128((const void *)(d + 8 * i)));
    UNROLL
    for (int c = 0; c < 4; c++) {
        const float *own = p + (c < cols ? c : 0) * KV_PAGE;
        UNROLL
        for (int i = 0; i < KV_PAGE / 8; i++) {
            __m256 w = _mm256_mul_ps(_mm256_loadu_ps(own + 8 * i), scales[i]);
            top[c][i / 4] = i % 4 ? _mm256_max_ps(top[c][i / 4], w) : w;
        }
    }
    /* 8 maxima of 8 lanes: column c, half h stands at lane 2 (c % 2) + h of 128 bits, then at lane c / 2 * 4 + .. */
    const __m256 low = attend_fold(attend_fold(top[0][0], top[0][1]), attend_fold(top[1][0], top[1][1]));
    const __m256 high = attend_fold(attend_fold(top[2][0], top[2][1]), attend_fold(top[3][0], top[3][1]));
    const __m256 largest = _mm256_max_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31));
    const __m256 some = _mm256_cmp_ps(largest, _mm256_set1_ps(1e-30f), _CMP_GE_OQ), most = _mm256_set1_ps(127);
    _mm256_storeu_ps(inverse, _mm256_and_ps(some, _mm256_mul_ps(most, _mm256_div_ps(_mm256_set1_ps(1), largest))));
    _mm256_storeu_ps(steps, _mm256_and_ps(some, _mm256_div_ps(largest, most)));
    for (int c = 0; c < cols && c < 4; c++, p += KV_PAGE, to++) {
        UNROLL
        for (int h = 0; h < HALVES; h++) {
            const __m256 id = _mm256_broadcast_ss(&inverse[2 * c + h]);
            __m256i n[4];
            UNROLL
            for (int i = 0; i < 4; i++)
                n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(p + 32 * h + 8 * i), scales[4 * h + i]), id));
            _mm256_store_si256((__m256i *)(void *)to->q[h], avx2_bytes(n));
            to->d[h] = steps[2 * c + h];
        }
    }
}

#endif
