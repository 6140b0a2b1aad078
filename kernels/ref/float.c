/* Element-wise operations, the norm and the rotary embedding. */
#include "ref.h"
#include "scalar.h"

void rms_norm_ref(const float *x, const float *w, size_t n, float eps, float *y)
{
    float lane[16] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i % 16] = fmaf(x[i], x[i], lane[i % 16]);
    float s = 1 / sqrtf(tree_sum(lane) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = w ? x[i] * s * w[i] : x[i] * s;
}

void add_ref(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

void scale_ref(float *y, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= s;
}

void silu_gate_ref(const float *gate, const float *up, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = silu_scalar(gate[i]) * up[i];
}

void gelu_gate_ref(const float *gate, const float *up, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = gelu_scalar(gate[i]) * up[i];
}

void exp_ref(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = exp_scalar(x[i]);
}

void softcap_ref(float *y, float cap, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = softcap_scalar(y[i], cap);
}

void rope_ref(float *x, size_t pairs, const float *cos, const float *sin, bool adjacent)
{
    for (size_t i = 0; i < pairs; i++) {
        float *a = adjacent ? x + 2 * i : x + i;
        float *b = adjacent ? a + 1 : a + pairs;
        float x0 = *a, x1 = *b;
        *a = fmaf(x0, cos[i], -(x1 * sin[i]));
        *b = fmaf(x1, cos[i], x0 * sin[i]);
    }
}
