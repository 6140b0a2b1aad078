/* The KV cache's pages and attention over them. */
#include "ref.h"
#include "scalar.h"

#include <float.h>

/* Element of a K page and of a V page. */
static size_t k_index(size_t head_dim, size_t position, size_t dim)
{
    return (position / 16 * head_dim + dim) * 16 + position % 16;
}

static size_t v_index(size_t position, size_t dim)
{
    return (dim / 16 * KV_PAGE + position) * 16 + dim % 16;
}

static uint16_t half_saturated(float x)
{
    return float_to_half(x > HALF_MAX ? HALF_MAX : x < -HALF_MAX ? -HALF_MAX : x);
}

void kv_store_ref(const float *k, const float *v, size_t head_dim, uint16_t *k_page, uint16_t *v_page, int slot)
{
    size_t position = (size_t)slot;
    for (size_t i = 0; i < head_dim; i++) {
        k_page[k_index(head_dim, position, i)] = half_saturated(k[i]);
        v_page[v_index(position, i)] = half_saturated(v[i]);
    }
    for (size_t i = head_dim; i % 16 != 0; i++)
        v_page[v_index(position, i)] = 0;
}

static float max(float a, float b)
{
    return a > b ? a : b;
}

/* One column: q stands at q[0], q[stride], ... */
static void attend_column(const float *q, size_t stride, size_t head_dim, const uint16_t *k_page, const uint16_t *v_page,
                          size_t first, size_t last, float softcap, float *m, float *l, float *o)
{
    float s[KV_PAGE], top = -INFINITY;
    for (size_t j = 0; j < KV_PAGE; j++) {
        s[j] = 0;
        for (size_t i = 0; i < head_dim; i++)
            s[j] = fmaf(q[i * stride], half_to_float(k_page[k_index(head_dim, j, i)]), s[j]);
        if (softcap != 0)
            s[j] = softcap_scalar(s[j], softcap);
        if (j < first || j >= last)
            s[j] = -INFINITY;
        top = max(top, s[j]);
    }
    float m_new = max(*m, top) + 0.0f;
    float base = max(m_new, -FLT_MAX);
    float c = exp_scalar(*m - base), lane[16] = {0};
    for (size_t j = 0; j < KV_PAGE; j++) {
        s[j] = exp_scalar(s[j] - base);
        lane[j % 16] += s[j];
    }
    *m = m_new;
    *l = fmaf(*l, c, tree_sum(lane));
    for (size_t d = 0; d < (head_dim + 15) / 16 * 16; d++) {
        o[d] *= c;
        for (size_t j = 0; j < KV_PAGE; j++)
            o[d] = fmaf(s[j], half_to_float(v_page[v_index(j, d)]), o[d]);
    }
}

void attend_ref(const float *q, int cols, size_t head_dim, const uint16_t *k_page, const uint16_t *v_page, const int *first,
                const int *last, float softcap, float *m, float *l, float *o)
{
    size_t lanes = (head_dim + 15) / 16 * 16;
    for (int c = 0; c < cols; c++)
        attend_column(q + c, (size_t)cols, head_dim, k_page, v_page, (size_t)first[c], (size_t)last[c], softcap, m + c, l + c,
                      o + (size_t)c * lanes);
}

void merge_ref(float *m, float *l, float *o, float m2, float l2, const float *o2, size_t n)
{
    float top = max(*m, m2) + 0.0f;
    if (top == -INFINITY)
        return;
    float a = exp_scalar(*m - top), b = exp_scalar(m2 - top);
    *m = top;
    *l = fmaf(l2, b, *l * a);
    for (size_t i = 0; i < n; i++)
        o[i] = fmaf(o2[i], b, o[i] * a);
}
