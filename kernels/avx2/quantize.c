/* Activations to int8, and the two measures. */
#include <immintrin.h>

#include "v16.h"

#include "quantize.h"

/* The general dot product of int8, 32 multiplies and adds: vpdpbusd, or vpmaddubsw, vpmaddwd, vpaddd. Weights of few bits may beat those:
 * their products can be added up in 16 bits, which saves most of the vpmaddwd. */
ALWAYS_INLINE __m256i dot(__m256i sum, __m256i w, __m256i q)
{
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(sum, w, q);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(w, q), _mm256_set1_epi16(1)));
#endif
}

uint64_t TIER(peak)(uint64_t rounds)
{
    enum { CHAINS = 10 };
    __m256i sum[CHAINS], w = _mm256_set1_epi8(3), q = _mm256_set1_epi8(-5);
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm256_setzero_si256();
    for (uint64_t n = 0; n < rounds; n++) {
        UNROLL
        for (int i = 0; i < CHAINS; i++) {
            __asm__("" : "+x"(w)); /* as if it had changed */
            sum[i] = dot(sum[i], w, q);
        }
    }
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "x"(sum[i])); /* as if it were used */
    return rounds * CHAINS * 32 * 2;
}

uint64_t TIER(read)(const void *data, size_t n)
{
    const __m256i *p = data;
    __m256i sum[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        sum[i] = _mm256_setzero_si256();
    for (size_t i = 0; i < n / 32; i += 8) {
        UNROLL
        for (int j = 0; j < 8; j++)
            sum[j % 4] = _mm256_add_epi64(sum[j % 4], _mm256_loadu_si256(p + i + (size_t)j));
    }
    uint64_t lanes[4];
    __m256i all = _mm256_add_epi64(_mm256_add_epi64(sum[0], sum[1]), _mm256_add_epi64(sum[2], sum[3]));
    _mm256_storeu_si256((__m256i *)(void *)lanes, all);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}
