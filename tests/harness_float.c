/* The float kernels: element-wise operations, norm, rotary embedding, attention over pages, dense weights.
 * Every case compares bits with the reference and values with plain double-precision arithmetic. */
#include "kernel_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 8192, MAX_HEAD = 512 };

/* What double precision gives, and what errors are measured against. */
static double want[MAX_N], scale[MAX_N];

static int random_int(struct harness *h, int low, int high)
{
    return low + (int)(test_random(&h->random) % (uint32_t)(high - low + 1));
}

/* Every length to 70, then some longer ones. */
static size_t length(int i)
{
    static const size_t longer[] = {127, 128, 172, 300, 1000, 2048, 4099};
    return i <= 70 ? (size_t)i : longer[i - 71];
}
enum { LENGTHS = 78 };

static struct pair output_floats(struct harness *h, size_t n, enum floats kind)
{
    struct pair y = harness_output(h, n * sizeof(float), 4);
    harness_floats(h, y.want, n, kind);
    memcpy(y.got, y.want, n * sizeof(float));
    return y;
}

static float *input_floats(struct harness *h, size_t n, enum floats kind)
{
    float *x = harness_input(h, n * sizeof(float), 4);
    harness_floats(h, x, n, kind);
    return x;
}

/* ---- rms_norm, add, scale, rope */

static void check_rms_norm(struct harness *h, size_t n, enum floats kind, bool weights, bool in_place)
{
    harness_begin(h, "n=%zu floats=%d weights=%d in place=%d", n, (int)kind, weights, in_place);
    float *x = input_floats(h, n, kind), *w = weights ? input_floats(h, n, FLOATS_UNIFORM) : NULL, eps = 1e-5f;
    struct pair y = harness_output(h, n * sizeof *x, 4);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    for (size_t i = 0; i < n; i++) {
        want[i] = (double)x[i] / sqrt(sum / (double)n + (double)eps) * (w ? (double)w[i] : 1);
        scale[i] = fabs(want[i]);
    }
    if (in_place) {
        memcpy(y.want, x, n * sizeof *x);
        memcpy(y.got, x, n * sizeof *x);
    }
    h->ref->rms_norm(in_place ? y.want : x, w, n, eps, y.want);
    h->tier->rms_norm(in_place ? y.got : x, w, n, eps, y.got);
    harness_same(h);
    if (kind != FLOATS_HUGE) /* whose squares overflow */
        harness_close(h, y.got, want, scale, n, 6e-8 * ((double)n / 32 + 6));
}

static void rms_norm_case(struct harness *h)
{
    for (int i = 0; i < LENGTHS; i++)
        for (int round = 0; round < 4; round++)
            check_rms_norm(h, length(i), (i + round) % FLOAT_KINDS, round & 1, round & 2);
    harness_begin(h, "bench");
    float *x = input_floats(h, 2048, FLOATS_UNIFORM), *w = input_floats(h, 2048, FLOATS_UNIFORM);
    float *y = harness_input(h, 2048 * sizeof *y, 64);
    BENCH(h, "n=2048, bytes of x", 2048 * sizeof *x, "GB/s in cache")
        h->tier->rms_norm(x, w, 2048, 1e-5f, y);
}

static void add_scale_case(struct harness *h)
{
    bool add = strcmp(h->slot, "add") == 0;
    for (int i = 0; i < LENGTHS; i++) {
        size_t n = length(i);
        harness_begin(h, "n=%zu", n);
        float *x = input_floats(h, n, i % FLOAT_KINDS), s = test_uniform(&h->random, -3, 3);
        struct pair y = output_floats(h, n, i / 2 % FLOAT_KINDS);
        for (size_t j = 0; j < n; j++) {
            double old = (double)((float *)y.want)[j];
            want[j] = add ? old + (double)x[j] : old * (double)s;
        }
        if (add) {
            h->ref->add(y.want, x, n);
            h->tier->add(y.got, x, n);
        } else {
            h->ref->scale(y.want, s, n);
            h->tier->scale(y.got, s, n);
        }
        harness_same(h);
        harness_close(h, y.got, want, NULL, n, 1e-7);
    }
    harness_begin(h, "bench");
    float *x = input_floats(h, 2048, FLOATS_UNIFORM), *y = input_floats(h, 2048, FLOATS_UNIFORM);
    BENCH(h, "n=2048, bytes of y", 2048 * sizeof *x, "GB/s in cache")
        add ? h->tier->add(y, x, 2048) : h->tier->scale(y, 1.0f, 2048);
}

