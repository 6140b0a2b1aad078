/* attend.h - the KV cache's pages and attention over them. */
#include "math.h"
#include "tiles.h"

#include <float.h>
#include <string.h>

void TIER(kv_store)(const float *k, const float *v, size_t head_dim, uint16_t *k_page, uint16_t *v_page, int slot)
{
    const v16 low = v_set1(-HALF_MAX), high = v_set1(HALF_MAX);
    uint16_t *k_out = k_page + (size_t)(slot / 16) * head_dim * 16 + slot % 16;
    uint16_t *v_out = v_page + (size_t)slot * 16;
    for (size_t i = 0; i < head_dim; i += 16, v_out += KV_PAGE * 16) {
        size_t n = head_dim - i < 16 ? head_dim - i : 16;
        uint16_t half[16];
        v_store_f16(half, v_min(v_max(v_load_part(k + i, n), low), high));
        for (size_t j = 0; j < n; j++)
            k_out[(i + j) * 16] = half[j];
        v_store_f16(v_out, v_min(v_max(v_load_part(v + i, n), low), high));
    }
}

/* y[t * 16 + c * y_c] = y * scale[c] + sum over n steps of tile t's rows times x, for `tiles` tiles and `cols` columns, both
 * constants. Without scale the sum starts at 0. */
ALWAYS_INLINE void attend_tiles(int tiles, int cols, const uint16_t *w, size_t w_tile, size_t n, const float *x, size_t x_k, size_t x_c,
                                const float *scale, float *y, size_t y_c)
{
    v16 acc[V16_TILES * V16_COLS];
    UNROLL for (int i = 0; i < tiles * cols; i++)
    {
        float *to = y + i / cols * 16 + (size_t)(i % cols) * y_c;
        acc[i] = scale ? v_mul(v_load(to), v_set1(scale[i % cols])) : v_set1(0);
    }
    lanes_multiply(WEIGHT_F16, tiles, cols, w, w_tile, 16, n, x, 0, x_k, x_c, acc);
    UNROLL for (int i = 0; i < tiles * cols; i++)
        v_store(y + i / cols * 16 + (size_t)(i % cols) * y_c, acc[i]);
}

/* Any number of tiles. Only the widest block takes several at once: it finds its page in the cache. Narrow blocks (decoding)
 * stream it from memory, where one after the other is much faster than several streams (27 against 11 GB/s). */
ALWAYS_INLINE void attend_block(int cols, int tiles, const uint16_t *w, size_t w_tile, size_t n, const float *x, size_t x_k, size_t x_c,
                                const float *scale, float *y, size_t y_c)
{
    for (; cols == V16_COLS && tiles >= V16_TILES; tiles -= V16_TILES, w += V16_TILES * w_tile, y += V16_TILES * 16)
        attend_tiles(V16_TILES, cols, w, w_tile, n, x, x_k, x_c, scale, y, y_c);
    for (; tiles > 0; tiles--, w += w_tile, y += 16)
        attend_tiles(1, cols, w, w_tile, n, x, x_k, x_c, scale, y, y_c);
}

/* Scores of K tiles from..to-1: s[c][j]. */
static void attend_scores(const float *q, int cols, size_t head_dim, const uint16_t *k_page, int from, int to, float (*s)[KV_PAGE])
{
    const uint16_t *w = k_page + (size_t)from * head_dim * 16;
#define BLOCK(n, c)                                                                                                        \
    attend_block(n, to - from, w, head_dim * 16, head_dim, q + (c), (size_t)cols, 1, NULL, s[c] + 16 * from, KV_PAGE)
    LANES_COLUMNS(cols, BLOCK)
#undef BLOCK
}

/* o = o * scale + weighted sums of V. */
static void attend_values(float (*p)[KV_PAGE], int cols, size_t head_dim, const uint16_t *v_page, const float *scale, float *o)
{
    int tiles = (int)((head_dim + 15) / 16);
    size_t lanes = (size_t)tiles * 16;
#define BLOCK(n, c)                                                                                                        \
    attend_block(n, tiles, v_page, KV_PAGE * 16, KV_PAGE, p[c], 1, KV_PAGE, scale + (c), o + (size_t)(c) * lanes, lanes)
    LANES_COLUMNS(cols, BLOCK)
#undef BLOCK
}

/* Hides what lies outside first..last (and was not computed), returns the maximum. */
static float attend_mask(float *s, int first, int last)
{
    for (int j = 0; j < first && j < KV_PAGE; j++)
        s[j] = -INFINITY;
    for (int j = last; j < KV_PAGE; j++)
        s[j] = -INFINITY;
    return v_top(v_max(v_max(v_load(s), v_load(s + 16)), v_max(v_load(s + 32), v_load(s + 48))));
}

/* s = exp(s - base); returns their sum. */
static float attend_exp(float *s, float base)
{
    v16 b = v_set1(base), sum = v_set1(0);
    UNROLL for (int j = 0; j < KV_PAGE; j += 16)
    {
        v16 p = lanes_exp(v_sub(v_load(s + j), b));
        v_store(s + j, p);
        sum = v_add(sum, p);
    }
    return v_sum(sum);
}

void TIER(attend)(const float *q, int cols, size_t head_dim, const uint16_t *k_page, const uint16_t *v_page, const int *first,
                  const int *last, float softcap, float *m, float *l, float *o)
{
    float s[MAX_COLS][KV_PAGE], top[16], base[16], sum[16] = {0}, scale[16];
    int from = KV_PAGE, to = 0; /* what some column sees */
    for (int c = 0; c < cols; c++) {
        from = first[c] < from ? first[c] : from;
        to = last[c] > to ? last[c] : to;
    }
    from /= 16;
    to = to > 16 * from ? (to + 15) / 16 : from;
    attend_scores(q, cols, head_dim, k_page, from, to, s);
    for (int c = 0; c < cols; c++) {
        if (softcap != 0)
            for (int j = 16 * from; j < 16 * to; j += 16)
                v_store(s[c] + j, lanes_softcap(v_load(s[c] + j), softcap));
        top[c] = attend_mask(s[c], first[c], last[c]);
    }
    /* one column per lane */
    size_t n = (size_t)cols;
    v16 m_old = v_load_part(m, n), m_new = v_add(v_max(m_old, v_load_part(top, n)), v_set1(0));
    v16 b = v_max(m_new, v_set1(-FLT_MAX)), c_scale = lanes_exp(v_sub(m_old, b));
    v_store(base, b);
    v_store(scale, c_scale);
    v_store_part(m, m_new, n);
    for (int c = 0; c < cols; c++)
        sum[c] = attend_exp(s[c], base[c]);
    v_store_part(l, v_fma(v_load_part(l, n), c_scale, v_load(sum)), n);
    attend_values(s, cols, head_dim, v_page, scale, o);
}

void TIER(merge)(float *m, float *l, float *o, float m2, float l2, const float *o2, size_t n)
{
    float top = (*m > m2 ? *m : m2) + 0.0f;
    if (top == -INFINITY)
        return;
    float a = v_first(lanes_exp(v_set1(*m - top))), b = v_first(lanes_exp(v_set1(m2 - top)));
    *m = top;
    *l = fmaf(l2, b, *l * a);
    for (size_t i = 0; i < n; i++)
        o[i] = fmaf(o2[i], b, o[i] * a);
}
