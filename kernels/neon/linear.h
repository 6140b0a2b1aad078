/* linear.h - the AArch64 dot-product bodies of linear for quantized types, one per family; a type adds the unpacking of its blocks.
 *
 * Half a tile (8 rows) meets one column after the other. Two vectors of weights hold 4 consecutive k of 4 rows each, and meet the same
 * 4 k of one column, a lane of the register that holds 16 of them:
 *
 *   w (s8)    | r0: k k+1 k+2 k+3 | r1: k k+1 k+2 k+3 | r2 | r3 |   and r4 .. r7
 *   q (s8)    |     k k+1 k+2 k+3 |     k k+1 k+2 k+3 |    |    |   lane g % 4 of q[g / 4]
 *   isum      | r0: += 4 products | r1: += 4 products | r2 | r3 |   sdot
 *
 * sdot multiplies signed bytes, so unpacking takes z away and there is no sum of activations to correct by. The 16 vectors of half a
 * block stay in registers while the columns pass. */
#ifndef SLM_NEON_LINEAR_H
#define SLM_NEON_LINEAR_H

#include <arm_neon.h>

#include "../kernels.h"
#include "../unroll.h"

enum neon_family { ONE_SCALE, SCALE_MIN, TWO_SCALES };

/* 8 rows of one k block, in quads of 4. */
struct neon_block {
    int8x16_t w[8][2];                  /* vector g holds k 4 g .. 4 g + 3 */
    float32x4_t dw[2], dw_hi[2];        /* scale of all values, or of k 0..15; of k 16..31 */
    float32x4_t dm[2];                  /* minimum */
};

/* Reads rows 8 half .. 8 half + 7 of k block b. */
typedef void neon_unpack_fn(const void *tile, size_t b, int half, struct neon_block *out);

/* ---- unpacking */

/* Four F16. */
ALWAYS_INLINE float32x4_t neon_halves(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

/* Eight small integers as floats, in two quads. */
ALWAYS_INLINE void neon_from_u8(const uint8_t *p, float32x4_t out[2])
{
    uint16x8_t wide = vmovl_u8(vld1_u8(p));
    out[0] = vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide)));
    out[1] = vcvtq_f32_u32(vmovl_u16(vget_high_u16(wide)));
}

ALWAYS_INLINE void neon_from_s8(const int8_t *p, float32x4_t out[2])
{
    int16x8_t wide = vmovl_s8(vld1_s8(p));
    out[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
    out[1] = vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)));
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

ALWAYS_INLINE void neon_take_away(int8_t z, int8x16_t w[8][2])
{
    UNROLL
    for (int i = 0; i < 16; i++)
        w[i / 2][i % 2] = vsubq_s8(w[i / 2][i % 2], vdupq_n_s8(z));
}

/* ---- one block of one column */

/* The dot products of vectors 4 first .. 4 first + 3 with 16 activations, added to isum. */
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

/* acc = fma(d, t, acc) for 8 rows and one column, t the term of README.md. */
ALWAYS_INLINE void neon_multiply_add(enum neon_family family, const struct neon_block *w, const struct act_block *a,
                                     float32x4_t acc[2])
{
    int32x4_t lo[2] = {vdupq_n_s32(0), vdupq_n_s32(0)}, hi[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    neon_dot16(w, 0, vld1q_s8(a->q), lo);
    neon_dot16(w, 4, vld1q_s8(a->q + 16), family == TWO_SCALES ? hi : lo);
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        float32x4_t t = vmulq_f32(w->dw[quad], vcvtq_f32_s32(lo[quad]));
        if (family == TWO_SCALES)
            t = vfmaq_f32(t, w->dw_hi[quad], vcvtq_f32_s32(hi[quad]));
        if (family == SCALE_MIN)
            t = vfmaq_n_f32(t, w->dm[quad], (float)a->nsum);
        acc[quad] = vfmaq_n_f32(acc[quad], t, a->d);
    }
}

/* ---- columns */

/* One column, or two or three, of both halves at once: reads the weights once, in order, as fast as memory gives them. */
ALWAYS_INLINE void neon_few_columns(enum neon_family family, neon_unpack_fn *unpack, const void *tile, size_t k,
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
                neon_multiply_add(family, &w, &x[c], acc[half][c]);
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

/* Many columns of one half: one unpacking serves them all, and the accumulators pass through the first-level cache. */
ALWAYS_INLINE void neon_many_columns(enum neon_family family, neon_unpack_fn *unpack, const void *tile, size_t k, int half,
                                     const struct act_block *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    float32x4_t acc[MAX_COLS][2];
    for (int c = 0; c < n; c++)
        acc[c][0] = acc[c][1] = vdupq_n_f32(0);
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        struct neon_block w;
        unpack(tile, b, half, &w);
        for (int c = 0; c < n; c++)
            neon_multiply_add(family, &w, &x[c], acc[c]);
    }
    for (int c = 0; c < n; c++) {
        vst1q_f32(y + (size_t)c * y_stride + 8 * half, acc[c][0]);
        vst1q_f32(y + (size_t)c * y_stride + 8 * half + 4, acc[c][1]);
    }
}

ALWAYS_INLINE void neon_linear(enum neon_family family, neon_unpack_fn *unpack, const void *tile, size_t k, const void *x,
                               size_t x_stride, int cols, float *y, size_t y_stride)
{
    switch (cols) {
    case 1:
        neon_few_columns(family, unpack, tile, k, x, x_stride, 1, y, y_stride);
        break;
    case 2:
        neon_few_columns(family, unpack, tile, k, x, x_stride, 2, y, y_stride);
        break;
    case 3:
        neon_few_columns(family, unpack, tile, k, x, x_stride, 3, y, y_stride);
        break;
    default:
        for (int half = 0; half < 2; half++)
            neon_many_columns(family, unpack, tile, k, half, x, x_stride, cols, y, y_stride);
    }
}

#endif
