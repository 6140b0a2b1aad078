/* The sampler: the published generator, an independent oracle over many options, distributions, each option by hand, odd logits. */
#include "../lib/sampler.h"
#include "tests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ORACLE_VOCAB = 700 };

static slm_sampler *make(uint32_t vocab, slm_sampler_options o)
{
    mem m;
    slm_error err;
    slm_sampler *s;
    ck_assert_int_eq(mem_init(&m, NULL, &err), SLM_OK);
    ck_assert_msg(sampler_new(&m, vocab, &o, &s, &err) == SLM_OK, "%s", err.message);
    return s;
}

/* Everything off but the temperature. */
static slm_sampler_options plain(float temperature)
{
    slm_sampler_options o = slm_sampler_options_default();
    o.temperature = temperature;
    o.top_k = 0;
    o.top_p = 1;
    o.min_p = 0;
    return o;
}

static slm_token once(const float *logits, uint32_t vocab, slm_sampler_options o)
{
    slm_sampler *s = make(vocab, o);
    slm_token t = sampler_next(s, logits);
    sampler_free(s);
    return t;
}

/* Which tokens can come out at all, in 20000 draws. */
static void drawn(const float *logits, uint32_t vocab, slm_sampler_options o, int *counts)
{
    slm_sampler *s = make(vocab, o);
    memset(counts, 0, vocab * sizeof *counts);
    for (int i = 0; i < 20000; i++)
        counts[sampler_next(s, logits)]++;
    sampler_free(s);
}

START_TEST(test_generator)
{
    /* Output of the reference program for seed 42, stream 54. 256 equal tokens show the top byte of each number. */
    static const uint32_t want[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e};
    float logits[256] = {0};
    slm_sampler_options o = plain(1);
    o.seed = 42;
    slm_sampler *s = make(256, o);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 6; i++)
            ck_assert_int_eq(sampler_next(s, logits), want[i] >> 24);
        sampler_reset(s);
    }
    sampler_free(s);
}
END_TEST

/* ---- the oracle: sorts everything, uses libm, follows slm.h word by word */

struct item {
    int token;
    double score;
};

static int by_score(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : (x->token > y->token) - (x->token < y->token);
}

static uint32_t oracle_random(uint64_t *state)
{
    uint64_t old = *state;
    *state = old * 6364136223846793005u + 109;
    uint32_t x = (uint32_t)(((old >> 18) ^ old) >> 27), r = (uint32_t)(old >> 59);
    return r ? x >> r | x << (32 - r) : x;
}

static int oracle(const float *logits, const slm_sampler_options *o, const int *history, int length, uint64_t *state)
{
    struct item items[ORACLE_VOCAB];
    int n = ORACLE_VOCAB;
    for (int i = 0; i < n; i++) {
        float x = logits[i];
        for (size_t b = 0; b < o->bias_count; b++)
            x += o->bias[b].token == i ? o->bias[b].bias : 0;
        int count = 0;
        for (int h = length - 1; h >= 0 && h >= length - (int)o->penalty_window; h--)
            count += history[h] == i;
        if (count) {
            x = x > 0 ? x / o->repeat_penalty : x * o->repeat_penalty;
            x = x - (float)count * o->frequency_penalty - o->presence_penalty;
        }
        items[i] = (struct item){i, (double)x};
    }
    bool in_id_order = o->top_p >= 1 && (o->top_k == 0 || o->top_k >= ORACLE_VOCAB);
    struct item sorted[ORACLE_VOCAB];
    memcpy(sorted, items, sizeof items);
    qsort(sorted, ORACLE_VOCAB, sizeof *sorted, by_score);
    if (o->temperature == 0)
        return sorted[0].token;
    double best = sorted[0].score, total = 0, sum = 0;
    struct item *list = in_id_order ? items : sorted;
    if (o->top_k && (int)o->top_k < n)
        n = (int)o->top_k;
    for (int i = 0; i < n; i++)
        total += exp(list[i].score - best);
    if (o->top_p < 1) {
        int kept = 0;
        while (kept < n && (kept == 0 || sum < (double)o->top_p * total))
            sum += exp(list[kept++].score - best);
        n = kept;
    }
    double weights[ORACLE_VOCAB], all = 0;
    for (int i = 0; i < n; i++) {
        weights[i] = exp(list[i].score - best) >= (double)o->min_p ? exp((list[i].score - best) / (double)o->temperature) : 0;
        all += weights[i];
    }
    double point = (double)oracle_random(state) / 4294967296.0 * all;
    int i = 0;
    while (i < n - 1 && point >= weights[i])
        point -= weights[i++];
    return list[i].token;
}

