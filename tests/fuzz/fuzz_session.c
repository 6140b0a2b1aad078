/* Any order of calls on a session: decode, generate, truncate, with good and bad arguments. What the calls return must fit a list of each
 * sequence's tokens, and at the end the logits those of a session that has seen nothing else. */
#include "fuzz.h"

#include "slm.h"

#include <stdlib.h>
#include <string.h>

enum { SEQUENCES = 3, CONTEXT = 150, VOCAB = 48, MOST_BATCH = 70, OUTPUTS = 4 };

/* Few layers, but one of each kind. */
static const struct { const char *name; uint32_t layers, shared; } architectures[] = {
    { "llama", 1, 0 }, { "gemma2", 2, 0 }, { "gemma3n", 2, 1 }, { "smollm3", 4, 0 },
};
enum { MODELS = sizeof architectures / sizeof *architectures };

/* What a session ought to hold. */
struct expected {
    slm_token tokens[SEQUENCES][CONTEXT];
    size_t length[SEQUENCES], used;
};

static const slm_model *model_of(unsigned index)
{
    static slm_model *made[MODELS]; /* once for all inputs */
    if (!made[index]) {
        const slm_shape shape = { .name = "fuzzed", .architecture = architectures[index].name,
                                  .layers = architectures[index].layers, .shared_kv_layers = architectures[index].shared,
                                  .embedding = 32, .heads = 2, .kv_heads = 1, .head_dim = 16, .feed_forward = 32, .vocab = VOCAB,
                                  .tied = true, .rope_base = 10000, .window = 10 };
        slm_model_options options = slm_model_options_default();
        options.threads = 1;
        if (slm_model_random(&shape, "Q8_0", &options, &made[index], NULL))
            abort();
    }
    return made[index];
}

static slm_session *session_of(const slm_model *model, uint32_t batch)
{
    slm_session_options options = slm_session_options_default();
    options.threads = 1;
    options.context = CONTEXT;
    options.sequences = SEQUENCES;
    options.batch = batch;
    options.outputs = OUTPUTS;
    slm_session *session;
    if (slm_session_new(model, &options, &session, NULL))
        abort();
    return session;
}

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t next(struct input *in)
{
    return in->size ? in->size--, *in->data++ : 0;
}

static void append(struct expected *e, uint32_t sequence, slm_token token)
{
    e->tokens[sequence][e->length[sequence]++] = token;
    e->used++;
}

static void decode(slm_session *session, struct expected *e, struct input *in)
{
    slm_token tokens[MOST_BATCH];
    uint32_t sequences[MOST_BATCH];
    bool wants[MOST_BATCH], valid = true;
    const uint8_t kind = next(in), seed = next(in);
    const size_t count = next(in) % MOST_BATCH;
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        tokens[i] = kind & 1 && i == seed ? -1 : kind & 2 && i == seed ? VOCAB : (slm_token)((seed + 5 * i) % VOCAB);
        sequences[i] = (kind & 4 && i == seed ? SEQUENCES : 0) + (uint32_t)(i * seed >> 3) % SEQUENCES;
        wants[i] = kind & 8 ? i % 16 == seed % 16 : i + 1 == count;
        wanted += wants[i];
        valid = valid && tokens[i] >= 0 && tokens[i] < VOCAB && sequences[i] < SEQUENCES;
    }
    const slm_batch batch = { tokens, sequences, wants, count };
    slm_error err = { .message = "" };
    const slm_status status = slm_decode(session, &batch, &err);
    /* tokens that do not fit are not looked at */
    const slm_status want = !count ? SLM_INVALID : count > CONTEXT - e->used ? SLM_CONTEXT
                          : !valid ? SLM_INVALID : wanted > OUTPUTS ? SLM_LIMIT : SLM_OK;
    if (status != want || (status && !err.message[0]) || (!status && (slm_logits(session, wanted) || (wanted && !slm_logits(session, 0)))))
        abort();
    for (size_t i = 0; !status && i < count; i++)
        append(e, sequences[i], tokens[i]);
}

