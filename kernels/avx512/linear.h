/* linear.h - the AVX-512 VNNI bodies of linear for quantized types, one per family; a type adds the unpacking of its blocks.
 *
 * A vector of weights holds 4 consecutive k of the tile's 16 rows, and meets the same 4 k of one column, broadcast from memory:
 *
 *   w (u8)    | r0: k k+1 k+2 k+3 | r1: k k+1 k+2 k+3 | ... | r15 |
 *   q (s8)    |     k k+1 k+2 k+3 |     k k+1 k+2 k+3 | ... |     |   {1to16}
 *   isum      | r0: += 4 products | r1: += 4 products | ... | r15 |   vpdpbusd
 *
 * The 8 vectors of a block stay in registers while it meets all columns, four of them at a time: vpdpbusd takes four cycles, and each column
 * waits for its last one. Up to 8 columns have their accumulators in registers over the whole of k, those of more pass through the first-level
 * cache. */
#ifndef SLM_AVX512_LINEAR_H
#define SLM_AVX512_LINEAR_H

#include <immintrin.h>
#include <string.h>

#include "../tier.h"

enum { GROUP = 4 }; /* columns that take turns */

/* One k block. */
struct avx512_block {
    __m512i w[8];       /* w + z; vector g holds k 4 g .. 4 g + 3 */
    __m512 dw, dm;      /* scale and minimum; if there are two, what both are multiplied by */
    __m512 sc[2];       /* two scales: of k 0..15 and of k 16..31 */
    __m512i m;          /* two minima, s16: side by side for each row */
    __m512 offset;      /* -dw * SUM_BIAS, or -sc[0] * SUM_BIAS */
};

/* Reads k block s of a packed block. */
typedef void avx512_unpack_fn(const void *packed, size_t s, struct avx512_block *out);

/* What is fixed for a type. */
struct avx512_type {
    enum family family;
    int log2_z;         /* values are w + z, z = 1 << log2_z; -1: z = 0 */
    bool large_scale;   /* of more than F16's range */
    size_t blocks;      /* k blocks in a packed block: 1, or 8 of a super-block */
    size_t bytes;       /* of a packed block */
    /* Where the products of values and their two scales fit into a byte: makes weights of them, which are of z = 1 << folded_log2_z and have dw
     * alone. Many columns pay for it, with two multiplications less for each. */
    avx512_unpack_fn *fold;
    int folded_log2_z;
};

ALWAYS_INLINE bool avx512_has_two_scales(struct avx512_type type)
{
    return !type.fold && (type.family == FAMILY_TWO_SCALES || type.family == FAMILY_TWO_SCALES_MINS);
}

ALWAYS_INLINE __m512 avx512_halves(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

ALWAYS_INLINE __m512 avx512_u8(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)p)));
}

ALWAYS_INLINE __m512 avx512_i8(const int8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)));
}

/* low, with the bits of `mask` taken from upper. */
ALWAYS_INLINE __m512i avx512_join(__m512i low, __m512i upper, __m512i mask)
{
    return _mm512_ternarylogic_epi32(low, upper, mask, 0xf8); /* low | (upper & mask) */
}

/* The bits of `mask` from a, the others from b. */
ALWAYS_INLINE __m512i avx512_select(__m512i mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
}

/* Pairs of s16, one of k 0..15 and one of k 16..31: each of them twice. */
ALWAYS_INLINE void avx512_twice(__m512i pairs, __m512i each[2])
{
    const __m512i low = _mm512_set1_epi32(0xffff);
    each[0] = avx512_join(_mm512_slli_epi32(pairs, 16), pairs, low);
    each[1] = avx512_select(low, _mm512_srli_epi32(pairs, 16), pairs);
}

/* Two scales from pairs of s16. */
ALWAYS_INLINE void avx512_two_scales(__m512i pairs, __m512 sc[2])
{
    sc[0] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(pairs, 16), 16));
    sc[1] = _mm512_cvtepi32_ps(_mm512_srai_epi32(pairs, 16));
}

ALWAYS_INLINE __m512i avx512_broadcast(const void *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm512_set1_epi32(v);
}

