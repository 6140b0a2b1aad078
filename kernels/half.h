/* half.h - F16 to float and back in integer arithmetic: the same bits as F16C and NEON conversions, on any machine and
 * whatever the flush-to-zero mode. */
#ifndef SLM_HALF_H
#define SLM_HALF_H

#include <stdint.h>
#include <string.h>

static inline float float_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t bits_from_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* F16: sign 1, exponent 5 (bias 15), mantissa 10.  F32: sign 1, exponent 8 (bias 127), mantissa 23. Exact. */
static inline float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
    if (magnitude >= 0x0f800000) /* infinity, NaN (made quiet) */
        return float_from_bits(sign | 0x70000000 | magnitude | (magnitude > 0x0f800000 ? 0x00400000 : 0));
    if (magnitude >= 0x00800000)
        return float_from_bits(sign | (magnitude + (112u << 23)));
    /* Subnormal: put the mantissa below the leading 1 of 2^-14, then take that 1 away. */
    float f = float_from_bits(magnitude | 0x38800000) - 0x1p-14f;
    return float_from_bits(sign | bits_from_float(f));
}

/* Rounds to nearest even; overflow gives infinity. */
static inline uint16_t float_to_half(float f)
{
    uint32_t bits = bits_from_float(f);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN, made quiet */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000) /* 65520 and more */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) /* subnormal: the unit of 0.5f is 2^-24, so the addition rounds */
        return (uint16_t)(sign | (bits_from_float(float_from_bits(magnitude) + 0.5f) - 0x3f000000));
    return (uint16_t)(sign | ((magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

#endif
