/* linear.h - the AArch64 body of linear for quantized types; a type adds the unpacking of its blocks.
 *
 * Half a tile (8 rows) meets one column after the other. Two vectors of weights hold 4 consecutive k of 4 rows each, and meet the same
 * 4 k of one column, a lane of the register that holds 16 of them:
 *
 *   w (s8)    | r0: k k+1 k+2 k+3 | r1: k k+1 k+2 k+3 | r2 | r3 |   and r4 .. r7
 *   q (s8)    |     k k+1 k+2 k+3 |     k k+1 k+2 k+3 |    |    |   lane g % 4 of q[g / 4]
 *   isum      | r0: += 4 products | r1: += 4 products | r2 | r3 |   sdot
 *
 * sdot multiplies signed bytes, so unpacking takes z away and there is no sum of activations to correct by. The 16 vectors of half a
 * block stay in registers while the columns pass. Processors without sdot (tier armv8) add up widened products; those with
 * smmla (tier i8mm) take many columns in pairs (pairs.h). */
#ifndef SLM_NEON_LINEAR_H
#define SLM_NEON_LINEAR_H

#include <arm_neon.h>

#include "../tier.h"

/* What is fixed for a type. */
struct neon_type {
    enum family family;
    bool large_scale;                   /* of more than F16's range */
};

/* 8 rows of one k block, in quads of 4. */
struct neon_block {
    int8x16_t w[8][2];                  /* vector g holds k 4 g .. 4 g + 3 */
    float32x4_t dw[2], dm[2];           /* scale and minimum; if there are two, what both are multiplied by */
    float32x4_t sc[2][2], m[2][2];      /* two scales and minima: of k 0..15 and of k 16..31 */
};

/* Reads rows 8 half .. 8 half + 7 of k block b. */
typedef void neon_unpack_fn(const void *tile, size_t b, int half, struct neon_block *out);

/* ---- unpacking */

/* 8 F16, or small integers, as floats in two quads; their products, which are exact. */
ALWAYS_INLINE void neon_halves(const uint16_t *p, float32x4_t out[2])
{
    out[0] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
    out[1] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4)));
}

ALWAYS_INLINE void neon_u8(uint8x8_t integers, float32x4_t out[2])
{
    uint16x8_t wide = vmovl_u8(integers);
    out[0] = vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide)));
    out[1] = vcvtq_f32_u32(vmovl_u16(vget_high_u16(wide)));
}

ALWAYS_INLINE void neon_s8(int8x8_t integers, float32x4_t out[2])
{
    int16x8_t wide = vmovl_s8(integers);
    out[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
    out[1] = vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)));
}

ALWAYS_INLINE void neon_halves_u8(const uint16_t *p, uint8x8_t factors, float32x4_t out[2])
{
    float32x4_t halves[2];
    neon_halves(p, halves);
    neon_u8(factors, out);
    out[0] = vmulq_f32(out[0], halves[0]);
    out[1] = vmulq_f32(out[1], halves[1]);
}

ALWAYS_INLINE void neon_halves_s8(const uint16_t *p, int8x8_t factors, float32x4_t out[2])
{
    float32x4_t halves[2];
    neon_halves(p, halves);
    neon_s8(factors, out);
    out[0] = vmulq_f32(out[0], halves[0]);
    out[1] = vmulq_f32(out[1], halves[1]);
}

/* The nibbles of 8 rows: low nibbles are k 0..15, high ones k 16..31. */
ALWAYS_INLINE void neon_nibbles(const uint8_t nibbles[4][64], int half, int8x16_t w[8][2])
{
    UNROLL
    for (int v = 0; v < 4; v++) {
        UNROLL
        for (int quad = 0; quad < 2; quad++) {
            uint8x16_t x = vld1q_u8(nibbles[v] + 32 * half + 16 * quad);
            w[v][quad] = vreinterpretq_s8_u8(vandq_u8(x, vdupq_n_u8(15)));
            w[v + 4][quad] = vreinterpretq_s8_u8(vshrq_n_u8(x, 4));
        }
    }
}