/* The generated tokens, for the callback. */
struct answer {
    slm_token tokens[16];
    size_t count, stop;
};

static bool receive(void *user, slm_token token, const char *text, size_t length)
{
    struct answer *a = user;
    if (text[length] || a->count == 16)
        abort();
    a->tokens[a->count++] = token;
    return a->count != a->stop;
}

static void generate(slm_session *session, struct expected *e, struct input *in)
{
    struct answer answer = { .stop = next(in) % 16 };
    const uint32_t sequence = next(in) % (SEQUENCES + 1);
    const size_t count = next(in) % 40, most = next(in) % 16;
    slm_sampler_options options = slm_sampler_options_default();
    options.seed = next(in);
    slm_sampler *sampler;
    slm_token prompt[40];
    size_t generated = 99;
    for (size_t i = 0; i < count; i++)
        prompt[i] = (slm_token)((options.seed + 3 * i) % VOCAB);
    if (slm_sampler_new(model_of(0), &options, &sampler, NULL))
        abort();
    const slm_status status = slm_generate(session, sequence, prompt, count, sampler, most, true, receive, &answer, &generated, NULL);
    slm_sampler_free(sampler);
    if (generated != answer.count || (status && status != SLM_INVALID && status != SLM_CONTEXT))
        abort();
    if (status == SLM_INVALID ? sequence < SEQUENCES && count : sequence >= SEQUENCES || !count)
        abort();
    if (status == SLM_INVALID || count > CONTEXT - e->used)
        return;
    for (size_t i = 0; i < count; i++)
        append(e, sequence, prompt[i]);
    for (size_t i = 0; i + 1 < generated; i++)
        append(e, sequence, answer.tokens[i]);
    if (status == SLM_CONTEXT && e->used != CONTEXT)
        abort();
}

static void truncate(slm_session *session, struct expected *e, struct input *in)
{
    const uint32_t sequence = next(in) % (SEQUENCES + 1);
    const size_t length = next(in);
    const slm_status status = slm_sequence_truncate(session, sequence, length, NULL);
    if (status != (sequence < SEQUENCES ? SLM_OK : SLM_INVALID))
        abort();
    if (!status && length < e->length[sequence]) {
        e->used -= e->length[sequence] - length;
        e->length[sequence] = length;
    }
}

/* One more token of each sequence, here and in a session that has seen nothing else. */
static void compare(slm_session *session, const struct expected *e, const slm_model *model)
{
    for (uint32_t s = 0; s < SEQUENCES && e->used + s < CONTEXT; s++) {
        const slm_token last = 7;
        const slm_batch one = { .tokens = &last, .sequences = &s, .count = 1 };
        slm_session *fresh = session_of(model, 100);
        const slm_batch all = { .tokens = e->tokens[s], .count = e->length[s] };
        if ((all.count && slm_decode(fresh, &all, NULL)) || slm_decode(fresh, &(slm_batch){ .tokens = &last, .count = 1 }, NULL) ||
            slm_decode(session, &one, NULL))
            abort();
        if (memcmp(slm_logits(session, 0), slm_logits(fresh, 0), VOCAB * sizeof(float)))
            abort();
        slm_session_free(fresh);
    }
}

FUZZ_TARGET(session)
{
    struct input in = { data, size };
    struct expected expected = { .used = 0 };
    const slm_model *model = model_of(next(&in) % MODELS);
    slm_session *session = session_of(model, next(&in) % 40);
    for (int calls = 0; in.size && calls < 20; calls++) {
        switch (next(&in) % 4) {
        case 0:
        case 1: decode(session, &expected, &in); break;
        case 2: generate(session, &expected, &in); break;
        case 3: truncate(session, &expected, &in); break;
        }
        for (uint32_t s = 0; s <= SEQUENCES; s++)
            if (slm_sequence_length(session, s) != (s < SEQUENCES ? expected.length[s] : 0))
                abort();
    }
    compare(session, &expected, model);
    slm_session_free(session);
    return 0;
}
