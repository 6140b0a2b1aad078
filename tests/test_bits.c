/* The same bits: logits of quantized models do not depend on the tier, the number of threads, the way the prompt is cut, what else
 * is in the batch, or whether the prefix was already in the cache. */
#include "tests.h"

#include "slm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const slm_shape small = { .name = "small", .architecture = "llama", .layers = 2, .embedding = 256, .heads = 8, .kv_heads = 2,
                                 .head_dim = 32, .feed_forward = 512, .vocab = 301, .tied = true, .rope_base = 500000 };

/* Every architecture, with layers enough for each kind that it has and a window that a few tokens fill. */
static const char *const architectures[] = {
#define ARCH(name) #name,
#include "../lib/arch/archs.def"
#undef ARCH
};
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

static slm_shape shape_of(const char *architecture)
{
    return (slm_shape){ .name = "tiny", .architecture = architecture, .layers = 8, .embedding = 64, .heads = 4, .kv_heads = 2,
                        .head_dim = 32, .feed_forward = 96, .vocab = small.vocab, .tied = true, .rope_base = 10000, .window = 20,
                        .shared_kv_layers = strcmp(architecture, "gemma3n") ? 0 : 2 };
}

/* Rows long enough for every type. */
static slm_shape wide_shape_of(const char *architecture)
{
    return (slm_shape){ .name = "wide", .architecture = architecture, .layers = 2, .embedding = 256, .heads = 4, .kv_heads = 2,
                        .head_dim = 64, .feed_forward = 256, .vocab = small.vocab, .tied = true, .rope_base = 10000, .window = 20,
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

static slm_model *open_shape(const slm_shape *shape, const char *type, const char *isa)
{
    slm_model_options options = slm_model_options_default();
    options.isa = isa;
    slm_model *model = NULL;
    slm_error err;
    ck_assert_msg(!slm_model_random(shape, type, &options, &model, &err), "%s", err.message);
    return model;
}

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

static void make_tokens(slm_token *tokens, size_t count)
{
    uint64_t state = test_seed();
    for (size_t i = 0; i < count; i++)
        tokens[i] = (slm_token)(test_random(&state) % small.vocab);
}

/* Logits of every token, [count, vocab], freed by the caller. */
static float *run(const slm_model *model, int threads, uint32_t batch, const slm_token *tokens, size_t count)
{
    slm_session *session = open_session(model, threads, batch, 1, (uint32_t)count);
    bool *wants = malloc(count);
    float *out = malloc(count * small.vocab * sizeof *out);
    memset(wants, true, count);
    const slm_batch b = { .tokens = tokens, .wants_logits = wants, .count = count };
    slm_error err;
    ck_assert_msg(!slm_decode(session, &b, &err), "%s", err.message);
    memcpy(out, slm_logits(session, 0), count * small.vocab * sizeof *out);
    slm_session_free(session);
    free(wants);
    return out;
}

static bool supported(const char *isa)
{
    slm_error err;
    return slm_isa(isa, &err) != NULL;
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
    ck_assert_msg(!memcmp(got, want, count * small.vocab * sizeof *got), "%s %s %s, %d threads, batches of %u: other bits", architecture,
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
        expect_last(session, tokens, COUNT, LAST, want, small.vocab);
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
        ck_assert_msg(!memcmp(slm_logits(shared, row[s]), want + (EACH - 1) * small.vocab, small.vocab * sizeof *want),
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
        tokens[i] = (tokens[i] + 17) % (slm_token)small.vocab;
    b = (slm_batch){ .tokens = tokens + KEPT, .count = COUNT - KEPT };
    ck_assert(!slm_decode(session, &b, &err));
    float *want = run(model, 1, COUNT, tokens, COUNT);
    ck_assert(!memcmp(slm_logits(session, 0), want + (COUNT - 1) * small.vocab, small.vocab * sizeof *want));
    free(want);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* ---- the types of the KV cache, and windows */

static const char *const kv_types[] = { "f32", "f16", "q8_0" };
enum { KV_KINDS = 3 };

/* Decodes tokens in batches of `batch`, and returns the logits of the last one, freed by the caller. */
static slm_session *open_cached(const slm_model *model, int threads, uint32_t batch, uint32_t sequences, const char *type_k,
                                const char *type_v)
{
    slm_session_options options = slm_session_options_default();
    options.threads = threads;
    options.batch = batch;
    options.sequences = sequences;
    options.context = 1024;
    options.type_k = type_k;
    options.type_v = type_v;
    slm_session *session = NULL;
    slm_error err;
    ck_assert_msg(!slm_session_new(model, &options, &session, &err), "%s", err.message);
    return session;
}

static void decode_to(slm_session *session, uint32_t sequence, const slm_token *tokens, size_t count)
{
    uint32_t sequences[1024];
    for (size_t i = 0; i < count; i++)
        sequences[i] = sequence;
    const slm_batch b = { .tokens = tokens, .sequences = sequences, .count = count };
    slm_error err;
    ck_assert_msg(!slm_decode(session, &b, &err), "%s", err.message);
}

/* Every pair of types on every tier, at depths beyond a page and beyond a span, on several threads, in other cuts, and beside another
 * sequence: the bits of the scalar tier on one thread. */
START_TEST(types_of_cache)
{
    enum { COUNT = 530 };
    const char *type_k = kv_types[_i / KV_KINDS], *type_v = kv_types[_i % KV_KINDS];
    slm_shape shape = shape_of("gemma2");
    shape.head_dim = 40; /* neither whole blocks nor whole tiles */
    shape.layers = 2;
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    float want[2][301];
    slm_model *scalar = open_shape(&shape, "Q8_0", "scalar");
    slm_session *session = open_cached(scalar, 1, COUNT, 1, type_k, type_v);
    decode_to(session, 0, tokens, 70);
    memcpy(want[0], slm_logits(session, 0), sizeof want[0]);
    decode_to(session, 0, tokens + 70, COUNT - 70);
    memcpy(want[1], slm_logits(session, 0), sizeof want[1]);
    ck_assert(want[0][0] == want[0][0] && memcmp(want[0], want[1], sizeof want[0]));
    slm_session_free(session);
    slm_model_free(scalar);
    for (size_t tier = 1; tier < TIERS; tier++) {
        if (!supported(tiers[tier]))
            continue;
        slm_model *model = open_shape(&shape, "Q8_0", tiers[tier]);
        session = open_cached(model, 1 + (int)tier, 33, 2, type_k, type_v);
        decode_to(session, 1, tokens, 45);
        decode_to(session, 0, tokens, 69);
        decode_to(session, 1, tokens + 45, 40);
        decode_to(session, 0, tokens + 69, 1);
        ck_assert_msg(!memcmp(slm_logits(session, 0), want[0], sizeof want[0]), "%s, KV %s and %s differ", tiers[tier], type_k, type_v);
        decode_to(session, 0, tokens + 70, COUNT - 70);
        ck_assert_msg(!memcmp(slm_logits(session, 0), want[1], sizeof want[1]), "%s, KV %s and %s differ far in", tiers[tier], type_k,
                      type_v);
        slm_session_free(session);
        slm_model_free(model);
    }
}
END_TEST

/* Sequences with windows, cut back to anywhere and continued: as if fresh, however far back what the windows saw was let go. */
START_TEST(windows_cut_back)
{
    enum { COUNT = 400, ROUNDS = 9 };
    slm_shape shape = shape_of(_i ? "gemma3n" : "gemma2");
    slm_model *model = open_shape(&shape, "Q8_0", NULL);
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_session *kept = open_cached(model, 2, 16, 2, "q8_0", "f16");
    uint64_t state = test_seed();
    size_t length = 0;
    int recomputed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t end = 1 + test_random(&state) % (COUNT - 1), cut = round % 3 == 2 ? 0 : 1 + test_random(&state) % end;
        slm_error err;
        if (end > length)
            decode_to(kept, 0, tokens + length, end - length);
        recomputed += cut && cut < slm_sequence_floor(kept, 0);
        ck_assert(!slm_sequence_truncate(kept, 0, cut, &err));
        ck_assert_uint_eq(slm_sequence_length(kept, 0), cut);
        for (size_t i = cut; i < COUNT; i++) /* another continuation */
            tokens[i] = (tokens[i] + 17) % (slm_token)small.vocab;
        const size_t more = cut + 1 + test_random(&state) % (COUNT - cut);
        decode_to(kept, 1, tokens, 3); /* takes pages in between */
        decode_to(kept, 0, tokens + cut, more - cut);
        slm_session *fresh = open_cached(model, 1, 100, 1, "q8_0", "f16");
        decode_to(fresh, 0, tokens, more);
        ck_assert_msg(!memcmp(slm_logits(kept, 0), slm_logits(fresh, 0), small.vocab * sizeof(float)),
                      "cut from %zu to %zu, continued to %zu", end, cut, more);
        slm_session_free(fresh);
        length = more;
    }
    ck_assert_int_gt(recomputed, 0);
    slm_session_free(kept);
    slm_model_free(model);
}
END_TEST

/* Decoding, over the ends of pages and of windows, and cutting back, which computes again: nothing is allocated. */
START_TEST(nothing_is_allocated_while_decoding)
{
    enum { COUNT = 300 };
    slm_shape shape = shape_of("gemma2");
    slm_model_options options = slm_model_options_default();
    struct heap heap = { .left = -1 };
    options.allocator = heap_allocator(&heap);
    slm_model *model = NULL;
    slm_error err;
    ck_assert_msg(!slm_model_random(&shape, "Q8_0", &options, &model, &err), "%s", err.message);
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_session *session = open_cached(model, 2, 16, 2, NULL, "q8_0");
    slm_sampler *sampler = NULL;
    ck_assert(!slm_sampler_new(model, NULL, &sampler, &err));
    const size_t before = heap.calls;
    ck_assert_uint_gt(before, 0);
    decode_to(session, 0, tokens, COUNT);
    decode_to(session, 1, tokens, 70);
    ck_assert_uint_gt(slm_sequence_floor(session, 0), 5);
    ck_assert(!slm_sequence_truncate(session, 0, 5, &err));
    ck_assert(!slm_generate(session, 0, tokens, 3, sampler, 90, false, NULL, NULL, NULL, &err));
    ck_assert_uint_eq(slm_sequence_length(session, 0), 5 + 3 + 89);
    ck_assert_uint_eq(heap.calls, before);
    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* Layers that see a window take room for it alone; a session says so before it is made. */
START_TEST(windows_are_all_that_is_kept)
{
    slm_shape shape = shape_of("gemma2");
    slm_model *model = open_shape(&shape, "Q8_0", NULL);
    slm_session_options options = slm_session_options_default();
    slm_session_info near = slm_session_info_default(), far = slm_session_info_default(), made = slm_session_info_default();
    slm_error err;
    options.batch = 64;
    options.context = 4096;
    ck_assert(!slm_session_plan(model, &options, &near, &err));
    options.context = 65536;
    ck_assert(!slm_session_plan(model, &options, &far, &err));
    ck_assert_uint_eq(near.window, shape.window);
    ck_assert_uint_eq(near.kv_bytes_per_token, 4 * 2 * 2 * 32 * 2); /* 4 global layers, 2 heads, K and V of 32 F16 */
    ck_assert_uint_eq(near.window_bytes_per_token, near.kv_bytes_per_token);
    ck_assert_uint_eq(far.kv_bytes - near.kv_bytes, (65536 - 4096) * near.kv_bytes_per_token);
    ck_assert_uint_lt(near.kv_bytes, 4096 * near.kv_bytes_per_token * 11 / 10);
    options.type_k = options.type_v = "q8_0";
    slm_session *session;
    ck_assert(!slm_session_new(model, &options, &session, &err));
    slm_session_get_info(session, &made);
    ck_assert_str_eq(made.type_k, "q8_0");
    ck_assert_uint_lt(made.kv_bytes, far.kv_bytes * 6 / 10);
    ck_assert(made.buffer_bytes == far.buffer_bytes && made.context == 65536 && made.batch == 64);
    slm_session_free(session);
    options.type_v = "q4_0";
    ck_assert_int_eq(slm_session_plan(model, &options, &far, &err), SLM_INVALID);
    ck_assert(strstr(err.message, "type_v") && strstr(err.message, "q8_0"));
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

Suite *suite_bits(void);
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
    TCase *cache = tcase_create("cache");
    tcase_set_timeout(cache, 600);
    tcase_add_loop_test(cache, types_of_cache, 0, KV_KINDS * KV_KINDS);
    tcase_add_loop_test(cache, windows_cut_back, 0, 2);
    tcase_add_test(cache, nothing_is_allocated_while_decoding);
    tcase_add_test(cache, windows_are_all_that_is_kept);
    suite_add_tcase(suite, cache);
    suite_add_tcase(suite, pairs);
    return suite;
}
