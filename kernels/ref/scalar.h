/* scalar.h - exp, tanh and sigmoid gates of one number, in README.md's order. */
#ifndef SLM_REF_SCALAR_H
#define SLM_REF_SCALAR_H

#include "../half.h"
#include "../poly.h"

#include <math.h>

/* x = n ln 2 + r. Returns h with exp(r) = 1 + h r. */
static inline float exp_reduce(float x, float *n, float *r)
{
    *n = rintf(x * EXP_LOG2E);
    *r = fmaf(*n, -EXP_LN2_HI, x);
    *r = fmaf(*n, -EXP_LN2_LO, *r);
    float h = EXP_C6;
    h = fmaf(h, *r, EXP_C5);
    h = fmaf(h, *r, EXP_C4);
    h = fmaf(h, *r, EXP_C3);
    h = fmaf(h, *r, EXP_C2);
    return fmaf(h, *r, 1.0f);
}

/* x * 2^n by the exponent field: x and the result are normal numbers. */
static inline float exp_scale(float x, float n)
{
    return float_from_bits(bits_from_float(x) + ((uint32_t)(int32_t)n << 23));
}

static inline float exp_scalar(float x)
{
    if (!(x >= EXP_MIN))
        return 0;
    float n, r, h = exp_reduce(x > EXP_MAX ? EXP_MAX : x, &n, &r);
    return exp_scale(fmaf(h, r, 1.0f), n);
}

/* tanh u = e / (e + 2) with e = exp(2u) - 1, of |u|. */
static inline float tanh_scalar(float u)
{
    float a = fabsf(u), n, r;
    float h = exp_reduce(2 * (a < TANH_MAX ? a : TANH_MAX), &n, &r);
    float two_n = exp_scale(1.0f, n);
    float e = fmaf(h * r, two_n, two_n - 1);
    return copysignf(e / (e + 2), u);
}

static inline float softcap_scalar(float x, float cap)
{
    return cap * tanh_scalar(x / cap);
}

static inline float silu_scalar(float x)
{
    return x / (1 + exp_scalar(-x));
}

static inline float gelu_scalar(float x)
{
    return x / (1 + exp_scalar(x * fmaf(-GELU_X3, x * x, -GELU_X1)));
}

/* In the order of a long sum's last step: 8 + 8, 4 + 4, 2 + 2, 1 + 1. */
static inline float tree_sum(float lane[16])
{
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

#endif