START_TEST(test_oracle)
{
    static const slm_logit_bias bias[] = {{3, 2.5f}, {600, -INFINITY}, {3, 0.25f}, {0, -1.0f}, {699, 9.0f}};
    uint64_t seed = test_seed(), random = seed;
    for (int round = 0; round < 200; round++) {
        slm_sampler_options o = slm_sampler_options_default();
        static const float temperatures[] = {0, 0.2f, 0.8f, 1, 1.7f}, top_ps[] = {0, 0.3f, 0.9f, 0.999f, 1}, min_ps[] = {0, 0.05f, 0.6f};
        static const uint32_t top_ks[] = {0, 1, 2, 40, 699, 700, 5000}, windows[] = {0, 1, 5, 64};
        o.temperature = temperatures[test_random(&random) % 5];
        o.top_p = top_ps[test_random(&random) % 5];
        o.min_p = min_ps[test_random(&random) % 3];
        o.top_k = top_ks[test_random(&random) % 7];
        o.penalty_window = windows[test_random(&random) % 4];
        o.repeat_penalty = test_random(&random) % 2 ? 1.0f : 1.3f;
        o.presence_penalty = test_random(&random) % 2 ? 0 : 0.7f;
        o.frequency_penalty = test_random(&random) % 2 ? 0 : 0.4f;
        o.bias = test_random(&random) % 2 ? bias : NULL;
        o.bias_count = o.bias ? sizeof bias / sizeof *bias : 0;
        o.seed = (uint64_t)test_random(&random) << 32 | test_random(&random);
        uint64_t state = 109 + o.seed; /* the generator's seeding: step, add the seed, step */
        state = state * 6364136223846793005u + 109;
        slm_sampler *s = make(ORACLE_VOCAB, o);
        int history[40] = {0};
        for (int i = 0; i < 40; i++) {
            float logits[ORACLE_VOCAB];
            float wide = i % 2 ? 8 : 1; /* peaked and flat distributions */
            for (int j = 0; j < ORACLE_VOCAB; j++)
                logits[j] = j % 5 ? test_uniform(&random, -wide, wide) : floorf(test_uniform(&random, -wide, wide)); /* with ties */
            int want;
            if (i % 8 == 7) { /* a token of the prompt */
                sampler_accept(s, want = (int)(test_random(&random) % ORACLE_VOCAB));
            } else {
                want = oracle(logits, &o, history, i, &state);
                int got = sampler_next(s, logits);
                ck_assert_msg(got == want,
                              "seed %llu round %d step %d: got %d, want %d (temperature %g top_k %u top_p %g min_p %g window %u)",
                              (unsigned long long)seed, round, i, got, want, (double)o.temperature, o.top_k, (double)o.top_p,
                              (double)o.min_p, o.penalty_window);
            }
            history[i] = want;
        }
        sampler_free(s);
    }
}
END_TEST

START_TEST(test_distribution)
{
    enum { N = 12, DRAWS = 200000 };
    static const float temperatures[] = {0.5f, 1, 2};
    static const float logits[N] = {0.3f, -1, 2, 1.5f, 0, -0.25f, 1, 1, -2, 0.7f, 0.1f, -0.6f};
    for (int t = 0; t < 3; t++) {
        slm_sampler_options o = plain(temperatures[t]);
        o.seed = 1 + (uint64_t)t;
        slm_sampler *s = make(N, o);
        int counts[N] = {0};
        for (int i = 0; i < DRAWS; i++)
            counts[sampler_next(s, logits)]++;
        sampler_free(s);
        double total = 0, chi = 0;
        for (int i = 0; i < N; i++)
            total += exp((double)logits[i] / (double)temperatures[t]);
        for (int i = 0; i < N; i++) {
            double want = DRAWS * exp((double)logits[i] / (double)temperatures[t]) / total;
            chi += (counts[i] - want) * (counts[i] - want) / want;
        }
        ck_assert_msg(chi < 31.3, "temperature %g: chi-square %g, above the 0.1 %% limit of 31.3", (double)temperatures[t], chi);
    }
}
END_TEST

