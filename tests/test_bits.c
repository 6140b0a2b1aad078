/* The same bits: logits of quantized models do not depend on the tier, the number of threads, the way the prompt is cut, what else
 * is in the batch, or whether the prefix was already in the cache. */
#include "random_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const slm_shape small = { .name = "small", .architecture = "llama", .layers = 2, .embedding = 256, .heads = 8, .kv_heads = 2,
                                 .head_dim = 32, .feed_forward = 512, .vocab = RANDOM_VOCAB, .tied = true, .rope_base = 500000 };

/* Every architecture. */
static const char *const architectures[] = {
#define ARCH(name) #name,
#include "../lib/arch/archs.def"
#undef ARCH
};
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

/* Rows long enough for every type. */
static slm_shape wide_shape_of(const char *architecture)
{
    return (slm_shape){ .name = "wide", .architecture = architecture, .layers = 2, .embedding = 256, .heads = 4, .kv_heads = 2,
                        .head_dim = 64, .feed_forward = 256, .vocab = RANDOM_VOCAB, .tied = true, .rope_base = 10000, .window = 20,
                        .shared_kv_layers = strcmp(architecture, "gemma3n") ? 0 : 1 };
}

/* Dense weights have the same bits on one tier only. */
static const struct { const char *name; bool dense; } types[] = {
#define DENSE true
#define ONE_SCALE false
#define TWO_SCALES false
#define SCALE_MIN false
#define TWO_SCALES_MINS false
#define QUANT(name, gguf, block, bytes, tile, halves, bf16, family) { #name, family },
#include "../kernels/quants.def"
#undef QUANT
    { "Q4_K_M", false },
};
static const char *const tiers[] = {
#define ISA(name) #name,
#include "../kernels/isas.def"
#undef ISA
};
enum {
#define QUANT(name, ...) name,
#include "../kernels/quants.def"
#undef QUANT
};
enum { TYPES = sizeof types / sizeof *types, TIERS = sizeof tiers / sizeof *tiers };

/* How a prompt may be computed: on so many threads, in batches of so many tokens (0: all). */
static const struct cut { int threads; uint32_t batch; } cuts[] = {
    { 1, 1 }, { 1, 2 }, { 1, 7 }, { 1, 33 }, { 1, 0 }, { 2, 1 }, { 2, 2 }, { 2, 7 }, { 2, 33 }, { 2, 0 },
    { 3, 1 }, { 3, 2 }, { 3, 7 }, { 3, 33 }, { 3, 0 }, { 7, 1 }, { 7, 2 }, { 7, 7 }, { 7, 33 }, { 7, 0 },
};
enum { CUTS = sizeof cuts / sizeof *cuts };

static slm_model *open_random(const char *type, const char *isa)
{
    return open_shape(&small, type, isa);
}

static slm_session *open_session(const slm_model *model, int threads, uint32_t batch, uint32_t sequences, uint32_t outputs)
{
    slm_session_options options = slm_session_options_default();
    options.threads = threads;
    options.batch = batch;
    options.sequences = sequences;
    options.outputs = outputs;
    options.context = 2048;
    slm_session *session = NULL;
    slm_error err;
    ck_assert_msg(!slm_session_new(model, &options, &session, &err), "%s", err.message);
    return session;
}

/* Logits of every token, [count, vocab], freed by the caller. */
static float *run(const slm_model *model, int threads, uint32_t batch, const slm_token *tokens, size_t count)
{
    slm_session *session = open_session(model, threads, batch, 1, (uint32_t)count);
    bool *wants = malloc(count);
    float *out = malloc(count * RANDOM_VOCAB * sizeof *out);
    memset(wants, true, count);
    const slm_batch b = { .tokens = tokens, .wants_logits = wants, .count = count };
    slm_error err;
    ck_assert_msg(!slm_decode(session, &b, &err), "%s", err.message);
    memcpy(out, slm_logits(session, 0), count * RANDOM_VOCAB * sizeof *out);
    slm_session_free(session);
    free(wants);
    return out;
}

