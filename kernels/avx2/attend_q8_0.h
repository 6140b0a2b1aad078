/* attend_q8_0.h - attention over pages of Q8_0 on AVX2. linear takes apart the signs of weights, which meet many columns there; a page meets few columns,
 * so here it is the columns that are made fit for vpmaddubsw or vpdpbusd, whose first operand is unsigned:
 *
 *   keys     k q = |q| (k ^ sign) + (q < 0 ? |q| : 0),   sign = q < 0 ? -1 : 0;   the sum of the second terms is one number for all positions
 *   values   their weights are not negative
 *
 * Either way |products| <= 127 * 128, and two of them fit into 16 bits. */
#ifndef SLM_AVX2_ATTEND_Q8_0_H
#define SLM_AVX2_ATTEND_Q8_0_H

#include "linear.h"

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

/* 32 dimensions of a query, taken apart. */
struct attend_query {
    _Alignas(32) int8_t magnitude[ACT_BLOCK];
    int8_t sign[ACT_BLOCK];
    int32_t rest;
    float d;
};

ALWAYS_INLINE void attend_split(const struct act_block *x, struct attend_query *to)
{
    const __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)x->q), zero = _mm256_setzero_si256();
    const __m256i magnitude = _mm256_abs_epi8(q), sign = _mm256_cmpgt_epi8(zero, q);
    __m256i rest = _mm256_sad_epu8(_mm256_and_si256(magnitude, sign), zero);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(rest), _mm256_extracti128_si256(rest, 1));
    _mm256_store_si256((__m256i *)(void *)to->magnitude, magnitude);
    _mm256_store_si256((__m256i *)(void *)to->sign, sign);
    to->rest = _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2);
    to->d = x->d;
}

/* Adds the products of 32 dimensions of 16 positions and n queries to s, which starts at 0. */
ALWAYS_INLINE void attend_keys(const struct tile_q8_0 *tile, const struct attend_query *q, int n, bool first, float *s)
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
        struct attend_query q[4];
        UNROLL
        for (int c = 0; c < n; c++)
            attend_split(&x[b * stride + (size_t)c], &q[c]);
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
    attend_fetch_scales(next, head_dim);
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

enum { HALVES = KV_PAGE / ACT_BLOCK }; /* of a page: blocks of 32 weights */

/* The weights of a page for 32 dimensions, in int8. */
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
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256 scales[KV_PAGE / 8], top[4][HALVES];
    float inverse[8], steps[8];
    UNROLL
    for (int i = 0; i < KV_PAGE / 8; i += 2) {
        const v16 two = v_load_f16(d + 8 * i);
        scales[i] = two.lo;
        scales[i + 1] = two.hi;
    }
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
    _mm256_storeu_ps(inverse, _mm256_and_ps(some, _mm256_div_ps(most, largest)));
    _mm256_storeu_ps(steps, _mm256_and_ps(some, _mm256_div_ps(largest, most)));
    for (int c = 0; c < cols && c < 4; c++, p += KV_PAGE, to++) {
        UNROLL
        for (int h = 0; h < HALVES; h++) {
            const __m256 id = _mm256_broadcast_ss(&inverse[2 * c + h]);
            __m256i n[4];
            UNROLL
            for (int i = 0; i < 4; i++)
                n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(p + 32 * h + 8 * i), scales[4 * h + i]), id));
            __m256i q = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
            _mm256_store_si256((__m256i *)(void *)to->q[h], _mm256_permutevar8x32_epi32(q, order));
            to->d[h] = steps[2 * c + h];
        }
    }
}

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

void TIER(values_Q8_0)(const float *p, int cols, size_t head_dim, const void *page, const void *next, const float *scale, float *o)
{
    const size_t tiles = (head_dim + 15) / 16, lanes = tiles * 16;
    const struct tile_q8_0 *tile = page;
    const uint16_t *d = (const uint16_t *)(tile + HALVES * tiles);
    struct attend_weights x[ATTEND_COLS];
    for (size_t t = 0; t < tiles; t++, tile += HALVES, o += 16) {
        if (t % 2 == 0) { /* these 32 dimensions share their scales */
            for (int c = 0; c < cols; c += 4)
                attend_weigh(p + c * KV_PAGE, cols - c, d, x + c);
            d += KV_PAGE;
        }
        attend_fetch(next, t * HALVES * sizeof *tile, HALVES * sizeof *tile);
        int c = 0;
        for (; c + 2 <= cols; c += 2)
            attend_sums(tile, x + c, 2, scale + c, o + (size_t)c * lanes, lanes);
        if (c < cols)
            attend_sums(tile, x + c, 1, scale + c, o + (size_t)c * lanes, lanes);
    }
}

#endif
