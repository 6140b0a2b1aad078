/* Activations to int8, and the two measures. */
#include <string.h>

#include "v16.h"

#include "../avx2/quantize.h"

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
        for (int i = 0; i < CHAINS; i++) {
            KEEP(w); /* as if it had changed: the chains are not one */
            sum[i] = _mm512_dpbusd_epi32(sum[i], w, q);
        }
    }
    __m512i all = sum[0];
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        all = _mm512_add_epi32(all, sum[i]);
    volatile __m512i sink = all;
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
    uint64_t lanes[8], total = 0; /* not _mm512_reduce_add_epi64: its sums have signs, and overflow */
    memcpy(lanes, &all, sizeof lanes);
    for (int i = 0; i < 8; i++)
        total += lanes[i];
    return total;
}