/* The first `count` tokens on one tier, computed in one of the ways, against `want`. Small batches, which are slow on many threads, go
 * with a few tokens. */
static void expect_same(const slm_model *model, size_t cut, const slm_token *tokens, size_t count, const float *want,
                        const char *architecture, const char *type, const char *tier)
{
    const uint32_t batch = cuts[cut].batch;
    if (batch && batch < 7 && count > 6 * batch)
        count = 6 * batch;
    float *got = run(model, cuts[cut].threads, batch, tokens, count);
    ck_assert_msg(!memcmp(got, want, count * RANDOM_VOCAB * sizeof *got), "%s %s %s, %d threads, batches of %u: other bits", architecture,
                  type, tier, cuts[cut].threads, batch);
    free(got);
}

/* Neither NaN nor all the same (a soft-cap may saturate some). */
static bool varied(const float *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (values[i] == values[i] && values[i] != values[0])
            return values[0] == values[0];
    return false;
}

/* Some of the ways on every tier, against one thread in one piece on the best tier. The scalar tier is slow. */
struct effort {
    size_t count, step;                 /* tokens; every step-th way */
    size_t scalar_count, scalar_step;
};

static void expect_same_everywhere(const slm_shape *shape, size_t type, struct effort effort)
{
    slm_token tokens[128];
    make_tokens(tokens, effort.count);
    slm_model *model = open_shape(shape, types[type].name, NULL);
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    float *want = run(model, 1, 0, tokens, effort.count);
    ck_assert_msg(varied(want, effort.count * shape->vocab), "%s %s: nothing to compare", shape->architecture, types[type].name);
    slm_model_free(model);
    for (size_t tier = 0; tier < TIERS; tier++) {
        if (!supported(tiers[tier]) || (types[type].dense && strcmp(tiers[tier], info.isa)))
            continue;
        model = open_shape(shape, types[type].name, tiers[tier]);
        const size_t step = tier ? effort.step : effort.scalar_step, count = tier ? effort.count : effort.scalar_count;
        for (size_t cut = (type + tier) % step; cut < CUTS; cut += step)
            expect_same(model, cut, tokens, count, want, shape->architecture, types[type].name, tiers[tier]);
        slm_model_free(model);
    }
    free(want);
}

START_TEST(every_type)
{
    expect_same_everywhere(&small, (size_t)_i, (struct effort){ .count = 41, .step = 1, .scalar_count = 20, .scalar_step = 19 });
}
END_TEST

START_TEST(every_architecture)
{
    const slm_shape shape = shape_of(architectures[_i]);
    expect_same_everywhere(&shape, Q8_0, (struct effort){ .count = 45, .step = 1, .scalar_count = 45, .scalar_step = 9 });
}
END_TEST

/* Every architecture with every type, each in a few of the ways. */
START_TEST(every_pair)
{
    const slm_shape shape = wide_shape_of(architectures[_i]);
    for (size_t type = 0; type < TYPES; type++)
        expect_same_everywhere(&shape, type, (struct effort){ .count = 9, .step = 20, .scalar_count = 2, .scalar_step = 20 });
}
END_TEST

/* A prompt cut in two anywhere. */
START_TEST(cut_anywhere)
{
    enum { COUNT = 45 };
    const slm_shape shape = shape_of(architectures[_i]);
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_model *model = open_shape(&shape, "Q8_0", NULL);
    float *want = run(model, 1, 0, tokens, COUNT);
    slm_session *session = open_session(model, 1, 0, 1, 1);
    for (size_t first = 1; first < COUNT; first++) {
        const slm_batch parts[] = { { .tokens = tokens, .count = first }, { .tokens = tokens + first, .count = COUNT - first } };
        ck_assert(!slm_sequence_truncate(session, 0, 0, NULL));
        for (size_t i = 0; i < 2; i++) {
            ck_assert(!slm_decode(session, &parts[i], NULL));
            const size_t last = slm_sequence_length(session, 0) - 1;
            ck_assert_msg(!memcmp(slm_logits(session, 0), want + last * shape.vocab, shape.vocab * sizeof *want),
                          "%s: token %zu differs after a cut at %zu", architectures[_i], last, first);
        }
    }
    slm_session_free(session);
    slm_model_free(model);
    free(want);
}
END_TEST

