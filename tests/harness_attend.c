/* Attention: storing into the pages of the KV cache, attending over them, merging spans. */
#include "kernel_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 8192, MAX_LANES = 512 };

/* What double precision gives, and what errors are measured against. */
static double want[MAX_N], scale[MAX_N];

static size_t round16(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* ---- pages: what a slot holds, by the layouts of kernels/README.md and nothing else */

static const char *const kv_names[KV_TYPES] = {[KV_F32] = "F32", [KV_F16] = "F16", [KV_Q8_0] = "Q8_0"};

static double number_at(enum kv_type type, const void *page, size_t i)
{
    if (type == KV_F32) {
        float x;
        memcpy(&x, (const uint8_t *)page + 4 * i, 4);
        return (double)x;
    }
    return harness_half_value(((const uint16_t *)page)[i]);
}

enum { TILE_BYTES = 32 + 512 }; /* of Q8_0: scales of 16 rows, then their values, k interleaved by 4 */

static double tile_value(const uint8_t *tile, size_t row, size_t k)
{
    return (double)(int8_t)tile[32 + k / 4 * 64 + row * 4 + k % 4];
}

static double k_value(enum kv_type type, const void *page, size_t head_dim, int position, size_t i)
{
    const size_t tile = (size_t)position / 16, row = (size_t)position % 16;
    if (type != KV_Q8_0)
        return number_at(type, page, (tile * head_dim + i) * 16 + row);
    const uint8_t *t = (const uint8_t *)page + (tile * ((head_dim + 31) / 32) + i / 32) * TILE_BYTES;
    return tile_value(t, row, i % 32) * number_at(KV_F16, t, row);
}

static double v_value(enum kv_type type, const void *page, size_t head_dim, int position, size_t i)
{
    const size_t tile = i / 16, row = i % 16, at = (size_t)position;
    if (type != KV_Q8_0)
        return number_at(type, page, (tile * KV_PAGE + at) * 16 + row);
    const uint8_t *t = (const uint8_t *)page + (tile * 2 + at / 32) * TILE_BYTES;
    const uint8_t *scales = (const uint8_t *)page + round16(head_dim) / 16 * 2 * TILE_BYTES;
    return tile_value(t, row, at % 32) * number_at(KV_F16, scales, i / 32 * KV_PAGE + at);
}

static const int head_dims[] = {1, 2, 7, 8, 15, 16, 17, 32, 40, 64, 80, 96, 100, 128, 256, 512};
enum { HEAD_DIMS = sizeof head_dims / sizeof head_dims[0] };

static enum kv_type type_of(const struct harness *h)
{
    int type = 0;
    while (strcmp(kv_names[type], h->arg) != 0)
        type++;
    return type;
}

/* A page with random keys (values) at the first `positions` slots, stored by the reference. */
static void *k_page(struct harness *h, enum kv_type type, size_t head_dim, int positions, enum floats kind)
{
    void *page = harness_input(h, kv_k_bytes(type, head_dim), 64);
    float x[MAX_LANES];
    memset(page, 0, kv_k_bytes(type, head_dim));
    for (int j = 0; j < positions; j++) {
        harness_floats(h, x, head_dim, kind);
        h->ref->kv_store_k[type](x, head_dim, page, j);
    }
    return page;
}

static void *v_page(struct harness *h, enum kv_type type, size_t head_dim, int positions, enum floats kind)
{
    void *page = harness_input(h, kv_v_bytes(type, head_dim), 64);
    float x[MAX_LANES];
    kv_v_clear(type, head_dim, page);
    for (int j = 0; j < positions; j++) {
        harness_floats(h, x, head_dim, kind);
        h->ref->kv_store_v[type](x, head_dim, page, j);
    }
    return page;
}

/* ---- storing */

/* What a value must have become: exactly for floats, within half a step of its block for Q8_0. */
static void check_stored(struct harness *h, enum kv_type type, const float *x, size_t n, size_t i, double got)
{
    double most = type == KV_F32 ? 3.4028234663852886e38 : 65504, block = 0;
    if (type == KV_F16 && got != harness_half_value(harness_half_bits(x[i])))
        harness_fail(h, "element %zu is %g, stored as %g", i, (double)x[i], got);
    if (type == KV_F32 && got != fmin(fmax((double)x[i], -most), most))
        harness_fail(h, "element %zu is %g, stored as %g", i, (double)x[i], got);
    for (size_t j = i / 32 * 32; j < n && j < i / 32 * 32 + 32; j++)
        block = fmax(block, fabs((double)x[j]));
    /* the scale is rounded to F16, whose least step is 2^-24; 127 * 65504 saturates */
    double limit = block * (0.501 / (128 - QUANTIZE_LEVELS) + 0x1p-11) + 127 * 0x1p-25;
    if (type == KV_Q8_0 && block < 8e6 && !(fabs(got - (double)x[i]) <= limit))
        harness_fail(h, "element %zu is %g, stored as %g, limit %g", i, (double)x[i], got, limit);
}

static void kv_store_case(struct harness *h)
{
    const bool keys = strstr(h->slot, "_k") != NULL;
    const enum kv_type type = type_of(h);
    for (int i = 0; i < HEAD_DIMS * FLOAT_KINDS; i++) {
        const size_t n = (size_t)head_dims[i % HEAD_DIMS], bytes = keys ? kv_k_bytes(type, n) : kv_v_bytes(type, n);
        const enum floats kind = i / HEAD_DIMS;
        const int slot = harness_int(h, 0, KV_PAGE - 1);
        harness_begin(h, "head_dim=%zu slot=%d floats=%d", n, slot, (int)kind);
        float *x = harness_input_floats(h, n, kind);
        for (size_t j = 0; kind == FLOATS_UNIFORM && type != KV_Q8_0 && j < n; j++) /* ties, and what is just above the largest */
            x[j] = ldexpf((float)harness_int(h, -4096, 4096) + 0.5f, harness_int(h, -26, 5));
        void *before = keys ? k_page(h, type, n, KV_PAGE, FLOATS_UNIFORM) : v_page(h, type, n, KV_PAGE, FLOATS_UNIFORM);
        struct pair page = harness_output(h, bytes, 64);
        memcpy(page.want, before, bytes);
        memcpy(page.got, before, bytes);
        (keys ? h->ref->kv_store_k : h->ref->kv_store_v)[type](x, n, page.want, slot);
        (keys ? h->tier->kv_store_k : h->tier->kv_store_v)[type](x, n, page.got, slot);
        harness_same(h);
        for (int p = 0; p < KV_PAGE; p++)
            for (size_t j = 0; j < (keys ? n : round16(n)); j++) {
                double got = keys ? k_value(type, page.got, n, p, j) : v_value(type, page.got, n, p, j);
                double old = keys ? k_value(type, before, n, p, j) : v_value(type, before, n, p, j);
                if (p != slot ? got != old : j >= n && got != 0)
                    harness_fail(h, "position %d changed", p);
                else if (p == slot && j < n)
                    check_stored(h, type, x, n, j, got);
            }
    }
    harness_begin(h, "bench");
    float *x = harness_input_floats(h, 128, FLOATS_UNIFORM);
    void *page = keys ? k_page(h, type, 128, 0, FLOATS_ZERO) : v_page(h, type, 128, 0, FLOATS_ZERO);
    BENCH(h, "head_dim=128, floats stored", 128 * 4, "GB/s in cache")
        (keys ? h->tier->kv_store_k : h->tier->kv_store_v)[type](x, 128, page, 17);
}

/* ---- scores */

/* Queries in the form that the type wants, and what they stand for: q[c * head_dim + i]. */
static void *prepare_queries(struct harness *h, enum kv_type type, size_t head_dim, int cols, const float *x, double *q)
{
    const size_t n = (size_t)cols, blocks = (head_dim + 31) / 32;
    if (type != KV_Q8_0) {
        float *out = harness_input(h, head_dim * n * sizeof *out, 4);
        for (size_t i = 0; i < head_dim * n; i++) {
            out[i % head_dim * n + i / head_dim] = x[i];
            q[i] = (double)x[i];
        }
        return out;
    }
    struct act_block *out = harness_input(h, blocks * n * sizeof *out, 4);
    for (size_t c = 0; c < n; c++) {
        float padded[512 + 31] = {0};
        memcpy(padded, x + c * head_dim, head_dim * sizeof *x);
        h->ref->quantize(padded, blocks * 32, true, out + c, n);
        for (size_t i = 0; i < head_dim; i++)
            q[c * head_dim + i] = (double)out[i / 32 * n + c].d * out[i / 32 * n + c].q[i % 32];
    }
    return out;
}

static void check_scores(struct harness *h, enum kv_type type, size_t head_dim, int cols, enum floats kind)
{
    static double q[ATTEND_COLS * 512];
    const int from = harness_int(h, 0, 3), to = harness_int(h, from, 4);
    const size_t n = (size_t)cols;
    harness_begin(h, "head_dim=%zu cols=%d tiles %d..%d floats=%d", head_dim, cols, from, to, (int)kind);
    float *x = harness_input_floats(h, head_dim * n, kind);
    void *page = k_page(h, type, head_dim, harness_int(h, 1, KV_PAGE), kind);
    const void *queries = prepare_queries(h, type, head_dim, cols, x, q);
    struct pair s = harness_output_floats(h, n * KV_PAGE, FLOATS_UNIFORM); /* tiles that are not asked for stay as they are */
    float *before = harness_input(h, n * KV_PAGE * sizeof *before, 4);
    memcpy(before, s.want, n * KV_PAGE * sizeof *before);
    h->ref->scores[type](queries, cols, head_dim, page, NULL, from, to, s.want);
    h->tier->scores[type](queries, cols, head_dim, page, test_random(&h->random) % 2 ? page : NULL, from, to, s.got);
    harness_same(h);
    for (size_t c = 0; c < n; c++) {
        for (int j = 0; j < KV_PAGE; j++) {
            want[j] = (double)before[c * KV_PAGE + (size_t)j];
            scale[j] = 0;
            if (j < 16 * from || j >= 16 * to)
                continue;
            want[j] = 0;
            for (size_t i = 0; i < head_dim; i++) {
                double term = q[c * head_dim + i] * k_value(type, page, head_dim, j, i);
                want[j] += term;
                scale[j] += fabs(term);
            }
        }
        if (kind != FLOATS_HUGE) /* whose products overflow */
            harness_close(h, (float *)s.got + c * KV_PAGE, want, scale, KV_PAGE, 6e-8 * ((double)head_dim / 8 + 8));
    }
}

/* ---- the soft-max step */

enum { STEPS = 3 };

static void check_soft_max(struct harness *h, int cols, enum floats kind, float softcap)
{
    const size_t n = (size_t)cols;
    harness_begin(h, "cols=%d floats=%d softcap=%g", cols, (int)kind, (double)softcap);
    struct pair m = harness_output(h, n * sizeof(float), 4), l = harness_output(h, n * sizeof(float), 4);
    struct pair scales = harness_output(h, n * sizeof(float), 4);
    double top[ATTEND_COLS], sum[ATTEND_COLS] = {0};
    memset(l.want, 0, n * sizeof(float));
    memset(l.got, 0, n * sizeof(float));
    for (size_t c = 0; c < n; c++)
        top[c] = ((float *)m.want)[c] = ((float *)m.got)[c] = -INFINITY;
    for (int step = 0; step < STEPS; step++) {
        int first[ATTEND_COLS], last[ATTEND_COLS];
        struct pair s = harness_output_floats(h, n * KV_PAGE, kind);
        for (size_t i = 0; i < n * KV_PAGE; i++)
            ((float *)s.got)[i] = ((float *)s.want)[i] *= kind == FLOATS_HUGE ? 1 : 10;
        float *raw = harness_input(h, n * KV_PAGE * sizeof *raw, 4);
        memcpy(raw, s.want, n * KV_PAGE * sizeof *raw);
        for (int c = 0; c < cols; c++) { /* whole, causal, any (with nothing to see among them) */
            int shape = harness_int(h, 0, 3);
            first[c] = shape < 2 ? 0 : harness_int(h, 0, KV_PAGE);
            last[c] = shape < 1 ? KV_PAGE : harness_int(h, 0, KV_PAGE);
        }
        h->ref->soft_max(s.want, cols, first, last, softcap, m.want, l.want, scales.want);
        h->tier->soft_max(s.got, cols, first, last, softcap, m.got, l.got, scales.got);
        harness_same(h);
        for (size_t c = 0; c < n; c++) {
            double score[KV_PAGE], old = top[c];
            for (int j = first[c]; j < last[c]; j++) {
                double x = (double)raw[c * KV_PAGE + (size_t)j];
                score[j] = softcap != 0 ? (double)softcap * tanh(x / (double)softcap) : x;
                top[c] = fmax(top[c], score[j]);
            }
            double factor = old > -INFINITY ? exp(old - top[c]) : 0;
            sum[c] *= factor;
            for (int j = 0; j < KV_PAGE; j++) {
                want[j] = j >= first[c] && j < last[c] ? exp(score[j] - top[c]) : 0;
                sum[c] += want[j];
                scale[j] = 1;
            }
            if (kind > FLOATS_ZERO) /* scores too large for float's resolution, or too near to each other to tell anything */
                continue;
            double limit = kind == FLOATS_OUTLIERS ? 2e-3 : 4e-6; /* of scores of up to 10000, or 10 */
            harness_close(h, (float *)s.got + c * KV_PAGE, want, scale, KV_PAGE, limit);
            harness_close(h, (float *)l.got + c, sum + c, NULL, 1, limit);
            if (old > -INFINITY)
                harness_close(h, (float *)scales.got + c, &factor, scale, 1, limit);
            if (top[c] == -INFINITY && (sum[c] != 0 || ((float *)m.got)[c] != -INFINITY))
                harness_fail(h, "column %zu sees nothing, but l = %g", c, (double)((float *)l.got)[c]);
        }
    }
}

static void soft_max_case(struct harness *h)
{
    for (int i = 0; i < 400; i++)
        check_soft_max(h, 1 + i % ATTEND_COLS, i / 2 % FLOAT_KINDS, i % 5 == 3 ? 30 : 0);
    harness_begin(h, "bench");
    float *s = harness_input_floats(h, ATTEND_COLS * KV_PAGE, FLOATS_UNIFORM), m[ATTEND_COLS], l[ATTEND_COLS] = {0}, scales[ATTEND_COLS];
    int first[ATTEND_COLS] = {0}, last[ATTEND_COLS];
    for (int c = 0; c < ATTEND_COLS; c++) {
        m[c] = 100;
        last[c] = KV_PAGE;
    }
    BENCH(h, "16 cols, scores", ATTEND_COLS * KV_PAGE, "Gscores/s")
        h->tier->soft_max(s, ATTEND_COLS, first, last, 0, m, l, scales);
}

/* ---- weighted sums */

struct v_column {
    double value[KV_PAGE], block[KV_PAGE];  /* of each position: one value; the largest magnitude of its block of 32 */
};

/* Takes the values of a page, which all queries share. */
static void read_v_page(struct v_column *columns, enum kv_type type, const void *page, size_t head_dim)
{
    const size_t lanes = round16(head_dim);
    for (int j = 0; j < KV_PAGE; j++) {
        double block[MAX_LANES / 32] = {0};
        for (size_t i = 0; i < lanes; i++) {
            columns[i].value[j] = v_value(type, page, head_dim, j, i);
            block[i / 32] = fmax(block[i / 32], fabs(columns[i].value[j]));
        }
        for (size_t i = 0; i < lanes; i++)
            columns[i].block[j] = block[i / 32];
    }
}

static void check_values(struct harness *h, enum kv_type type, size_t head_dim, int cols, enum floats kind)
{
    const size_t n = (size_t)cols, lanes = round16(head_dim);
    harness_begin(h, "head_dim=%zu cols=%d floats=%d", head_dim, cols, (int)kind);
    float *p = harness_input_floats(h, n * KV_PAGE, FLOATS_UNIFORM), *factor = harness_input_floats(h, n, FLOATS_UNIFORM);
    const bool sharp = harness_int(h, 0, 1);
    for (size_t i = 0; i < n * KV_PAGE; i++) { /* weights, some of them 0, evenly spread or not */
        p[i] = p[i] < -0.5f ? 0 : fabsf(p[i]);
        p[i] = sharp ? powf(p[i], 20) : p[i];
    }
    void *page = v_page(h, type, head_dim, harness_int(h, 1, KV_PAGE), kind);
    struct pair o = harness_output_floats(h, n * lanes, FLOATS_UNIFORM);
    float *before = harness_input(h, n * lanes * sizeof *before, 4);
    memcpy(before, o.want, n * lanes * sizeof *before);
    h->ref->values[type](p, cols, head_dim, page, NULL, factor, o.want);
    h->tier->values[type](p, cols, head_dim, page, test_random(&h->random) % 2 ? page : NULL, factor, o.got);
    harness_same(h);
    static struct v_column columns[MAX_LANES];
    read_v_page(columns, type, page, head_dim);
    for (size_t c = 0; c < n; c++) {
        for (size_t i = 0; i < lanes; i++) {
            double top[2] = {0}, steps[2] = {0}; /* of the weights in int8: times scales, a block of 32 positions at a time */
            want[i] = (double)before[c * lanes + i] * (double)factor[c];
            scale[i] = fabs(want[i]) * 1e-6;
            for (int j = 0; j < KV_PAGE; j++) {
                double weight = (double)p[c * KV_PAGE + (size_t)j], v = columns[i].value[j], block = columns[i].block[j], term = weight * v;
                want[i] += term;
                scale[i] += fabs(term) * 1e-6 * ((double)KV_PAGE / 16);
                top[j / 32] = fmax(top[j / 32], weight * block);
                steps[j / 32] += block > 0 ? fabs(v) / block : 0;
            }
            for (int b = 0; type == KV_Q8_0 && b < 2; b++) /* half a step each; a block's largest value may be a step below 127 */
                scale[i] += top[b] * steps[b] * 0.51 * 128 / 127 / 127;
        }
        if (kind != FLOATS_HUGE)
            harness_close(h, (float *)o.got + c * lanes, want, scale, lanes, 1);
    }
}

/* ---- both, at every width; and how fast */

static void bench_pages(struct harness *h, enum kv_type type, size_t head_dim, bool keys)
{
    static const int cols[] = {1, 2, 3, 4, 8, 16};
    static double ignored[ATTEND_COLS * 512];
    const size_t page = keys ? kv_k_bytes(type, head_dim) : kv_v_bytes(type, head_dim), pages = ((size_t)256 << 20) / page;
    harness_begin(h, "bench");
    float *x = harness_input_floats(h, head_dim * ATTEND_COLS, FLOATS_UNIFORM), *p = harness_input(h, ATTEND_COLS * KV_PAGE * sizeof *p, 64);
    float *o = harness_input(h, ATTEND_COLS * (head_dim + KV_PAGE) * sizeof *o, 64), one[ATTEND_COLS];
    for (int i = 0; i < ATTEND_COLS * KV_PAGE; i++)
        p[i] = test_uniform(&h->random, 0, 1);
    for (int c = 0; c < ATTEND_COLS; c++)
        one[c] = 0.5f;
    memset(o, 0, ATTEND_COLS * (head_dim + KV_PAGE) * sizeof *o);
    const void *first = keys ? k_page(h, type, head_dim, KV_PAGE, FLOATS_UNIFORM) : v_page(h, type, head_dim, KV_PAGE, FLOATS_UNIFORM);
    uint8_t *many = malloc(pages * page);
    for (size_t i = 0; i < pages; i++)
        memcpy(many + i * page, first, page);
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) {
        char label[48];
        const void *q = prepare_queries(h, type, head_dim, cols[i], x, ignored);
        snprintf(label, sizeof label, "head %zu, %d cols from memory", head_dim, cols[i]);
        BENCH(h, label, (double)(pages * page), "GB/s")
            for (size_t j = 0; j < pages; j++)
                keys ? h->tier->scores[type](q, cols[i], head_dim, many + j * page, many + (j + 1) % pages * page, 0, 4, o)
                     : h->tier->values[type](p, cols[i], head_dim, many + j * page, many + (j + 1) % pages * page, one, o);
        snprintf(label, sizeof label, "head %zu, %d cols", head_dim, cols[i]);
        BENCH(h, label, 2.0 * KV_PAGE * (double)head_dim * cols[i], "Gop/s")
            keys ? h->tier->scores[type](q, cols[i], head_dim, many, NULL, 0, 4, o)
                 : h->tier->values[type](p, cols[i], head_dim, many, NULL, one, o);
    }
    free(many);
}

