/* two_scales.h - the AVX2 body of linear for the types whose scales of 16 values (and minima) are small integers. vpmaddwd multiplies by
 * them where linear.h multiplies by ones, so they cost nothing, and the sum stays an exact integer up to the end of the block:
 *
 *   sum (s16) | r0: a      b      | r1: a      b      | ... | r7 |   of the products of up to `run` vectors of k 0..15
 *   lo  (s16) | r0: sc_lo  sc_lo  | r1: sc_lo  sc_lo  | ... | r7 |   and hi for k 16..31
 *   madd      | r0: sc_lo (a + b) | r1: sc_lo (a + b) | ... | r7 |   s32 */
#ifndef SLM_AVX2_TWO_SCALES_H
#define SLM_AVX2_TWO_SCALES_H

#include "linear.h"

/* 8 rows of one k block. */
struct two_scales_block {
    __m256i w[8];       /* w + z; vector g holds k 4 g .. 4 g + 3 */
    __m256i sc, m;      /* s16: scales and minima, of k 0..15 and of k 16..31 of a row side by side */
};

/* What is fixed for a type. Its packed block, of 8 k blocks, begins with d and, if it has minima, dmin. */
struct two_scales_type {
    bool mins;
    int log2_z;         /* as in linear.h */
    int run;            /* 2 or 4, as in linear.h */
    size_t bytes;       /* of a packed block */
    /* Reads rows 8 half .. 8 half + 7 of the k block s of a packed block. */
    void (*unpack)(const void *packed, size_t s, int half, struct two_scales_block *out);
};

/* The same made ready for columns. */
struct two_scales_ready {
    __m256i w[8];
    __m256i sc[2];      /* s16: each scale twice: of k 0..15, of k 16..31 */
    __m256i bias, m;    /* s16: z * scales side by side; minima */
};

ALWAYS_INLINE void two_scales_prepare(struct two_scales_type type, const void *packed, size_t s, int half, struct two_scales_ready *out)
{
    const __m256i low = _mm256_broadcastsi128_si256(_mm_setr_epi32(0x01000100, 0x05040504, 0x09080908, 0x0d0c0d0c));
    const __m256i high = _mm256_add_epi8(low, _mm256_set1_epi8(2));
    struct two_scales_block block;
    type.unpack(packed, s, half, &block);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = block.w[g];
    out->sc[0] = _mm256_shuffle_epi8(block.sc, low);
    out->sc[1] = _mm256_shuffle_epi8(block.sc, high);
    if (type.log2_z >= 0)
        out->bias = _mm256_slli_epi16(block.sc, type.log2_z);
    if (type.mins)
        out->m = block.m;
}

/* The negated sums of activations as s16, nlo and nhi side by side in each row. */
ALWAYS_INLINE __m256i two_scales_nsums(const struct act_block *a)
{
    int64_t both;
    memcpy(&both, &a->nlo, sizeof both);
    const __m256i wide = _mm256_set1_epi64x(both);
    return _mm256_packs_epi32(wide, wide);
}

/* acc = fma(d, t, acc), t the term of README.md. */
ALWAYS_INLINE __m256 two_scales_add(struct two_scales_type type, const struct two_scales_ready *w, const struct act_block *a,
                                    __m256i nsums, __m256i isum, __m256 d, __m256 dmin, __m256 acc)
{
    __m256 t = _mm256_mul_ps(d, _mm256_cvtepi32_ps(isum));
    if (type.mins)
        t = _mm256_fmadd_ps(dmin, _mm256_cvtepi32_ps(_mm256_madd_epi16(w->m, nsums)), t);
    return _mm256_fmadd_ps(_mm256_broadcast_ss(&a->d), t, acc);
}

/* n columns (1 to 3) of one half or both: each broadcast of activations serves all halves, each vector of weights n columns. With both, two
 * columns are what the registers hold; more would be held up by loads. */
