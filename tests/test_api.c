/* The public API: argument checks, errors that name what is wrong, hooks, several sessions on one model. */
#include "tests.h"
#include "tiny_model.h"

#include "../lib/gguf.h"

#include "slm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opens a tiny model made with these options. */
static slm_status open_tiny(const struct tiny_options *tiny, const slm_model_options *options, slm_model **model, slm_error *err)
{
    size_t size;
    uint8_t *file = tiny_model(tiny, &size);
    slm_status status = slm_model_open_memory(file, size, options, model, err);
    memset(file, 0xff, size); /* the library keeps no pointer into it */
    free(file);
    return status;
}

static slm_model *good_model(void)
{
    slm_model *model;
    slm_error err;
    ck_assert_msg(!open_tiny(NULL, NULL, &model, &err), "%s", err.message);
    return model;
}

/* ---- refusals: status, and a word that the message must hold */

START_TEST(bad_models)
{
    static const struct {
        struct tiny_options tiny;
        slm_status status;
        const char *word, *second;
    } cases[] = {
        { { .leave_out = "blk.0.ffn_up.weight" }, SLM_FORMAT, "blk.0.ffn_up.weight", "32 x 64" },
        { { .leave_out = "output_norm.weight" }, SLM_FORMAT, "output_norm.weight", "missing" },
        { { .leave_out = "token_embd.weight" }, SLM_FORMAT, "token_embd.weight", "missing" },
        { { .misshape = "blk.0.attn_k.weight" }, SLM_FORMAT, "32 x 17", "32 x 16" },
        { { .misshape = "blk.0.ffn_down.weight" }, SLM_FORMAT, "64 x 33", "64 x 32" },
        { { .leave_out = "llama.embedding_length" }, SLM_FORMAT, "llama.embedding_length", "missing" },
        { { .leave_out = "llama.block_count" }, SLM_FORMAT, "llama.block_count", "missing" },
        { { .leave_out = "general.architecture" }, SLM_FORMAT, "general.architecture", "missing" },
        { { .leave_out = "tokenizer.ggml.model" }, SLM_FORMAT, "tokenizer.ggml.model", "" },
        { { .architecture = "mamba" }, SLM_UNSUPPORTED, "mamba", "llama" },
        { { .heads = 5 }, SLM_FORMAT, "", "" },
        { { .heads = 4000000 }, SLM_FORMAT, "head_count", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        slm_model *model = (slm_model *)&model;
        slm_error err = { .status = SLM_OK };
        slm_status status = open_tiny(&cases[i].tiny, NULL, &model, &err);
        ck_assert_msg(status == cases[i].status && err.status == status, "case %zu: status %d, %s", i, status, err.message);
        ck_assert_ptr_null(model);
        ck_assert_msg(strstr(err.message, cases[i].word) && strstr(err.message, cases[i].second), "case %zu: %s", i, err.message);
        ck_assert(open_tiny(&cases[i].tiny, NULL, &model, NULL) == status); /* a NULL error is allowed */
    }
}
END_TEST

START_TEST(bad_arguments)
{
    slm_error err;
    slm_model *model = good_model();
    slm_model_options mo = slm_model_options_default();
    slm_session *session = NULL;
    slm_model *other = NULL;
    size_t count;
    ck_assert_int_eq(slm_model_open("/nonexistent.gguf", NULL, &other, &err), SLM_IO);
    mo.size = 3;
    ck_assert_int_eq(slm_model_open("x.gguf", &mo, &other, &err), SLM_INVALID);
    mo = slm_model_options_default();
    mo.isa = "sse9";
    ck_assert_int_eq(open_tiny(NULL, &mo, &other, &err), SLM_UNSUPPORTED);
    ck_assert_msg(strstr(err.message, "sse9") && strstr(err.message, "scalar"), "%s", err.message);
    slm_session_options so = slm_session_options_default();
    so.context = UINT32_MAX;
    ck_assert_int_eq(slm_session_new(model, &so, &session, &err), SLM_INVALID);
    so = slm_session_options_default();
    so.threads = -1;
    ck_assert_int_eq(slm_session_new(model, &so, &session, &err), SLM_INVALID);
    ck_assert_int_eq(slm_tokenize(model, "a", 1, 64, NULL, 0, &count, &err), SLM_INVALID);
    ck_assert_int_eq(slm_tokenize(model, "aaa", 3, 0, NULL, 0, &count, &err), SLM_LIMIT);
    ck_assert_uint_gt(count, 0);
    ck_assert_int_eq(slm_token_find(model, "</s>"), 2);
    ck_assert(slm_token_is_end(model, 2) && !slm_token_is_end(model, 1) && !slm_token_is_end(model, -7));
    slm_model_free(model);
}
END_TEST

/* Threads that can't be had are refused, before OpenMP is asked for them: that would end the process. */
START_TEST(thread_counts)
{
    static const int wrong[] = { -1, 1025, INT32_MAX, INT32_MIN };
    slm_error err;
    slm_model *model;
    slm_session *session;
    slm_limits *limits;
    slm_model_options mo = slm_model_options_default();
    slm_session_options so = slm_session_options_default();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mo.threads = wrong[i];
        ck_assert_int_eq(open_tiny(NULL, &mo, &model, &err), SLM_INVALID);
        ck_assert_int_eq(slm_limits_new(NULL, wrong[i], &limits, &err), SLM_INVALID);
        ck_assert_msg(strstr(err.message, "threads, expected 0 (all cores) to 1024"), "%s", err.message);
    }
#ifdef SLM_OPENMP
    model = good_model();
    pthread_attr_t attributes; /* no machine has room for such a stack */
    ck_assert(!pthread_attr_init(&attributes) && !pthread_attr_setstacksize(&attributes, (size_t)1 << 48));
    ck_assert(!pthread_setattr_default_np(&attributes));
    so.threads = mo.threads = 4;
    ck_assert_int_eq(slm_session_new(model, &so, &session, &err), SLM_LIMIT);
    ck_assert_msg(strstr(err.message, "the system grants 1 of 4 threads"), "%s", err.message);
    slm_model *other;
    ck_assert_int_eq(open_tiny(NULL, &mo, &other, &err), SLM_LIMIT);
    ck_assert_int_eq(slm_limits_new(NULL, 4, &limits, &err), SLM_LIMIT);
    so.threads = 1;
    ck_assert(!slm_session_new(model, &so, &session, &err));
    slm_session_free(session);
    slm_model_free(model);
#else
    (void)so, (void)session;
#endif
}
END_TEST

