/* Activations to int8, and the two measures. */
#include "ref.h"
#include "scalar.h"

/* Rounds to nearest even: at 1.5 * 2^23 the unit of a float is 1, so the addition rounds and the low bits hold the integer. */
static int32_t round_to_int(float v)
{
    return (int32_t)(bits_from_float(v + 0x1.8p23f) - 0x4b400000u);
}

static int8_t clamp(int32_t v)
{
    return (int8_t)(v < -127 ? -127 : v > 127 ? 127 : v);
}

/* The level of 127, 126, .. with which the values of a block lose least when they are rounded. */
static float best_level(const float *x, float inverse)
{
    uint32_t best = UINT32_MAX;
    for (int i = 0; i < QUANTIZE_LEVELS; i++) {
        const float level = (float)(127 - i), id = level * inverse;
        float lane[16] = {0};
        for (int j = 0; j < ACT_BLOCK; j++) {
            const float v = x[j] * id, rest = v - rintf(v);
            lane[j % 16] = fmaf(rest, rest, lane[j % 16]);
        }
        const uint32_t bits = bits_from_float(tree_sum(lane) * (1 / (level * level))), key = bits / QUANTIZE_LEVELS * QUANTIZE_LEVELS + (uint32_t)i;
        best = key < best ? key : best;
    }
    return (float)(127 - (int)(best % QUANTIZE_LEVELS));
}

void quantize_ref(const float *x, size_t k, bool best, struct act_block *dst, size_t stride)
{
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += ACT_BLOCK, dst += stride) {
        uint32_t bits = 0; /* magnitudes order like their bits, above all of them NaN */
        for (int i = 0; i < ACT_BLOCK; i++) {
            const uint32_t magnitude = bits_from_float(__builtin_fabsf(x[i]));
            bits = magnitude > bits ? magnitude : bits;
        }
        const float amax = float_from_bits(bits);
        bool tiny = amax < 1e-30f;
        const float inverse = tiny ? 0 : 1 / amax, level = best ? best_level(x, inverse) : 127, id = level * inverse;
        int32_t sum[2] = {0, 0};
        for (int i = 0; i < ACT_BLOCK; i++) {
            dst->q[i] = clamp(round_to_int(x[i] * id));
            sum[i / 16] += dst->q[i];
        }
        dst->d = tiny ? 0 : amax / level;
        act_sums(dst, -sum[0], -sum[1]);
    }
}

uint64_t peak_ref(uint64_t rounds)
{
    int8_t w[64], q[64];
    for (int i = 0; i < 64; i++) {
        w[i] = (int8_t)i;
        q[i] = (int8_t)-i;
    }
    volatile int32_t sink;
    for (uint64_t n = 0; n < rounds; n++) {
        int32_t sum = 0;
        __asm__ volatile("" : : "r"(w), "r"(q) : "memory"); /* as if they had changed: do the sum again */
        for (int i = 0; i < 64; i++)
            sum += w[i] * q[i];
        sink = sum;
    }
    (void)sink;
    return rounds * 64 * 2;
}

uint64_t read_ref(const void *data, size_t n)
{
    const uint64_t *words = data;
    uint64_t sum[4] = {0};
    for (size_t i = 0; i < n / 8; i += 4)
        for (int j = 0; j < 4; j++)
            sum[j] += words[i + (size_t)j];
    return sum[0] + sum[1] + sum[2] + sum[3];
}
