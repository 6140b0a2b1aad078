/* unpack.h - reading packed blocks: vector g of 8 rows, which holds values k 4 g .. 4 g + 3 of each, and their scales. What several vectors
 * share is written out for each: the compiler reads it once. */
#ifndef SLM_AVX2_UNPACK_H
#define SLM_AVX2_UNPACK_H

#include <immintrin.h>
#include <string.h>

#include "../unroll.h"

ALWAYS_INLINE __m256i avx2_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* Each byte moved down by `by` bits, and of that the bits of mask, which none of the next byte come to. */
ALWAYS_INLINE __m256i avx2_moved(__m256i x, int by, int mask)
{
    return _mm256_and_si256(by ? _mm256_srli_epi16(x, by) : x, _mm256_set1_epi8((char)mask));
}

/* Bits first .. first + count - 1 of each byte, count from 1 to 7. */
ALWAYS_INLINE __m256i avx2_field(__m256i x, int first, int count)
{
    return avx2_moved(x, first, (1 << count) - 1);
}

/* Low nibbles are k 0..15, high ones k 16..31. */
ALWAYS_INLINE __m256i avx2_nibble(const uint8_t nibbles[4][64], int half, int g)
{
    return avx2_field(avx2_load(nibbles[g % 4] + 32 * half), g < 4 ? 0 : 4, 4);
}

/* Crumbs 0 and 2 of a byte are of k 0..15, 1 and 3 of k 16..31. */
ALWAYS_INLINE __m256i avx2_crumb(const uint8_t crumbs[2][64], int half, int g)
{
    return avx2_field(avx2_load(crumbs[g % 4 / 2] + 32 * half), g % 2 * 4 + g / 4 * 2, 2);
}

/* The same, those of k 16..31 times 4: a shift serves two vectors. */
ALWAYS_INLINE __m256i avx2_crumb_x4(const uint8_t crumbs[2][64], int half, int g)
{
    return avx2_moved(avx2_load(crumbs[g % 4 / 2] + 32 * half), g % 2 * 4, g < 4 ? 3 : 12);
}

/* k 4 j .. 4 j + 3, j = 0..3; bits 7..6 of the first three hold the fourth, and are to be masked off. */
ALWAYS_INLINE __m256i avx2_six(const uint8_t sixes[3][64], int half, int j)
{
    if (j < 3)
        return avx2_load(sixes[j] + 32 * half);
    __m256i x = _mm256_setzero_si256();
    UNROLL
    for (int i = 0; i < 3; i++) {
        x = _mm256_or_si256(x, avx2_moved(avx2_load(sixes[i] + 32 * half), 6 - 2 * i, 3 << 2 * i));
    }
    return x;
}

/* k 4 g .. 4 g + 3 in vector g; bits 7..5 of the five vectors hold the last three. */
ALWAYS_INLINE __m256i avx2_five(const uint8_t fives[5][64], int half, int g)
{
    if (g < 5)
        return avx2_field(avx2_load(fives[g] + 32 * half), 0, 5);
    const __m256i lower = avx2_field(avx2_load(fives[g - 5] + 32 * half), 5, 3);
    if (g < 7)
        return _mm256_or_si256(lower, avx2_moved(avx2_load(fives[g - 2] + 32 * half), 2, 0x18));
    return _mm256_or_si256(lower, _mm256_or_si256(avx2_moved(avx2_load(fives[3] + 32 * half), 4, 0x08),
                                                  avx2_moved(avx2_load(fives[4] + 32 * half), 3, 0x10)));
}

/* A number of 4 bits, replaced by what it stands for, plus z. */
ALWAYS_INLINE __m256i avx2_code(const int8_t codebook[16], int z, __m256i x)
{
    const __m256i book = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)codebook));
    return _mm256_shuffle_epi8(_mm256_add_epi8(book, _mm256_set1_epi8((char)z)), x);
}

/* 8 numbers as floats. */
ALWAYS_INLINE __m256 avx2_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

ALWAYS_INLINE __m256 avx2_u8(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p)));
}

ALWAYS_INLINE __m256 avx2_i8(const int8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)));
}

/* 4 bytes, in each 4 bytes of a vector. */
ALWAYS_INLINE __m256i avx2_broadcast(const void *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm256_set1_epi32(v);
}

#endif