/* What can't be a model file is refused without waiting for it. */
START_TEST(strange_paths)
{
    static const char *const paths[] = { "", "/", "/dev/null", "/dev/zero", "/proc/self/mem", "tests", "/dev/stdin" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        slm_model *model = (slm_model *)&model;
        slm_error err = { .message = "" };
        ck_assert_msg(slm_model_open(paths[i], NULL, &model, &err) && err.message[0], "'%s' opens", paths[i]);
        ck_assert_ptr_null(model);
    }
}
END_TEST

/* What decode refuses leaves the session as it was. */
START_TEST(bad_batches)
{
    slm_error err;
    slm_model *model = good_model();
    slm_session_options so = slm_session_options_default();
    so.context = 100;
    so.sequences = 2;
    slm_session *session;
    ck_assert(!slm_session_new(model, &so, &session, &err));
    slm_token tokens[101] = { 5, 6, 7 };
    uint32_t sequences[3] = { 0, 1, 2 };
    bool wants[3] = { true, true, true };
    slm_batch b = { .tokens = tokens, .count = 3 };
    ck_assert(!slm_decode(session, &b, &err));
    ck_assert_ptr_nonnull(slm_logits(session, 0));
    ck_assert_ptr_null(slm_logits(session, 1));
    b.sequences = sequences;
    ck_assert_int_eq(slm_decode(session, &b, &err), SLM_INVALID);
    b.sequences = NULL;
    b.wants_logits = wants;
    ck_assert_int_eq(slm_decode(session, &b, &err), SLM_LIMIT);
    b.wants_logits = NULL;
    b.count = 0;
    ck_assert_int_eq(slm_decode(session, &b, &err), SLM_INVALID);
    b.count = 98;
    ck_assert_int_eq(slm_decode(session, &b, &err), SLM_CONTEXT);
    tokens[1] = -1;
    b.count = 3;
    ck_assert_int_eq(slm_decode(session, &b, &err), SLM_INVALID);
    tokens[1] = 1 << 30;
    ck_assert_int_eq(slm_decode(session, &b, &err), SLM_INVALID);
    ck_assert_uint_eq(slm_sequence_length(session, 0), 3);
    ck_assert_uint_eq(slm_sequence_length(session, 1), 0);
    const slm_token held[] = { 5, 6, 7, 0 }, other[] = { 5, 7 };
    ck_assert(slm_sequence_match(session, 0, held, 4) == 3 && slm_sequence_match(session, 0, held, 2) == 2);
    ck_assert(slm_sequence_match(session, 0, other, 2) == 1 && slm_sequence_match(session, 1, held, 4) == 0);
    ck_assert(slm_sequence_match(session, 2, held, 4) == 0 && slm_sequence_match(NULL, 0, held, 4) == 0);
    ck_assert(slm_sequence_match(session, 0, NULL, 4) == 0 && slm_sequence_match(session, 0, held, 0) == 0);
    ck_assert_int_eq(slm_sequence_truncate(session, 2, 0, &err), SLM_INVALID);
    ck_assert_int_eq(slm_sequence_truncate(session, 0, 50, &err), SLM_OK);
    ck_assert_uint_eq(slm_sequence_length(session, 0), 3);
    tokens[1] = 6;
    b.count = 97; /* exactly what is left */
    ck_assert(!slm_decode(session, &b, &err));
    b.count = 1;
    ck_assert_int_eq(slm_decode(session, &b, &err), SLM_CONTEXT);
    ck_assert(!slm_sequence_truncate(session, 0, 0, &err));
    ck_assert(!slm_decode(session, &b, &err));
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* ---- generation */

struct transcript {
    slm_token tokens[64];
    size_t count, stop_after;
};

static bool keep(void *user, slm_token token, const char *text, size_t length)
{
    struct transcript *t = user;
    ck_assert_uint_eq(strlen(text), length);
    if (token != SLM_TOKEN_NONE)
        t->tokens[t->count++] = token;
    return t->count != t->stop_after;
}

static void generate(slm_session *session, uint32_t sequence, slm_sampler *sampler, size_t max, struct transcript *t, slm_status want)
{
    slm_error err = { .message = "" };
    const slm_token prompt[] = { 1, 100, 101 };
    size_t generated;
    slm_status status = slm_generate(session, sequence, prompt, 3, sampler, max, false, keep, t, &generated, &err);
    ck_assert_msg(status == want, "%s", err.message);
    ck_assert_uint_eq(generated, t->count);
}

START_TEST(generation)
{
    slm_error err;
    slm_model *model = good_model();
    slm_session_options so = slm_session_options_default();
    so.sequences = 3;
    so.context = 64;
    slm_session *session;
    slm_sampler *sampler;
    slm_sampler_options options = slm_sampler_options_default();
    options.seed = 7;
    options.bias = &(slm_logit_bias){ .token = 2, .bias = -1e9f }; /* no end */
    options.bias_count = 1;
    ck_assert(!slm_session_new(model, &so, &session, &err) && !slm_sampler_new(model, &options, &sampler, &err));
    struct transcript first = { 0 }, again = { 0 }, stopped = { .stop_after = 5 }, full = { 0 };
    generate(session, 0, sampler, 20, &first, SLM_OK);
    ck_assert_uint_eq(first.count, 20);
    ck_assert_uint_eq(slm_sequence_length(session, 0), 3 + 20 - 1);
    slm_sampler_reset(sampler); /* the same seed gives the same tokens, on another sequence too */
    generate(session, 2, sampler, 20, &again, SLM_OK);
    ck_assert_mem_eq(first.tokens, again.tokens, 20 * sizeof *first.tokens);
    ck_assert(!slm_sequence_truncate(session, 2, 0, &err));
    slm_sampler_reset(sampler);
    generate(session, 1, sampler, 20, &stopped, SLM_OK);
    ck_assert_uint_eq(stopped.count, 5);
    ck_assert_mem_eq(first.tokens, stopped.tokens, 5 * sizeof *first.tokens);
    generate(session, 2, sampler, 60, &full, SLM_CONTEXT);
    ck_assert_uint_eq(full.count, 64 - 22 - 7 - 3 + 1);
    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* An end token is made of the logits of the token before it, which the sequence then holds; it is not reported and not held itself. */
START_TEST(generation_to_the_end)
{
    slm_error err;
    slm_model *model = good_model();
    slm_session *session;
    slm_sampler *sampler;
    slm_sampler_options options = slm_sampler_options_default();
    options.temperature = 0;
    options.presence_penalty = 1e6f; /* token 100 but once, then the end */
    options.bias = (slm_logit_bias[]){ { .token = 100, .bias = 1.5e6f }, { .token = slm_token_eos(model), .bias = 1e6f } };
    options.bias_count = 2;
    ck_assert(!slm_session_new(model, NULL, &session, &err) && !slm_sampler_new(model, &options, &sampler, &err));
    struct transcript t = { 0 };
    generate(session, 0, sampler, 20, &t, SLM_OK);
    ck_assert(t.count == 1 && t.tokens[0] == 100);
    ck_assert_uint_eq(slm_sequence_length(session, 0), 3 + 1);
    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* Opens a tiny model one of whose F16 (Q8_0 scales) or F32 values is not a number. */
static slm_model *damaged_model(const char *tensor, size_t offset, size_t bytes)
{
    static const uint8_t not_a_number[4] = { 0xff, 0xff, 0xff, 0xff };
    slm_model *model;
    slm_error err = { .message = "" };
    mem m;
    struct gguf gguf;
    size_t size;
    uint8_t *file = tiny_model(NULL, &size);
    ck_assert(!mem_init(&m, NULL, &err) && !gguf_open(&m, file, size, &gguf, &err));
    memcpy(file + (gguf_find_tensor(&gguf, tensor)->data - file) + offset, not_a_number, bytes);
    gguf_close(&gguf);
    ck_assert_msg(!slm_model_open_memory(file, size, NULL, &model, &err), "%s", err.message);
    free(file);
    return model;
}

/* Tokens are not drawn from logits that mean nothing; a single one of them does no harm. */
START_TEST(damaged_weights)
{
    slm_model *none = damaged_model("output_norm.weight", 0, 4), *one = damaged_model("token_embd.weight", 50 * 34, 2);
    for (int i = 0; i < 4; i++) {
        slm_model *model = i % 2 ? one : none;
        slm_error err = { .message = "" };
        slm_session *session;
        slm_sampler *sampler;
        slm_sampler_options o = slm_sampler_options_default();
        struct transcript t = { .count = 0 };
        size_t generated = 99;
        o.temperature = i < 2 ? 0.0f : 3.0f;
        o.bias = &(slm_logit_bias){ .token = 2, .bias = -1e9f }; /* no end */
        o.bias_count = 1;
        ck_assert(!slm_session_new(model, NULL, &session, &err) && !slm_sampler_new(model, &o, &sampler, &err));
        const slm_status status = slm_generate(session, 0, (slm_token[]){ 1, 100 }, 2, sampler, 20, false, keep, &t, &generated, &err);
        if (model == none)
            ck_assert_msg(status == SLM_FORMAT && err.status == status && strstr(err.message, "damaged"), "%d: %s", status, err.message);
        else
            ck_assert_msg(!status, "%s", err.message);
        ck_assert(generated == (model == none ? 0 : 20) && t.count == generated);
        for (size_t k = 0; k < t.count; k++)
            ck_assert_int_ne(t.tokens[k], 50);
        slm_sampler_free(sampler);
        slm_session_free(session);
    }
    slm_model_free(none);
    slm_model_free(one);
}
END_TEST

/* Sessions of one model on several threads at once. */
struct worker {
    const slm_model *model;
    float logits[512];
    uint32_t vocab;
    slm_status status;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    slm_session_options so = slm_session_options_default();
    so.threads = 2;
    slm_session *session = NULL;
    const slm_token tokens[] = { 1, 9, 30, 200, 4 };
    w->status = slm_session_new(w->model, &so, &session, NULL);
    for (int round = 0; !w->status && round < 20; round++) {
        w->status = slm_decode(session, &(slm_batch){ .tokens = tokens, .count = 5 }, NULL);
        if (!w->status && !round)
            memcpy(w->logits, slm_logits(session, 0), w->vocab * sizeof(float));
    }
    slm_session_free(session);
    return NULL;
}

START_TEST(concurrent_sessions)
{
    enum { WORKERS = 4 };
    static struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    slm_model *model = good_model();
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){ .model = model, .vocab = info.vocab_size };
        ck_assert(!pthread_create(&threads[i], NULL, work, &workers[i]));
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(workers[i].status, SLM_OK);
        ck_assert_mem_eq(workers[i].logits, workers[0].logits, info.vocab_size * sizeof(float));
    }
    slm_model_free(model);
}
END_TEST

/* Everything that works on what strangers give, on the stack that slm.h names. */
struct small {
    const char *hostile;            /* a chat template */
    slm_status opened, tokenized, rendered, generated;
};

static void *work_on_little(void *arg)
{
    struct small *s = arg;
    const slm_chat_message message = { "user", "Hello" };
    slm_chat_options options = slm_chat_options_default();
    slm_token tokens[64];
    size_t count = 0;
    slm_model *model = NULL;
    slm_session *session = NULL;
    slm_sampler *sampler = NULL;
    s->opened = open_tiny(NULL, NULL, &model, NULL);
    options.chat_template = "{{ messages[0].content }}";
    s->tokenized = slm_chat_tokenize(model, &message, 1, &options, tokens, 64, &count, NULL);
    options.chat_template = s->hostile;
    s->rendered = slm_chat_render(model, &message, 1, &options, &(char *){ NULL }, NULL, NULL);
    s->generated = slm_session_new(model, NULL, &session, NULL);
    if (!s->generated)
        s->generated = slm_sampler_new(model, NULL, &sampler, NULL);
    if (!s->generated)
        s->generated = slm_generate(session, 0, tokens, count, sampler, 5, false, NULL, NULL, NULL, NULL);
    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(model);
    return NULL;
}

START_TEST(stack)
{
    static const char head[] = "{% macro f() %}", loop[] = "{% for x in [1] %}", call[] = "{{ f() }}", end[] = "{% endfor %}",
                      tail[] = "{% endmacro %}{{ f() }}";
    enum { LOOPS = 190 };
    char hostile[sizeof head + LOOPS * (sizeof loop + sizeof end) + sizeof call + sizeof tail], *at = stpcpy(hostile, head);
    for (int i = 0; i < LOOPS; i++)
        at = stpcpy(at, loop);
    at = stpcpy(at, call);
    for (int i = 0; i < LOOPS; i++)
        at = stpcpy(at, end);
    stpcpy(at, tail);
#ifdef SANITIZED
    skip("api stack", "frames are large in a build with sanitizers");
    return;
#endif
    struct small small = { .hostile = hostile };
    pthread_t thread;
    pthread_attr_t attributes;
    ck_assert(!pthread_attr_init(&attributes) && !pthread_attr_setstacksize(&attributes, 512 << 10));
    ck_assert(!pthread_create(&thread, &attributes, work_on_little, &small) && !pthread_join(thread, NULL));
    ck_assert(small.opened == SLM_OK && small.tokenized == SLM_OK && small.generated == SLM_OK);
    ck_assert_int_eq(small.rendered, SLM_LIMIT);
}
END_TEST

/* ---- hooks */

static bool stop_loading(void *user, float fraction)
{
    ck_assert(fraction >= 0 && fraction <= 1);
    ++*(int *)user;
    return false;
}

START_TEST(budget_progress_vocabulary_only)
{
    slm_error err;
    slm_model *model = NULL;
    slm_session *session = NULL;
    slm_model_options options = slm_model_options_default();
    options.memory_budget = 1000;
    ck_assert_int_eq(open_tiny(NULL, &options, &model, &err), SLM_LIMIT);
    options = slm_model_options_default();
    int calls = 0;
    options.progress = stop_loading;
    options.progress_user = &calls;
    ck_assert_int_eq(open_tiny(NULL, &options, &model, &err), SLM_STOPPED);
    options = slm_model_options_default();
    options.vocab_only = true;
    ck_assert(!open_tiny(NULL, &options, &model, &err));
    ck_assert_int_eq(slm_session_new(model, NULL, &session, &err), SLM_INVALID);
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    ck_assert_uint_eq(info.vocab_size, 261);
    slm_model_free(model);
}
END_TEST

/* An options struct from an older or a newer header. */
START_TEST(options_of_other_sizes)
{
    slm_error err;
    slm_model *model = good_model();
    slm_session *session;
    struct {
        slm_session_options known;
        char more[64];
    } newer = { .known = slm_session_options_default() };
    newer.known.size = sizeof newer;
    memset(newer.more, 0x5a, sizeof newer.more);
    ck_assert(!slm_session_new(model, &newer.known, &session, &err));
    slm_session_free(session);
    slm_session_options older = slm_session_options_default();
    memset(&older, 0xee, sizeof older); /* what lies beyond its size must not be read */
    older.size = sizeof older.size;
    ck_assert(!slm_session_new(model, &older, &session, &err));
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

Suite *suite_api(void);
Suite *suite_api(void)
{
    Suite *suite = suite_create("api");
    TCase *tc = tcase_create("api");
    tcase_add_test(tc, bad_models);
    tcase_add_test(tc, bad_arguments);
    tcase_add_test(tc, thread_counts);
    tcase_add_test(tc, strange_paths);
    tcase_add_test(tc, bad_batches);
    tcase_add_test(tc, generation);
    tcase_add_test(tc, generation_to_the_end);
    tcase_add_test(tc, damaged_weights);
    tcase_add_test(tc, concurrent_sessions);
    tcase_add_test(tc, stack);
    tcase_add_test(tc, budget_progress_vocabulary_only);
    tcase_add_test(tc, options_of_other_sizes);
    suite_add_tcase(suite, tc);
    return suite;
}
