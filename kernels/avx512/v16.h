/* v16.h - 16 float lanes in one register. kernels/lanes/README.md says what each function means. */
#ifndef SLM_V16_H
#define SLM_V16_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* 16 x 1 accumulators: twice the latency of two FMA units. Each value of a tile is converted once for 16 multiply-adds, which broadcast the
 * others from memory: the conversion would take the place of one of 8. */
enum { V16_COLS = 16, V16_TILES = 1 };

typedef __m512 v16;

static inline v16 v_set1(float x)
{
    return _mm512_set1_ps(x);
}

static inline v16 v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void v_store(float *p, v16 a)
{
    _mm512_storeu_ps(p, a);
}

/* Masked-out lanes are not touched in memory. */
static inline __mmask16 v_mask(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline v16 v_load_part(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(v_mask(n), p);
}

static inline void v_store_part(float *p, v16 a, size_t n)
{
    _mm512_mask_storeu_ps(p, v_mask(n), a);
}

static inline v16 v_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline void v_store_f16(uint16_t *p, v16 a)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline v16 v_load_bf16(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline v16 v_add(v16 a, v16 b)
{
    return _mm512_add_ps(a, b);
}

static inline v16 v_sub(v16 a, v16 b)
{
    return _mm512_sub_ps(a, b);
}

static inline v16 v_mul(v16 a, v16 b)
{
    return _mm512_mul_ps(a, b);
}

static inline v16 v_div(v16 a, v16 b)
{
    return _mm512_div_ps(a, b);
}

static inline v16 v_min(v16 a, v16 b)
{
    return _mm512_min_ps(a, b);
}

static inline v16 v_max(v16 a, v16 b)
{
    return _mm512_max_ps(a, b);
}

static inline v16 v_fma(v16 a, v16 b, v16 c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline v16 v_abs(v16 a)
{
    return _mm512_abs_ps(a);
}

static inline v16 v_copysign(v16 a, v16 sign)
{
    return _mm512_or_ps(v_abs(a), _mm512_and_ps(sign, v_set1(-0.0f)));
}

static inline v16 v_round(v16 a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline v16 v_scale2(v16 a, v16 n)
{
    __m512i exponent = _mm512_slli_epi32(_mm512_cvtps_epi32(n), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), exponent));
}

static inline v16 v_zero_below(v16 a, v16 x, v16 limit)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_GE_OQ), a);
}

static inline float v_sum(v16 a)
{
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

static inline void v_sum4(v16 a, v16 b, v16 c, v16 d, float sums[4])
{
    const v16 ab = v_add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee)); /* 8 + 8 */
    const v16 cd = v_add(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    v16 s = v_add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd)); /* 4 + 4 */
    s = v_add(s, _mm512_permute_ps(s, 0x4e));
    s = v_add(s, _mm512_permute_ps(s, 0xb1));
    _mm_storeu_ps(sums, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, s)));
}

static inline float v_top(v16 a)
{
    __m256 m8 = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
}

static inline float v_first(v16 a)
{
    return _mm512_cvtss_f32(a);
}

#endif
