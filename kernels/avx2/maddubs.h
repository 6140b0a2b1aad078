/* maddubs.h - products of bytes without AVX-VNNI:
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
 * that each vector is widened on its own.
 *
 * Of struct avx2_half, times are s16, and bias is z * scales side by side in s16, or, of values of all 8 bits, that of avx2_split. Those
 * have signs, -1 or 0, in struct avx2_ready, and w are their magnitudes. */
#ifndef SLM_AVX2_MADDUBS_H
#define SLM_AVX2_MADDUBS_H

#include "apart.h"

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

/* What the sum of products begins with: z times the negated sum of activations, or the bias. */
ALWAYS_INLINE __m256i avx2_start(struct avx2_type type, const struct avx2_half *w, const struct act_block *a)
{
    if (!type.run)
        return w->bias;
    if (type.log2_z < 0)
        return _mm256_setzero_si256();
    if (avx2_two_scales(type))
        return _mm256_madd_epi16(w->bias, avx2_broadcast(a->nhalf));
    return _mm256_slli_epi32(avx2_broadcast(&a->nsum), type.log2_z);
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
    struct avx2_half again[2];
    if (n == 4 && !from.made_ready && avx2_minima(type)) { /* no registers are left to keep scales and minima in */
        LAUNDER(from.packed);
        avx2_prepare(type, from.packed, from.s, 0, &again[0]);
        avx2_prepare(type, from.packed, from.s, 1, &again[1]);
        half = again;
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int h = 0; h < 2; h++)
            acc[c][h] = avx2_add(type, &half[h], &x[c], _mm256_cvtepi32_ps(isum[c][h]), acc[c][h]);
    }
}

/* The same for columns that are taken apart, of values of all 8 bits and one scale. */
ALWAYS_INLINE void avx2_columns_apart(struct avx2_type type, const void *packed, size_t s, const struct avx2_apart *x, int n,
                                      __m256 acc[][2])
{
    __m256i isum[4][2];
    LAUNDER(x);
    UNROLL
    for (int c = 0; c < n; c++)
        isum[c][0] = isum[c][1] = avx2_broadcast(&x[c].rest);
    UNROLL
    for (int g = 0; g < 8; g++) {
        const __m256i w[2] = {type.vector(packed, s, 0, g), type.vector(packed, s, 1, g)};
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m256i magnitude = avx2_broadcast(x[c].magnitude + 4 * g), sign = avx2_broadcast(x[c].sign + 4 * g);
            UNROLL
            for (int h = 0; h < 2; h++) {
                const __m256i products = _mm256_maddubs_epi16(magnitude, _mm256_xor_si256(w[h], sign));
                isum[c][h] = avx2_widen(isum[c][h], products, _mm256_set1_epi16(1));
                KEEP(isum[c][h]);
            }
        }
    }
    UNROLL
    for (int h = 0; h < 2; h++) {
        const __m256 d = type.scales(packed, s, h).d;
        UNROLL
        for (int c = 0; c < n; c++)
            acc[c][h] = _mm256_fmadd_ps(_mm256_broadcast_ss(&x[c].d), _mm256_mul_ps(d, _mm256_cvtepi32_ps(isum[c][h])), acc[c][h]);
    }
}

/* Two to four columns of values of all 8 bits: activations are taken apart once for all tiles, as many at a time as stay in the first-level
 * cache. The sums meanwhile stand in y. */
ALWAYS_INLINE void avx2_few_apart(struct avx2_type type, const char *tiles, size_t count, size_t bytes, size_t k, const struct act_block *x,
                                  size_t x_stride, int n, float *y, size_t y_stride)
{
    struct avx2_apart apart[256];
    const size_t blocks = k / ACT_BLOCK, most = sizeof apart / sizeof *apart / (size_t)n / 8 * 8; /* whole super-blocks */
    for (size_t first = 0; first < blocks; first += most) {
        const size_t end = blocks - first < most ? blocks : first + most;
        for (size_t b = first; b < end; b++)
            for (int c = 0; c < n; c++)
                avx2_take_apart(&x[b * x_stride + (size_t)c], &apart[(b - first) * (size_t)n + (size_t)c]);
        for (size_t t = 0; t < count; t++) {
            const char *packed = tiles + t * bytes + first / (size_t)type.blocks * type.bytes;
            float *to = y + t * TILE_ROWS;
            const struct avx2_apart *q = apart;
            __m256 acc[4][2];
            UNROLL
            for (int c = 0; c < n; c++) {
                acc[c][0] = first ? _mm256_loadu_ps(to + (size_t)c * y_stride) : _mm256_setzero_ps();
                acc[c][1] = first ? _mm256_loadu_ps(to + (size_t)c * y_stride + 8) : _mm256_setzero_ps();
            }
            for (size_t b = first; b < end; packed += type.bytes) {
                for (size_t s = 0; s < (size_t)type.blocks; s++, b++, q += n) {
                    tier_prefetch(packed, s, type.bytes / (size_t)type.blocks);
                    avx2_columns_apart(type, packed, s, q, n, acc);
                }
            }
            avx2_store(acc, n, to, y_stride);
        }
    }
}

#endif
