/* linear.h - the AVX2 body of linear for quantized types with one scale, or a scale and a minimum, for 32 values; a type adds the unpacking
 * of its blocks. Two scales: two_scales.h; values of 8 bits: signed.h.
 *
 * Half a tile (8 rows) meets one column after the other. A vector of weights holds 4 consecutive k of 8 rows, and meets the same 4 k of
 * one column, broadcast:
 *
 *   w (u8)    | r0: k k+1 k+2 k+3 | r1: k k+1 k+2 k+3 | ... | r7 |
 *   q (s8)    |     k k+1 k+2 k+3 |     k k+1 k+2 k+3 | ... |    |   vpbroadcastd
 *   maddubs   | r0: a      b      | r1: a      b      | ... | r7 |   s16, added up over as many vectors as fit
 *   madd by 1 | r0: a + b         | r1: a + b         | ... | r7 |   s32
 *
 * The 8 vectors of a block stay in registers while the columns pass. */
#ifndef SLM_AVX2_LINEAR_H
#define SLM_AVX2_LINEAR_H

#include <immintrin.h>
#include <string.h>

#include "../kernels.h"
#include "../unroll.h"

/* 8 rows of one k block. */
struct avx2_block {
    __m256i w[8];       /* w + z; vector g holds k 4 g .. 4 g + 3 */
    __m256 dw, dm;      /* scale and minimum */
};

/* Reads rows 8 half .. 8 half + 7 of k block b. */
typedef void avx2_unpack_fn(const void *tile, size_t b, int half, struct avx2_block *out);

/* What is fixed for a type. */
struct avx2_type {
    enum family family;
    int log2_z;         /* values are w + z, z = 1 << log2_z; -1: z = 0 */
    int run;            /* vectors whose products fit into 16 bits together: run * 2 * 127 * max(w + z) < 32768 */
    size_t bytes;       /* of a k block of a tile */
};

ALWAYS_INLINE __m256 avx2_halves(const uint16_t *p)
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

ALWAYS_INLINE __m256i avx2_broadcast(const void *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm256_set1_epi32(v);
}

/* Asks for what is read 8 k blocks later: while a block meets several columns, the processor does not itself see far enough ahead to keep
 * memory busy. (With one column it does.) */
ALWAYS_INLINE void avx2_prefetch(const void *tile, size_t b, size_t bytes)
{
    const char *later = (const char *)tile + (b + 8) * bytes;
    UNROLL
    for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch(later + i, _MM_HINT_T0);
}

/* The nibbles of 8 rows: low nibbles are k 0..15, high ones k 16..31. */
ALWAYS_INLINE void avx2_nibbles(const uint8_t nibbles[4][64], int half, __m256i w[8])
{
    const __m256i low = _mm256_set1_epi8(15);
    UNROLL
    for (int v = 0; v < 4; v++) {
        __m256i x = _mm256_loadu_si256((const void *)(nibbles[v] + 32 * half));
        w[v] = _mm256_and_si256(x, low);
        w[v + 4] = _mm256_and_si256(_mm256_srli_epi16(x, 4), low);
    }
}

/* The crumbs of 8 rows, of which bits 2j+1..2j of a byte belong to vector j (k 0..15) or 4 + j (k 16..31). */
ALWAYS_INLINE void avx2_crumbs(const uint8_t crumbs[2][64], int half, __m256i w[8])
{
    const __m256i low = _mm256_set1_epi8(3);
    UNROLL
    for (int h = 0; h < 2; h++) {
        __m256i x = _mm256_loadu_si256((const void *)(crumbs[h] + 32 * half));
        w[4 * h] = _mm256_and_si256(x, low);
        w[4 * h + 1] = _mm256_and_si256(_mm256_srli_epi16(x, 2), low);
        w[4 * h + 2] = _mm256_and_si256(_mm256_srli_epi16(x, 4), low);
        w[4 * h + 3] = _mm256_and_si256(_mm256_srli_epi16(x, 6), low);
    }
}

/* The sixes of 8 rows, k 4 j .. 4 j + 3 in vector j; vectors 0..2 with bits 7..6 of the fourth, to be masked off. */
ALWAYS_INLINE void avx2_sixes(const uint8_t sixes[3][64], int half, __m256i x[4])
{
    UNROLL
    for (int j = 0; j < 3; j++)
        x[j] = _mm256_loadu_si256((const void *)(sixes[j] + 32 * half));
    x[3] = _mm256_and_si256(_mm256_srli_epi16(x[0], 6), _mm256_set1_epi8(0x03));
    x[3] = _mm256_or_si256(x[3], _mm256_and_si256(_mm256_srli_epi16(x[1], 4), _mm256_set1_epi8(0x0c)));
    x[3] = _mm256_or_si256(x[3], _mm256_and_si256(_mm256_srli_epi16(x[2], 2), _mm256_set1_epi8(0x30)));
}

/* Puts bit g of each byte into bit `place` of vector g: 8 rows' upper bits. */
ALWAYS_INLINE void avx2_bits(const uint8_t bits[64], int half, int place, __m256i w[8])
{
    const __m256i bit = _mm256_set1_epi8((char)(1 << place));
    __m256i x = _mm256_loadu_si256((const void *)(bits + 32 * half));
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m256i moved = g < place ? _mm256_slli_epi16(x, place - g) : _mm256_srli_epi16(x, g - place);
        w[g] = _mm256_or_si256(w[g], _mm256_and_si256(moved, bit));
    }
}

