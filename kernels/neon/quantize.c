/* Activations to int8, and the measure of memory. */
#include <arm_neon.h>

#include "v16.h"

#include "../lanes/lanes.h"

/* The largest magnitude of a block, NaN if there is one. */
ALWAYS_INLINE float largest_of(const float *x)
{
    float32x4_t amax = vdupq_n_f32(0);
    UNROLL
    for (int i = 0; i < 8; i++)
        amax = vmaxq_f32(vabsq_f32(vld1q_f32(x + 4 * i)), amax); /* NaN if either is */
    return vmaxvq_f32(amax);
}

/* 16 values to int8, to nearest even, -127 at least. */
ALWAYS_INLINE int8x16_t round16(const float *x, float id)
{
    int16x4_t n[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        n[i] = vqmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * i), id)));
    int8x16_t q = vcombine_s8(vqmovn_s16(vcombine_s16(n[0], n[1])), vqmovn_s16(vcombine_s16(n[2], n[3])));
    return vmaxq_s8(q, vdupq_n_s8(-127));
}

ALWAYS_INLINE void round_block(const float *x, float id, struct act_block *dst)
{
    const int8x16_t lo = round16(x, id), hi = round16(x + 16, id);
    vst1q_s8(dst->q, lo);
    vst1q_s8(dst->q + 16, hi);
    act_sums(dst, -vaddlvq_s8(lo), -vaddlvq_s8(hi));
}

#include "../lanes/quantize.h"

uint64_t TIER(read)(const void *data, size_t n)
{
    const uint64_t *p = data;
    uint64x2_t sum[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        sum[i] = vdupq_n_u64(0);
    for (size_t i = 0; i < n / 8; i += 32) {
        UNROLL
        for (int j = 0; j < 16; j++)
            sum[j % 4] = vaddq_u64(sum[j % 4], vld1q_u64(p + i + 2 * (size_t)j));
    }
    return vaddvq_u64(vaddq_u64(vaddq_u64(sum[0], sum[1]), vaddq_u64(sum[2], sum[3])));
}