/* The crumbs of 8 rows: 0 and 2 of a byte are of k 0..15, 1 and 3 of k 16..31. */
ALWAYS_INLINE void neon_crumbs(const uint8_t crumbs[2][64], int half, int8x16_t w[8][2])
{
    const uint8x16_t low = vdupq_n_u8(3);
    UNROLL
    for (int i = 0; i < 4; i++) {
        int v = i / 2 * 2, quad = i % 2;
        uint8x16_t x = vld1q_u8(crumbs[i / 2] + 32 * half + 16 * quad);
        w[v][quad] = vreinterpretq_s8_u8(vandq_u8(x, low));
        w[v + 4][quad] = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(x, 2), low));
        w[v + 1][quad] = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(x, 4), low));
        w[v + 5][quad] = vreinterpretq_s8_u8(vshrq_n_u8(x, 6));
    }
}

/* The sixes of 8 rows, k 4 j .. 4 j + 3 in vector j. */
ALWAYS_INLINE void neon_sixes(const uint8_t sixes[3][64], int half, int8x16_t w[4][2])
{
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        uint8x16_t x[3];
        UNROLL
        for (int j = 0; j < 3; j++) {
            x[j] = vld1q_u8(sixes[j] + 32 * half + 16 * quad);
            w[j][quad] = vreinterpretq_s8_u8(vandq_u8(x[j], vdupq_n_u8(63)));
        }
        uint8x16_t upper = vsriq_n_u8(x[2], vsriq_n_u8(x[1], x[0], 2), 2); /* bits 7..2: the upper bits of 2, 1, 0 */
        w[3][quad] = vreinterpretq_s8_u8(vshrq_n_u8(upper, 2));
    }
}

/* The fives of 8 rows, k 4 g .. 4 g + 3 in vector g. */
ALWAYS_INLINE void neon_fives(const uint8_t fives[5][64], int half, int8x16_t w[8][2])
{
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        uint8x16_t x[5], last[3];
        UNROLL
        for (int v = 0; v < 5; v++) {
            x[v] = vld1q_u8(fives[v] + 32 * half + 16 * quad);
            w[v][quad] = vreinterpretq_s8_u8(vandq_u8(x[v], vdupq_n_u8(31)));
        }
        UNROLL
        for (int v = 0; v < 3; v++)
            last[v] = vshrq_n_u8(x[v], 5);
        last[0] = vorrq_u8(last[0], vandq_u8(vshrq_n_u8(x[3], 2), vdupq_n_u8(3 << 3)));
        last[1] = vorrq_u8(last[1], vandq_u8(vshrq_n_u8(x[4], 2), vdupq_n_u8(3 << 3)));
        last[2] = vsliq_n_u8(last[2], vsliq_n_u8(vshrq_n_u8(x[3], 7), vshrq_n_u8(x[4], 7), 1), 3);
        UNROLL
        for (int v = 0; v < 3; v++)
            w[5 + v][quad] = vreinterpretq_s8_u8(last[v]);
    }
}

/* What each 4-bit value stands for. */
ALWAYS_INLINE void neon_codebook(const int8_t codebook[16], int8x16_t w[8][2])
{
    const int8x16_t book = vld1q_s8(codebook);
    UNROLL
    for (int i = 0; i < 16; i++)
        w[i / 2][i % 2] = vqtbl1q_s8(book, vreinterpretq_u8_s8(w[i / 2][i % 2]));
}

ALWAYS_INLINE void neon_take_away(int8_t z, int8x16_t w[8][2])
{
    UNROLL
    for (int i = 0; i < 16; i++)
        w[i / 2][i % 2] = vsubq_s8(w[i / 2][i % 2], vdupq_n_s8(z));
}

/* ---- dw * isum for many columns
 *
 * Sums start at the bits of SUM_BIAS: two instructions fewer for each quad. Start and offsets are loaded, which the vector units need not
 * do. */

struct neon_ready {
    int32x4_t start[4];                 /* the bits of SUM_BIAS */
    float32x4_t offset[4];              /* -dw * SUM_BIAS, for each vector of scales */
};

/* The parts of dw * isum; without `ready` by a conversion. */
ALWAYS_INLINE int32x4_t neon_start(const struct neon_ready *ready, int i)
{
    return ready ? ready->start[i] : vdupq_n_s32(0);
}