/* The last tokens, one by one behind the others, have the logits of `want`, which has those of all. */
static void expect_last(slm_session *session, const slm_token *tokens, size_t count, size_t last, const float *want, size_t vocab)
{
    slm_batch b = { .tokens = tokens, .count = count - last };
    ck_assert(!slm_decode(session, &b, NULL));
    for (size_t i = count - last; i < count; i++) {
        b = (slm_batch){ .tokens = tokens + i, .count = 1 };
        ck_assert(!slm_decode(session, &b, NULL));
        ck_assert_msg(!memcmp(slm_logits(session, 0), want + i * vocab, vocab * sizeof *want), "token %zu differs on %d threads", i,
                      slm_session_threads(session));
    }
}

/* A window much shorter than the context: whole spans of it are out of sight. */
START_TEST(windows_over_spans)
{
    enum { COUNT = 1100, LAST = 3 };
    static slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    const slm_shape shape = shape_of("gemma2");
    slm_model *model = open_shape(&shape, "Q8_0", NULL);
    float *want = run(model, 1, 512, tokens, COUNT);
    slm_session *session = open_session(model, 3, 100, 1, 1);
    expect_last(session, tokens, COUNT, LAST, want, shape.vocab);
    slm_session_free(session);
    free(want);
    slm_model_free(model);
}
END_TEST

/* Rows of 96 values hold no super-block: a type of blocks of 32 takes their place, as in files. */
START_TEST(short_rows)
{
    static const struct { const char *type, *found; } cases[] = { { "Q4_K_M", "Q5_0" }, { "Q5_K", "Q5_1" }, { "Q6_K", "Q8_0" },
        { "Q2_K", "IQ4_NL" }, { "Q3_K", "IQ4_NL" }, { "IQ4_XS", "IQ4_NL" }, { "TQ1_0", "Q4_0" }, { "TQ2_0", "Q4_0" },
        { "MXFP4", "MXFP4" } };
    const slm_shape shape = { .name = "short rows", .architecture = "llama", .layers = 16, .embedding = 96, .heads = 3, .kv_heads = 3,
                              .head_dim = 32, .feed_forward = 160, .vocab = 33, .rope_base = 10000 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        slm_model *model = NULL;
        slm_error err;
        slm_model_info info = slm_model_info_default();
        ck_assert_msg(!slm_model_random(&shape, cases[i].type, NULL, &model, &err), "%s", err.message);
        slm_model_get_info(model, &info);
        ck_assert_str_eq(info.type, cases[i].found);
        slm_model_free(model);
    }
}
END_TEST

/* Deep enough for several attention spans, which few panels share out and many do not. */
START_TEST(spans_of_attention)
{
    enum { COUNT = 1100, LAST = 3 };
    static slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_model *model = open_random("Q8_0", NULL);
    float *want = run(model, 1, 512, tokens, COUNT);
    for (int threads = 1; threads <= 7; threads += 3) {
        slm_session *session = open_session(model, threads, 100, 1, 1);
        expect_last(session, tokens, COUNT, LAST, want, RANDOM_VOCAB);
        slm_session_free(session);
    }
    free(want);
    slm_model_free(model);
}
END_TEST

