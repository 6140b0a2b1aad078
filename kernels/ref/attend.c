/* The KV cache's pages and attention over them. */
#include "../tiles.h"
#include "ref.h"
#include "scalar.h"

#include <float.h>

/* Element of a K page and of a V page of floats, F32 or F16. */
static size_t k_index(size_t head_dim, size_t position, size_t dim)
{
    return (position / 16 * head_dim + dim) * 16 + position % 16;
}

static size_t v_index(size_t position, size_t dim)
{
    return (dim / 16 * KV_PAGE + position) * 16 + dim % 16;
}

static float clamp(float x, float most)
{
    return x > most ? most : x < -most ? -most : x;
}

static void put(bool wide, void *page, size_t i, float x)
{
    if (wide)
        ((float *)page)[i] = clamp(x, FLT_MAX);
    else
        ((uint16_t *)page)[i] = float_to_half(clamp(x, HALF_MAX));
}

static float get(bool wide, const void *page, size_t i)
{
    return wide ? ((const float *)page)[i] : half_to_float(((const uint16_t *)page)[i]);
}

ALWAYS_INLINE void store_k(bool wide, const float *k, size_t head_dim, void *page, int slot)
{
    for (size_t i = 0; i < head_dim; i++)
        put(wide, page, k_index(head_dim, (size_t)slot, i), k[i]);
}

ALWAYS_INLINE void store_v(bool wide, const float *v, size_t head_dim, void *page, int slot)
{
    for (size_t i = 0; i < (head_dim + 15) / 16 * 16; i++)
        put(wide, page, v_index((size_t)slot, i), i < head_dim ? v[i] : 0);
}

ALWAYS_INLINE void scores(bool wide, const float *q, int cols, size_t head_dim, const void *page, int from, int to, float *s)
{
    for (int c = 0; c < cols; c++) {
        for (size_t j = 16 * (size_t)from; j < 16 * (size_t)to; j++) {
            float sum = 0;
            for (size_t i = 0; i < head_dim; i++)
                sum = fmaf(q[i * (size_t)cols + (size_t)c], get(wide, page, k_index(head_dim, j, i)), sum);
            s[(size_t)c * KV_PAGE + j] = sum;
        }
    }
}

ALWAYS_INLINE void values(bool wide, const float *p, int cols, size_t head_dim, const void *page, const float *scale, float *o)
{
    for (int c = 0; c < cols; c++, p += KV_PAGE) {
        for (size_t i = 0; i < (head_dim + 15) / 16 * 16; i++, o++) {
            *o *= scale[c];
            for (size_t j = 0; j < KV_PAGE; j++)
                *o = fmaf(p[j], get(wide, page, v_index(j, i)), *o);
        }
    }
}

#define FLOAT_KERNELS(type, wide)                                                                                          \
    void kv_store_k_##type##_ref(const float *x, size_t head_dim, void *page, int slot)                                    \
    {                                                                                                                      \
        store_k(wide, x, head_dim, page, slot);                                                                            \
    }                                                                                                                      \
    void kv_store_v_##type##_ref(const float *x, size_t head_dim, void *page, int slot)                                    \
    {                                                                                                                      \
        store_v(wide, x, head_dim, page, slot);                                                                            \
    }                                                                                                                      \
    void scores_##type##_ref(const void *q, int cols, size_t head_dim, const void *page, const void *next, int from,       \
                             int to, float *s)                                                                             \
    {                                                                                                                      \
        (void)next;                                                                                                        \
        scores(wide, q, cols, head_dim, page, from, to, s);                                                                \
    }                                                                                                                      \
    void values_##type##_ref(const float *p, int cols, size_t head_dim, const void *page, const void *next,                \
                             const float *scale, float *o)                                                                 \
    {                                                                                                                      \
        (void)next;                                                                                                        \
        values(wide, p, cols, head_dim, page, scale, o);                                                                   \
    }

FLOAT_KERNELS(F32, true)
FLOAT_KERNELS(F16, false)

/* ---- Q8_0: both pages are made of the tiles of Q8_0 weights */

/* Dimensions 32 block .. of a head in int8; those beyond head_dim are zeros. Returns the scale as it is kept. */
static uint16_t quantize_block(const float *x, size_t head_dim, size_t block, int8_t q[ACT_BLOCK])
{
    float padded[ACT_BLOCK] = {0};
    struct act_block out;
    for (size_t i = 0; i < ACT_BLOCK && block * ACT_BLOCK + i < head_dim; i++)
        padded[i] = x[block * ACT_BLOCK + i];
    quantize_ref(padded, ACT_BLOCK, true, &out, 1);
    memcpy(q, out.q, ACT_BLOCK);
    return float_to_half(out.d < HALF_MAX ? out.d : HALF_MAX);
}

void kv_store_k_Q8_0_ref(const float *k, size_t head_dim, void *page, int slot)
{
    const size_t blocks = (head_dim + ACT_BLOCK - 1) / ACT_BLOCK;
    struct tile_q8_0 *tile = (struct tile_q8_0 *)page + (size_t)(slot / 16) * blocks;
    for (size_t b = 0; b < blocks; b++) {
        int8_t q[ACT_BLOCK];
        tile[b].d[slot % 16] = quantize_block(k, head_dim, b, q);
        for (int i = 0; i < ACT_BLOCK; i++)
            tile[b].values[i / 4][4 * (slot % 16) + i % 4] = q[i];
    }
}