static void rope_case(struct harness *h)
{
    for (int i = 0; i < 140; i++) {
        size_t pairs = (size_t)(i / 2);
        bool adjacent = i & 1;
        harness_begin(h, "pairs=%zu adjacent=%d", pairs, adjacent);
        float *cosine = harness_input(h, pairs * sizeof(float), 4), *sine = harness_input(h, pairs * sizeof(float), 4);
        struct pair x = output_floats(h, 2 * pairs, i / 2 % FLOAT_KINDS);
        for (size_t j = 0; j < pairs; j++) {
            double angle = (double)test_uniform(&h->random, -4, 4);
            cosine[j] = (float)cos(angle);
            sine[j] = (float)sin(angle);
            size_t a = adjacent ? 2 * j : j, b = adjacent ? a + 1 : a + pairs;
            double x0 = (double)((float *)x.want)[a], x1 = (double)((float *)x.want)[b];
            want[a] = x0 * (double)cosine[j] - x1 * (double)sine[j];
            want[b] = x0 * (double)sine[j] + x1 * (double)cosine[j];
            scale[a] = scale[b] = fabs(x0) + fabs(x1);
        }
        h->ref->rope(x.want, pairs, cosine, sine, adjacent);
        h->tier->rope(x.got, pairs, cosine, sine, adjacent);
        harness_same(h);
        harness_close(h, x.got, want, scale, 2 * pairs, 2e-7);
    }
    harness_begin(h, "bench");
    float *x = input_floats(h, 128, FLOATS_UNIFORM), *cosine = input_floats(h, 64, FLOATS_UNIFORM);
    for (int adjacent = 0; adjacent < 2; adjacent++)
        BENCH(h, adjacent ? "128 values, adjacent" : "128 values, halves", 128 * sizeof *x, "GB/s in cache")
            h->tier->rope(x, 64, cosine, cosine, adjacent);
}

/* ---- exp, softcap and the gates */

/* Numbers near which these functions change their form. */
static const float special[] = {0,         -0.0f,    1e-30f,  -1e-30f,  1e-45f,    0.34657f, -0.34657f, 0.3466f, -0.3466f, 1,       -1,
                                -87.3365f, -87.337f, 88.722f, 88.7229f, 89,        -89,      104,       -104,    1e4f,     -1e4f,   10,
                                -10,       9.999f,   1e30f,   -1e30f,   -87.3366f, 88.3762f, 88.3763f,  3e37f,   -3e37f,   -1e-45f, 5};

/* Fills x: uniform over a range first, where relative accuracy is measured; in later rounds everything else. */
static void curve_inputs(struct harness *h, float *x, size_t n, int round, float low, float high)
{
    if (round % 2 == 0) {
        for (size_t i = 0; i < n; i++)
            x[i] = test_uniform(&h->random, low, high);
        return;
    }
    harness_floats(h, x, n, round / 2 % FLOAT_KINDS);
    for (size_t i = 0; i < n && round % 4 == 1; i++)
        x[i] = special[test_random(&h->random) % (sizeof special / sizeof special[0])];
}