/* Sequences that share batches, in mixed order, get what each gets alone. */
START_TEST(shared_batches)
{
    enum { SEQUENCES = 5, EACH = 40, COUNT = SEQUENCES * EACH };
    const slm_shape shape = shape_of(architectures[_i]);
    slm_model *model = open_shape(&shape, "Q5_0", NULL);
    slm_token tokens[COUNT], alone[EACH];
    uint32_t sequences[COUNT];
    bool wants[COUNT];
    size_t row[SEQUENCES], rows = 0, seen[SEQUENCES] = { 0 };
    uint64_t state = test_seed();
    make_tokens(tokens, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t s = test_random(&state) % SEQUENCES;
        while (seen[s] == EACH)
            s = (s + 1) % SEQUENCES;
        sequences[i] = s;
        wants[i] = ++seen[s] == EACH;
        if (wants[i])
            row[s] = rows++;
    }
    slm_session *shared = open_session(model, 2, 64, SEQUENCES, SEQUENCES);
    const slm_batch b = { .tokens = tokens, .sequences = sequences, .wants_logits = wants, .count = COUNT };
    slm_error err;
    ck_assert_msg(!slm_decode(shared, &b, &err), "%s", err.message);
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        size_t n = 0;
        for (size_t i = 0; i < COUNT; i++)
            if (sequences[i] == s)
                alone[n++] = tokens[i];
        ck_assert_uint_eq(slm_sequence_length(shared, s), EACH);
        float *want = run(model, 1, EACH, alone, EACH);
        ck_assert_msg(!memcmp(slm_logits(shared, row[s]), want + (EACH - 1) * RANDOM_VOCAB, RANDOM_VOCAB * sizeof *want),
                      "%s: sequence %u differs from when it is alone", architectures[_i], s);
        free(want);
    }
    slm_session_free(shared);
    slm_model_free(model);
}
END_TEST

/* The last layer (of Gemma 3n: the last ones) is computed for wanted tokens alone: any choice of them, in batches where sequences take
 * turns, gets the logits that it gets where all are wanted. */
START_TEST(some_logits)
{
    enum { SEQUENCES = 3, EACH = 30, COUNT = SEQUENCES * EACH, ROUNDS = 8 };
    const slm_shape shape = shape_of(architectures[_i]);
    slm_model *model = open_shape(&shape, "Q8_0", NULL);
    slm_token tokens[COUNT];
    uint32_t sequences[COUNT];
    bool wants[COUNT];
    uint64_t state = test_seed();
    make_tokens(tokens, COUNT);
    float *want[SEQUENCES];
    for (size_t s = 0; s < SEQUENCES; s++)
        want[s] = run(model, 1, EACH, tokens + s * EACH, EACH);
    for (int round = 0; round < ROUNDS; round++) {
        slm_token mixed[COUNT];
        size_t seen[SEQUENCES] = { 0 }, place[COUNT], rows = 0;
        for (size_t i = 0; i < COUNT; i++) {
            uint32_t s = test_random(&state) % SEQUENCES;
            while (seen[s] == EACH)
                s = (s + 1) % SEQUENCES;
            sequences[i] = s;
            place[i] = seen[s]++;
            mixed[i] = tokens[s * EACH + place[i]];
            wants[i] = round && test_random(&state) % 8 < (uint32_t)round; /* none, few, ... most */
        }
        slm_session *session = open_session(model, 1 + round % 3, round % 2 ? COUNT : 17, SEQUENCES, COUNT);
        const slm_batch b = { .tokens = mixed, .sequences = sequences, .wants_logits = wants, .count = COUNT };
        slm_error err;
        ck_assert_msg(!slm_decode(session, &b, &err), "%s", err.message);
        for (size_t i = 0; i < COUNT; i++)
            if (wants[i])
                ck_assert_msg(!memcmp(slm_logits(session, rows++), want[sequences[i]] + place[i] * shape.vocab,
                                      shape.vocab * sizeof(float)), "%s, round %d: token %zu differs", architectures[_i], round, i);
        ck_assert(!slm_logits(session, rows));
        slm_session_free(session);
    }
    for (size_t s = 0; s < SEQUENCES; s++)
        free(want[s]);
    slm_model_free(model);
}
END_TEST