/* The nibbles: low ones are k 0..15, high ones k 16..31. */
ALWAYS_INLINE void avx512_nibbles(const uint8_t nibbles[4][64], __m512i w[8])
{
    const __m512i low = _mm512_set1_epi8(15);
    UNROLL
    for (int v = 0; v < 4; v++) {
        __m512i x = _mm512_loadu_si512(nibbles[v]);
        w[v] = _mm512_and_si512(x, low);
        w[v + 4] = _mm512_and_si512(_mm512_srli_epi16(x, 4), low);
    }
}

/* The crumbs: 0 and 2 of a byte are of k 0..15, 1 and 3 of k 16..31. */
ALWAYS_INLINE void avx512_crumbs(const uint8_t crumbs[2][64], __m512i w[8])
{
    const __m512i low = _mm512_set1_epi8(3);
    UNROLL
    for (int h = 0; h < 2; h++) {
        __m512i x = _mm512_loadu_si512(crumbs[h]);
        w[2 * h] = _mm512_and_si512(x, low);
        w[4 + 2 * h] = _mm512_and_si512(_mm512_srli_epi16(x, 2), low);
        w[2 * h + 1] = _mm512_and_si512(_mm512_srli_epi16(x, 4), low);
        w[5 + 2 * h] = _mm512_and_si512(_mm512_srli_epi16(x, 6), low);
    }
}

/* The same, those of k 16..31 times 4: a third of the shifts. */
ALWAYS_INLINE void avx512_crumbs_x4(const uint8_t crumbs[2][64], __m512i w[8])
{
    const __m512i low = _mm512_set1_epi8(3), upper = _mm512_set1_epi8(12);
    UNROLL
    for (int h = 0; h < 2; h++) {
        const __m512i x = _mm512_loadu_si512(crumbs[h]), y = _mm512_srli_epi16(x, 4);
        w[2 * h] = _mm512_and_si512(x, low);
        w[4 + 2 * h] = _mm512_and_si512(x, upper);
        w[2 * h + 1] = _mm512_and_si512(y, low);
        w[5 + 2 * h] = _mm512_and_si512(y, upper);
    }
}

/* The sixes, k 4 j .. 4 j + 3 in vector j; bits 7..6 are to be masked off. */
ALWAYS_INLINE void avx512_sixes(const uint8_t sixes[3][64], __m512i x[4])
{
    const __m512i top = _mm512_set1_epi8((char)0xc0);
    UNROLL
    for (int j = 0; j < 3; j++) {
        x[j] = _mm512_loadu_si512(sixes[j]);
        x[3] = j ? avx512_select(top, x[j], x[3]) : x[j];
        x[3] = _mm512_srli_epi16(x[3], 2);
    }
}

/* The fives, k 4 g .. 4 g + 3 in vector g. */
ALWAYS_INLINE void avx512_fives(const uint8_t fives[5][64], __m512i w[8])
{
    const __m512i low = _mm512_set1_epi8(31), low3 = _mm512_set1_epi8(7), upper2 = _mm512_set1_epi8(3 << 3);
    __m512i x[5];
    UNROLL
    for (int v = 0; v < 5; v++) {
        x[v] = _mm512_loadu_si512(fives[v]);
        w[v] = _mm512_and_si512(x[v], low);
    }
    UNROLL
    for (int v = 0; v < 3; v++)
        w[5 + v] = _mm512_and_si512(_mm512_srli_epi16(x[v], 5), low3);
    w[5] = avx512_join(w[5], _mm512_srli_epi16(x[3], 2), upper2);
    w[6] = avx512_join(w[6], _mm512_srli_epi16(x[4], 2), upper2);
    w[7] = avx512_join(w[7], _mm512_srli_epi16(x[3], 4), _mm512_set1_epi8(1 << 3));
    w[7] = avx512_join(w[7], _mm512_srli_epi16(x[4], 3), _mm512_set1_epi8(1 << 4));
}

/* What each byte, 0..15, stands for. */
ALWAYS_INLINE void avx512_codebook(const int8_t codebook[16], int z, __m512i w[8])
{
    __m512i values = _mm512_broadcast_i32x4(_mm_add_epi8(_mm_loadu_si128((const void *)codebook), _mm_set1_epi8((char)z)));
    UNROLL
    for (int g = 0; g < 8; g++)
        w[g] = _mm512_shuffle_epi8(values, w[g]);
}

/* Where the sum of products starts, of all k or, with two scales, of k 0..15: z times the negated sum of activations, and the bits of SUM_BIAS. The usual
 * ones are ready to be loaded, other halves are shifted from those of z = 32 (SUM_BIAS_BITS end with zeros). */
