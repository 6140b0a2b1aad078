/* Activations to int8, and the two measures. */
#include <immintrin.h>
#include <string.h>

#include "../half.h"
#include "../tier.h"

void TIER(quantize)(const float *x, size_t k, struct act_block *dst, size_t stride)
{
    const __m128i least = _mm_set1_epi8(-127);
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += ACT_BLOCK, dst += stride) {
        __m512 lo = _mm512_loadu_ps(x), hi = _mm512_loadu_ps(x + 16);
        /* magnitudes order like their bits, above all of them NaN */
        __m512i magnitudes = _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(lo)), _mm512_castps_si512(_mm512_abs_ps(hi)));
        float largest = float_from_bits((uint32_t)_mm512_reduce_max_epi32(magnitudes));
        bool tiny = largest < 1e-30f;
        __m512 id = _mm512_set1_ps(tiny ? 0 : 127.0f / largest);
        __m512i nlo = _mm512_cvtps_epi32(_mm512_mul_ps(lo, id)), nhi = _mm512_cvtps_epi32(_mm512_mul_ps(hi, id)); /* to even */
        __m128i qlo = _mm_max_epi8(_mm512_cvtsepi32_epi8(nlo), least), qhi = _mm_max_epi8(_mm512_cvtsepi32_epi8(nhi), least);
        _mm_storeu_si128((__m128i *)(void *)dst->q, qlo);
        _mm_storeu_si128((__m128i *)(void *)(dst->q + 16), qhi);
        dst->d = tiny ? 0 : largest / 127.0f;
        act_sums(dst, -_mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(qlo)), -_mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(qhi)));
    }
}

/* vpdpbusd: 64 multiplies and adds. */
uint64_t TIER(peak)(uint64_t rounds)
{
    enum { CHAINS = 12 };
    __m512i sum[CHAINS], w = _mm512_set1_epi8(3), q = _mm512_set1_epi8(-5);
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm512_setzero_si512();
    for (uint64_t n = 0; n < rounds; n++) {
        UNROLL
        for (int i = 0; i < CHAINS; i++)
            sum[i] = _mm512_dpbusd_epi32(sum[i], w, q);
    }
    __m512i all = sum[0];
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        all = _mm512_add_epi32(all, sum[i]);
    volatile int32_t sink = _mm512_reduce_add_epi32(all);
    (void)sink;
    return rounds * CHAINS * 64 * 2;
}

uint64_t TIER(read)(const void *data, size_t n)
{
    const uint8_t *p = data;
    __m512i sum[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        sum[i] = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 256) {
        UNROLL
        for (int j = 0; j < 4; j++)
            sum[j] = _mm512_add_epi64(sum[j], _mm512_loadu_si512(p + i + 64 * (size_t)j));
    }
    __m512i all = _mm512_add_epi64(_mm512_add_epi64(sum[0], sum[1]), _mm512_add_epi64(sum[2], sum[3]));
    return (uint64_t)_mm512_reduce_add_epi64(all);
}
