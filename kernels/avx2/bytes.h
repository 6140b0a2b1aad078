/* bytes.h - numbers to bytes, for AVX2 and AVX-512. */
#ifndef SLM_AVX2_BYTES_H
#define SLM_AVX2_BYTES_H

#include <immintrin.h>

#include "../unroll.h"

/* 32 numbers as bytes, saturated, in order. packs works in each half: it leaves the dwords of the four inputs as 0 2 4 6 | 1 3 5 7. */
ALWAYS_INLINE __m256i avx2_bytes(const __m256i n[4])
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i q = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
    return _mm256_permutevar8x32_epi32(q, order);
}

#endif
