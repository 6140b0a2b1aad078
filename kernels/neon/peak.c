/* The measure of the multiplications: those of the tier's linear, on registers. */
#include <arm_neon.h>

#include "../tier.h"

/* One instruction, or two without dot products; the multiplies and adds in it. */
#if defined(__ARM_FEATURE_MATMUL_INT8)
enum { OPERATIONS = 32 };
ALWAYS_INLINE int32x4_t step(int32x4_t sum, int8x16_t w, int8x16_t q)
{
    return vmmlaq_s32(sum, w, q);
}
#elif defined(__ARM_FEATURE_DOTPROD)
enum { OPERATIONS = 16 };
ALWAYS_INLINE int32x4_t step(int32x4_t sum, int8x16_t w, int8x16_t q)
{
    return vdotq_laneq_s32(sum, w, q, 3);
}
#else
enum { OPERATIONS = 16 };
ALWAYS_INLINE int32x4_t step(int32x4_t sum, int8x16_t w, int8x16_t q)
{
    int16x8_t products = vmlal_s8(vreinterpretq_s16_s32(sum), vget_low_s8(w), vget_low_s8(q));
    return vreinterpretq_s32_s16(vmlal_high_s8(products, w, q));
}
#endif

uint64_t TIER(peak)(uint64_t rounds)
{
    enum { CHAINS = 16 };
    int32x4_t sum[CHAINS];
    int8x16_t w = vdupq_n_s8(3), q = vdupq_n_s8(-5);
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = vdupq_n_s32(0);
    for (uint64_t n = 0; n < rounds; n++) {
        UNROLL
        for (int i = 0; i < CHAINS; i++) {
            __asm__("" : "+w"(w)); /* as if it had changed */
            sum[i] = step(sum[i], w, q);
        }
    }
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "w"(sum[i])); /* as if it were used */
    return rounds * CHAINS * OPERATIONS * 2;
}