static void exp_case(struct harness *h)
{
    for (int i = 0; i < 2 * LENGTHS; i++) {
        size_t n = i % 2 ? length(i / 2) : MAX_N;
        harness_begin(h, "n=%zu round=%d", n, i);
        float *x = harness_input(h, n * sizeof *x, 4);
        struct pair y = harness_output(h, n * sizeof *x, 4);
        curve_inputs(h, x, n, i, -87.33654f, 88.72283f);
        if (n > 3)
            x[2] = -INFINITY;
        for (size_t j = 0; j < n; j++) {
            double clamped = fmin((double)x[j], (double)88.72283f);
            want[j] = clamped < (double)-87.33654f ? 0 : exp(clamped);
            scale[j] = want[j];
        }
        h->ref->exp(x, n, y.want);
        if (i % 3 == 0) { /* in place */
            memcpy(y.got, x, n * sizeof *x);
            h->tier->exp(y.got, n, y.got);
        } else {
            h->tier->exp(x, n, y.got);
        }
        harness_same(h);
        harness_close(h, y.got, want, scale, n, 2e-7);
    }
    harness_begin(h, "n=1");
    float zero = 0, one = 0;
    h->tier->exp(&zero, 1, &one);
    if (one != 1)
        harness_fail(h, "exp(0) is %.9g", (double)one);
    float *x = input_floats(h, 2048, FLOATS_UNIFORM), *y = harness_input(h, 2048 * sizeof *x, 64);
    BENCH(h, "n=2048", 2048, "G/s")
        h->tier->exp(x, 2048, y);
}

static void softcap_case(struct harness *h)
{
    static const float caps[] = {1, 30, 50};
    for (int i = 0; i < 2 * LENGTHS; i++) {
        size_t n = i % 2 ? length(i / 2) : MAX_N;
        float cap = caps[i % 3];
        harness_begin(h, "n=%zu round=%d cap=%g", n, i, (double)cap);
        struct pair y = harness_output(h, n * sizeof(float), 4);
        curve_inputs(h, y.want, n, i, -11 * cap, 11 * cap);
        memcpy(y.got, y.want, n * sizeof(float));
        for (size_t j = 0; j < n; j++) {
            want[j] = (double)cap * tanh((double)((float *)y.want)[j] / (double)cap);
            scale[j] = fabs(want[j]);
        }
        h->ref->softcap(y.want, cap, n);
        h->tier->softcap(y.got, cap, n);
        harness_same(h);
        harness_close(h, y.got, want, scale, n, 6e-7);
    }
    harness_begin(h, "bench");
    float *y = input_floats(h, 2048, FLOATS_UNIFORM);
    BENCH(h, "n=2048", 2048, "G/s")
        h->tier->softcap(y, 30, 2048);
}

static void gate_case(struct harness *h)
{
    bool silu = strcmp(h->slot, "silu_gate") == 0;
    gate_fn *ref = silu ? h->ref->silu_gate : h->ref->gelu_gate, *tier = silu ? h->tier->silu_gate : h->tier->gelu_gate;
    for (int i = 0; i < 2 * LENGTHS; i++) {
        size_t n = i % 2 ? length(i / 2) : MAX_N;
        harness_begin(h, "n=%zu round=%d", n, i);
        float *gate = harness_input(h, n * sizeof *gate, 4), *up = input_floats(h, n, i % 5 ? FLOATS_UNIFORM : FLOATS_SIGNS);
        struct pair y = harness_output(h, n * sizeof *gate, 4);
        curve_inputs(h, gate, n, i, silu ? -87 : -9, silu ? 100 : 20);
        for (size_t j = 0; j < n; j++) {
            double x = (double)gate[j], exponent = silu ? -x : -2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x);
            want[j] = x / (1 + exp(exponent)) * (double)up[j];
            /* the exponent's own rounding counts; where exp is at its largest the result is a small fraction of x */
            scale[j] = fabs(want[j]) * (1 + (silu ? 0 : fmin(fabs(exponent), 100))) + fabs(x * (double)up[j]) * 1e-32;
        }
        ref(gate, up, n, y.want);
        float *alias = i % 3 == 0 ? gate : i % 3 == 1 ? up : NULL;
        if (alias)
            memcpy(y.got, alias, n * sizeof *gate);
        tier(alias == gate ? y.got : gate, alias == up ? y.got : up, n, y.got);
        harness_same(h);
        harness_close(h, y.got, want, scale, n, 5e-7);
    }
    harness_begin(h, "bench");
    float *gate = input_floats(h, 2048, FLOATS_UNIFORM), *y = harness_input(h, 2048 * sizeof *y, 64);
    BENCH(h, "n=2048", 2048, "G/s")
        tier(gate, gate, 2048, y);
}

