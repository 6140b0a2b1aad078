/* linear.h - the AArch64 dot-product body of linear for quantized types; a type adds the unpacking of its blocks.
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

/* 8 rows of one k block, in quads of 4. */
struct neon_block {
    int8x16_t w[8][2];                  /* vector g holds k 4 g .. 4 g + 3 */
    float32x4_t dw[2], dw_hi[2];        /* scale of all values, or of k 0..15; of k 16..31 */
    float32x4_t dm[2], dm_hi[2];        /* minimum, or of k 0..15; of k 16..31 */
};

/* Reads rows 8 half .. 8 half + 7 of k block b. */
typedef void neon_unpack_fn(const void *tile, size_t b, int half, struct neon_block *out);

/* ---- unpacking */

/* 8 F16 as floats, in two quads; the same times 8 small integers. The products are exact. */
ALWAYS_INLINE void neon_halves(const uint16_t *p, float32x4_t out[2])
{
    out[0] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
    out[1] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4)));
}

ALWAYS_INLINE void neon_halves_u8(const uint16_t *p, uint8x8_t factors, float32x4_t out[2])
{
    uint16x8_t wide = vmovl_u8(factors);
    neon_halves(p, out);
    out[0] = vmulq_f32(out[0], vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide))));
    out[1] = vmulq_f32(out[1], vcvtq_f32_u32(vmovl_u16(vget_high_u16(wide))));
}

ALWAYS_INLINE void neon_halves_s8(const uint16_t *p, int8x8_t factors, float32x4_t out[2])
{
    int16x8_t wide = vmovl_s8(factors);
    neon_halves(p, out);
    out[0] = vmulq_f32(out[0], vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))));
    out[1] = vmulq_f32(out[1], vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide))));
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

/* The crumbs of 8 rows, of which bits 2j+1..2j of a byte belong to vector j (k 0..15) or 4 + j (k 16..31). */
ALWAYS_INLINE void neon_crumbs(const uint8_t crumbs[2][64], int half, int8x16_t w[8][2])
{
    const uint8x16_t low = vdupq_n_u8(3);
    UNROLL
    for (int i = 0; i < 4; i++) {
        int v = i / 2 * 4, quad = i % 2;
        uint8x16_t x = vld1q_u8(crumbs[i / 2] + 32 * half + 16 * quad);
        w[v][quad] = vreinterpretq_s8_u8(vandq_u8(x, low));
        w[v + 1][quad] = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(x, 2), low));
        w[v + 2][quad] = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(x, 4), low));
        w[v + 3][quad] = vreinterpretq_s8_u8(vshrq_n_u8(x, 6));
    }
}

/* Puts bit g of each byte into bit `place` of vector g: 8 rows' upper bits. */
ALWAYS_INLINE void neon_bits(const uint8_t bits[64], int half, int place, int8x16_t w[8][2])
{
    UNROLL
    for (int i = 0; i < 16; i++) {
        int g = i / 2, quad = i % 2;
        uint8x16_t x = vld1q_u8(bits + 32 * half + 16 * quad);
        uint8x16_t bit = vandq_u8(vtstq_u8(x, vdupq_n_u8((uint8_t)(1 << g))), vdupq_n_u8((uint8_t)(1 << place)));
        w[g][quad] = vorrq_s8(w[g][quad], vreinterpretq_s8_u8(bit));
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
ALWAYS_INLINE void neon_multiply_add(enum family family, const struct neon_block *w, const struct act_block *a,
                                     float32x4_t acc[2])
{
    const bool two = family == FAMILY_TWO_SCALES || family == FAMILY_TWO_SCALES_MINS;
    int32x4_t lo[2] = {vdupq_n_s32(0), vdupq_n_s32(0)}, hi[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    neon_dot16(w, 0, vld1q_s8(a->q), lo);
    neon_dot16(w, 4, vld1q_s8(a->q + 16), two ? hi : lo);
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        float32x4_t t = vmulq_f32(w->dw[quad], vcvtq_f32_s32(lo[quad]));
        if (two)
            t = vfmaq_f32(t, w->dw_hi[quad], vcvtq_f32_s32(hi[quad]));
        if (family == FAMILY_SCALE_MIN)
            t = vfmaq_n_f32(t, w->dm[quad], (float)a->nsum);
        if (family == FAMILY_TWO_SCALES_MINS)
            t = vfmaq_n_f32(vfmaq_n_f32(t, w->dm[quad], (float)a->nlo), w->dm_hi[quad], (float)a->nhi);
        acc[quad] = vfmaq_n_f32(acc[quad], t, a->d);
    }
}

/* ---- columns */

/* One column, or two or three, of both halves at once: reads the weights once, in order, as fast as memory gives them. */
ALWAYS_INLINE void neon_few_columns(enum family family, neon_unpack_fn *unpack, const void *tile, size_t k,
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
ALWAYS_INLINE void neon_many_columns(enum family family, neon_unpack_fn *unpack, const void *tile, size_t k, int half,
                                     const struct act_block *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    float32x4_t acc[PANEL_COLS][2];
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

ALWAYS_INLINE void neon_linear(enum family family, neon_unpack_fn *unpack, const void *tile, size_t k, const void *x,
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