ALWAYS_INLINE float32x4_t neon_first_term(const struct neon_ready *ready, int i, float32x4_t dw, int32x4_t isum)
{
    return ready ? vfmaq_f32(ready->offset[i], dw, vreinterpretq_f32_s32(isum)) : vmulq_f32(dw, vcvtq_f32_s32(isum));
}

/* The second of two sums in floats. */
ALWAYS_INLINE float32x4_t neon_float(const struct neon_ready *ready, int i, int32x4_t isum)
{
    return ready ? vsubq_f32(vreinterpretq_f32_s32(isum), vreinterpretq_f32_s32(ready->start[i])) : vcvtq_f32_s32(isum);
}

/* Fills *ready for n vectors of scales, in memory. */
ALWAYS_INLINE void neon_get_ready(const float32x4_t *dw, int n, struct neon_ready *ready)
{
    UNROLL
    for (int i = 0; i < n; i++) {
        ready->start[i] = vreinterpretq_s32_f32(vdupq_n_f32(SUM_BIAS));
        ready->offset[i] = vmulq_n_f32(dw[i], -SUM_BIAS);
    }
    __asm__ volatile("" : : "r"(ready) : "memory"); /* or else it is kept in registers, and moved */
}

/* ---- one block of one column */

/* The dot products of vectors 4 first .. 4 first + 3 with 16 activations, added to isum. */
#ifdef __ARM_FEATURE_DOTPROD
ALWAYS_INLINE void neon_dot16(const struct neon_block *w, int first, int8x16_t q, int32x4_t isum[2])
{
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        isum[quad] = vdotq_laneq_s32(isum[quad], w->w[first][quad], q, 0);
        isum[quad] = vdotq_laneq_s32(isum[quad], w->w[first + 1][quad], q, 1);
        isum[quad] = vdotq_laneq_s32(isum[quad], w->w[first + 2][quad], q, 2);
        isum[quad] = vdotq_laneq_s32(isum[quad], w->w[first + 3][quad], q, 3);
    }
}
#else
/* Two products fit into 16 bits (2 * 128 * 127 < 32768): widened from there, sums of two k each; the last addition joins those. */
ALWAYS_INLINE void neon_dot16(const struct neon_block *w, int first, int8x16_t q, int32x4_t isum[2])
{
    const int32x4_t fours = vreinterpretq_s32_s8(q);
    const int8x16_t q4[4] = {
        vreinterpretq_s8_s32(vdupq_laneq_s32(fours, 0)), vreinterpretq_s8_s32(vdupq_laneq_s32(fours, 1)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(fours, 2)), vreinterpretq_s8_s32(vdupq_laneq_s32(fours, 3)),
    };
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0); /* of two rows each */
        UNROLL
        for (int g = 0; g < 4; g += 2) {
            const int8x16_t a = w->w[first + g][quad], b = w->w[first + g + 1][quad];
            int16x8_t products = vmull_s8(vget_low_s8(a), vget_low_s8(q4[g]));
            low = vpadalq_s16(low, vmlal_s8(products, vget_low_s8(b), vget_low_s8(q4[g + 1])));
            products = vmull_high_s8(a, q4[g]);
            high = vpadalq_s16(high, vmlal_high_s8(products, b, q4[g + 1]));
        }
        isum[quad] = vaddq_s32(isum[quad], vpaddq_s32(low, high));
    }
}
#endif

ALWAYS_INLINE bool neon_two(struct neon_type type)
{
    return type.family == FAMILY_TWO_SCALES || type.family == FAMILY_TWO_SCALES_MINS;
}