ALWAYS_INLINE __m512i avx512_start(int log2_z, const struct act_block *a, bool two)
{
    const __m512i bits = _mm512_set1_epi32(SUM_BIAS_BITS);
    if (log2_z < 0)
        return bits;
    if (!two && (log2_z == 3 || log2_z == 7))
        return avx512_broadcast(log2_z == 3 ? &a->start8 : &a->start128);
    if (!two)
        return _mm512_add_epi32(_mm512_slli_epi32(avx512_broadcast(&a->nsum), (unsigned)log2_z), bits);
    const __m512i start = _mm512_srai_epi32(avx512_broadcast(&a->start32_lo), (unsigned)(5 - log2_z));
    return log2_z == 5 ? start : _mm512_add_epi32(start, _mm512_set1_epi32(SUM_BIAS_BITS - (SUM_BIAS_BITS >> (5 - log2_z))));
}

/* The same of k 16..31, without SUM_BIAS. */
ALWAYS_INLINE __m512i avx512_start_hi(int log2_z, const struct act_block *a)
{
    return log2_z < 0 ? _mm512_setzero_si512() : _mm512_srai_epi32(avx512_broadcast(&a->start32_hi), (unsigned)(5 - log2_z));
}

/* sum + the dot products of w with 4 activations. Left to the intrinsic, GCC 12 broadcasts into a
 * register first, with twice the instructions; clang 14 does as it should, but stops unrolling around assembly. */
ALWAYS_INLINE __m512i avx512_dot4(__m512i sum, __m512i w, const int8_t *q)
{
#if defined(SLM_EMULATE) || defined(__clang__)
    return _mm512_dpbusd_epi32(sum, w, avx512_broadcast(q));
#else
    struct four {
        int8_t q[4];
    };
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(*(const struct four *)(const void *)q));
    return sum;
#endif
}

/* The term t of README.md for one column; lo and hi are its sums of products: of k 0..15 and of k 16..31 with two scales, else lo of all. */
ALWAYS_INLINE __m512 avx512_term(struct avx512_type type, const struct avx512_block *w, const struct act_block *a, __m512i lo, __m512i hi)
{
    const __m512 biased = _mm512_castsi512_ps(lo);
    __m512 t;
    if (avx512_has_two_scales(type)) /* of an exact integer */
        t = _mm512_mul_ps(w->dw, _mm512_fmadd_ps(w->sc[1], _mm512_cvtepi32_ps(hi), _mm512_fmadd_ps(w->sc[0], biased, w->offset)));
    else if (type.large_scale)
        t = _mm512_mul_ps(w->dw, _mm512_sub_ps(biased, _mm512_set1_ps(SUM_BIAS)));
    else
        t = _mm512_fmadd_ps(w->dw, biased, w->offset);
    if (type.family == FAMILY_SCALE_MIN)
        t = _mm512_fmadd_ps(w->dm, _mm512_set1_ps(a->fsum), t);
    if (type.family == FAMILY_TWO_SCALES_MINS)
        t = _mm512_fmadd_ps(w->dm, _mm512_cvtepi32_ps(_mm512_madd_epi16(w->m, avx512_broadcast(a->nhalf))), t);
    return t;
}

/* A k block of n columns, n a constant: acc[c] = fma(d, t, acc[c]). The columns take turns, so that no sum waits for its last product. */
ALWAYS_INLINE void avx512_columns(struct avx512_type type, const struct avx512_block *w, const struct act_block *x, int n, __m512 *acc)
{
    const bool two = avx512_has_two_scales(type);
    __m512i sum[2][GROUP];
    UNROLL
    for (int c = 0; c < n; c++) {
        sum[0][c] = avx512_start(type.log2_z, &x[c], two);
        sum[1][c] = two ? avx512_start_hi(type.log2_z, &x[c]) : sum[0][c];
    }
    UNROLL
    for (int g = 0; g < 8; g++) {
        UNROLL
        for (int c = 0; c < n; c++)
            sum[two && g > 3][c] = avx512_dot4(sum[two && g > 3][c], w->w[g], x[c].q + 4 * g);
    }
    UNROLL
    for (int c = 0; c < n; c++)
        acc[c] = _mm512_fmadd_ps(_mm512_set1_ps(x[c].d), avx512_term(type, w, &x[c], sum[0][c], sum[1][c]), acc[c]);
}

