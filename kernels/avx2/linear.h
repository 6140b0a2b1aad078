/* linear.h - the AVX2 body of linear for all quantized types; a type adds the reading of its packed blocks (unpack.h).
 *
 * A vector of weights holds 4 consecutive k of 8 rows, half a tile, and meets the same 4 k of one column, broadcast:
 *
 *   w (u8)    | r0: k k+1 k+2 k+3 | r1: k k+1 k+2 k+3 | ... | r7 |
 *   q (s8)    |     k k+1 k+2 k+3 |     k k+1 k+2 k+3 | ... |    |   vpbroadcastd
 *   maddubs   | r0: a      b      | r1: a      b      | ... | r7 |   s16, added up over as many vectors as fit
 *   madd by 1 | r0: a + b         | r1: a + b         | ... | r7 |   s32
 *
 * With two scales, which are small integers, vpmaddwd multiplies by them in place of ones: they cost nothing, and the sum stays an exact
 * integer up to the end of the block:
 *
 *   lo  (s16) | r0: sc_lo  sc_lo  | r1: sc_lo  sc_lo  | ... | r7 |   and hi for k 16..31
 *   madd      | r0: sc_lo (a + b) | r1: sc_lo (a + b) | ... | r7 |   s32
 *
 * Values of all 8 bits meet vpmaddubsw as magnitudes, and q with their sign; products then fill the 16 bits (128 * 127 * 2 < 32768), so
 * that each vector is widened on its own. */
#ifndef SLM_AVX2_LINEAR_H
#define SLM_AVX2_LINEAR_H

#include "../kernels.h"
#include "unpack.h"

/* What stands beside the values of 8 rows of a k block. */
struct avx2_scales {
    __m256 d, m;        /* scale and minimum; with two scales what those are multiplied by */
    __m256i sc, mins;   /* two scales: s16, of k 0..15 and of k 16..31 of a row side by side */
};

/* What is fixed for a type. */
struct avx2_type {
    enum family family;
    int log2_z;         /* values are w + z, z = 1 << log2_z; -1: z = 0 */
    int run;            /* vectors whose products fit into 16 bits together: run * 2 * 127 * max(w + z) < 32768; 0: values of all 8 bits */
    int blocks;         /* k blocks in a packed block: 1, or 8 of a super-block */
    size_t bytes;       /* of a packed block */
    /* Of k block s of a packed block, rows 8 half .. 8 half + 7. */
    __m256i (*vector)(const void *packed, size_t s, int half, int g);
    struct avx2_scales (*scales)(const void *packed, size_t s, int half);
};

/* Half a tile of a k block, made ready for columns. */
struct avx2_half {
    __m256 d, m;
    __m256i times[2];   /* s16: what vpmaddwd multiplies by: in k 0..15, in k 16..31 */
    __m256i bias;       /* two scales: s16, z * scales side by side; values of all 8 bits: s32, see avx2_split */
    __m256i mins;
};

/* A whole k block in memory, to serve many columns. */
struct avx2_ready {
    struct avx2_half half[2];
    __m256i w[2][8];
    __m256i sign[2][8]; /* of values of all 8 bits, -1 or 0; w are their magnitudes */
};

/* Where the vectors of a k block come from: from the packed block, as they are needed, or from where it was made ready. */
struct avx2_source {
    bool made_ready;
    const void *packed;
    size_t s;
    const struct avx2_ready *ready;
};

ALWAYS_INLINE bool avx2_two_scales(struct avx2_type type)
{
    return type.family == FAMILY_TWO_SCALES || type.family == FAMILY_TWO_SCALES_MINS;
}

ALWAYS_INLINE void avx2_prepare(struct avx2_type type, const void *packed, size_t s, int half, struct avx2_half *out)
{
    const __m256i low = _mm256_broadcastsi128_si256(_mm_setr_epi32(0x01000100, 0x05040504, 0x09080908, 0x0d0c0d0c));
    const struct avx2_scales scales = type.scales(packed, s, half);
    out->d = scales.d;
    out->m = scales.m;
    out->bias = _mm256_setzero_si256();
    if (!avx2_two_scales(type))
        return;
    out->times[0] = _mm256_shuffle_epi8(scales.sc, low);
    out->times[1] = _mm256_shuffle_epi8(scales.sc, _mm256_add_epi8(low, _mm256_set1_epi8(2)));
    if (type.log2_z >= 0)
        out->bias = _mm256_slli_epi16(scales.sc, type.log2_z);
    out->mins = scales.mins;
}

/* Values of all 8 bits for many columns. With q inverted where w is negative,
 *
 *   w q = |w| (q ^ sign) + (w < 0 ? |w| : 0),   sign = w < 0 ? -1 : 0
 *
 * and the sum of the second terms, the bias, is the same for all columns. An exclusive or may go to any of the four ports, unlike vpsignb. */
