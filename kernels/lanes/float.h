/* float.h - element-wise operations, the norm and the rotary embedding. */
#include "math.h"

void TIER(rms_norm)(const float *x, const float *w, size_t n, float eps, float *y)
{
    v16 sum = v_set1(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 a = v_load(x + i);
        sum = v_fma(a, a, sum);
    }
    v16 rest = v_load_part(x + i, n - i); /* adds +0 to the lanes beyond n: no change */
    sum = v_fma(rest, rest, sum);
    float s = 1 / sqrtf(v_sum(sum) / (float)n + eps);
    if (w) {
        for (i = 0; i < n; i++)
            y[i] = x[i] * s * w[i];
    } else {
        for (i = 0; i < n; i++)
            y[i] = x[i] * s;
    }
}

/* The compiler makes vectors of these plain loops. */
void TIER(add)(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

void TIER(scale)(float *y, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= s;
}

void TIER(silu_gate)(const float *gate, const float *up, size_t n, float *y)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        v_store(y + i, v_mul(lanes_silu(v_load(gate + i)), v_load(up + i)));
    v_store_part(y + i, v_mul(lanes_silu(v_load_part(gate + i, n - i)), v_load_part(up + i, n - i)), n - i);
}

void TIER(gelu_gate)(const float *gate, const float *up, size_t n, float *y)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        v_store(y + i, v_mul(lanes_gelu(v_load(gate + i)), v_load(up + i)));
    v_store_part(y + i, v_mul(lanes_gelu(v_load_part(gate + i, n - i)), v_load_part(up + i, n - i)), n - i);
}

void TIER(exp)(const float *x, size_t n, float *y)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        v_store(y + i, lanes_exp(v_load(x + i)));
    v_store_part(y + i, lanes_exp(v_load_part(x + i, n - i)), n - i);
}

void TIER(softcap)(float *y, float cap, size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        v_store(y + i, lanes_softcap(v_load(y + i), cap));
    v_store_part(y + i, lanes_softcap(v_load_part(y + i, n - i), cap), n - i);
}

/* Pair i is a[i * step], b[i * step]; step is a constant. No element is in two pairs. */
ALWAYS_INLINE void lanes_rope(float *restrict a, float *restrict b, size_t step, size_t pairs, const float *restrict cos,
                              const float *restrict sin)
{
    for (size_t i = 0; i < pairs; i++) {
        float x0 = a[i * step], x1 = b[i * step];
        a[i * step] = fmaf(x0, cos[i], -(x1 * sin[i]));
        b[i * step] = fmaf(x1, cos[i], x0 * sin[i]);
    }
}

void TIER(rope)(float *x, size_t pairs, const float *cos, const float *sin, bool adjacent)
{
    if (adjacent)
        lanes_rope(x, x + 1, 2, pairs, cos, sin);
    else
        lanes_rope(x, x + pairs, 1, pairs, cos, sin);
}
