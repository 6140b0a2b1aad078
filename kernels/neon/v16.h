/* v16.h - 16 float lanes in four registers. kernels/lanes/README.md says what each function means. */
#ifndef SLM_V16_H
#define SLM_V16_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* 6 x 1 accumulators of four registers, beside a weight and a broadcast, in 32 registers. */
enum { V16_COLS = 6, V16_TILES = 1 };

typedef struct {
    float32x4_t q[4];
} v16;

/* Applies a function of one, two or three operands to each quarter. */
#define V16_EACH1(op, a) ((v16){{op((a).q[0]), op((a).q[1]), op((a).q[2]), op((a).q[3])}})
#define V16_EACH2(op, a, b)                                                                                                \
    ((v16){{op((a).q[0], (b).q[0]), op((a).q[1], (b).q[1]), op((a).q[2], (b).q[2]), op((a).q[3], (b).q[3])}})
#define V16_EACH3(op, a, b, c)                                                                                             \
    ((v16){{op((a).q[0], (b).q[0], (c).q[0]), op((a).q[1], (b).q[1], (c).q[1]), op((a).q[2], (b).q[2], (c).q[2]),          \
            op((a).q[3], (b).q[3], (c).q[3])}})

static inline v16 v_set1(float x)
{
    float32x4_t q = vdupq_n_f32(x);
    return (v16){{q, q, q, q}};
}

static inline v16 v_load(const float *p)
{
    return (v16){{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}

static inline void v_store(float *p, v16 a)
{
    vst1q_f32(p, a.q[0]);
    vst1q_f32(p + 4, a.q[1]);
    vst1q_f32(p + 8, a.q[2]);
    vst1q_f32(p + 12, a.q[3]);
}

/* There are no masked loads and stores: the part passes through the stack. */
static inline v16 v_load_part(const float *p, size_t n)
{
    float lanes[16] = {0};
    memcpy(lanes, p, n * sizeof *p);
    return v_load(lanes);
}

static inline void v_store_part(float *p, v16 a, size_t n)
{
    float lanes[16];
    v_store(lanes, a);
    memcpy(p, lanes, n * sizeof *p);
}

static inline float32x4_t v_quarter_f16(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

static inline v16 v_load_f16(const uint16_t *p)
{
    return (v16){{v_quarter_f16(p), v_quarter_f16(p + 4), v_quarter_f16(p + 8), v_quarter_f16(p + 12)}};
}

static inline void v_store_f16(uint16_t *p, v16 a)
{
    for (int i = 0; i < 4; i++)
        vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(a.q[i])));
}

static inline float32x4_t v_quarter_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

static inline v16 v_load_bf16(const uint16_t *p)
{
    return (v16){{v_quarter_bf16(p), v_quarter_bf16(p + 4), v_quarter_bf16(p + 8), v_quarter_bf16(p + 12)}};
}

static inline v16 v_add(v16 a, v16 b)
{
    return V16_EACH2(vaddq_f32, a, b);
}

static inline v16 v_sub(v16 a, v16 b)
{
    return V16_EACH2(vsubq_f32, a, b);
}

static inline v16 v_mul(v16 a, v16 b)
{
    return V16_EACH2(vmulq_f32, a, b);
}

static inline v16 v_div(v16 a, v16 b)
{
    return V16_EACH2(vdivq_f32, a, b);
}

static inline v16 v_min(v16 a, v16 b)
{
    return V16_EACH2(vminq_f32, a, b);
}

static inline v16 v_max(v16 a, v16 b)
{
    return V16_EACH2(vmaxq_f32, a, b);
}

static inline v16 v_fma(v16 a, v16 b, v16 c)
{
    return V16_EACH3(vfmaq_f32, c, a, b); /* the addend comes first */
}

static inline v16 v_abs(v16 a)
{
    return V16_EACH1(vabsq_f32, a);
}

static inline float32x4_t v_quarter_copysign(float32x4_t a, float32x4_t sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, a);
}

static inline v16 v_copysign(v16 a, v16 sign)
{
    return V16_EACH2(v_quarter_copysign, a, sign);
}

static inline v16 v_round(v16 a)
{
    return V16_EACH1(vrndnq_f32, a);
}

static inline float32x4_t v_quarter_scale2(float32x4_t a, float32x4_t n)
{
    int32x4_t exponent = vshlq_n_s32(vcvtq_s32_f32(n), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), exponent));
}

static inline v16 v_scale2(v16 a, v16 n)
{
    return V16_EACH2(v_quarter_scale2, a, n);
}

static inline float32x4_t v_quarter_zero_below(float32x4_t a, float32x4_t x, float32x4_t limit)
{
    return vreinterpretq_f32_u32(vandq_u32(vcgeq_f32(x, limit), vreinterpretq_u32_f32(a)));
}

static inline v16 v_zero_below(v16 a, v16 x, v16 limit)
{
    return V16_EACH3(v_quarter_zero_below, a, x, limit);
}

static inline float32x4_t v_sum_quarters(v16 a)
{
    return vaddq_f32(vaddq_f32(a.q[0], a.q[2]), vaddq_f32(a.q[1], a.q[3]));
}

static inline float v_sum(v16 a)
{
    const float32x4_t s4 = v_sum_quarters(a);
    float32x2_t s2 = vadd_f32(vget_low_f32(s4), vget_high_f32(s4));
    return vget_lane_f32(s2, 0) + vget_lane_f32(s2, 1);
}

/* Of two: lanes 0 and 1 plus lanes 2 and 3. */
static inline float32x4_t v_sum_halves(float32x4_t a, float32x4_t b)
{
    return vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)), vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
}

static inline void v_sum4(v16 a, v16 b, v16 c, v16 d, float sums[4])
{
    const float32x4_t ab = v_sum_halves(v_sum_quarters(a), v_sum_quarters(b));
    const float32x4_t cd = v_sum_halves(v_sum_quarters(c), v_sum_quarters(d));
    vst1q_f32(sums, vpaddq_f32(ab, cd));
}

static inline float v_top(v16 a)
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.q[0], a.q[2]), vmaxq_f32(a.q[1], a.q[3])));
}

static inline float v_first(v16 a)
{
    return vgetq_lane_f32(a.q[0], 0);
}

#endif