ALWAYS_INLINE void avx2_split(__m256i w[8], __m256i sign[8], __m256i *bias)
{
    __m256i rest = _mm256_setzero_si256();
    UNROLL
    for (int g = 0; g < 8; g++) {
        sign[g] = _mm256_cmpgt_epi8(_mm256_setzero_si256(), w[g]);
        w[g] = _mm256_abs_epi8(w[g]);
        rest = _mm256_sub_epi16(rest, _mm256_maddubs_epi16(w[g], sign[g])); /* up to 16 * 128 */
    }
    *bias = _mm256_madd_epi16(rest, _mm256_set1_epi16(1));
}

ALWAYS_INLINE void avx2_make_ready(struct avx2_type type, const void *packed, size_t s, struct avx2_ready *out)
{
    UNROLL
    for (int half = 0; half < 2; half++) {
        avx2_prepare(type, packed, s, half, &out->half[half]);
        UNROLL
        for (int g = 0; g < 8; g++)
            out->w[half][g] = type.vector(packed, s, half, g);
        if (!type.run)
            avx2_split(out->w[half], out->sign[half], &out->half[half].bias);
    }
}

/* Vector g of rows 8 half .. 8 half + 7, with what gives q its sign. */
ALWAYS_INLINE __m256i avx2_vector(struct avx2_type type, struct avx2_source from, int half, int g, __m256i *sign)
{
    if (from.made_ready) {
        if (!type.run)
            *sign = from.ready->sign[half][g];
        return from.ready->w[half][g];
    }
    *sign = type.vector(from.packed, from.s, half, g);
    return type.run ? *sign : _mm256_abs_epi8(*sign);
}

ALWAYS_INLINE __m256i avx2_products(struct avx2_type type, struct avx2_source from, __m256i w, __m256i sign, __m256i q)
{
    if (!type.run)
        q = from.made_ready ? _mm256_xor_si256(q, sign) : _mm256_sign_epi8(q, sign);
    return _mm256_maddubs_epi16(w, q);
}

/* The negated sums of activations as s16, nlo and nhi side by side in each row. */
ALWAYS_INLINE __m256i avx2_nsums(const struct act_block *a)
{
    int64_t both;
    memcpy(&both, &a->nlo, sizeof both);
    const __m256i wide = _mm256_set1_epi64x(both);
    return _mm256_packs_epi32(wide, wide);
}

/* What the sum of products begins with: z times the negated sum of activations, or the bias. */
ALWAYS_INLINE __m256i avx2_start(struct avx2_type type, const struct avx2_half *w, const struct act_block *a)
{
    if (!type.run)
        return w->bias;
    if (type.log2_z < 0)
        return _mm256_setzero_si256();
    if (avx2_two_scales(type))
        return _mm256_madd_epi16(w->bias, avx2_nsums(a));
    return _mm256_slli_epi32(avx2_broadcast(&a->nsum), type.log2_z);
}

/* acc = fma(d, t, acc), t the term of README.md for one column. */
ALWAYS_INLINE __m256 avx2_add(struct avx2_type type, const struct avx2_half *w, const struct act_block *a, __m256i isum, __m256 acc)
{
    __m256 t = _mm256_mul_ps(w->d, _mm256_cvtepi32_ps(isum));
    if (type.family == FAMILY_SCALE_MIN)
        t = _mm256_fmadd_ps(w->m, _mm256_set1_ps(a->fsum), t);
    if (type.family == FAMILY_TWO_SCALES_MINS)
        t = _mm256_fmadd_ps(w->m, _mm256_cvtepi32_ps(_mm256_madd_epi16(w->mins, avx2_nsums(a))), t);
    return _mm256_fmadd_ps(_mm256_broadcast_ss(&a->d), t, acc);
}

ALWAYS_INLINE __m256i avx2_widen(__m256i isum, __m256i sum, __m256i times)
{
    return _mm256_add_epi32(isum, _mm256_madd_epi16(sum, times));
}

/* n columns (up to 4) of a k block: each broadcast of activations serves 16 rows, each vector of weights n columns; the sums stay in
 * registers. When runs are widened changes nothing but speed: at once, or, the fewer, after all columns. */
