/* pairs.h - many columns with smmla, which multiplies two rows by two columns over 8 k:
 *
 *   w (s8)    | r0: k .. k+7      | r1: k .. k+7      |   of two vectors that hold 4 k of 4 rows each, by zip
 *   q (s8)    | c0: k .. k+7      | c1: k .. k+7      |   two columns, by zip
 *   isum      | c0 r0 | c0 r1     | c1 r0 | c1 r1     |   smmla
 *
 * Sums, accumulators and scales keep the order of isum to the end: no shuffles but those of q. Included by linear.h. */
#ifndef SLM_NEON_PAIRS_H
#define SLM_NEON_PAIRS_H

/* 8 rows of one k block; pair p is rows 2p and 2p + 1. */
struct neon_pairs {
    int8x16_t w[4][4];              /* [o][p] holds k 8 o .. 8 o + 7 */
    float32x4_t dw[4], dm[4];       /* [p]: the two rows' scales, twice */
    float32x4_t sc[2][4], m[2][4];
};

/* Two rows' values twice over, of the quads of 4 rows. */
ALWAYS_INLINE void neon_twice(const float32x4_t quads[2], float32x4_t out[4])
{
    UNROLL
    for (int quad = 0; quad < 2; quad++) {
        const float64x2_t rows = vreinterpretq_f64_f32(quads[quad]);
        out[2 * quad] = vreinterpretq_f32_f64(vdupq_laneq_f64(rows, 0));
        out[2 * quad + 1] = vreinterpretq_f32_f64(vdupq_laneq_f64(rows, 1));
    }
}

ALWAYS_INLINE void neon_pair_rows(struct neon_type type, const struct neon_block *in, struct neon_pairs *out)
{
    UNROLL
    for (int i = 0; i < 8; i++) {
        const int o = i / 2, quad = i % 2;
        const int32x4_t a = vreinterpretq_s32_s8(in->w[2 * o][quad]), b = vreinterpretq_s32_s8(in->w[2 * o + 1][quad]);
        out->w[o][2 * quad] = vreinterpretq_s8_s32(vzip1q_s32(a, b));
        out->w[o][2 * quad + 1] = vreinterpretq_s8_s32(vzip2q_s32(a, b));
    }
    neon_twice(in->dw, out->dw);
    if (type.family == FAMILY_SCALE_MIN || type.family == FAMILY_TWO_SCALES_MINS)
        neon_twice(in->dm, out->dm);
    UNROLL
    for (int i = 0; i < 2; i++) {
        if (neon_two(type))
            neon_twice(in->sc[i], out->sc[i]);
        if (type.family == FAMILY_TWO_SCALES_MINS)
            neon_twice(in->m[i], out->m[i]);
    }
}

/* Octets 2 half and 2 half + 1 of the block with those of two columns, added to isum. */
ALWAYS_INLINE void neon_multiply16(const struct neon_pairs *w, int half, const struct act_block *a, const struct act_block *b,
                                   int32x4_t isum[4])
{
    const int64x2_t qa = vreinterpretq_s64_s8(vld1q_s8(a->q + 16 * half)), qb = vreinterpretq_s64_s8(vld1q_s8(b->q + 16 * half));
    const int8x16_t q[2] = {vreinterpretq_s8_s64(vzip1q_s64(qa, qb)), vreinterpretq_s8_s64(vzip2q_s64(qa, qb))};
    UNROLL
    for (int i = 0; i < 8; i++)
        isum[i % 4] = vmmlaq_s32(isum[i % 4], q[i / 4], w->w[2 * half + i / 4][i % 4]);
}

/* What stands before q in the blocks of columns a and b; zip with itself gives each value of a twice, then b's. */
struct neon_heads {
    float32x4_t front, back;        /* d d nsum nsum; nhalf nhalf fsum fsum */
};

ALWAYS_INLINE struct neon_heads neon_join_heads(const struct act_block *a, const struct act_block *b)
{
    const float32x4_t ha = vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)a)), hb = vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)b));
    return (struct neon_heads){vzip1q_f32(ha, hb), vzip2q_f32(ha, hb)};
}

/* acc = fma(d, t, acc) for 8 rows and two columns, t the term of README.md. */
ALWAYS_INLINE void neon_pair_multiply_add(struct neon_type type, const struct neon_pairs *w, const struct neon_ready *ready,
                                          const struct act_block *a, const struct act_block *b, float32x4_t acc[4])
{
    const bool two = neon_two(type);
    int32x4_t lo[4], hi[4];
    UNROLL
    for (int p = 0; p < 4; p++)
        lo[p] = hi[p] = neon_start(ready, p);
    neon_multiply16(w, 0, a, b, lo);
    neon_multiply16(w, 1, a, b, two ? hi : lo);
    const struct neon_heads heads = neon_join_heads(a, b);
    const float32x4_t d = vzip1q_f32(heads.front, heads.front);
    UNROLL
    for (int p = 0; p < 4; p++) {
        float32x4_t t = neon_first_term(ready, p, two ? w->sc[0][p] : w->dw[p], lo[p]);
        if (two)
            t = vmulq_f32(w->dw[p], vfmaq_f32(t, w->sc[1][p], neon_float(ready, p, hi[p])));
        if (type.family == FAMILY_SCALE_MIN)
            t = vfmaq_f32(t, w->dm[p], vcvtq_f32_s32(vreinterpretq_s32_f32(vzip2q_f32(heads.front, heads.front))));
        if (type.family == FAMILY_TWO_SCALES_MINS) {
            const int32x4_t pair = vreinterpretq_s32_f32(vzip1q_f32(heads.back, heads.back));
            const float32x4_t nlo = vcvtq_f32_s32(vshrq_n_s32(vshlq_n_s32(pair, 16), 16)), nhi = vcvtq_f32_s32(vshrq_n_s32(pair, 16));
            t = vfmaq_f32(t, w->dm[p], vfmaq_f32(vmulq_f32(w->m[0][p], nlo), w->m[1][p], nhi));
        }
        acc[p] = vfmaq_f32(acc[p], t, d);
    }
}

/* Many columns of one half. Of an odd number the last one is its own neighbour, whose sums nobody reads. */
ALWAYS_INLINE void neon_many_columns(struct neon_type type, neon_unpack_fn *unpack, const void *tile, size_t k, int half,
                                     const struct act_block *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    float32x4_t acc[PANEL_COLS / 2][4];
    for (int c = 0; c < n; c += 2)
        acc[c / 2][0] = acc[c / 2][1] = acc[c / 2][2] = acc[c / 2][3] = vdupq_n_f32(0);
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += x_stride) {
        struct neon_block block;
        struct neon_pairs w;
        struct neon_ready ready;
        unpack(tile, b, half, &block);
        neon_pair_rows(type, &block, &w);
        neon_get_ready(neon_two(type) ? w.sc[0] : w.dw, 4, &ready);
        float32x4_t(*sums)[4] = acc;
        for (const struct act_block *a = x, *last = x + n - 1; a <= last; a += 2, sums++) {
            neon_pair_multiply_add(type, &w, type.large_scale ? NULL : &ready, a, a < last ? a + 1 : a, *sums);
            RELOAD();
        }
    }
    for (int c = 0; c < n; c++)
        for (int p = 0; p < 4; p++) {
            const float32x4_t sums = acc[c / 2][p];
            vst1_f32(y + (size_t)c * y_stride + 8 * half + 2 * p, c % 2 ? vget_high_f32(sums) : vget_low_f32(sums));
        }
}

#endif
