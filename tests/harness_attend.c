/* Attention: storing into the pages of the KV cache, attending over them, merging spans. */
#include "kernel_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 8192 };

/* What double precision gives, and what errors are measured against. */
static double want[MAX_N], scale[MAX_N];

static size_t round16(size_t n)
{
    return (n + 15) / 16 * 16;
}

static size_t k_at(size_t head_dim, int position, size_t i)
{
    return ((size_t)position / 16 * head_dim + i) * 16 + (size_t)position % 16;
}

static size_t v_at(int position, size_t i)
{
    return (i / 16 * KV_PAGE + (size_t)position) * 16 + i % 16;
}

static const int head_dims[] = {1, 2, 7, 8, 15, 16, 17, 32, 40, 64, 80, 96, 100, 128, 256, 512};
enum { HEAD_DIMS = sizeof head_dims / sizeof head_dims[0] };

static void random_halves(struct harness *h, uint16_t *x, size_t n, float magnitude)
{
    for (size_t i = 0; i < n; i++)
        x[i] = harness_half_bits(test_uniform(&h->random, -magnitude, magnitude));
}

static void kv_store_case(struct harness *h)
{
    for (int i = 0; i < HEAD_DIMS * FLOAT_KINDS; i++) {
        size_t n = (size_t)head_dims[i % HEAD_DIMS], lanes = round16(n);
        enum floats kind = i / HEAD_DIMS;
        int slot = harness_int(h, 0, KV_PAGE - 1);
        harness_begin(h, "head_dim=%zu slot=%d floats=%d", n, slot, (int)kind);
        float *k = harness_input_floats(h, n, kind), *v = harness_input_floats(h, n, kind);
        for (size_t j = 0; kind == FLOATS_UNIFORM && j < n; j++) /* ties, and what is just above the largest */
            k[j] = ldexpf((float)harness_int(h, -4096, 4096) + 0.5f, harness_int(h, -26, 5));
        struct pair kp = harness_output(h, n * KV_PAGE * 2, 64), vp = harness_output(h, lanes * KV_PAGE * 2, 64);
        uint16_t *k_want = malloc(n * KV_PAGE * 2), *v_want = malloc(lanes * KV_PAGE * 2);
        random_halves(h, k_want, n * KV_PAGE, 1);
        random_halves(h, v_want, lanes * KV_PAGE, 1);
        memcpy(kp.want, k_want, n * KV_PAGE * 2);
        memcpy(kp.got, k_want, n * KV_PAGE * 2);
        memcpy(vp.want, v_want, lanes * KV_PAGE * 2);
        memcpy(vp.got, v_want, lanes * KV_PAGE * 2);
        h->ref->kv_store(k, v, n, kp.want, vp.want, slot);
        h->tier->kv_store(k, v, n, kp.got, vp.got, slot);
        harness_same(h);
        for (size_t j = 0; j < lanes; j++) {
            if (j < n)
                k_want[k_at(n, slot, j)] = harness_half_bits(k[j]);
            v_want[v_at(slot, j)] = j < n ? harness_half_bits(v[j]) : 0;
        }
        if (memcmp(kp.got, k_want, n * KV_PAGE * 2) != 0 || memcmp(vp.got, v_want, lanes * KV_PAGE * 2) != 0)
            harness_fail(h, "a page does not hold what was stored");
        free(k_want);
        free(v_want);
    }
    harness_begin(h, "bench");
    float *k = harness_input_floats(h, 128, FLOATS_UNIFORM);
    uint16_t *page = harness_input(h, 2 * 128 * KV_PAGE * 2, 64);
    BENCH(h, "head_dim=128, bytes stored", 2 * 128 * 2, "GB/s in cache")
        h->tier->kv_store(k, k, 128, page, page + 128 * KV_PAGE, 17);
}

enum { ATTEND_PAGES = 3 };