START_TEST(test_top_k)
{
    static const float logits[] = {1, 3, 2, 3, 2.5f, -1, 2};
    int counts[7];
    slm_sampler_options o = plain(1);
    o.top_k = 4; /* 1, 3, 4 and of the equal 2 and 6 the lower one */
    drawn(logits, 7, o, counts);
    for (int i = 0; i < 7; i++)
        ck_assert_msg((counts[i] > 0) == (i >= 1 && i <= 4), "token %d: %d times", i, counts[i]);
    o.top_k = 1;
    ck_assert_int_eq(once(logits, 7, o), 1);
}
END_TEST

START_TEST(test_top_p)
{
    float logits[5] = {logf(0.05f), logf(0.4f), logf(0.2f), logf(0.3f), logf(0.05f)};
    int counts[5];
    slm_sampler_options o = plain(1);
    o.top_p = 0.65f; /* 0.4 + 0.3 is the smallest set that reaches it */
    drawn(logits, 5, o, counts);
    ck_assert(counts[1] > 10500 && counts[3] > 7500 && counts[1] + counts[3] == 20000);
    o.top_p = 0.75f;
    drawn(logits, 5, o, counts);
    ck_assert(counts[2] > 3000 && counts[0] + counts[4] == 0);
    o.top_p = 0; /* never less than one */
    ck_assert_int_eq(once(logits, 5, o), 1);
    o.top_p = 0.65f;
    o.top_k = 3; /* shares are of what top-k left: 0.4 of 0.9, 0.7 of 0.9 */
    drawn(logits, 5, o, counts);
    ck_assert(counts[1] + counts[3] == 20000);
    o.temperature = 100; /* comes later, so it does not widen the set */
    drawn(logits, 5, o, counts);
    ck_assert(counts[1] + counts[3] == 20000 && counts[3] > 9500);
}
END_TEST

START_TEST(test_min_p)
{
    float logits[4] = {logf(0.1f), logf(0.5f), logf(0.3f), logf(0.1f)};
    int counts[4];
    slm_sampler_options o = plain(1);
    o.min_p = 0.3f; /* of 0.5: 0.15 */
    drawn(logits, 4, o, counts);
    ck_assert(counts[0] + counts[3] == 0 && counts[2] > 7000);
    o.min_p = 0.15f;
    drawn(logits, 4, o, counts);
    ck_assert(counts[0] > 1500 && counts[3] > 1500);
    o.min_p = 1;
    ck_assert_int_eq(once(logits, 4, o), 1);
}
END_TEST

START_TEST(test_penalties)
{
    slm_sampler_options o = plain(0);
    float logits[4] = {2, 1.5f, 1, -1};
    o.repeat_penalty = 1.6f; /* 2 / 1.6 = 1.25 */
    o.penalty_window = 2;
    slm_sampler *s = make(4, o);
    int want[] = {0, 1, 0, 1}; /* 0; then 1.25 < 1.5; then 1.25 > 1.5 / 1.6, 1; 0 again in the window */
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(sampler_next(s, logits), want[i]);
    ck_assert_int_eq(sampler_next(s, logits), 0);
    sampler_accept(s, 3);
    sampler_accept(s, 3); /* pushes the others out */
    sampler_accept(s, 99);
    sampler_accept(s, -1); /* no tokens: ignored */
    ck_assert_int_eq(sampler_next(s, logits), 0);
    sampler_free(s);

    static const float negative[2] = {-1, -1.5f}; /* multiplied: -1.6 */
    s = make(2, o);
    sampler_accept(s, 0);
    ck_assert_int_eq(sampler_next(s, negative), 1);
    sampler_free(s);

    o = plain(0);
    o.presence_penalty = 0.6f; /* once, however often it occurred */
    s = make(4, o);
    for (int i = 0; i < 5; i++)
        sampler_accept(s, 0);
    ck_assert_int_eq(sampler_next(s, logits), 1);
    sampler_accept(s, 1);
    ck_assert_int_eq(sampler_next(s, logits), 0); /* 1.4, 0.9, 1 */
    sampler_free(s);

    o = plain(0);
    o.frequency_penalty = 0.3f; /* 2 - 2 * 0.3 < 1.5 */
    s = make(4, o);
    static const int order[] = {0, 0, 1, 0, 1, 0, 2};
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(sampler_next(s, logits), order[i]);
    sampler_reset(s);
    ck_assert_int_eq(sampler_next(s, logits), 0);
    sampler_free(s);

    o.penalty_window = 0; /* nothing is recent */
    s = make(4, o);
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(sampler_next(s, logits), 0);
    sampler_free(s);
}
END_TEST