/* A sequence cut back and continued differently gets what a fresh one gets. */
START_TEST(reused_prefix)
{
    enum { COUNT = 150, KEPT = 70 };
    slm_model *model = open_random("Q4_0", NULL);
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_session *session = open_session(model, 2, 0, 1, 1);
    slm_error err;
    slm_batch b = { .tokens = tokens, .count = COUNT };
    ck_assert(!slm_decode(session, &b, &err));
    ck_assert(!slm_sequence_truncate(session, 0, KEPT, &err));
    ck_assert_uint_eq(slm_sequence_length(session, 0), KEPT);
    for (size_t i = KEPT; i < COUNT; i++)
        tokens[i] = (tokens[i] + 17) % (slm_token)RANDOM_VOCAB;
    b = (slm_batch){ .tokens = tokens + KEPT, .count = COUNT - KEPT };
    ck_assert(!slm_decode(session, &b, &err));
    float *want = run(model, 1, COUNT, tokens, COUNT);
    ck_assert(!memcmp(slm_logits(session, 0), want + (COUNT - 1) * RANDOM_VOCAB, RANDOM_VOCAB * sizeof *want));
    free(want);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* FNV-1a */
static uint64_t digest(const float *values, size_t count)
{
    const uint8_t *bytes = (const uint8_t *)values;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count * sizeof *values; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static void print_digest(const slm_shape *shape, const char *type, int threads, uint32_t batch)
{
    enum { COUNT = 24 };
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_model *model = open_shape(shape, type, NULL);
    float *values = run(model, threads, batch, tokens, COUNT);
    printf("%s %s %016llx\n", shape->architecture, type, (unsigned long long)digest(values, COUNT * shape->vocab));
    free(values);
    slm_model_free(model);
}

/* Digests of the logits of every architecture and every quantized type, which another machine must print too. SLM_DIGESTS says on how
 * many threads, in batches of how many tokens (0: all at once) they are computed: "2,7". */
START_TEST(digests)
{
    int threads = 1;
    unsigned batch = 0;
    ck_assert_int_eq(sscanf(getenv("SLM_DIGESTS"), "%d,%u", &threads, &batch), 2);
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        const slm_shape shape = shape_of(architectures[i]);
        print_digest(&shape, "Q8_0", threads, batch);
    }
    for (size_t i = 0; i < TYPES; i++)
        if (!types[i].dense)
            print_digest(&small, types[i].name, threads, batch);
    fflush(stdout);
}
END_TEST

Suite *suite_bits(void)
{
    Suite *suite = suite_create("bits");
    TCase *tc = tcase_create("bits");
    tcase_set_timeout(tc, 600);
    suite_add_tcase(suite, tc);
    if (getenv("SLM_DIGESTS")) {
        tcase_add_test(tc, digests);
        return suite;
    }
    TCase *pairs = tcase_create("pairs");
    tcase_set_timeout(pairs, 600);
    tcase_add_loop_test(tc, every_type, 0, TYPES);
    tcase_add_loop_test(tc, every_architecture, 0, ARCHITECTURES);
    tcase_add_loop_test(pairs, every_pair, 0, ARCHITECTURES);
    tcase_add_loop_test(tc, cut_anywhere, 0, ARCHITECTURES);
    tcase_add_test(tc, windows_over_spans);
    tcase_add_test(tc, short_rows);
    tcase_add_test(tc, spans_of_attention);
    tcase_add_loop_test(tc, shared_batches, 0, ARCHITECTURES);
    tcase_add_loop_test(tc, some_logits, 0, ARCHITECTURES);
    tcase_add_test(tc, reused_prefix);
    suite_add_tcase(suite, pairs);
    return suite;
}
