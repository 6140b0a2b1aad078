/* The float kernels that work on vectors: norm, rotary embedding, exp and what is made of it. */
#include "kernel_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 8192 };

/* What double precision gives, and what errors are measured against. */
static double want[MAX_N], scale[MAX_N];

/* ---- rms_norm, add, scale, rope */

static void check_rms_norm(struct harness *h, size_t n, enum floats kind, bool weights, bool in_place)
{
    harness_begin(h, "n=%zu floats=%d weights=%d in place=%d", n, (int)kind, weights, in_place);
    float *x = harness_input_floats(h, n, kind), *w = weights ? harness_input_floats(h, n, FLOATS_UNIFORM) : NULL, eps = 1e-5f;
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
    for (int i = 0; i < HARNESS_LENGTHS; i++)
        for (int round = 0; round < 4; round++)
            check_rms_norm(h, harness_length(i), (i + round) % FLOAT_KINDS, round & 1, round & 2);
    harness_begin(h, "bench");
    float *x = harness_input_floats(h, 2048, FLOATS_UNIFORM), *w = harness_input_floats(h, 2048, FLOATS_UNIFORM);
    float *y = harness_input(h, 2048 * sizeof *y, 64);
    BENCH(h, "n=2048, bytes of x", 2048 * sizeof *x, "GB/s in cache")
        h->tier->rms_norm(x, w, 2048, 1e-5f, y);
}

static void add_scale_case(struct harness *h)
{
    bool add = strcmp(h->slot, "add") == 0;
    for (int i = 0; i < HARNESS_LENGTHS; i++) {
        size_t n = harness_length(i);
        harness_begin(h, "n=%zu", n);
        float *x = harness_input_floats(h, n, i % FLOAT_KINDS), s = test_uniform(&h->random, -3, 3);
        struct pair y = harness_output_floats(h, n, i / 2 % FLOAT_KINDS);
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
    float *x = harness_input_floats(h, 2048, FLOATS_UNIFORM), *y = harness_input_floats(h, 2048, FLOATS_UNIFORM);
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
        struct pair x = harness_output_floats(h, 2 * pairs, i / 2 % FLOAT_KINDS);
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
    float *x = harness_input_floats(h, 128, FLOATS_UNIFORM), *cosine = harness_input_floats(h, 64, FLOATS_UNIFORM);
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
    for (int i = 0; i < 2 * HARNESS_LENGTHS; i++) {
        size_t n = i % 2 ? harness_length(i / 2) : MAX_N;
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
    float *x = harness_input_floats(h, 2048, FLOATS_UNIFORM), *y = harness_input(h, 2048 * sizeof *x, 64);
    BENCH(h, "n=2048", 2048, "G/s")
        h->tier->exp(x, 2048, y);
}

static void softcap_case(struct harness *h)
{
    static const float caps[] = {1, 30, 50};
    for (int i = 0; i < 2 * HARNESS_LENGTHS; i++) {
        size_t n = i % 2 ? harness_length(i / 2) : MAX_N;
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
    float *y = harness_input_floats(h, 2048, FLOATS_UNIFORM);
    BENCH(h, "n=2048", 2048, "G/s")
        h->tier->softcap(y, 30, 2048);
}

static void gate_case(struct harness *h)
{
    bool silu = strcmp(h->slot, "silu_gate") == 0;
    gate_fn *ref = silu ? h->ref->silu_gate : h->ref->gelu_gate, *tier = silu ? h->tier->silu_gate : h->tier->gelu_gate;
    for (int i = 0; i < 2 * HARNESS_LENGTHS; i++) {
        size_t n = i % 2 ? harness_length(i / 2) : MAX_N;
        harness_begin(h, "n=%zu round=%d", n, i);
        float *gate = harness_input(h, n * sizeof *gate, 4), *up = harness_input_floats(h, n, i % 5 ? FLOATS_UNIFORM : FLOATS_SIGNS);
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
    float *gate = harness_input_floats(h, 2048, FLOATS_UNIFORM), *y = harness_input(h, 2048 * sizeof *y, 64);
    BENCH(h, "n=2048", 2048, "G/s")
        tier(gate, gate, 2048, y);
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
    {NULL, NULL, NULL},
};