/* acc = fma(d, t, acc) for 8 rows and one column, t the term of README.md. */
ALWAYS_INLINE void neon_multiply_add(struct neon_type type, const struct neon_block *w, const struct neon_ready *ready,
                                     const struct act_block *a, float32x4_t acc[2])
{
    const bool two = neon_two(type);
    int32x4_t lo[2] = {neon_start(ready, 0), neon_start(ready, 1)}, hi[2] = {lo[0], lo[1]};
    neon_dot16(w, 0, vld1q_s8(a->q), lo);
    neon_dot16(w, 4, vld1q_s8(a->q + 16), two ? hi : lo);
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        float32x4_t t = neon_first_term(ready, quad, two ? w->sc[0][quad] : w->dw[quad], lo[quad]);
        if (two)
            t = vmulq_f32(w->dw[quad], vfmaq_f32(t, w->sc[1][quad], neon_float(ready, quad, hi[quad])));
        if (type.family == FAMILY_SCALE_MIN)
            t = vfmaq_n_f32(t, w->dm[quad], a->fsum);
        if (type.family == FAMILY_TWO_SCALES_MINS)
            t = vfmaq_f32(t, w->dm[quad], vfmaq_n_f32(vmulq_n_f32(w->m[0][quad], (float)a->nhalf[0]), w->m[1][quad], (float)a->nhalf[1]));
        acc[quad] = vfmaq_n_f32(acc[quad], t, a->d);
    }
}

/* ---- columns */

/* One column, or two or three, of both halves at once: reads the weights once, in order, as fast as memory gives them. */
ALWAYS_INLINE void neon_few_columns(struct neon_type type, neon_unpack_fn *unpack, const void *tile, size_t k,
                                    const struct act_block *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    float32x4_t acc[2][3][2];
    UNROLL
    for (int c = 0; c < n; c++)
        acc[0][c][0] = acc[0][c][1] = acc[1][c][0] = acc[1][c][1] = vdupq_n_f32(0);
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            struct neon_block w;
            unpack(tile, b, half, &w);
            UNROLL
            for (int c = 0; c < n; c++)
                neon_multiply_add(type, &w, NULL, &x[c], acc[half][c]);
            RELOAD();
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int i = 0; i < 4; i++)
            vst1q_f32(y + (size_t)c * y_stride + 4 * i, acc[i / 2][c][i % 2]);
    }
}

#ifdef __ARM_FEATURE_MATMUL_INT8
#include "pairs.h"
#else
/* Many columns of one half: one unpacking serves them all, and the accumulators pass through the first-level cache. */
ALWAYS_INLINE void neon_many_columns(struct neon_type type, neon_unpack_fn *unpack, const void *tile, size_t k, int half,
                                     const struct act_block *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    float32x4_t acc[PANEL_COLS][2];
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = vdupq_n_f32(0);
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        struct neon_block w;
        struct neon_ready ready;
        unpack(tile, b, half, &w);
        neon_get_ready(neon_two(type) ? w.sc[0] : w.dw, 2, &ready);
        for (int c = 0; c < n; c++) {
            neon_multiply_add(type, &w, type.large_scale ? NULL : &ready, &x[c], acc[c]);
            RELOAD();
        }
    }
    for (int c = 0; c < n; c++) {
        vst1q_f32(y + (size_t)c * y_stride + 8 * half, acc[c][0]);
        vst1q_f32(y + (size_t)c * y_stride + 8 * half + 4, acc[c][1]);
    }
}
#endif

ALWAYS_INLINE void neon_linear(struct neon_type type, neon_unpack_fn *unpack, const void *tile, size_t k, const void *x,
                               size_t x_stride, int cols, float *y, size_t y_stride)
{
    switch (cols) {
    case 1:
        neon_few_columns(type, unpack, tile, k, x, x_stride, 1, y, y_stride);
        break;
    case 2:
        neon_few_columns(type, unpack, tile, k, x, x_stride, 2, y, y_stride);
        break;
    case 3:
        neon_few_columns(type, unpack, tile, k, x, x_stride, 3, y, y_stride);
        break;
    default:
        for (int half = 0; half < 2; half++)
            neon_many_columns(type, unpack, tile, k, half, x, x_stride, cols, y, y_stride);
    }
}

/* Defines a type's linear, made with its `unpack`. */
#define NEON_LINEAR(type)                                                                                                  \
    TIER_LINEAR(type)                                                                                                      \
    {                                                                                                                      \
        const struct neon_type fixed = {FAMILY_OF_##type, WEIGHT_##type == WEIGHT_MXFP4};                                  \
        neon_linear(fixed, unpack, tile, k, x, x_stride, cols, y, y_stride);                                               \
    }

#endif
