/* linear.h - the AVX2 body of linear for all quantized types; a type adds the reading of its packed blocks (unpack.h), and what
 * multiplies bytes depends on the tier (maddubs.h, vnni.h).
 *
 * A vector of weights holds 4 consecutive k of 8 rows, half a tile, and meets the same 4 k of one column, broadcast. */
#ifndef SLM_AVX2_LINEAR_H
#define SLM_AVX2_LINEAR_H

#include "../tier.h"
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
    int run;            /* vectors whose products fit into 16 bits together: run * 2 * 127 * max(w + z) < 32768; 8, 4 or 2, with
                         * two scales 4 or 2; 0: values of all 8 bits */
    int blocks;         /* k blocks in a packed block: 1, or 8 of a super-block */
    size_t bytes;       /* of a packed block */
    /* Of k block s of a packed block, rows 8 half .. 8 half + 7. */
    __m256i (*vector)(const void *packed, size_t s, int half, int g);
    struct avx2_scales (*scales)(const void *packed, size_t s, int half);
};

/* Half a tile of a k block, made ready for columns. */
struct avx2_half {
    __m256 d, m;
    __m256i mins;
    __m256i times[2];   /* two scales: what the sums of k 0..15 and of k 16..31 are multiplied by */
    __m256i bias;
};

/* A whole k block in memory, to serve many columns. */
struct avx2_ready {
    struct avx2_half half[2];
    __m256i w[2][8];
    __m256i sign[2][8];
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

ALWAYS_INLINE bool avx2_minima(struct avx2_type type)
{
    return type.family == FAMILY_SCALE_MIN || type.family == FAMILY_TWO_SCALES_MINS;
}

/* acc = fma(d, t, acc), t the term of README.md for one column. */
ALWAYS_INLINE __m256 avx2_add(struct avx2_type type, const struct avx2_half *w, const struct act_block *a, __m256 isum, __m256 acc)
{
    __m256 t = _mm256_mul_ps(w->d, isum);
    if (type.family == FAMILY_SCALE_MIN)
        t = _mm256_fmadd_ps(w->m, _mm256_set1_ps(a->fsum), t);
    if (type.family == FAMILY_TWO_SCALES_MINS)
        t = _mm256_fmadd_ps(w->m, _mm256_cvtepi32_ps(_mm256_madd_epi16(w->mins, avx2_broadcast(a->nhalf))), t);
    return _mm256_fmadd_ps(_mm256_broadcast_ss(&a->d), t, acc);
}

ALWAYS_INLINE void avx2_store(__m256 acc[][2], int n, float *y, size_t y_stride)
{
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[c][0]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[c][1]);
    }
}

/* Each defines avx2_prepare and avx2_make_ready, of half a block or a whole one, and avx2_columns. */
#if defined(__AVXVNNI__)
#include "vnni.h"
#else
#include "maddubs.h"
#endif

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
                tier_prefetch(from.packed, from.s, type.bytes / (size_t)type.blocks);
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
    tier_prefetch_outputs(y, y_stride, n);
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (const char *packed = tile; k; packed += type.bytes, k -= (size_t)type.blocks * ACT_BLOCK) {
        for (size_t s = 0; s < (size_t)type.blocks; s++, x += x_stride) {
            struct avx2_ready ready;
            struct avx2_source from = {true, packed, s, &ready};
            tier_prefetch(packed, s, type.bytes / (size_t)type.blocks);
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

ALWAYS_INLINE void avx2_tile(struct avx2_type type, const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y,
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

ALWAYS_INLINE void avx2_linear(struct avx2_type type, const char *tiles, size_t count, size_t bytes, size_t k, const void *x,
                               size_t x_stride, int cols, float *y, size_t y_stride)
{
#if !defined(__AVXVNNI__)
    if (!type.run) {
        switch (cols) {
        case 2:
            avx2_few_apart(type, tiles, count, bytes, k, x, x_stride, 2, y, y_stride);
            return;
        case 3:
            avx2_few_apart(type, tiles, count, bytes, k, x, x_stride, 3, y, y_stride);
            return;
        case 4:
            avx2_few_apart(type, tiles, count, bytes, k, x, x_stride, 4, y, y_stride);
            return;
        }
    }
#endif
    for (size_t t = 0; t < count; t++)
        avx2_tile(type, tiles + t * bytes, k, x, x_stride, cols, y + t * TILE_ROWS, y_stride);
}

/* Ends the file of a type: its linear, with what is fixed for it. */
#define AVX2_LINEAR(type, tile_type, ...)                                                                                  \
    TIER_LINEAR_TILES(type)                                                                                                \
    {                                                                                                                      \
        const struct avx2_type fixed = {.family = FAMILY_OF_##type, .bytes = sizeof(struct tile_type), .vector = vector,   \
                                        .scales = scales, __VA_ARGS__};                                                    \
        avx2_linear(fixed, tiles, count, tile_bytes(WEIGHT_##type, k), k, x, x_stride, cols, y, y_stride);                 \
    }

#endif