struct attention {
    size_t head_dim;
    int cols;
    float softcap, q_scale;
    float *q;
    uint16_t *k[ATTEND_PAGES], *v[ATTEND_PAGES];
    int first[ATTEND_PAGES][MAX_COLS], last[ATTEND_PAGES][MAX_COLS];
};

/* Column c in double precision: the whole soft-max at once. False if it sees nothing. */
static bool attention_in_double(const struct attention *a, int c, double *o)
{
    double s[ATTEND_PAGES][KV_PAGE], top = -INFINITY, sum = 0;
    for (int p = 0; p < ATTEND_PAGES; p++) {
        for (int j = a->first[p][c]; j < a->last[p][c]; j++) {
            s[p][j] = 0;
            for (size_t i = 0; i < a->head_dim; i++)
                s[p][j] += (double)a->q[i * (size_t)a->cols + (size_t)c] * harness_half_value(a->k[p][k_at(a->head_dim, j, i)]);
            if (a->softcap != 0)
                s[p][j] = (double)a->softcap * tanh(s[p][j] / (double)a->softcap);
            top = fmax(top, s[p][j]);
        }
    }
    memset(o, 0, round16(a->head_dim) * sizeof *o);
    for (int p = 0; p < ATTEND_PAGES; p++) {
        for (int j = a->first[p][c]; j < a->last[p][c]; j++) {
            double weight = exp(s[p][j] - top);
            sum += weight;
            for (size_t i = 0; i < a->head_dim; i++)
                o[i] += weight * harness_half_value(a->v[p][v_at(j, i)]);
        }
    }
    for (size_t i = 0; i < a->head_dim; i++)
        o[i] /= sum > 0 ? sum : 1;
    return sum > 0;
}

static void attention_inputs(struct harness *h, struct attention *a, enum floats kind)
{
    size_t n = a->head_dim, lanes = round16(n);
    a->q = harness_input_floats(h, n * (size_t)a->cols, kind);
    for (size_t i = 0; i < n * (size_t)a->cols; i++)
        a->q[i] *= a->q_scale;
    for (int p = 0; p < ATTEND_PAGES; p++) {
        a->k[p] = harness_input(h, n * KV_PAGE * 2, 64);
        a->v[p] = harness_input(h, lanes * KV_PAGE * 2, 64);
        random_halves(h, a->k[p], n * KV_PAGE, kind == FLOATS_RANGE ? 65504 : 1);
        random_halves(h, a->v[p], lanes * KV_PAGE, kind == FLOATS_RANGE ? 65504 : 1);
        for (size_t i = n; i < lanes; i++)
            for (int j = 0; j < KV_PAGE; j++)
                a->v[p][v_at(j, i)] = 0;
        for (int c = 0; c < a->cols; c++) { /* whole, causal, any (with nothing to see among them) */
            int shape = harness_int(h, 0, 3);
            a->first[p][c] = shape < 2 ? 0 : harness_int(h, 0, KV_PAGE);
            a->last[p][c] = shape < 1 ? KV_PAGE : harness_int(h, 0, KV_PAGE);
        }
    }
}