ALWAYS_INLINE struct avx512_block avx512_read(struct avx512_type type, avx512_unpack_fn *unpack, const void *packed, size_t s)
{
    struct avx512_block w;
    unpack(packed, s, &w);
    if (type.fold)
        type.fold(packed, s, &w);
    w.offset = _mm512_mul_ps(avx512_has_two_scales(type) ? w.sc[0] : w.dw, _mm512_set1_ps(-SUM_BIAS));
    return w;
}

/* Up to 8 columns: their accumulators stay in registers. */
ALWAYS_INLINE void avx512_few(struct avx512_type type, avx512_unpack_fn *unpack, const void *tile, size_t k, const struct act_block *x,
                              size_t x_stride, int n, float *y, size_t y_stride)
{
    type.fold = NULL;
    __m512 acc[2 * GROUP];
    UNROLL
    for (int c = 0; c < n; c++)
        acc[c] = _mm512_setzero_ps();
    for (const char *packed = tile; k; packed += type.bytes, k -= type.blocks * ACT_BLOCK) {
        for (size_t s = 0; s < type.blocks; s++, x += x_stride) {
            if (n > 2)
                tier_prefetch(packed, s, type.bytes / type.blocks);
            const struct avx512_block w = avx512_read(type, unpack, packed, s);
            avx512_columns(type, &w, x, n < GROUP ? n : GROUP, acc);
            if (n > GROUP)
                avx512_columns(type, &w, x + GROUP, n - GROUP, acc + GROUP);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++)
        _mm512_storeu_ps(y + (size_t)c * y_stride, acc[c]);
}

/* More: in groups of four and then of three; one or two would not keep the multipliers busy. */
ALWAYS_INLINE void avx512_many(struct avx512_type type, avx512_unpack_fn *unpack, const void *tile, size_t k, const struct act_block *x,
                               size_t x_stride, int n, float *y, size_t y_stride)
{
    if (type.fold)
        type.log2_z = type.folded_log2_z;
    const int groups = (n + 3) / 4, fours = n - 3 * groups;
    __m512 acc[PANEL_COLS];
    tier_prefetch_outputs(y, y_stride, n);
    __m512 zero = _mm512_setzero_ps();
    KEEP(zero); /* as if it were not: a call of memset takes longer than the stores */
    for (int c = 0; c < n; c++)
        acc[c] = zero;
    for (const char *packed = tile; k; packed += type.bytes, k -= type.blocks * ACT_BLOCK) {
        for (size_t s = 0; s < type.blocks; s++, x += x_stride) {
            tier_prefetch(packed, s, type.bytes / type.blocks);
            const struct avx512_block w = avx512_read(type, unpack, packed, s);
            int c = 0;
            for (; c < 4 * fours; c += 4)
                avx512_columns(type, &w, x + c, 4, acc + c);
            for (; c < n; c += 3)
                avx512_columns(type, &w, x + c, 3, acc + c);
        }
    }
    for (int c = 0; c < n; c++)
        _mm512_storeu_ps(y + (size_t)c * y_stride, acc[c]);
}

ALWAYS_INLINE void avx512_linear(struct avx512_type type, avx512_unpack_fn *unpack, const void *tile, size_t k, const void *x,
                                 size_t x_stride, int cols, float *y, size_t y_stride)
{
#define FEW(n)                                                                                                             \
    case n:                                                                                                                \
        avx512_few(type, unpack, tile, k, x, x_stride, n, y, y_stride);                                                    \
        break;
    switch (cols) {
        FEW(1) FEW(2) FEW(3) FEW(4) FEW(5) FEW(6) FEW(7) FEW(8)
    default:
        avx512_many(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
    }
#undef FEW
}

/* Ends the file of a type: its linear, with what is fixed for it. */
#define AVX512_LINEAR(type, tile_type, ...)                                                                                \
    TIER_LINEAR(type)                                                                                                      \
    {                                                                                                                      \
        const struct avx512_type fixed = {.family = FAMILY_OF_##type, .bytes = sizeof(struct tile_type), __VA_ARGS__};     \
        avx512_linear(fixed, unpack, tile, k, x, x_stride, cols, y, y_stride);                                             \
    }

#endif