/* ---- attention */

static double half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}

/* To nearest even, saturating: the largest finite F16 is 65504. */
static uint16_t half_bits(float f)
{
    double a = fmin(fabs((double)f), 65504);
    uint16_t sign = signbit(f) ? 0x8000 : 0;
    int exponent = a < ldexp(1, -14) ? -14 : ilogb(a);
    long units = lrint(ldexp(a, 10 - exponent)); /* 1024 and more for normal numbers; carries into the exponent by itself */
    return (uint16_t)(sign | (uint16_t)(((exponent + 14) << 10) + units));
}

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
        x[i] = half_bits(test_uniform(&h->random, -magnitude, magnitude));
}

static void kv_store_case(struct harness *h)
{
    for (int i = 0; i < HEAD_DIMS * FLOAT_KINDS; i++) {
        size_t n = (size_t)head_dims[i % HEAD_DIMS], lanes = round16(n);
        enum floats kind = i / HEAD_DIMS;
        int slot = random_int(h, 0, KV_PAGE - 1);
        harness_begin(h, "head_dim=%zu slot=%d floats=%d", n, slot, (int)kind);
        float *k = input_floats(h, n, kind), *v = input_floats(h, n, kind);
        for (size_t j = 0; kind == FLOATS_UNIFORM && j < n; j++) /* ties, and what is just above the largest */
            k[j] = ldexpf((float)random_int(h, -4096, 4096) + 0.5f, random_int(h, -26, 5));
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
                k_want[k_at(n, slot, j)] = half_bits(k[j]);
            v_want[v_at(slot, j)] = j < n ? half_bits(v[j]) : 0;
        }
        if (memcmp(kp.got, k_want, n * KV_PAGE * 2) != 0 || memcmp(vp.got, v_want, lanes * KV_PAGE * 2) != 0)
            harness_fail(h, "a page does not hold what was stored");
        free(k_want);
        free(v_want);
    }
    harness_begin(h, "bench");
    float *k = input_floats(h, 128, FLOATS_UNIFORM);
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
                s[p][j] += (double)a->q[i * (size_t)a->cols + (size_t)c] * half_value(a->k[p][k_at(a->head_dim, j, i)]);
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
                o[i] += weight * half_value(a->v[p][v_at(j, i)]);
        }
    }
    for (size_t i = 0; i < a->head_dim; i++)
        o[i] /= sum > 0 ? sum : 1;
    return sum > 0;
}

