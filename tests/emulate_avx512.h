/* emulate_avx512.h - lets kernels/avx512 run where the processor lacks AVX-512: `make EMULATE=1 BUILD=build/emulate tests`
 * includes it before those files, compiled for AVX2. Integer instructions come from SIMDe (an independent reading of their
 * meaning); the rest, which SIMDe lacks or rounds twice, are two halves of AVX2. For tests only: it is slow. */
#ifndef SLM_EMULATE_AVX512_H
#define SLM_EMULATE_AVX512_H

#include <immintrin.h>
#define SIMDE_NO_INLINE /* or else a file takes minutes to compile */
#include <simde/x86/avx512.h>
#include <string.h>

#define __m512 simde__m512
#define __m512i simde__m512i

#define EMU(result) static __attribute__((noinline, unused)) result

EMU(__m256) emu_ps(__m512 a, int half) { return simde__m512_to_private(a).m256[half]; }
EMU(__m256i) emu_si(__m512i a, int half) { return simde__m512i_to_private(a).m256i[half]; }

EMU(__m512) emu_join_ps(__m256 lo, __m256 hi)
{
    simde__m512_private r;
    r.m256[0] = lo;
    r.m256[1] = hi;
    return simde__m512_from_private(r);
}

EMU(__m512i) emu_join_si(__m256i lo, __m256i hi)
{
    simde__m512i_private r;
    r.m256i[0] = lo;
    r.m256i[1] = hi;
    return simde__m512i_from_private(r);
}

/* ---- SIMDe */

#define _mm512_abs_epi16 simde_mm512_abs_epi16
#define _mm512_add_epi16 simde_mm512_add_epi16
#define _mm512_add_epi32 simde_mm512_add_epi32
#define _mm512_add_epi64 simde_mm512_add_epi64
#define _mm512_add_epi8 simde_mm512_add_epi8
#define _mm512_and_ps simde_mm512_and_ps
#define _mm512_and_si512 simde_mm512_and_si512
#define _mm512_broadcast_i32x4 simde_mm512_broadcast_i32x4
#define _mm512_castps512_ps128 simde_mm512_castps512_ps128
#define _mm512_castps512_ps256 simde_mm512_castps512_ps256
#define _mm512_castps_si512 simde_mm512_castps_si512
#define _mm512_castsi512_ps simde_mm512_castsi512_ps
#define _mm512_cmp_ps_mask simde_mm512_cmp_ps_mask
#define _mm512_cvtsepi32_epi8 simde_mm512_cvtsepi32_epi8
#define _mm512_dpbusd_epi32 simde_mm512_dpbusd_epi32
#define _mm512_loadu_si512 simde_mm512_loadu_si512
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#define _mm512_maskz_compress_ps simde_mm512_maskz_compress_ps
#define _mm512_maskz_mov_ps simde_mm512_maskz_mov_ps
#define _mm512_max_epi32 simde_mm512_max_epi32
#define _mm512_mullo_epi16 simde_mm512_mullo_epi16
#define _mm512_mullo_epi32 simde_mm512_mullo_epi32
#define _mm512_or_ps simde_mm512_or_ps
#define _mm512_or_si512 simde_mm512_or_si512
#define _mm512_set1_epi16 simde_mm512_set1_epi16
#define _mm512_set1_epi32 simde_mm512_set1_epi32
#define _mm512_set1_epi8 simde_mm512_set1_epi8
#define _mm512_set1_ps simde_mm512_set1_ps
#define _mm512_setzero_ps simde_mm512_setzero_ps
#define _mm512_setzero_si512 simde_mm512_setzero_si512
#define _mm512_shuffle_epi8 simde_mm512_shuffle_epi8
#define _mm512_shuffle_f32x4 simde_mm512_shuffle_f32x4
#define _mm512_slli_epi16 simde_mm512_slli_epi16
#define _mm512_slli_epi32 simde_mm512_slli_epi32
#define _mm512_srai_epi16 simde_mm512_srai_epi16
#define _mm512_srli_epi16 simde_mm512_srli_epi16
#define _mm512_srli_epi32 simde_mm512_srli_epi32
#define _mm512_sub_epi16 simde_mm512_sub_epi16
#define _mm512_ternarylogic_epi32 simde_mm512_ternarylogic_epi32
#define _mm512_xor_si512 simde_mm512_xor_si512

/* ---- two halves */

