/* Logits of whole models against the float64 reference, inside the limits of ../shared/README.md. */
#include "tests.h"

#include "slm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct golden {
    const char *name;
    double limit;
} goldens[] = {
    { "llama", 0.002 },        { "llama-untied", 0.002 }, { "llama-q4_0", 0.022 },    { "llama-q8_0", 0.022 },
    { "llama-q4_k_m", 0.022 }, { "qwen2", 0.002 },        { "qwen3", 0.002 },         { "gemma", 0.002 },
    { "gemma2", 0.002 },       { "gemma3", 0.002 },       { "phi3", 0.002 },          { "phi3-longrope", 0.002 },
    { "granite", 0.002 },      { "smollm3", 0.002 },      { "olmo2", 0.002 },         { "gemma3n", 0.002 },
    { "llama-q4_1", 0.022 },   { "llama-q5_0", 0.022 },   { "llama-q5_1", 0.022 },    { "llama-q5_k_m", 0.022 },
    { "llama-q2_k", 0.022 },   { "llama-q3_k_m", 0.022 }, { "llama-q6_k", 0.022 },    { "llama-iq4_nl", 0.022 },
    { "llama-iq4_xs", 0.022 },
};

/* Types of the KV cache; their accuracy: docs/performance.md. Gemma 3n lets the few largest of a layer's gates pass: a small difference decides
 * which, so that its error is a matter of luck. */
static const struct cached {
    struct golden golden;
    const char *type_k, *type_v;
} cached[] = {
    { { "llama", 1e-5 }, "f32", "f32" },         { { "gemma2", 1e-5 }, "f32", "f32" },    { { "gemma3n", 1e-5 }, "f32", "f32" },
    { { "llama", 0.022 }, "q8_0", "q8_0" },      { { "gemma2", 0.022 }, "q8_0", "q8_0" }, { { "phi3", 0.022 }, "q8_0", "q8_0" },
    { { "gemma3n", 0.03 }, "q8_0", "q8_0" },    { { "llama", 0.012 }, "q8_0", "f16" },   { { "llama", 0.017 }, "f16", "q8_0" },
    { { "llama-q8_0", 0.03 }, "q8_0", "q8_0" },
};

enum { GOLDENS = sizeof goldens / sizeof *goldens, CACHED = sizeof cached / sizeof *cached };

/* Logits of every token of ids, in one batch; free them with free. NULL (and a failed check) on error. */
static float *all_logits(const char *path, const struct cached *c, const slm_token *ids, size_t count, size_t *vocab)
{
    slm_model *model = NULL;
    slm_session *session = NULL;
    slm_error err = { .message = "" };
    slm_model_info info = slm_model_info_default();
    slm_session_options options = slm_session_options_default();
    options.outputs = (uint32_t)count;
    options.type_k = c->type_k;
    options.type_v = c->type_v;
    bool wants[1024];
    memset(wants, true, sizeof wants);
    const slm_batch batch = { .tokens = ids, .wants_logits = wants, .count = count };
    float *out = NULL;
    if (count <= sizeof wants && !slm_model_open(path, NULL, &model, &err) && !slm_session_new(model, &options, &session, &err) &&
        !slm_decode(session, &batch, &err)) {
        slm_model_get_info(model, &info);
        *vocab = info.vocab_size;
        out = malloc(count * *vocab * sizeof *out);
        for (size_t i = 0; out && i < count; i++)
            memcpy(out + i * *vocab, slm_logits(session, i), *vocab * sizeof *out);
    }
    slm_session_free(session);
    slm_model_free(model);
    ck_assert_msg(out != NULL, "%s: %s", path, err.message);
    return out;
}

static void check_golden(const struct cached *c)
{
    const struct golden *g = &c->golden;
    char name[128];
    size_t ids_size, want_size, vocab;
    slm_token *ids = read_file(shared_path("golden/tokens.i32"), &ids_size);
    snprintf(name, sizeof name, "golden/%s.logits.f32", g->name);
    float *want = read_file(shared_path(name), &want_size);
    snprintf(name, sizeof name, "golden/%s.gguf", g->name);
    const char *path = shared_path(name);
    if (!ids || !want || !path) {
        skip(name, "no ../shared");
    } else {
        const size_t count = ids_size / sizeof *ids;
        float *got = all_logits(path, c, ids, count, &vocab);
        ck_assert_uint_eq(want_size, count * vocab * sizeof *want);
        const double error = relative_rms(got, want, count * vocab);
        ck_assert_msg(error <= g->limit, "%s (KV %s, %s): relative RMS error %g, limit %g", g->name,
                      c->type_k, c->type_v, error, g->limit);
        if (getenv("SLM_TEST_VERBOSE"))
            printf("%-16s relative RMS error %.3g (limit %g)\n", g->name, error, g->limit);
        free(got);
    }
    free(ids);
    free(want);
}

START_TEST(logits_match_reference)
{
    check_golden(&(struct cached){ goldens[_i], "auto", "auto" });
}
END_TEST

START_TEST(every_type_of_cache)
{
    check_golden(&cached[_i]);
}
END_TEST

/* The comparator itself: what a broken engine would return must not pass. */
START_TEST(comparator_catches_mutants)
{
    enum { ROWS = 8, WIDTH = 64, N = ROWS * WIDTH };
    float want[N], got[N];
    uint64_t state = test_seed();
    for (int i = 0; i < N; i++)
        want[i] = test_uniform(&state, -5, 5);
    const double limit = 0.022;
    ck_assert(relative_rms(want, want, N) <= limit);

    memset(got, 0, sizeof got);
    ck_assert(!(relative_rms(got, want, N) <= limit));

    memcpy(got, want, sizeof got);
    got[N / 2] = NAN;
    ck_assert(!(relative_rms(got, want, N) <= limit));

    memcpy(got, want, sizeof got);
    memset(got + N - WIDTH, 0, WIDTH * sizeof *got);
    ck_assert(!(relative_rms(got, want, N) <= limit));

    for (int i = 0; i < N; i++)
        got[i] = want[i ^ 1];
    ck_assert(!(relative_rms(got, want, N) <= limit));

    for (int i = 0; i < N; i++)
        got[i] = want[i] * 1.03f;
    ck_assert(!(relative_rms(got, want, N) <= limit));
}
END_TEST

Suite *suite_golden(void);
Suite *suite_golden(void)
{
    Suite *suite = suite_create("golden");
    TCase *tc = tcase_create("golden");
    tcase_add_loop_test(tc, logits_match_reference, 0, GOLDENS);
    tcase_add_loop_test(tc, every_type_of_cache, 0, CACHED);
    tcase_add_test(tc, comparator_catches_mutants);
    suite_add_tcase(suite, tc);
    return suite;
}
