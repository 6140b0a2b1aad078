/* emulate_avxvnni.h - lets what kernels/avx2 does with AVX-VNNI run where the processor lacks it: `make EMULATE=1 BUILD=build/emulate tests`
 * includes it before those files, compiled for AVX2. */
#ifndef SLM_EMULATE_AVXVNNI_H
#define SLM_EMULATE_AVXVNNI_H

#include <immintrin.h>

#define __AVXVNNI__ 1

/* vpdpbusd: sum + u0 s0 + u1 s1 + u2 s2 + u3 s3, u unsigned, s signed, with no saturation: the even bytes as words, then the odd ones. */
static inline __m256i emulated_dpbusd(__m256i sum, __m256i u, __m256i s)
{
    const __m256i even = _mm256_madd_epi16(_mm256_and_si256(u, _mm256_set1_epi16(255)), _mm256_srai_epi16(_mm256_slli_epi16(s, 8), 8));
    const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(u, 8), _mm256_srai_epi16(s, 8));
    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}
#define _mm256_dpbusd_avx_epi32 emulated_dpbusd

#endif
