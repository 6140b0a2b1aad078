/* attend_q8_0.h - weighted sums of pages of Q8_0 on AVX-512: weights, which are not negative, are vpdpbusd's operand without signs. */
#ifndef SLM_AVX512_ATTEND_Q8_0_H
#define SLM_AVX512_ATTEND_Q8_0_H

#include "../avx2/weigh.h"
#include "linear.h"

enum { SUMS_COLS = 4 };

/* o = o * scale + the weighted sums of 16 dimensions, n columns. The tiles' own scales are 1. */
ALWAYS_INLINE void attend_sums(const struct tile_q8_0 tile[HALVES], const struct attend_weights *x, int n, const float *scale, float *o,
                               size_t lanes)
{
    __m512i sum[SUMS_COLS][HALVES];
    UNROLL
    for (int g = 0; g < 8; g++) {
        UNROLL
        for (int h = 0; h < HALVES; h++) {
            const __m512i rows = _mm512_loadu_si512(tile[h].values[g]);
            UNROLL
            for (int c = 0; c < n; c++)
                sum[c][h] = _mm512_dpbusd_epi32(g ? sum[c][h] : _mm512_setzero_si512(), avx512_broadcast(x[c].q[h] + 4 * g), rows);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        float *to = o + (size_t)c * lanes;
        __m512 y = _mm512_setzero_ps();
        UNROLL
        for (int h = 0; h < HALVES; h++)
            y = _mm512_fmadd_ps(_mm512_set1_ps(x[c].d[h]), _mm512_cvtepi32_ps(sum[c][h]), y);
        _mm512_storeu_ps(to, _mm512_fmadd_ps(_mm512_loadu_ps(to), _mm512_set1_ps(scale[c]), y));
    }
}

#include "../avx2/values_q8_0.h"

#endif