ALWAYS_INLINE void avx2_columns(struct avx2_type type, struct avx2_source from, const struct avx2_half half[2], const struct act_block *x,
                                int n, __m256 acc[][2])
{
    const int run = type.run ? type.run : 1;
    const bool at_once = run == 1 || avx2_two_scales(type);
    __m256i sum[4][2], isum[4][2]; /* of a run; of all */
    __m256i times[2] = {_mm256_set1_epi16(1), _mm256_set1_epi16(1)};
    UNROLL
    for (int g = 0; g < 8; g++) {
        const bool last = (g + 1) % run == 0;
        __m256i w[2], sign[2];
        UNROLL
        for (int h = 0; h < 2; h++) {
            w[h] = avx2_vector(type, from, h, g, &sign[h]);
            if (avx2_two_scales(type)) {
                times[h] = g % 4 ? times[h] : half[h].times[g / 4];
                KEEP(times[h]);
                KEEP(w[h]);
            }
        }
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m256i q = avx2_broadcast(x[c].q + 4 * g);
            UNROLL
            for (int h = 0; h < 2; h++) {
                const __m256i products = avx2_products(type, from, w[h], sign[h], q);
                sum[c][h] = g % run ? _mm256_add_epi16(sum[c][h], products) : products;
                KEEP(sum[c][h]);
                if (last && at_once) {
                    isum[c][h] = avx2_widen(g < run ? avx2_start(type, &half[h], &x[c]) : isum[c][h], sum[c][h], times[h]);
                    KEEP(isum[c][h]);
                }
            }
        }
        if (!last || at_once)
            continue;
        UNROLL
        for (int c = 0; c < n; c++) {
            UNROLL
            for (int h = 0; h < 2; h++)
                isum[c][h] = avx2_widen(g < run ? avx2_start(type, &half[h], &x[c]) : isum[c][h], sum[c][h], times[h]);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int h = 0; h < 2; h++)
            acc[c][h] = avx2_add(type, &half[h], &x[c], isum[c][h], acc[c][h]);
    }
}

ALWAYS_INLINE void avx2_store(__m256 acc[][2], int n, float *y, size_t y_stride)
{
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[c][0]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[c][1]);
    }
}

/* Asks for what is read 8 k blocks later: while a block meets several columns, the processor does not itself see far enough ahead to keep
 * memory busy. (With one column it does.) */
ALWAYS_INLINE void avx2_prefetch(struct avx2_type type, const void *packed, size_t s)
{
    const size_t bytes = type.bytes / (size_t)type.blocks;
    const char *later = (const char *)packed + (s + 8) * bytes;
    UNROLL
    for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch(later + i, _MM_HINT_T0);
}

/* One to four columns: reads the weights once, in order, as fast as memory gives them. */
ALWAYS_INLINE void avx2_few(struct avx2_type type, const void *tile, size_t k, const struct act_block *x, size_t x_stride, int n, float *y,
                            size_t y_stride)
{
    __m256 acc[4][2];
    UNROLL
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (struct avx2_source from = {.packed = tile}; k; k -= (size_t)type.blocks * ACT_BLOCK) {
        for (from.s = 0; from.s < (size_t)type.blocks; from.s++, x += x_stride) {
            struct avx2_half half[2];
            if (n > 1)
                avx2_prefetch(type, from.packed, from.s);
            avx2_prepare(type, from.packed, from.s, 0, &half[0]);
            avx2_prepare(type, from.packed, from.s, 1, &half[1]);
            avx2_columns(type, from, half, x, n, acc);
        }
        from.packed = (const char *)from.packed + type.bytes;
    }
    avx2_store(acc, n, y, y_stride);
}

/* Many columns: a block is made ready once for all of them; their accumulators pass through the first-level cache. */
ALWAYS_INLINE void avx2_many(struct avx2_type type, const void *tile, size_t k, const struct act_block *x, size_t x_stride, int n, float *y,
                             size_t y_stride)
{
    const int group = avx2_two_scales(type) ? 2 : 4; /* as many as the registers hold */
    __m256 acc[PANEL_COLS][2];
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (const char *packed = tile; k; packed += type.bytes, k -= (size_t)type.blocks * ACT_BLOCK) {
        for (size_t s = 0; s < (size_t)type.blocks; s++, x += x_stride) {
            struct avx2_ready ready;
            struct avx2_source from = {true, packed, s, &ready};
            avx2_prefetch(type, packed, s);
            avx2_make_ready(type, packed, s, &ready);
            int c = 0;
            for (; c + group <= n; c += group) {
                LAUNDER(from.ready);
                avx2_columns(type, from, from.ready->half, x + c, group, acc + c);
            }
            for (; c < n; c++) {
                LAUNDER(from.ready);
                avx2_columns(type, from, from.ready->half, x + c, 1, acc + c);
            }
        }
    }
    avx2_store(acc, n, y, y_stride);
}

ALWAYS_INLINE void avx2_linear(struct avx2_type type, const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y,
                               size_t y_stride)
{
    switch (cols) {
    case 1:
        avx2_few(type, tile, k, x, x_stride, 1, y, y_stride);
        break;
    case 2:
        avx2_few(type, tile, k, x, x_stride, 2, y, y_stride);
        break;
    case 3:
        avx2_few(type, tile, k, x, x_stride, 3, y, y_stride);
        break;
    case 4:
        avx2_few(type, tile, k, x, x_stride, 4, y, y_stride);
        break;
    default:
        avx2_many(type, tile, k, x, x_stride, cols, y, y_stride);
    }
}

#endif