static void pages_case(struct harness *h)
{
    const enum kv_type type = type_of(h);
    const bool keys = strcmp(h->slot, "scores") == 0;
    for (int i = 0; i < HEAD_DIMS; i++) {
        size_t n = (size_t)head_dims[i];
        for (int cols = 1; cols <= ATTEND_COLS; cols += n > 100 ? 5 : 1)
            (keys ? check_scores : check_values)(h, type, n, cols, (i + cols) % FLOAT_KINDS);
    }
    if (h->benching) {
        bench_pages(h, type, 64, keys);
        bench_pages(h, type, 128, keys);
    }
}

static void merge_case(struct harness *h)
{
    for (int i = 0; i < 300; i++) {
        size_t n = harness_length(i % HARNESS_LENGTHS);
        harness_begin(h, "n=%zu round=%d", n, i);
        bool none = i % 7 == 3, none2 = i % 5 == 3; /* a side that has seen nothing */
        float *o2 = harness_input_floats(h, n, none2 ? FLOATS_ZERO : FLOATS_UNIFORM);
        struct pair o = harness_output_floats(h, n, none ? FLOATS_ZERO : FLOATS_UNIFORM);
        struct pair m = harness_output_floats(h, 1, FLOATS_OUTLIERS), l = harness_output_floats(h, 1, FLOATS_UNIFORM);
        float m1 = none ? -INFINITY : test_uniform(&h->random, -30, 30) * (i % 11 ? 1 : 10);
        float m2 = none2 ? -INFINITY : test_uniform(&h->random, -30, 30) * (i % 13 ? 1 : 10);
        float l1 = none ? 0 : test_uniform(&h->random, 1, 64), l2 = none2 ? 0 : test_uniform(&h->random, 1, 64);
        *(float *)m.want = *(float *)m.got = m1;
        *(float *)l.want = *(float *)l.got = l1;
        double top = fmax((double)m1, (double)m2), a = none ? 0 : exp((double)m1 - top), b = none2 ? 0 : exp((double)m2 - top);
        double want_l = (double)l1 * a + (double)l2 * b;
        for (size_t j = 0; j < n; j++) {
            want[j] = (double)((float *)o.want)[j] * a + (double)o2[j] * b;
            scale[j] = 1;
        }
        h->ref->merge(m.want, l.want, o.want, m2, l2, o2, n);
        h->tier->merge(m.got, l.got, o.got, m2, l2, o2, n);
        harness_same(h);
        harness_close(h, o.got, want, scale, n, 5e-7);
        harness_close(h, l.got, &want_l, NULL, 1, 5e-7);
        if ((double)*(float *)m.got != top)
            harness_fail(h, "the maximum is %g", (double)*(float *)m.got);
    }
}

/* ---- the list */

const struct kernel_case attend_cases[] = {
#define KV_CASES(type)                                                                                                     \
    {"kv_store_k", kv_store_case, #type}, {"kv_store_v", kv_store_case, #type}, {"scores", pages_case, #type},             \
        {"values", pages_case, #type},
    KV_CASES(F32)
    KV_CASES(F16)
    KV_CASES(Q8_0)
    {"soft_max", soft_max_case, NULL},
    {"merge", merge_case, NULL},
    {NULL, NULL, NULL},
};