ALWAYS_INLINE void two_scales_columns(struct two_scales_type type, const struct two_scales_ready *w, int halves, const __m256 *d,
                                      const __m256 *dmin, const struct act_block *x, int n, __m256 acc[][2])
{
    __m256i sum[3][2], isum[3][2], sc[2];
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m256i weights[2];
        UNROLL
        for (int h = 0; h < halves; h++) {
            weights[h] = w[h].w[g];
            if (g % 4 == 0)
                sc[h] = w[h].sc[g / 4];
            KEEP(weights[h]);
            KEEP(sc[h]);
        }
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m256i q = avx2_broadcast(x[c].q + 4 * g);
            UNROLL
            for (int h = 0; h < halves; h++) {
                const __m256i products = _mm256_maddubs_epi16(weights[h], q);
                sum[c][h] = g % type.run ? _mm256_add_epi16(sum[c][h], products) : products;
                KEEP(sum[c][h]);
                if ((g + 1) % type.run)
                    continue;
                const __m256i scaled = _mm256_madd_epi16(sum[c][h], sc[h]);
                isum[c][h] = g < type.run ? scaled : _mm256_add_epi32(isum[c][h], scaled);
                KEEP(isum[c][h]);
            }
        }
        RELOAD();
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        const __m256i nsums = two_scales_nsums(&x[c]);
        UNROLL
        for (int h = 0; h < halves; h++) {
            if (type.log2_z >= 0)
                isum[c][h] = _mm256_add_epi32(isum[c][h], _mm256_madd_epi16(w[h].bias, nsums));
            acc[c][h] = two_scales_add(type, &w[h], &x[c], nsums, isum[c][h], d[h], dmin[h], acc[c][h]);
        }
    }
}

/* The scales of a super-block. */
ALWAYS_INLINE void two_scales_super(struct two_scales_type type, const uint16_t *packed, __m256 d[2], __m256 dmin[2])
{
    UNROLL
    for (int h = 0; h < 2; h++) {
        d[h] = avx2_halves(packed + 8 * h);
        dmin[h] = type.mins ? avx2_halves(packed + TILE_ROWS + 8 * h) : _mm256_setzero_ps();
    }
}

/* One column, or two or three, of both halves at once, as in linear.h. */
ALWAYS_INLINE void two_scales_few(struct two_scales_type type, const void *tile, size_t k, const struct act_block *x, size_t x_stride,
                                  int n, float *y, size_t y_stride)
{
    __m256 acc[2][3][2];
    UNROLL
    for (int c = 0; c < n; c++)
        acc[0][c][0] = acc[1][c][0] = _mm256_setzero_ps();
    for (const char *packed = tile, *end = packed + k / 256 * type.bytes; packed < end; packed += type.bytes) {
        __m256 d[2], dmin[2];
        two_scales_super(type, (const void *)packed, d, dmin);
        for (size_t s = 0; s < 8; s++, x += x_stride) {
            UNROLL
            for (int half = 0; half < 2; half++) {
                struct two_scales_ready w;
                two_scales_prepare(type, packed, s, half, &w);
                two_scales_columns(type, &w, 1, &d[half], &dmin[half], x, n, acc[half]);
                RELOAD();
            }
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[0][c][0]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[1][c][0]);
    }
}

/* Many columns: as in linear.h. */
ALWAYS_INLINE void two_scales_many(struct two_scales_type type, const void *tile, size_t k, const struct act_block *x,
                                   size_t x_stride, int n, float *y, size_t y_stride)
{
    __m256 acc[PANEL_COLS][2];
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (const char *packed = tile, *end = packed + k / 256 * type.bytes; packed < end; packed += type.bytes) {
        __m256 d[2], dmin[2];
        two_scales_super(type, (const void *)packed, d, dmin);
        for (size_t s = 0; s < 8; s++, x += x_stride) {
            struct two_scales_ready block[2], *w = block;
            avx2_prefetch(packed, s, type.bytes / 8);
            two_scales_prepare(type, packed, s, 0, &w[0]);
            two_scales_prepare(type, packed, s, 1, &w[1]);
            int c = 0;
            for (; c + 2 <= n; c += 2) {
                LAUNDER(w);
                two_scales_columns(type, w, 2, d, dmin, x + c, 2, acc + c);
            }
            for (; c < n; c++)
                two_scales_columns(type, w, 2, d, dmin, x + c, 1, acc + c);
        }
    }
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[c][0]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[c][1]);
    }
}

ALWAYS_INLINE void two_scales_linear(struct two_scales_type type, const void *tile, size_t k, const void *x, size_t x_stride, int cols,
                                     float *y, size_t y_stride)
{
    switch (cols) {
    case 1:
        two_scales_few(type, tile, k, x, x_stride, 1, y, y_stride);
        break;
    case 2:
        two_scales_few(type, tile, k, x, x_stride, 2, y, y_stride);
        break;
    case 3:
        two_scales_few(type, tile, k, x, x_stride, 3, y, y_stride);
        break;
    default:
        two_scales_many(type, tile, k, x, x_stride, cols, y, y_stride);
    }
}

#endif