/* Where the scales of a V page begin: behind two blocks of 32 positions for each 16 dimensions. */
static uint16_t *v_scales(const void *page, size_t head_dim)
{
    return (uint16_t *)((struct tile_q8_0 *)page + (head_dim + 15) / 16 * 2);
}

void kv_store_v_Q8_0_ref(const float *v, size_t head_dim, void *page, int slot)
{
    for (size_t b = 0; b * ACT_BLOCK < head_dim; b++) {
        int8_t q[ACT_BLOCK];
        v_scales(page, head_dim)[b * KV_PAGE + (size_t)slot] = quantize_block(v, head_dim, b, q);
        for (size_t i = 0; i < ACT_BLOCK && b * ACT_BLOCK + i < (head_dim + 15) / 16 * 16; i++) {
            const size_t dim = b * ACT_BLOCK + i, position = (size_t)slot;
            struct tile_q8_0 *tile = (struct tile_q8_0 *)page + dim / 16 * 2 + position / ACT_BLOCK;
            tile->values[position % ACT_BLOCK / 4][4 * (dim % 16) + position % 4] = q[i];
        }
    }
}

void scores_Q8_0_ref(const void *q, int cols, size_t head_dim, const void *page, const void *next, int from, int to, float *s)
{
    (void)next;
    const size_t blocks = (head_dim + ACT_BLOCK - 1) / ACT_BLOCK;
    for (int c = 0; c < cols; c++) {
        for (int j = 16 * from; j < 16 * to; j++) {
            float sum = 0;
            for (size_t b = 0; b < blocks; b++) {
                const struct act_block *x = (const struct act_block *)q + b * (size_t)cols + (size_t)c;
                const struct tile_q8_0 *tile = (const struct tile_q8_0 *)page + (size_t)(j / 16) * blocks + b;
                int32_t isum = 0;
                for (int i = 0; i < ACT_BLOCK; i++)
                    isum += tile->values[i / 4][4 * (j % 16) + i % 4] * x->q[i];
                sum = fmaf(x->d, half_to_float(tile->d[j % 16]) * (float)isum, sum);
            }
            s[c * KV_PAGE + j] = sum;
        }
    }
}

/* The weights, times the scales of the positions, in int8: they are what 32 dimensions share. */
static void values_block(const float *p, size_t block, size_t head_dim, const void *page, float scale, float *o)
{
    enum { BLOCKS = KV_PAGE / ACT_BLOCK };
    float weighted[KV_PAGE];
    struct act_block x[BLOCKS];
    for (size_t j = 0; j < KV_PAGE; j++)
        weighted[j] = p[j] * half_to_float(v_scales(page, head_dim)[block * KV_PAGE + j]);
    quantize_ref(weighted, KV_PAGE, false, x, 1);
    for (size_t dim = block * ACT_BLOCK; dim < (block + 1) * ACT_BLOCK && dim < (head_dim + 15) / 16 * 16; dim++) {
        float sum = 0;
        for (size_t b = 0; b < BLOCKS; b++) {
            const struct tile_q8_0 *tile = (const struct tile_q8_0 *)page + dim / 16 * BLOCKS + b;
            int32_t isum = 0;
            for (int j = 0; j < ACT_BLOCK; j++)
                isum += tile->values[j / 4][4 * (dim % 16) + (size_t)j % 4] * x[b].q[j];
            sum = fmaf(x[b].d, half_to_float(tile->d[dim % 16]) * (float)isum, sum);
        }
        o[dim] = fmaf(o[dim], scale, sum);
    }
}

void values_Q8_0_ref(const float *p, int cols, size_t head_dim, const void *page, const void *next, const float *scale, float *o)
{
    (void)next;
    for (int c = 0; c < cols; c++)
        for (size_t b = 0; b * ACT_BLOCK < head_dim; b++)
            values_block(p + c * KV_PAGE, b, head_dim, page, scale[c], o + (size_t)c * ((head_dim + 15) / 16 * 16));
}

/* ---- whatever the type */

static float max(float a, float b)
{
    return a > b ? a : b;
}

void soft_max_ref(float *s, int cols, const int *first, const int *last, float softcap, float *m, float *l, float *scale)
{
    for (int c = 0; c < cols; c++, s += KV_PAGE) {
        float top = -INFINITY, lane[16] = {0};
        for (int j = 0; j < KV_PAGE; j++) {
            if (j < first[c] || j >= last[c])
                s[j] = -INFINITY;
            else if (softcap != 0)
                s[j] = softcap_scalar(s[j], softcap);
            top = max(top, s[j]);
        }
        float m_new = max(m[c], top) + 0.0f;
        float base = max(m_new, -FLT_MAX);
        scale[c] = exp_scalar(m[c] - base);
        for (int j = 0; j < KV_PAGE; j++) {
            s[j] = exp_scalar(s[j] - base);
            lane[j % 16] += s[j];
        }
        m[c] = m_new;
        l[c] = fmaf(l[c], scale[c], tree_sum(lane));
    }
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
