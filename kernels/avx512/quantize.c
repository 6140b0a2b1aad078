/* Activations to int8, and the two measures. */
#include <immintrin.h>
#include <string.h>

#include "v16.h"

#include "../half.h"
#include "../lanes/lanes.h"

/* The largest magnitude of a block. Magnitudes order like their bits, above all of them NaN. */
ALWAYS_INLINE float largest_of(const float *x)
{
    const __m512 lo = _mm512_abs_ps(_mm512_loadu_ps(x)), hi = _mm512_abs_ps(_mm512_loadu_ps(x + 16));
    return float_from_bits((uint32_t)_mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_castps_si512(lo), _mm512_castps_si512(hi))));
}

/* 16 values to int8, to nearest even, -127 at least. */
ALWAYS_INLINE __m128i round16(const float *x, float id)
{
    const __m512i n = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(id)));
    return _mm_max_epi8(_mm512_cvtsepi32_epi8(n), _mm_set1_epi8(-127));
}

ALWAYS_INLINE void round_block(const float *x, float id, struct act_block *dst)
{
    const __m128i lo = round16(x, id), hi = round16(x + 16, id);
    _mm_storeu_si128((__m128i *)(void *)dst->q, lo);
    _mm_storeu_si128((__m128i *)(void *)(dst->q + 16), hi);
    act_sums(dst, -_mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(lo)), -_mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(hi)));
}

#include "../lanes/quantize.h"

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