static void attention_inputs(struct harness *h, struct attention *a, enum floats kind)
{
    size_t n = a->head_dim, lanes = round16(n);
    a->q = input_floats(h, n * (size_t)a->cols, kind);
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
            int shape = random_int(h, 0, 3);
            a->first[p][c] = shape < 2 ? 0 : random_int(h, 0, KV_PAGE);
            a->last[p][c] = shape < 1 ? KV_PAGE : random_int(h, 0, KV_PAGE);
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
    float *q = input_floats(h, head_dim * MAX_COLS, FLOATS_UNIFORM), m[MAX_COLS], l[MAX_COLS] = {0};
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
        size_t n = length(i % LENGTHS);
        harness_begin(h, "n=%zu round=%d", n, i);
        bool none = i % 7 == 3, none2 = i % 5 == 3; /* a side that has seen nothing */
        float *o2 = input_floats(h, n, none2 ? FLOATS_ZERO : FLOATS_UNIFORM);
        struct pair o = output_floats(h, n, none ? FLOATS_ZERO : FLOATS_UNIFORM);
        struct pair m = output_floats(h, 1, FLOATS_OUTLIERS), l = output_floats(h, 1, FLOATS_UNIFORM);
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

/* ---- dense weights */

struct dense {
    enum weight_type type;
    size_t bytes;
};

static const struct dense dense_types[] = {{WEIGHT_F32, 4}, {WEIGHT_F16, 2}, {WEIGHT_BF16, 2}};

static double dense_value(const struct dense *d, const uint8_t *p)
{
    uint16_t bits;
    uint32_t wide;
    float f;
    memcpy(&bits, p, 2);
    if (d->type == WEIGHT_F16)
        return half_value(bits);
    wide = (uint32_t)bits << 16;
    memcpy(&f, d->type == WEIGHT_F32 ? (const void *)p : &wide, 4);
    return (double)f;
}

static void fill_dense(struct harness *h, const struct dense *d, uint8_t *data, size_t n, enum floats kind)
{
    for (size_t i = 0; i < n; i++) {
        float f;
        harness_floats(h, &f, 1, kind);
        uint32_t wide;
        memcpy(&wide, &f, 4);
        uint16_t bits = d->type == WEIGHT_F16 ? half_bits(f) : (uint16_t)(wide >> 16);
        memcpy(data + i * d->bytes, d->type == WEIGHT_F32 ? (const void *)&f : &bits, d->bytes);
    }
}

static void pack_dense_case(struct harness *h)
{
    const struct dense *d = h->arg;
    for (int i = 0; i < 2 * LENGTHS; i++) {
        size_t k = length(i / 2), row_bytes = k * d->bytes + (size_t)(i % 3) * d->bytes;
        int rows = i % 2 ? TILE_ROWS : random_int(h, 1, TILE_ROWS), row = random_int(h, 0, TILE_ROWS - 1);
        if (k == 0)
            continue;
        harness_begin(h, "k=%zu rows=%d", k, rows);
        uint8_t *data = harness_input(h, (size_t)(rows - 1) * row_bytes + k * d->bytes, 1);
        fill_dense(h, d, data, ((size_t)(rows - 1) * row_bytes + k * d->bytes) / d->bytes, i % FLOAT_KINDS);
        struct pair tile = harness_output(h, k * TILE_ROWS * d->bytes, 64), out = harness_output(h, k * sizeof(float), 4);
        h->ref->pack[d->type](data, row_bytes, rows, k, tile.want);
        h->tier->pack[d->type](data, row_bytes, rows, k, tile.got);
        h->ref->unpack[d->type](tile.want, row, k, out.want);
        h->tier->unpack[d->type](tile.got, row, k, out.got);
        harness_same(h);
        for (size_t j = 0; j < k; j++)
            want[j] = row < rows ? dense_value(d, data + (size_t)row * row_bytes + j * d->bytes) : 0;
        harness_close(h, out.got, want, NULL, k, 0);
    }
    enum { K = 4096 };
    harness_begin(h, "bench");
    uint8_t *data = harness_input(h, TILE_ROWS * K * d->bytes, 64), *tile = harness_input(h, TILE_ROWS * K * d->bytes, 64);
    float *row = malloc(K * sizeof *row);
    BENCH(h, "pack, bytes of source", (double)(TILE_ROWS * K * d->bytes), "GB/s")
        h->tier->pack[d->type](data, K * d->bytes, TILE_ROWS, K, tile);
    BENCH(h, "unpack a row, bytes of floats", (double)(K * sizeof *row), "GB/s")
        h->tier->unpack[d->type](tile, 3, K, row);
    free(row);
}

static void check_linear(struct harness *h, const struct dense *d, size_t k, int cols, enum floats kind)
{
    size_t x_stride = (size_t)random_int(h, cols, cols + 3), y_stride = (size_t)random_int(h, TILE_ROWS, TILE_ROWS + 5);
    size_t x_count = k ? (k - 1) * x_stride + (size_t)cols : 0;
    harness_begin(h, "k=%zu cols=%d floats=%d strides %zu %zu", k, cols, (int)kind, x_stride, y_stride);
    uint8_t *tile = harness_input(h, k * TILE_ROWS * d->bytes, 64);
    fill_dense(h, d, tile, k * TILE_ROWS, kind == FLOATS_HUGE ? FLOATS_UNIFORM : kind);
    float *x = input_floats(h, x_count, kind);
    for (size_t i = 0; i < x_count && kind == FLOATS_HUGE; i++)
        x[i] *= 0.01f; /* sums stay finite */
    size_t count = (size_t)(cols - 1) * y_stride + TILE_ROWS;
    struct pair y = output_floats(h, count, FLOATS_UNIFORM);
    h->ref->linear[d->type](tile, k, x, x_stride, cols, y.want, y_stride);
    h->tier->linear[d->type](tile, k, x, x_stride, cols, y.got, y_stride);
    harness_same(h);
    for (size_t c = 0; c < (size_t)cols; c++) {
        for (size_t r = 0; r < TILE_ROWS; r++) {
            want[r] = scale[r] = 0;
            for (size_t i = 0; i < k; i++) {
                double product = dense_value(d, tile + (i * TILE_ROWS + r) * d->bytes) * (double)x[i * x_stride + c];
                want[r] += product;
                scale[r] += fabs(product);
            }
        }
        harness_close(h, (float *)y.got + c * y_stride, want, scale, TILE_ROWS, 6e-8 * ((double)k / 2 + 2));
    }
}

static void linear_dense_case(struct harness *h)
{
    const struct dense *d = h->arg;
    for (int cols = 1; cols <= MAX_COLS; cols++)
        for (size_t k = 0; k < 8; k++)
            check_linear(h, d, k, cols, FLOATS_UNIFORM);
    for (int i = 0; i < 60; i++)
        check_linear(h, d, (size_t)random_int(h, 1, 100), random_int(h, 1, MAX_COLS), i % FLOAT_KINDS);
    for (int cols = 1; cols <= MAX_COLS; cols += 5)
        check_linear(h, d, 172, cols, FLOATS_OUTLIERS);
    if (!h->benching)
        return;
    enum { K = 2048 };
    size_t tile_bytes = K * TILE_ROWS * d->bytes, tiles = ((size_t)256 << 20) / tile_bytes;
    harness_begin(h, "bench");
    uint8_t *matrix = calloc(tiles, tile_bytes);
    for (size_t t = 0; matrix && t < tiles; t++)
        memset(matrix + t * tile_bytes, 0x3c, tile_bytes);
    float *x = input_floats(h, K * MAX_COLS, FLOATS_UNIFORM), y[MAX_COLS * TILE_ROWS];
    static const int cols[] = {1, 2, 3, 4, 8, 16};
    for (size_t i = 0; matrix && i < sizeof cols / sizeof cols[0]; i++) {
        char label[40];
        snprintf(label, sizeof label, "%d cols from memory", cols[i]);
        BENCH(h, label, (double)(tiles * tile_bytes), "GB/s")
            for (size_t t = 0; t < tiles; t++)
                h->tier->linear[d->type](matrix + t * tile_bytes, K, x, MAX_COLS, cols[i], y, TILE_ROWS);
        snprintf(label, sizeof label, "%d cols", cols[i]);
        BENCH(h, label, 2.0 * K * TILE_ROWS * cols[i], "GFLOP/s")
            h->tier->linear[d->type](matrix, K, x, MAX_COLS, cols[i], y, TILE_ROWS);
    }
    free(matrix);
}

/* ---- the list */

const struct kernel_case float_cases[] = {
    {"rms_norm", rms_norm_case, NULL},
    {"add", add_scale_case, NULL},
    {"scale", add_scale_case, NULL},
    {"rope", rope_case, NULL},
    {"exp", exp_case, NULL},
    {"softcap", softcap_case, NULL},
    {"silu_gate", gate_case, NULL},
    {"gelu_gate", gate_case, NULL},
    {"kv_store", kv_store_case, NULL},
    {"attend", attend_case, NULL},
    {"merge", merge_case, NULL},
    {"pack F32", pack_dense_case, &dense_types[0]},
    {"linear F32", linear_dense_case, &dense_types[0]},
    {"pack F16", pack_dense_case, &dense_types[1]},
    {"linear F16", linear_dense_case, &dense_types[1]},
    {"pack BF16", pack_dense_case, &dense_types[2]},
    {"linear BF16", linear_dense_case, &dense_types[2]},
    {NULL, NULL, NULL},
};
