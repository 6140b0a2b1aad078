/* attend_q8_0.h - attention over pages of Q8_0 on AVX2. A page meets few columns, so it is the columns that are made fit for vpmaddubsw or vpdpbusd:
 * queries are taken apart (apart.h), and the weights of values are not negative. */
#ifndef SLM_AVX2_ATTEND_Q8_0_H
#define SLM_AVX2_ATTEND_Q8_0_H

#include "apart.h"
#include "linear.h"
#include "weigh.h"

/* sum + the products of 4 values (bytes) of 8 rows. */
ALWAYS_INLINE __m256i attend_step(__m256i sum, __m256i x, __m256i rows)
{
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(sum, x, rows);
#else
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, rows), _mm256_set1_epi16(1)));
    KEEP(sum);
    return sum;
#endif
}

ALWAYS_INLINE __m256i attend_rows(const struct tile_q8_0 *tile, int g, int half)
{
    return _mm256_load_si256((const __m256i *)(const void *)(tile->values[g] + 32 * half));
}

/* ---- keys */

/* Adds the products of 32 dimensions of 16 positions and n queries to s, which starts at 0. */
ALWAYS_INLINE void attend_keys(const struct tile_q8_0 *tile, const struct avx2_apart *q, int n, bool first, float *s)
{
    __m256i sum[4][2];
    LAUNDER(q);
    UNROLL
    for (int c = 0; c < n; c++)
        sum[c][0] = sum[c][1] = avx2_broadcast(&q[c].rest);
    UNROLL
    for (int g = 0; g < 8; g++) {
        const __m256i rows0 = attend_rows(tile, g, 0), rows1 = attend_rows(tile, g, 1);
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m256i magnitude = avx2_broadcast(q[c].magnitude + 4 * g), sign = avx2_broadcast(q[c].sign + 4 * g);
            sum[c][0] = attend_step(sum[c][0], magnitude, _mm256_xor_si256(rows0, sign));
            sum[c][1] = attend_step(sum[c][1], magnitude, _mm256_xor_si256(rows1, sign));
        }
    }
    const v16 scale = v_load_f16(tile->d);
    UNROLL
    for (int half = 0; half < 2; half++) {
        const __m256 dw = half ? scale.hi : scale.lo;
        UNROLL
        for (int c = 0; c < n; c++) {
            float *to = s + c * KV_PAGE + 8 * half;
            const __m256 before = first ? _mm256_setzero_ps() : _mm256_loadu_ps(to);
            const __m256 t = _mm256_mul_ps(dw, _mm256_cvtepi32_ps(sum[c][half]));
            _mm256_storeu_ps(to, _mm256_fmadd_ps(_mm256_set1_ps(q[c].d), t, before));
        }
    }
}

/* n queries: one block of dimensions after the other, so that each is taken apart once. */
ALWAYS_INLINE void attend_queries(const struct act_block *x, size_t stride, int n, size_t blocks, const struct tile_q8_0 *page,
                                  const void *next, int from, int to, float *s)
{
    for (size_t b = 0; b < blocks; b++) {
        struct avx2_apart q[4];
        UNROLL
        for (int c = 0; c < n; c++)
            avx2_take_apart(&x[b * stride + (size_t)c], &q[c]);
        for (int t = from; t < to; t++) {
            const size_t at = (size_t)t * blocks + b;
            attend_fetch(next, at * sizeof *page, sizeof *page);
            attend_keys(page + at, q, n, b == 0, s + 16 * t);
        }
    }
}

void TIER(scores_Q8_0)(const void *q, int cols, size_t head_dim, const void *page, const void *next, int from, int to, float *s)
{
    const size_t blocks = (head_dim + ACT_BLOCK - 1) / ACT_BLOCK;
    const struct act_block *x = q;
    for (int c = 0; c < cols; c += 4, next = NULL) {
#define QUERIES(n) attend_queries(x + c, (size_t)cols, n, blocks, page, next, from, to, s + c * KV_PAGE)
        switch (cols - c) {
        case 1: QUERIES(1); break;
        case 2: QUERIES(2); break;
        case 3: QUERIES(3); break;
        default: QUERIES(4);
        }
#undef QUERIES
    }
}

/* ---- values */

enum { SUMS_COLS = 2 }; /* as many as the registers hold */

/* o = o * scale + the weighted sums of 16 dimensions, n columns. The tiles' own scales are 1. */
ALWAYS_INLINE void attend_sums(const struct tile_q8_0 tile[HALVES], const struct attend_weights *x, int n, const float *scale, float *o,
                               size_t lanes)
{
    __m256i sum[2][HALVES][2];
    LAUNDER(x);
    UNROLL
    for (int g = 0; g < 8; g++) {
        UNROLL
        for (int h = 0; h < HALVES; h++) {
            const __m256i rows0 = attend_rows(tile + h, g, 0), rows1 = attend_rows(tile + h, g, 1);
            UNROLL
            for (int c = 0; c < n; c++) {
                const __m256i q = avx2_broadcast(x[c].q[h] + 4 * g), zero = _mm256_setzero_si256();
                sum[c][h][0] = attend_step(g ? sum[c][h][0] : zero, q, rows0);
                sum[c][h][1] = attend_step(g ? sum[c][h][1] : zero, q, rows1);
            }
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            float *to = o + (size_t)c * lanes + 8 * half;
            __m256 y = _mm256_setzero_ps();
            UNROLL
            for (int h = 0; h < HALVES; h++)
                y = _mm256_fmadd_ps(_mm256_set1_ps(x[c].d[h]), _mm256_cvtepi32_ps(sum[c][h][half]), y);
            _mm256_storeu_ps(to, _mm256_fmadd_ps(_mm256_loadu_ps(to), _mm256_set1_ps(scale[c]), y));
        }
    }
}

#include "values_q8_0.h"

#endif
