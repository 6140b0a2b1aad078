/* quantize.h - activations to int8 (README.md). The includer has v16, largest_of and round_block. */
#ifndef SLM_LANES_QUANTIZE_H
#define SLM_LANES_QUANTIZE_H

#include <assert.h>

#include "../half.h"
#include "lanes.h"

static_assert(QUANTIZE_LEVELS == 4, "v_sum4");

/* What rounding at each level loses; inverse is 1 / the largest magnitude. */
ALWAYS_INLINE void errors_of(const float *x, float inverse, float error[QUANTIZE_LEVELS])
{
    const v16 lo = v_load(x), hi = v_load(x + 16);
    v16 squares[QUANTIZE_LEVELS];
    UNROLL
    for (int i = 0; i < QUANTIZE_LEVELS; i++) {
        const v16 id = v_set1((float)(127 - i) * inverse);
        v16 a = v_mul(lo, id), b = v_mul(hi, id);
        a = v_sub(a, v_round(a));
        b = v_sub(b, v_round(b));
        squares[i] = v_fma(b, b, v_mul(a, a));
    }
    v_sum4(squares[0], squares[1], squares[2], squares[3], error);
}

/* The level of 127, 126, .. that loses least. Errors that are not negative are ordered as their bits are, the lowest of which make room for the
 * number of the level: the least of them says which it is. */
ALWAYS_INLINE float best_level(const float error[QUANTIZE_LEVELS])
{
    uint32_t best = UINT32_MAX;
    UNROLL
    for (uint32_t i = 0; i < QUANTIZE_LEVELS; i++) {
        const float level = (float)(127 - (int)i);
        const uint32_t key = (bits_from_float(error[i] * (1 / (level * level))) & ~(QUANTIZE_LEVELS - 1u)) | i;
        best = key < best ? key : best;
    }
    return (float)(127 - (int)(best % QUANTIZE_LEVELS));
}

/* Step by step over a few blocks: each step of one waits long for the step before, but not for the other blocks. */
void TIER(quantize)(const float *x, size_t k, bool best, struct act_block *dst, size_t stride)
{
    enum { FEW = 8 };
    float inverse[FEW], level[FEW], step[FEW], error[FEW][QUANTIZE_LEVELS] = {{0}};
    for (size_t blocks = k / ACT_BLOCK, n; blocks; blocks -= n, x += n * ACT_BLOCK, dst += n * stride) {
        n = blocks < FEW ? blocks : FEW;
        for (size_t i = 0; i < n; i++) {
            __builtin_prefetch(&dst[i * stride], 1); /* far apart, and last read by all threads */
            const float largest = largest_of(x + i * ACT_BLOCK);
            const bool tiny = largest < 1e-30f;
            inverse[i] = tiny ? 0 : 1 / largest;
            step[i] = tiny ? 0 : largest;
        }
        for (size_t i = 0; i < n && best; i++)
            errors_of(x + i * ACT_BLOCK, inverse[i], error[i]);
        for (size_t i = 0; i < FEW; i++) /* all of them, so that it is done in vectors */
            level[i] = best ? best_level(error[i]) : 127;
        for (size_t i = 0; i < n; i++) {
            round_block(x + i * ACT_BLOCK, level[i] * inverse[i], &dst[i * stride]);
            dst[i * stride].d = step[i] / level[i];
        }
    }
}

#endif
