/* attend.h - the KV cache's pages of floats and attention over them; the steps that all types share. */
#include "math.h"
#include "tiles.h"

#include <float.h>
#include <string.h>

/* 16 values of a page of floats, F32 or F16 (a constant where these are inlined), at an element. */
ALWAYS_INLINE void *attend_at(enum weight_type type, const void *page, size_t element)
{
    return (char *)page + lanes_offset(type, element);
}

ALWAYS_INLINE void attend_store(enum weight_type type, void *to, v16 x)
{
    const v16 most = v_set1(type == WEIGHT_F32 ? FLT_MAX : HALF_MAX);
    x = v_min(v_max(x, v_sub(v_set1(0), most)), most);
    if (type == WEIGHT_F32)
        v_store(to, x);
    else
        v_store_f16(to, x);
}

ALWAYS_INLINE void attend_store_k(enum weight_type type, const float *k, size_t head_dim, void *page, int slot)
{
    const size_t at = (size_t)(slot / 16) * head_dim * 16 + (size_t)slot % 16, size = type == WEIGHT_F32 ? 4 : 2;
    for (size_t i = 0; i < head_dim; i += 16) {
        size_t n = head_dim - i < 16 ? head_dim - i : 16;
        float column[16];
        attend_store(type, column, v_load_part(k + i, n));
        for (size_t j = 0; j < n; j++)
            memcpy(attend_at(type, page, at + (i + j) * 16), attend_at(type, column, j), size);
    }
}

ALWAYS_INLINE void attend_store_v(enum weight_type type, const float *v, size_t head_dim, void *page, int slot)
{
    size_t at = (size_t)slot * 16;
    for (size_t i = 0; i < head_dim; i += 16, at += KV_PAGE * 16)
        attend_store(type, attend_at(type, page, at), v_load_part(v + i, head_dim - i < 16 ? head_dim - i : 16));
}

/* y[t * 16 + c * y_c] = y * scale[c] + sum over n steps of tile t's rows times x, for `tiles` tiles and `cols` columns, both
 * constants. Without scale the sum starts at 0. */
ALWAYS_INLINE void attend_tiles(enum weight_type type, int tiles, int cols, const void *w, const void *next, size_t w_tile, size_t n,
                                const float *x, size_t x_k, size_t x_c, const float *scale, float *y, size_t y_c)
{
    v16 acc[V16_TILES * V16_COLS];
    UNROLL for (int i = 0; i < tiles * cols; i++)
    {
        float *to = y + i / cols * 16 + (size_t)(i % cols) * y_c;
        acc[i] = scale ? v_mul(v_load(to), v_set1(scale[i % cols])) : v_set1(0);
    }
    lanes_multiply(type, tiles, cols, w, next, w_tile, 16, n, x, 0, x_k, x_c, acc);
    UNROLL for (int i = 0; i < tiles * cols; i++)
        v_store(y + i / cols * 16 + (size_t)(i % cols) * y_c, acc[i]);
}

/* Tiles at once: few columns alone would leave the multipliers waiting for their sums. The columns' values take registers too, which
 * tiles share. */
ALWAYS_INLINE int attend_width(int cols)
{
    const int room = V16_TILES * V16_COLS * 3 / 4 / cols;
    return cols == V16_COLS ? V16_TILES : room >= 4 ? 4 : room >= 2 ? 2 : 1;
}

/* Any number of tiles. */
ALWAYS_INLINE void attend_block(enum weight_type type, int cols, int tiles, const void *w, const void *next, size_t w_tile, size_t n,
                                const float *x, size_t x_k, size_t x_c, const float *scale, float *y, size_t y_c)
{
    const int width = attend_width(cols);
    for (; tiles >= width; tiles -= width, y += width * 16) {
        attend_tiles(type, width, cols, w, next, w_tile, n, x, x_k, x_c, scale, y, y_c);
        w = attend_at(type, w, (size_t)width * w_tile);
        next = attend_at(type, next, (size_t)width * w_tile);
    }
    for (; tiles > 0; tiles--, y += 16) {
        attend_tiles(type, 1, cols, w, next, w_tile, n, x, x_k, x_c, scale, y, y_c);
        w = attend_at(type, w, w_tile);
        next = attend_at(type, next, w_tile);
    }
}

