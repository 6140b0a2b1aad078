/* math.h - exp, tanh and the gates on 16 lanes: the sequence of README.md. */
#ifndef SLM_LANES_MATH_H
#define SLM_LANES_MATH_H

#include "../poly.h"
#include "lanes.h"

/* x = n ln 2 + r. Returns h with exp(r) = 1 + h r. */
ALWAYS_INLINE v16 lanes_exp_reduce(v16 x, v16 *n, v16 *r)
{
    *n = v_round(v_mul(x, v_set1(EXP_LOG2E)));
    *r = v_fma(*n, v_set1(-EXP_LN2_HI), x);
    *r = v_fma(*n, v_set1(-EXP_LN2_LO), *r);
    v16 h = v_fma(v_set1(EXP_C6), *r, v_set1(EXP_C5));
    h = v_fma(h, *r, v_set1(EXP_C4));
    h = v_fma(h, *r, v_set1(EXP_C3));
    h = v_fma(h, *r, v_set1(EXP_C2));
    return v_fma(h, *r, v_set1(1));
}

/* The lower clamp keeps the conversion to an integer in range; the lanes it changes become 0. */
ALWAYS_INLINE v16 lanes_exp(v16 x)
{
    v16 n, r, low = v_set1(EXP_MIN);
    v16 h = lanes_exp_reduce(v_min(v_max(x, low), v_set1(EXP_MAX)), &n, &r);
    return v_zero_below(v_scale2(v_fma(h, r, v_set1(1)), n), x, low);
}

ALWAYS_INLINE v16 lanes_tanh(v16 u)
{
    v16 a = v_min(v_abs(u), v_set1(TANH_MAX)), n, r;
    v16 h = lanes_exp_reduce(v_add(a, a), &n, &r);
    v16 two_n = v_scale2(v_set1(1), n);
    v16 e = v_fma(v_mul(h, r), two_n, v_sub(two_n, v_set1(1)));
    return v_copysign(v_div(e, v_add(e, v_set1(2))), u);
}

ALWAYS_INLINE v16 lanes_softcap(v16 x, float cap)
{
    return v_mul(v_set1(cap), lanes_tanh(v_div(x, v_set1(cap))));
}

ALWAYS_INLINE v16 lanes_silu(v16 x)
{
    return v_div(x, v_add(v_set1(1), lanes_exp(v_sub(v_set1(0), x))));
}

ALWAYS_INLINE v16 lanes_gelu(v16 x)
{
    v16 u = v_mul(x, v_fma(v_set1(-GELU_X3), v_mul(x, x), v_set1(-GELU_X1)));
    return v_div(x, v_add(v_set1(1), lanes_exp(u)));
}

#endif
