/* signed.h - the AVX2 body of linear for types of one scale whose values take all 8 bits. Their products fill the 16 bits of vpmaddubsw (|w| * q with
 * the sign of w: 128 * 127 * 2 < 32768), so each vector is widened on its own, and what limits is the number of operations on
 * vectors. */
#ifndef SLM_AVX2_SIGNED_H
#define SLM_AVX2_SIGNED_H

#include "linear.h"

/* What a type adds, for rows 8 half .. 8 half + 7 of k block b: values k 4 g .. 4 g + 3, signed, and their scale. */
struct signed_type {
    __m256i (*load)(const void *tile, size_t b, int half, int g);
    __m256 (*scale)(const void *tile, size_t b, int half);
    size_t bytes;       /* of a k block of a tile */
};

/* Vector g of nibbles, each replaced by what it stands for. */
ALWAYS_INLINE __m256i signed_codebook(const uint8_t nibbles[4][64], int half, int g, const int8_t codebook[16])
{
    __m256i x = _mm256_loadu_si256((const void *)(nibbles[g % 4] + 32 * half));
    x = _mm256_and_si256(g < 4 ? x : _mm256_srli_epi16(x, 4), _mm256_set1_epi8(15));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)codebook)), x);
}

ALWAYS_INLINE __m256 signed_multiply_add(const struct act_block *a, __m256 dw, __m256i isum, __m256 acc)
{
    return _mm256_fmadd_ps(_mm256_broadcast_ss(&a->d), _mm256_mul_ps(dw, _mm256_cvtepi32_ps(isum)), acc);
}

ALWAYS_INLINE void signed_few_columns(struct signed_type type, const void *tile, size_t k, const struct act_block *x, size_t x_stride, int n, float *y,
                               size_t y_stride)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 acc[2][3];
    UNROLL
    for (int c = 0; c < n; c++)
        acc[0][c] = acc[1][c] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            __m256i isum[3];
            UNROLL
            for (int g = 0; g < 8; g++) {
                __m256i w = type.load(tile, b, half, g), magnitude = _mm256_abs_epi8(w);
                UNROLL
                for (int c = 0; c < n; c++) {
                    __m256i q = _mm256_sign_epi8(avx2_broadcast(x[c].q + 4 * g), w);
                    __m256i products = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, q), ones);
                    isum[c] = g ? _mm256_add_epi32(isum[c], products) : products;
                    KEEP(isum[c]);
                }
            }
            UNROLL
            for (int c = 0; c < n; c++)
                acc[half][c] = signed_multiply_add(&x[c], type.scale(tile, b, half), isum[c], acc[half][c]);
            RELOAD();
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[0][c]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[1][c]);
    }
}

/* What a half tile of a block is turned into, in memory, to serve many columns. With q inverted where w is negative,
 *
 *   w q = |w| (q ^ sign) + (w < 0 ? |w| : 0),   sign = w < 0 ? -1 : 0
 *
 * and the sum of the second terms is the same for all columns. An exclusive or may go to any of the four ports, unlike vpsignb. */
struct signed_block {
    __m256i magnitude[8];
    __m256i sign[8];
    __m256i rest;       /* s32: the sum of the second terms of a row */
    __m256 dw;
};

ALWAYS_INLINE void signed_split(struct signed_type type, const void *tile, size_t b, int half, struct signed_block *out)
{
    __m256i rest = _mm256_setzero_si256();
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m256i w = type.load(tile, b, half, g);
        out->magnitude[g] = _mm256_abs_epi8(w);
        out->sign[g] = _mm256_cmpgt_epi8(_mm256_setzero_si256(), w);
        rest = _mm256_sub_epi16(rest, _mm256_maddubs_epi16(out->magnitude[g], out->sign[g])); /* up to 16 * 128 */
    }
    out->rest = _mm256_madd_epi16(rest, _mm256_set1_epi16(1));
    out->dw = type.scale(tile, b, half);
}

ALWAYS_INLINE __m256i signed_step(__m256i isum, __m256i magnitude, __m256i sign, __m256i q)
{
    __m256i products = _mm256_maddubs_epi16(magnitude, _mm256_xor_si256(q, sign));
    isum = _mm256_add_epi32(isum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
    KEEP(isum);
    return isum;
}

/* n columns (up to 4) of both halves: each broadcast of activations serves 16 rows, each vector of weights n columns. */
ALWAYS_INLINE void signed_block_columns(const struct signed_block w[2], const struct act_block *x, int n,
                                        __m256 acc[PANEL_COLS][2])
{
    __m256i isum[4][2];
    LAUNDER(w);
    UNROLL
    for (int c = 0; c < n; c++) {
        isum[c][0] = w[0].rest;
        isum[c][1] = w[1].rest;
    }
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m256i magnitude0 = w[0].magnitude[g], magnitude1 = w[1].magnitude[g], sign0 = w[0].sign[g], sign1 = w[1].sign[g];
        UNROLL
        for (int c = 0; c < n; c++) {
            __m256i q = avx2_broadcast(x[c].q + 4 * g);
            isum[c][0] = signed_step(isum[c][0], magnitude0, sign0, q);
            isum[c][1] = signed_step(isum[c][1], magnitude1, sign1, q);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        acc[c][0] = signed_multiply_add(&x[c], w[0].dw, isum[c][0], acc[c][0]);
        acc[c][1] = signed_multiply_add(&x[c], w[1].dw, isum[c][1], acc[c][1]);
    }
}

ALWAYS_INLINE void signed_many_columns(struct signed_type type, const void *tile, size_t k, const struct act_block *x,
                                       size_t x_stride, int n, float *y, size_t y_stride)
{
    __m256 acc[PANEL_COLS][2];
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        struct signed_block w[2];
        avx2_prefetch(tile, b, type.bytes);
        signed_split(type, tile, b, 0, &w[0]);
        signed_split(type, tile, b, 1, &w[1]);
        int c = 0;
        for (; c + 4 <= n; c += 4)
            signed_block_columns(w, x + c, 4, acc + c);
        for (; c < n; c++)
            signed_block_columns(w, x + c, 1, acc + c);
    }
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[c][0]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[c][1]);
    }
}

ALWAYS_INLINE void signed_linear(struct signed_type type, const void *tile, size_t k, const void *x, size_t x_stride, int cols,
                                 float *y, size_t y_stride)
{
    switch (cols) {
    case 1:
        signed_few_columns(type, tile, k, x, x_stride, 1, y, y_stride);
        break;
    case 2:
        signed_few_columns(type, tile, k, x, x_stride, 2, y, y_stride);
        break;
    case 3:
        signed_few_columns(type, tile, k, x, x_stride, 3, y, y_stride);
        break;
    default:
        signed_many_columns(type, tile, k, x, x_stride, cols, y, y_stride);
    }
}

#endif
