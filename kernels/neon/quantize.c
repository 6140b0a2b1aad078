/* Activations to int8, and the measure of memory. */
#include <arm_neon.h>

#include "../tier.h"

/* 16 values to int8, to nearest even, -127 at least. */
ALWAYS_INLINE int8x16_t round16(const float32x4_t v[4], float32x4_t id)
{
    int16x4_t n[4];
    UNROLL
    for (int i = 0; i < 4; i++)
        n[i] = vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(v[i], id)));
    int8x16_t q = vcombine_s8(vqmovn_s16(vcombine_s16(n[0], n[1])), vqmovn_s16(vcombine_s16(n[2], n[3])));
    return vmaxq_s8(q, vdupq_n_s8(-127));
}

void TIER(quantize)(const float *x, size_t k, struct act_block *dst, size_t stride)
{
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += ACT_BLOCK, dst += stride) {
        float32x4_t v[8], amax = vdupq_n_f32(0);
        UNROLL
        for (int i = 0; i < 8; i++) {
            v[i] = vld1q_f32(x + 4 * i);
            amax = vmaxq_f32(vabsq_f32(v[i]), amax); /* NaN if either is */
        }
        float largest = vmaxvq_f32(amax);
        bool tiny = largest < 1e-30f;
        float32x4_t id = vdupq_n_f32(tiny ? 0 : 127.0f / largest);
        int8x16_t qlo = round16(v, id), qhi = round16(v + 4, id);
        vst1q_s8(dst->q, qlo);
        vst1q_s8(dst->q + 16, qhi);
        dst->d = tiny ? 0 : largest / 127.0f;
        act_sums(dst, -vaddlvq_s8(qlo), -vaddlvq_s8(qhi));
    }
}

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