START_TEST(test_bias)
{
    static const float logits[4] = {2, 1.5f, 1, INFINITY};
    slm_logit_bias bias[] = {{3, -INFINITY}, {2, 0.75f}, {2, 0.5f}};
    slm_sampler_options o = plain(0);
    o.bias = bias;
    o.bias_count = 3;
    slm_sampler *s = make(4, o);
    memset(bias, 0, sizeof bias); /* it was copied */
    ck_assert_int_eq(sampler_next(s, logits), 2);
    sampler_free(s);
    bias[0] = (slm_logit_bias){0, -INFINITY};
    o.bias_count = 1;
    o.temperature = 1;
    int counts[4];
    static const float finite[4] = {9, 1, 1, 1};
    drawn(finite, 4, o, counts);
    ck_assert_int_eq(counts[0], 0);
}
END_TEST

START_TEST(test_odd_logits)
{
    static const float cases[][5] = {
        {NAN, NAN, NAN, NAN, NAN},
        {NAN, -INFINITY, NAN, -INFINITY, NAN},
        {NAN, 1, INFINITY, INFINITY, NAN},
        {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY},
        {NAN, -3e38f, 3e38f, 0, -INFINITY},
        {NAN, NAN, NAN, NAN, 1},
        {-0.0f, 0.0f, -0.0f, NAN, -INFINITY},
    };
    static const int greedy_want[] = {0, 1, 2, 0, 2, 4, 0};
    static const unsigned allowed[] = {0x1f, 0x0a, 0x0c, 0x1f, 0x04, 0x10, 0x07}; /* bit per token that may be drawn */
    for (int c = 0; c < 7; c++) {
        slm_sampler_options o = plain(0);
        ck_assert_int_eq(once(cases[c], 5, o), greedy_want[c]);
        for (int variant = 0; variant < 48; variant++) {
            o = plain(variant & 1 ? 1e-30f : variant & 2 ? 1e30f : 1);
            o.top_k = variant & 4 ? 3 : 0;
            o.top_p = variant & 8 ? 0.5f : 1;
            o.min_p = variant & 16 ? 0.5f : 0;
            o.repeat_penalty = variant & 32 ? 1e30f : 1;
            slm_sampler *s = make(5, o);
            for (int i = 0; i < 50; i++) {
                slm_token t = sampler_next(s, cases[c]);
                ck_assert_msg(t >= 0 && t < 5, "case %d variant %d: token %d", c, variant, t);
                /* a huge temperature makes all finite logits alike; the penalty of zero is zero */
                bool wide = (variant & 3) == 2 && c == 4;
                ck_assert_msg(wide || variant & 32 || allowed[c] >> t & 1, "case %d variant %d: token %d", c, variant, t);
                ck_assert_msg(!isnan(cases[c][t]) || c == 0, "case %d variant %d: NaN chosen", c, variant);
            }
            sampler_free(s);
        }
    }
    float one = NAN;
    ck_assert_int_eq(once(&one, 1, slm_sampler_options_default()), 0);
}
END_TEST

START_TEST(test_large_vocabulary)
{
    /* A flat one, where top-p alone keeps most tokens, and a steep one: the choice between few and many candidates. */
    enum { N = 128256 };
    float *logits = malloc(N * sizeof *logits);
    uint64_t random = test_seed();
    slm_sampler_options o = plain(1);
    o.top_p = 0.9f;
    for (int i = 0; i < N; i++)
        logits[i] = i < N / 2 ? 0 : -20;
    slm_sampler *s = make(N, o);
    for (int i = 0; i < 20; i++)
        ck_assert_int_lt(sampler_next(s, logits), (int)(0.91 * N / 2)); /* equal ones are kept in the order of their ids */
    for (int i = 0; i < N; i++)
        logits[i] = test_uniform(&random, -3, 3);
    logits[77777] = 60;
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(sampler_next(s, logits), 77777);
    sampler_free(s);
    free(logits);
}
END_TEST

static int allocations;
static int allocations_left;