static void check_attend(struct harness *h, size_t head_dim, int cols, enum floats kind, float softcap)
{
    struct attention a = {.head_dim = head_dim, .cols = cols, .softcap = softcap};
    size_t lanes = round16(head_dim), n = (size_t)cols;
    harness_begin(h, "head_dim=%zu cols=%d floats=%d softcap=%g", head_dim, cols, (int)kind, (double)softcap);
    a.q_scale = kind == FLOATS_HUGE ? 1e-20f : 8 / sqrtf((float)head_dim);
    attention_inputs(h, &a, kind);
    struct pair m = harness_output(h, n * sizeof(float), 4), l = harness_output(h, n * sizeof(float), 4);
    struct pair o = harness_output(h, n * lanes * sizeof(float), 4);
    memset(l.want, 0, n * sizeof(float));
    memset(l.got, 0, n * sizeof(float));
    memset(o.want, 0, n * lanes * sizeof(float));
    memset(o.got, 0, n * lanes * sizeof(float));
    for (size_t c = 0; c < n; c++)
        ((float *)m.want)[c] = ((float *)m.got)[c] = -INFINITY;
    for (int p = 0; p < ATTEND_PAGES; p++) {
        h->ref->attend(a.q, cols, head_dim, a.k[p], a.v[p], a.first[p], a.last[p], softcap, m.want, l.want, o.want);
        h->tier->attend(a.q, cols, head_dim, a.k[p], a.v[p], a.first[p], a.last[p], softcap, m.got, l.got, o.got);
        harness_same(h);
    }
    for (size_t c = 0; c < n && kind <= FLOATS_ZERO; c++) { /* the others have scores too large for float's resolution */
        float *got = (float *)o.got + c * lanes, sum = ((float *)l.got)[c];
        bool sees = attention_in_double(&a, (int)c, want);
        for (size_t i = 0; sees && i < head_dim; i++)
            got[i] /= sum;
        if (!sees && (sum != 0 || ((float *)m.got)[c] != -INFINITY))
            harness_fail(h, "column %zu sees nothing, but l = %g", c, (double)sum);
        for (size_t i = 0; i < lanes; i++)
            scale[i] = 1; /* V's largest value */
        harness_close(h, got, want, scale, lanes, kind == FLOATS_OUTLIERS ? 5e-3 : 1e-5);
    }
}

static void bench_attend(struct harness *h, size_t head_dim)
{
    enum { PAGES = 4096 };
    size_t page = head_dim * KV_PAGE;
    harness_begin(h, "bench");
    float *q = harness_input_floats(h, head_dim * MAX_COLS, FLOATS_UNIFORM), m[MAX_COLS], l[MAX_COLS] = {0};
    float *o = harness_input(h, head_dim * MAX_COLS * sizeof *o, 64);
    uint16_t *pages = malloc(2 * PAGES * page * 2);
    int first[MAX_COLS], last[MAX_COLS];
    random_halves(h, pages, 2 * page, 1);
    for (size_t p = 1; p < PAGES; p++)
        memcpy(pages + 2 * p * page, pages, 2 * page * 2);
    memset(o, 0, head_dim * MAX_COLS * sizeof *o);
    for (int c = 0; c < MAX_COLS; c++) {
        m[c] = -INFINITY;
        first[c] = 0;
        last[c] = KV_PAGE;
    }
    static const int cols[] = {1, 2, 3, 4, 8, 16};
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) {
        char label[40];
        snprintf(label, sizeof label, "head %zu, %d cols from memory", head_dim, cols[i]);
        BENCH(h, label, 2.0 * PAGES * (double)page * 2, "GB/s")
            for (size_t p = 0; p < PAGES; p++)
                h->tier->attend(q, cols[i], head_dim, pages + 2 * p * page, pages + (2 * p + 1) * page, first, last, 0, m, l, o);
        snprintf(label, sizeof label, "head %zu, %d cols", head_dim, cols[i]);
        BENCH(h, label, 2.0 * 2 * (double)page * cols[i], "GFLOP/s")
            h->tier->attend(q, cols[i], head_dim, pages, pages + page, first, last, 0, m, l, o);
    }
    free(pages);
}

static void attend_case(struct harness *h)
{
    for (int i = 0; i < HEAD_DIMS; i++) {
        size_t n = (size_t)head_dims[i];
        for (int cols = 1; cols <= MAX_COLS; cols += n > 100 ? 5 : 1)
            check_attend(h, n, cols, (i + cols) % FLOAT_KINDS, cols % 4 == 3 ? 30 : 0);
    }
    if (h->benching) {
        bench_attend(h, 64);
        bench_attend(h, 128);
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
    {"kv_store", kv_store_case, NULL},
    {"attend", attend_case, NULL},
    {"merge", merge_case, NULL},
    {NULL, NULL, NULL},
};