#define EMU_PS_2(name)                                                                                                     \
    EMU(__m512) emu_##name(__m512 a, __m512 b)                                                                             \
    {                                                                                                                      \
        return emu_join_ps(_mm256_##name(emu_ps(a, 0), emu_ps(b, 0)), _mm256_##name(emu_ps(a, 1), emu_ps(b, 1)));          \
    }
EMU_PS_2(add_ps)
EMU_PS_2(sub_ps)
EMU_PS_2(mul_ps)
EMU_PS_2(div_ps)
EMU_PS_2(min_ps)
EMU_PS_2(max_ps)
#define _mm512_add_ps emu_add_ps
#define _mm512_sub_ps emu_sub_ps
#define _mm512_mul_ps emu_mul_ps
#define _mm512_div_ps emu_div_ps
#define _mm512_min_ps emu_min_ps
#define _mm512_max_ps emu_max_ps

EMU(__m512) emu_fmadd_ps(__m512 a, __m512 b, __m512 c)
{
    return emu_join_ps(_mm256_fmadd_ps(emu_ps(a, 0), emu_ps(b, 0), emu_ps(c, 0)),
                       _mm256_fmadd_ps(emu_ps(a, 1), emu_ps(b, 1), emu_ps(c, 1)));
}
#define _mm512_fmadd_ps emu_fmadd_ps

#define _mm512_permute_ps(a, order) emu_join_ps(_mm256_permute_ps(emu_ps(a, 0), order), _mm256_permute_ps(emu_ps(a, 1), order))

EMU(__m512) emu_abs_ps(__m512 a) /* of NaN too, which SIMDe leaves */
{
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    return emu_join_ps(_mm256_and_ps(emu_ps(a, 0), magnitude), _mm256_and_ps(emu_ps(a, 1), magnitude));
}
#define _mm512_abs_ps emu_abs_ps

EMU(__m512) emu_loadu_ps(const void *p) { return emu_join_ps(_mm256_loadu_ps(p), _mm256_loadu_ps((const float *)p + 8)); }
#define _mm512_loadu_ps emu_loadu_ps

EMU(void) emu_storeu_ps(void *p, __m512 a)
{
    _mm256_storeu_ps(p, emu_ps(a, 0));
    _mm256_storeu_ps((float *)p + 8, emu_ps(a, 1));
}
#define _mm512_storeu_ps emu_storeu_ps

EMU(__m512) emu_maskz_loadu_ps(__mmask16 m, const void *p)
{
    float lanes[16] = {0};
    for (int i = 0; i < 16; i++)
        if (m >> i & 1)
            lanes[i] = ((const float *)p)[i];
    return emu_loadu_ps(lanes);
}
#define _mm512_maskz_loadu_ps emu_maskz_loadu_ps

EMU(void) emu_mask_storeu_ps(void *p, __mmask16 m, __m512 a)
{
    float lanes[16];
    emu_storeu_ps(lanes, a);
    for (int i = 0; i < 16; i++)
        if (m >> i & 1)
            ((float *)p)[i] = lanes[i];
}
#define _mm512_mask_storeu_ps emu_mask_storeu_ps

EMU(__m512) emu_cvtepi32_ps(__m512i a) { return emu_join_ps(_mm256_cvtepi32_ps(emu_si(a, 0)), _mm256_cvtepi32_ps(emu_si(a, 1))); }
#define _mm512_cvtepi32_ps emu_cvtepi32_ps
EMU(__m512i) emu_cvtps_epi32(__m512 a) { return emu_join_si(_mm256_cvtps_epi32(emu_ps(a, 0)), _mm256_cvtps_epi32(emu_ps(a, 1))); }
#define _mm512_cvtps_epi32 emu_cvtps_epi32
#define _mm512_srai_epi32(a, n) emu_join_si(_mm256_srai_epi32(emu_si(a, 0), n), _mm256_srai_epi32(emu_si(a, 1), n))
/* elements of twice the size */
#define EMU_WIDEN(result, join, name)                                                                                      \
    EMU(result) emu_##name(__m256i a)                                                                                      \
    {                                                                                                                      \
        return join(_mm256_##name(_mm256_castsi256_si128(a)), _mm256_##name(_mm256_extracti128_si256(a, 1)));              \
    }
EMU_WIDEN(__m512i, emu_join_si, cvtepi8_epi16)
EMU_WIDEN(__m512i, emu_join_si, cvtepu8_epi16)
EMU_WIDEN(__m512i, emu_join_si, cvtepu16_epi32)
EMU_WIDEN(__m512, emu_join_ps, cvtph_ps)
#define _mm512_cvtepi8_epi16 emu_cvtepi8_epi16
#define _mm512_cvtepu8_epi16 emu_cvtepu8_epi16
#define _mm512_cvtepu16_epi32 emu_cvtepu16_epi32
#define _mm512_cvtph_ps emu_cvtph_ps

EMU(__m512i) emu_cvtepi8_epi32(__m128i a) { return emu_join_si(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_srli_si128(a, 8))); }
#define _mm512_cvtepi8_epi32 emu_cvtepi8_epi32
EMU(__m512i) emu_cvtepu8_epi32(__m128i a) { return emu_join_si(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_srli_si128(a, 8))); }
#define _mm512_cvtepu8_epi32 emu_cvtepu8_epi32

#define _mm512_cvtps_ph(a, rounding)                                                                                       \
    _mm256_set_m128i(_mm256_cvtps_ph(emu_ps(a, 1), (rounding) & 7), _mm256_cvtps_ph(emu_ps(a, 0), (rounding) & 7))
#define _mm512_roundscale_ps(a, rounding)                                                                                  \
    emu_join_ps(_mm256_round_ps(emu_ps(a, 0), rounding), _mm256_round_ps(emu_ps(a, 1), rounding))
#define _mm512_extractf32x8_ps(a, half) emu_ps(a, half)
#define _mm512_cvtss_f32(a) _mm256_cvtss_f32(emu_ps(a, 0))

#endif