static void *counting_alloc(void *user, size_t size, size_t alignment)
{
    (void)user;
    if (allocations_left-- == 0)
        return NULL;
    allocations++;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void counting_free(void *user, void *ptr)
{
    (void)user;
    allocations -= ptr != NULL;
    free(ptr);
}

START_TEST(test_memory)
{
    slm_allocator hooks = {.alloc = counting_alloc, .free = counting_free};
    slm_logit_bias bias = {1, 1};
    slm_sampler_options o = slm_sampler_options_default();
    o.repeat_penalty = 1.1f;
    o.bias = &bias;
    o.bias_count = 1;
    float logits[50] = {0};
    mem m;
    slm_error err;
    ck_assert_int_eq(mem_init(&m, &hooks, NULL), SLM_OK);
    slm_status status = SLM_MEMORY;
    for (int fails = 0; status != SLM_OK; fails++) { /* each allocation fails once */
        ck_assert_int_lt(fails, 20);
        slm_sampler *s = (slm_sampler *)&o;
        allocations_left = fails;
        status = sampler_new(&m, 50, &o, &s, &err);
        if (status == SLM_OK) {
            allocations_left = 0; /* none while sampling */
            for (int i = 0; i < 200; i++)
                sampler_next(s, logits);
            ck_assert_int_eq(allocations_left, 0);
            sampler_free(s);
        } else {
            ck_assert_int_eq(status, SLM_MEMORY);
            ck_assert_ptr_null(s);
        }
        ck_assert_int_eq(allocations, 0);
    }
    sampler_free(NULL);
}
END_TEST

START_TEST(test_bad_options)
{
    slm_logit_bias outside = {50, 1}, negative = {-1, 1}, nan_bias = {1, NAN};
    mem m;
    ck_assert_int_eq(mem_init(&m, NULL, NULL), SLM_OK);
    for (int c = 0; c < 18; c++) {
        slm_sampler_options o = slm_sampler_options_default();
        const char *word = "penalty";
        switch (c) {
        case 0: o.temperature = -0.1f; word = "temperature"; break;
        case 1: o.temperature = NAN; word = "temperature"; break;
        case 2: o.temperature = INFINITY; word = "temperature"; break;
        case 3: o.top_p = 1.1f; word = "top_p"; break;
        case 4: o.top_p = -0.1f; word = "top_p"; break;
        case 5: o.top_p = NAN; word = "top_p"; break;
        case 6: o.min_p = NAN; word = "min_p"; break;
        case 7: o.min_p = 1.5f; word = "min_p"; break;
        case 8: o.min_p = -1; word = "min_p"; break;
        case 9: o.repeat_penalty = 0; break;
        case 10: o.repeat_penalty = NAN; break;
        case 11: o.repeat_penalty = INFINITY; break;
        case 12: o.presence_penalty = NAN; break;
        case 13: o.frequency_penalty = INFINITY; break;
        case 14: o.penalty_window = UINT32_MAX; word = "window"; break;
        case 15: o.bias = &outside; o.bias_count = 1; word = "bias"; break;
        case 16: o.bias = &negative; o.bias_count = 1; word = "bias"; break;
        case 17: o.bias = &nan_bias; o.bias_count = 1; word = "bias"; break;
        }
        slm_error err = {.message = ""};
        slm_sampler *s = (slm_sampler *)&o;
        ck_assert_msg(sampler_new(&m, 50, &o, &s, &err) == SLM_INVALID, "case %d accepted", c);
        ck_assert_ptr_null(s);
        ck_assert_msg(strstr(err.message, word), "case %d: %s", c, err.message);
        ck_assert_int_eq(sampler_new(&m, 50, &o, &s, NULL), SLM_INVALID);
    }
    slm_sampler_options o = slm_sampler_options_default();
    slm_sampler *s;
    ck_assert_int_eq(sampler_new(&m, 0, &o, &s, NULL), SLM_INVALID);
    o.bias_count = 1;
    ck_assert_int_eq(sampler_new(&m, 50, &o, &s, NULL), SLM_INVALID);
}
END_TEST

Suite *suite_sampler(void)
{
    Suite *suite = suite_create("sampler");
    TCase *tc = tcase_create("sampler");
    tcase_add_test(tc, test_generator);
    tcase_add_test(tc, test_oracle);
    tcase_add_test(tc, test_distribution);
    tcase_add_test(tc, test_top_k);
    tcase_add_test(tc, test_top_p);
    tcase_add_test(tc, test_min_p);
    tcase_add_test(tc, test_penalties);
    tcase_add_test(tc, test_bias);
    tcase_add_test(tc, test_odd_logits);
    tcase_add_test(tc, test_large_vocabulary);
    tcase_add_test(tc, test_memory);
    tcase_add_test(tc, test_bad_options);
    suite_add_tcase(suite, tc);
    return suite;
}