/* start + the dot product of a block with q. */
ALWAYS_INLINE __m256i avx2_dot(const __m256i w[8], const int8_t *q, int run, __m256i start)
{
    const __m256i ones = _mm256_set1_epi16(1);
    UNROLL
    for (int g = 0; g < 8; g += run) {
        __m256i sum = _mm256_maddubs_epi16(w[g], avx2_broadcast(q + 4 * g));
        UNROLL
        for (int i = g + 1; i < g + run; i++) {
            sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(w[i], avx2_broadcast(q + 4 * i)));
            KEEP(sum);
        }
        start = _mm256_add_epi32(start, _mm256_madd_epi16(sum, ones));
    }
    return start;
}

/* z times a negated sum of activations. */
ALWAYS_INLINE __m256i avx2_bias(int log2_z, const int32_t *nsum)
{
    return log2_z < 0 ? _mm256_setzero_si256() : _mm256_slli_epi32(avx2_broadcast(nsum), log2_z);
}

/* acc = fma(d, t, acc), t the term of README.md for one column. */
ALWAYS_INLINE __m256 avx2_add(enum family family, const struct avx2_block *w, const struct act_block *a, __m256i isum, __m256 acc)
{
    __m256 t = _mm256_mul_ps(w->dw, _mm256_cvtepi32_ps(isum));
    if (family == FAMILY_SCALE_MIN)
        t = _mm256_fmadd_ps(w->dm, _mm256_set1_ps(a->fsum), t);
    return _mm256_fmadd_ps(_mm256_broadcast_ss(&a->d), t, acc);
}

/* One column, or two or three, of both halves at once: reads the weights once, in order, as fast as memory gives them. */
ALWAYS_INLINE void avx2_few_columns(struct avx2_type type, avx2_unpack_fn *unpack, const void *tile, size_t k,
                                    const struct act_block *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    __m256 acc[2][3];
    UNROLL
    for (int c = 0; c < n; c++)
        acc[0][c] = acc[1][c] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            struct avx2_block w;
            unpack(tile, b, half, &w);
            UNROLL
            for (int c = 0; c < n; c++) {
                __m256i isum = avx2_dot(w.w, x[c].q, type.run, avx2_bias(type.log2_z, &x[c].nsum));
                acc[half][c] = avx2_add(type.family, &w, &x[c], isum, acc[half][c]);
            }
            RELOAD();
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[0][c]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[1][c]);
    }
}

/* n columns (up to 4) of both halves of a k block: each broadcast of activations serves 16 rows, each vector of weights, read from the
 * first-level cache, n columns; the sums stay in registers. */
ALWAYS_INLINE void avx2_block_columns(struct avx2_type type, const struct avx2_block w[2], const struct act_block *x, int n,
                                      __m256 acc[PANEL_COLS][2])
{
    __m256i sum[4][2], isum[4][2]; /* of a run; of all */
    LAUNDER(w);
    UNROLL
    for (int g = 0; g < 8; g++) {
        const __m256i w0 = w[0].w[g], w1 = w[1].w[g];
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m256i q = avx2_broadcast(x[c].q + 4 * g);
            UNROLL
            for (int h = 0; h < 2; h++) {
                const __m256i products = _mm256_maddubs_epi16(h ? w1 : w0, q);
                sum[c][h] = g % type.run ? _mm256_add_epi16(sum[c][h], products) : products;
                KEEP(sum[c][h]);
            }
        }
        if ((g + 1) % type.run)
            continue;
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m256i bias = avx2_bias(type.log2_z, &x[c].nsum);
            UNROLL
            for (int h = 0; h < 2; h++) {
                const __m256i run = _mm256_madd_epi16(sum[c][h], _mm256_set1_epi16(1));
                isum[c][h] = _mm256_add_epi32(g < type.run ? bias : isum[c][h], run);
            }
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int h = 0; h < 2; h++)
            acc[c][h] = avx2_add(type.family, &w[h], &x[c], isum[c][h], acc[c][h]);
    }
}

/* Many columns: a block is unpacked once for all of them; their accumulators pass through the first-level cache. */
ALWAYS_INLINE void avx2_many_columns(struct avx2_type type, avx2_unpack_fn *unpack, const void *tile, size_t k,
                                     const struct act_block *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    __m256 acc[PANEL_COLS][2];
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        struct avx2_block w[2];
        avx2_prefetch(tile, b, type.bytes);
        unpack(tile, b, 0, &w[0]);
        unpack(tile, b, 1, &w[1]);
        int c = 0;
        for (; c + 4 <= n; c += 4)
            avx2_block_columns(type, w, x + c, 4, acc + c);
        for (; c < n; c++)
            avx2_block_columns(type, w, x + c, 1, acc + c);
    }
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[c][0]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[c][1]);
    }
}

ALWAYS_INLINE void avx2_linear(struct avx2_type type, avx2_unpack_fn *unpack, const void *tile, size_t k, const void *x,
                               size_t x_stride, int cols, float *y, size_t y_stride)
{
    switch (cols) {
    case 1:
        avx2_few_columns(type, unpack, tile, k, x, x_stride, 1, y, y_stride);
        break;
    case 2:
        avx2_few_columns(type, unpack, tile, k, x, x_stride, 2, y, y_stride);
        break;
    case 3:
        avx2_few_columns(type, unpack, tile, k, x, x_stride, 3, y, y_stride);
        break;
    default:
        avx2_many_columns(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
    }
}

#endif
