/* v16.h - 16 float lanes in two registers. kernels/lanes/README.md says what each function means. */
#ifndef SLM_V16_H
#define SLM_V16_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* 6 x 1 accumulators of two registers, beside a weight and a broadcast, in 16 registers. */
enum { V16_COLS = 6, V16_TILES = 1 };

typedef struct {
    __m256 lo, hi;
} v16;

/* Rounding to nearest even. */
#define V16_EVEN (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

/* Applies a two-operand instruction to both halves. */
#define V16_BOTH(op, a, b) ((v16){op((a).lo, (b).lo), op((a).hi, (b).hi)})

static inline v16 v_set1(float x)
{
    return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

static inline v16 v_load(const float *p)
{
    return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

static inline void v_store(float *p, v16 a)
{
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}

/* All ones in the first n of lanes first .. first + 7. Masked-out lanes are not touched in memory. */
static inline __m256i v_mask(size_t n, int first)
{
    __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}

static inline v16 v_load_part(const float *p, size_t n)
{
    return (v16){_mm256_maskload_ps(p, v_mask(n, 0)), _mm256_maskload_ps(p + 8, v_mask(n, 8))};
}

static inline void v_store_part(float *p, v16 a, size_t n)
{
    _mm256_maskstore_ps(p, v_mask(n, 0), a.lo);
    _mm256_maskstore_ps(p + 8, v_mask(n, 8), a.hi);
}

static inline v16 v_load_f16(const uint16_t *p)
{
    const __m128i *h = (const __m128i *)p;
    return (v16){_mm256_cvtph_ps(_mm_loadu_si128(h)), _mm256_cvtph_ps(_mm_loadu_si128(h + 1))};
}

static inline void v_store_f16(uint16_t *p, v16 a)
{
    __m128i *h = (__m128i *)p;
    _mm_storeu_si128(h, _mm256_cvtps_ph(a.lo, V16_EVEN));
    _mm_storeu_si128(h + 1, _mm256_cvtps_ph(a.hi, V16_EVEN));
}

static inline __m256 v_half_bf16(const uint16_t *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline v16 v_load_bf16(const uint16_t *p)
{
    return (v16){v_half_bf16(p), v_half_bf16(p + 8)};
}

static inline v16 v_add(v16 a, v16 b)
{
    return V16_BOTH(_mm256_add_ps, a, b);
}

static inline v16 v_sub(v16 a, v16 b)
{
    return V16_BOTH(_mm256_sub_ps, a, b);
}

static inline v16 v_mul(v16 a, v16 b)
{
    return V16_BOTH(_mm256_mul_ps, a, b);
}

static inline v16 v_div(v16 a, v16 b)
{
    return V16_BOTH(_mm256_div_ps, a, b);
}

static inline v16 v_min(v16 a, v16 b)
{
    return V16_BOTH(_mm256_min_ps, a, b);
}

static inline v16 v_max(v16 a, v16 b)
{
    return V16_BOTH(_mm256_max_ps, a, b);
}

static inline v16 v_fma(v16 a, v16 b, v16 c)
{
    return (v16){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}

static inline v16 v_abs(v16 a)
{
    return V16_BOTH(_mm256_andnot_ps, v_set1(-0.0f), a);
}

static inline v16 v_copysign(v16 a, v16 sign)
{
    v16 s = V16_BOTH(_mm256_and_ps, v_set1(-0.0f), sign), magnitude = v_abs(a);
    return V16_BOTH(_mm256_or_ps, s, magnitude);
}

static inline v16 v_round(v16 a)
{
    return (v16){_mm256_round_ps(a.lo, V16_EVEN), _mm256_round_ps(a.hi, V16_EVEN)};
}

static inline __m256 v_half_scale2(__m256 a, __m256 n)
{
    __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent));
}

static inline v16 v_scale2(v16 a, v16 n)
{
    return V16_BOTH(v_half_scale2, a, n);
}

static inline v16 v_zero_below(v16 a, v16 x, v16 limit)
{
    v16 keep = {_mm256_cmp_ps(x.lo, limit.lo, _CMP_GE_OQ), _mm256_cmp_ps(x.hi, limit.hi, _CMP_GE_OQ)};
    return V16_BOTH(_mm256_and_ps, keep, a);
}

static inline float v_sum(v16 a)
{
    __m256 s8 = _mm256_add_ps(a.lo, a.hi);
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

static inline void v_sum4(v16 a, v16 b, v16 c, v16 d, float sums[4])
{
    const __m256 a8 = _mm256_add_ps(a.lo, a.hi), b8 = _mm256_add_ps(b.lo, b.hi);
    const __m256 c8 = _mm256_add_ps(c.lo, c.hi), d8 = _mm256_add_ps(d.lo, d.hi);
    const __m256 ac = _mm256_add_ps(_mm256_permute2f128_ps(a8, c8, 0x20), _mm256_permute2f128_ps(a8, c8, 0x31)); /* 4 + 4 */
    const __m256 bd = _mm256_add_ps(_mm256_permute2f128_ps(b8, d8, 0x20), _mm256_permute2f128_ps(b8, d8, 0x31));
    const __m256 s2 = _mm256_add_ps(_mm256_shuffle_ps(ac, bd, 0x44), _mm256_shuffle_ps(ac, bd, 0xee)); /* a b | c d */
    const __m256 s1 = _mm256_hadd_ps(s2, s2);
    _mm_storeu_ps(sums, _mm_movelh_ps(_mm256_castps256_ps128(s1), _mm256_extractf128_ps(s1, 1)));
}

static inline float v_top(v16 a)
{
    __m256 m8 = _mm256_max_ps(a.lo, a.hi);
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
}

static inline float v_first(v16 a)
{
    return _mm256_cvtss_f32(a.lo);
}

#endif