/* The page is read once for each block of columns; the first fetches what is next. With nothing next the page itself stands there: it
 * costs no branch. */
ALWAYS_INLINE const void *attend_next(const void *page, const void *next, int column)
{
    return column == 0 && next ? next : page;
}

ALWAYS_INLINE void attend_scores(enum weight_type type, const float *q, int cols, size_t head_dim, const void *page, const void *next,
                                 int from, int to, float *s)
{
    const size_t tile = head_dim * 16, first = (size_t)from * tile;
#define BLOCK(n, c)                                                                                                        \
    attend_block(type, n, to - from, attend_at(type, page, first), attend_at(type, attend_next(page, next, c), first),    \
                 tile, head_dim, q + (c), (size_t)cols, 1, NULL, s + (c) * KV_PAGE + 16 * from, KV_PAGE)
    LANES_COLUMNS(cols, BLOCK)
#undef BLOCK
}

ALWAYS_INLINE void attend_values(enum weight_type type, const float *p, int cols, size_t head_dim, const void *page, const void *next,
                                 const float *scale, float *o)
{
    int tiles = (int)((head_dim + 15) / 16);
    size_t lanes = (size_t)tiles * 16;
#define BLOCK(n, c)                                                                                                        \
    attend_block(type, n, tiles, page, attend_next(page, next, c), KV_PAGE * 16, KV_PAGE, p + (c) * KV_PAGE, 1, KV_PAGE,  \
                 scale + (c), o + (size_t)(c) * lanes, lanes)
    LANES_COLUMNS(cols, BLOCK)
#undef BLOCK
}

#define ATTEND_KERNELS(type)                                                                                               \
    void TIER(kv_store_k_##type)(const float *x, size_t head_dim, void *page, int slot)                                    \
    {                                                                                                                      \
        attend_store_k(WEIGHT_##type, x, head_dim, page, slot);                                                            \
    }                                                                                                                      \
    void TIER(kv_store_v_##type)(const float *x, size_t head_dim, void *page, int slot)                                    \
    {                                                                                                                      \
        attend_store_v(WEIGHT_##type, x, head_dim, page, slot);                                                            \
    }                                                                                                                      \
    void TIER(scores_##type)(const void *q, int cols, size_t head_dim, const void *page, const void *next, int from,       \
                             int to, float *s)                                                                             \
    {                                                                                                                      \
        attend_scores(WEIGHT_##type, q, cols, head_dim, page, next, from, to, s);                                          \
    }                                                                                                                      \
    void TIER(values_##type)(const float *p, int cols, size_t head_dim, const void *page, const void *next,                \
                             const float *scale, float *o)                                                                 \
    {                                                                                                                      \
        attend_values(WEIGHT_##type, p, cols, head_dim, page, next, scale, o);                                             \
    }
ATTEND_KERNELS(F32)
ATTEND_KERNELS(F16)

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

void TIER(soft_max)(float *s, int cols, const int *first, const int *last, float softcap, float *m, float *l, float *scale)
{
    float top[16], base[16], sum[16] = {0};
    for (int c = 0; c < cols; c++) {
        float *own = s + c * KV_PAGE;
        if (softcap != 0) /* of the tiles that the column sees */
            for (int j = first[c] / 16 * 16; j < last[c]; j += 16)
                v_store(own + j, lanes_softcap(v_load(own + j), softcap));
        top[c] = attend_mask(own, first[c], last[c]);
    }
    /* one column per lane */
    size_t n = (size_t)cols;
    v16 m_old = v_load_part(m, n), m_new = v_add(v_max(m_old, v_load_part(top, n)), v_set1(0));
    v16 b = v_max(m_new, v_set1(-FLT_MAX)), c_scale = lanes_exp(v_sub(m_old, b));
    v_store(base, b);
    v_store_part(scale, c_scale, n);
    v_store_part(m, m_new, n);
    for (int c = 0; c < cols; c++)
        sum[c] = attend_exp(s + c * KV_PAGE, base[c]);
    v_store_part(l, v_fma(v_load_part(l, n), c_scale, v_load(sum)), n);
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
