#include "run.h"
#include "../cli.h"

#include <stdlib.h>

/* How long each of the limits is measured, before every repetition and after the last one. */
static const double LIMIT_SECONDS = 0.1;

/* ------------------------------------------------------------------ what a test asks of the machine */

/* Multiplications and additions of the linear layers; attention is not counted. Logits are computed for the last token of each
 * prompt and for every generated one, and what stands behind the last keys and values for these tokens alone. */
static double operations(const struct test *t, const slm_model_info *info)
{
    double outputs = (t->prompt > 0) + t->gen;
    double early = (double)(info->layer_parameters - info->late_parameters);
    double late = (double)info->late_parameters + (double)info->vocab_size * info->embedding_length;
    return 2 * (early * (t->prompt + t->gen) + late * outputs) * t->sequences;
}

double kv_read(const slm_session_info *kv, double end, double count)
{
    double windowed = end < kv->window + count ? end : kv->window + count;
    return end * (double)kv->kv_bytes_per_token + windowed * (double)kv->window_bytes_per_token;
}

/* Bytes that can't stay in a cache: the weights once for each computation of up to `ubatch` tokens, and for each sequence in it the
 * keys and values that its tokens see. The prompts of several sequences are computed one behind the other. */
static double bytes_read(const struct test *t, const slm_model_info *info, const slm_session_info *kv)
{
    const double all = (double)t->prompt * t->sequences;
    double weights = 0, cache = 0, last;
    for (double first = 0; first < all; first = last) {
        last = first + t->ubatch < all ? first + t->ubatch : all;
        weights += (double)info->decode_bytes;
        for (double end = 0; end < last;) { /* of the sequence's tokens in this batch */
            double start = end;
            end += t->prompt;
            if (end <= first)
                continue;
            double stop = end < last ? end : last;
            cache += kv_read(kv, t->depth + (stop - start), stop - (start > first ? start : first));
        }
    }
    weights += (double)info->decode_bytes * t->gen * ((t->sequences + t->ubatch - 1) / t->ubatch);
    for (int i = 1; i <= t->gen; i++)
        cache += t->sequences * kv_read(kv, (double)t->depth + t->prompt + i, 1);
    return weights + cache;
}

/* ------------------------------------------------------------------ one repetition */

struct state {
    const struct test *test;
    slm_session *session;
    slm_sampler *sampler;   /* only for latencies and the profile */
    slm_token *random;      /* as many as the longest part of a sequence has */
    slm_token *tokens;      /* of a batch: as many for each sequence */
    uint32_t *sequences;
    bool *wants_logits;
    double *first, *between; /* times of the requests so far, in milliseconds */
    int firsts, betweens;
};

/* `count` tokens for each sequence, one sequence behind the other. */
static slm_status decode(struct state *s, const slm_token *tokens, int count, slm_error *err)
{
    size_t used = 0;
    for (int q = 0; q < s->test->sequences; q++) {
        for (int i = 0; i < count; i++, used++) {
            s->tokens[used] = tokens[i];
            s->sequences[used] = (uint32_t)q;
            s->wants_logits[used] = i + 1 == count;
        }
    }
    /* The prompt of one sequence goes in the pieces that are computed together anyway, so that an interrupt is noticed between them. */
    const size_t piece = s->test->sequences == 1 ? (size_t)s->test->ubatch : used;
    slm_status status = SLM_OK;
    for (size_t done = 0; done < used && !status; done += piece) {
        slm_batch batch = {.tokens = s->tokens + done, .sequences = s->sequences + done, .wants_logits = s->wants_logits + done,
                           .count = used - done < piece ? used - done : piece};
        status = cli_interrupted() ? SLM_STOPPED : slm_decode(s->session, &batch, err);
    }
    return status;
}

static slm_status rewind_to(struct state *s, int length, slm_error *err)
{
    slm_status status = SLM_OK;
    for (int q = 0; q < s->test->sequences && !status; q++)
        status = slm_sequence_truncate(s->session, (uint32_t)q, (size_t)length, err);
    return status;
}

/* Chooses a token of each sequence; the last one's. */
static slm_token sample(struct state *s)
{
    slm_token token = 0;
    for (int q = 0; q < s->test->sequences; q++)
        token = slm_sampler_next(s->sampler, slm_logits(s->session, (size_t)q));
    return token;
}

static slm_status repeat_once(struct state *s, int prompt, int gen, slm_error *err)
{
    slm_status status = SLM_OK;
    if (prompt)
        status = decode(s, s->random, prompt, err);
    for (int i = 0; i < gen && !status; i++)
        status = decode(s, s->random + i, 1, err);
    return status;
}

/* The same as a request: each token is sampled when its logits are there. The same token goes to all sequences, which changes
 * nothing for the speed. */
static slm_status request(struct state *s, int prompt, int gen, slm_error *err)
{
    double last = cli_now();
    slm_status status = decode(s, s->random, prompt, err);
    for (int i = 0; !status; i++) {
        slm_token token = sample(s);
        double now = cli_now();
        if (i == 0)
            s->first[s->firsts++] = (now - last) * 1e3;
        else
            s->between[s->betweens++] = (now - last) * 1e3;
        last = now;
        if (i == gen)
            break;
        status = decode(s, &token, 1, err);
    }
    return status;
}

/* One more repetition, with sampling, whose parts are timed. */
static slm_status profile(struct state *s, slm_op_profile *ops, slm_error *err)
{
    const struct test *t = s->test;
    slm_status status = rewind_to(s, t->depth, err);
    slm_session_profile(s->session, ops);
    for (int i = 0; i < t->gen + (t->prompt > 0) && !status; i++) {
        bool first = t->prompt && i == 0;
        status = decode(s, s->random + (first ? 0 : i - (t->prompt > 0)), first ? t->prompt : 1, err);
        double start = cli_now();
        if (!status)
            sample(s);
        ops[SLM_OP_COUNT].seconds += cli_now() - start;
    }
    slm_session_profile(s->session, NULL);
    return status;
}

/* The limits' measurements go to gops and gbps: *limits of each, at most repetitions + 1. Between requests they are left out. */
static slm_status repeat(struct state *s, int64_t *samples, double *gops, double *gbps, int *limits, slm_error *err)
{
    const struct test *t = s->test;
    slm_status status = SLM_OK;
    if (!t->progress(t->progress_user, 0))
        return SLM_STOPPED;
    if (t->depth)
        status = decode(s, s->random, t->depth, err);
    if (!status && t->warmup)
        status = repeat_once(s, t->prompt, t->gen ? 1 : 0, err);
    for (int i = 0; i <= t->repetitions && !status; i++) {
        if (!t->latency || i == 0 || i == t->repetitions) {
            gops[*limits] = slm_limits_int8_gops(t->limits, LIMIT_SECONDS);
            gbps[(*limits)++] = slm_limits_read_gbps(t->limits, LIMIT_SECONDS);
        }
        if (i == t->repetitions)
            break;
        status = t->progress(t->progress_user, i + 1) ? rewind_to(s, t->depth, err) : SLM_STOPPED;
        if (status)
            break;
        double start = cli_now();
        status = t->latency ? request(s, t->prompt, t->gen, err) : repeat_once(s, t->prompt, t->gen, err);
        samples[i] = (int64_t)((cli_now() - start) * 1e9);
    }
    return status;
}

/* ------------------------------------------------------------------ a test */

static slm_token *random_tokens(int count, uint32_t vocab)
{
    slm_token *tokens = malloc((size_t)count * sizeof *tokens);
    uint32_t state = 1;
    for (int i = 0; tokens && i < count; i++) {
        state = state * 1664525 + 1013904223;
        tokens[i] = (slm_token)((uint64_t)state * vocab >> 32);
    }
    return tokens;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static void fill(const struct state *s, double *gops, double *gbps, int limits, struct result *r)
{
    const struct test *t = s->test;
    slm_model_info info = slm_model_info_default();
    slm_session_info session = slm_session_info_default();
    slm_model_get_info(t->model, &info);
    slm_session_get_info(s->session, &session);
    r->model_size = (int64_t)info.weight_bytes;
    r->model_n_params = (int64_t)info.parameters;
    r->n_batch = t->batch;
    r->n_ubatch = t->ubatch;
    r->n_threads = slm_session_threads(s->session);
    r->n_prompt = t->prompt;
    r->n_gen = t->gen;
    r->n_depth = t->depth;
    r->n_seq = t->sequences;
    r->n_requests = t->latency ? (int64_t)t->repetitions * t->sequences : 0;
    r->type_k = session.type_k;
    r->type_v = session.type_v;
    r->isa = info.isa;
    result_summarize(r);
    result_latencies(r, s->first, s->firsts, s->between, s->betweens);
    r->peak_int8_gops = median(gops, limits);
    r->read_gbps = median(gbps, limits);
    double seconds = (double)r->median_ns * 1e-9;
    if (seconds > 0 && r->peak_int8_gops > 0)
        r->fraction_of_peak = operations(t, &info) / seconds / (r->peak_int8_gops * 1e9);
    if (seconds > 0 && r->read_gbps > 0)
        r->fraction_of_bandwidth = bytes_read(t, &info, &session) / seconds / (r->read_gbps * 1e9);
}

static slm_status out_of_memory(slm_error *err)
{
    *err = (slm_error){.status = SLM_MEMORY, .offset = SLM_NO_OFFSET, .message = "out of memory"};
    return SLM_MEMORY;
}

static slm_status allocate(struct state *s, struct result *r, uint32_t vocab, slm_error *err)
{
    const struct test *t = s->test;
    const int longest = larger(larger(t->prompt, t->gen), larger(t->depth, 1));
    const size_t tokens = (size_t)longest * (size_t)t->sequences;
    s->random = random_tokens(longest, vocab);
    s->tokens = malloc(tokens * sizeof *s->tokens);
    s->sequences = malloc(tokens * sizeof *s->sequences);
    s->wants_logits = malloc(tokens * sizeof *s->wants_logits);
    r->samples_ns = calloc((size_t)t->repetitions, sizeof *r->samples_ns);
    r->samples = t->repetitions;
    if (!s->random || !s->tokens || !s->sequences || !s->wants_logits || !r->samples_ns)
        return out_of_memory(err);
    if (t->latency) {
        s->first = malloc((size_t)t->repetitions * sizeof *s->first);
        s->between = malloc((size_t)t->repetitions * (size_t)larger(t->gen, 1) * sizeof *s->between);
        if (!s->first || !s->between)
            return out_of_memory(err);
    } else if (!t->profile) {
        return SLM_OK;
    }
    slm_sampler_options options = slm_sampler_options_default();
    options.temperature = 0;
    return slm_sampler_new(t->model, &options, &s->sampler, err);
}

static void release(struct state *s)
{
    slm_session_free(s->session);
    slm_sampler_free(s->sampler);
    free(s->random);
    free(s->tokens);
    free(s->sequences);
    free(s->wants_logits);
    free(s->first);
    free(s->between);
}

slm_status run_test(const struct test *t, struct result *r, slm_error *err)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(t->model, &info);
    slm_session_options options = slm_session_options_default();
    const uint64_t context = ((uint64_t)t->depth + (uint64_t)t->prompt + (uint64_t)t->gen) * (uint64_t)t->sequences;
    options.context = context < UINT32_MAX ? (uint32_t)context : UINT32_MAX;
    options.sequences = (uint32_t)t->sequences;
    options.batch = (uint32_t)t->ubatch;
    options.type_k = t->type_k;
    options.type_v = t->type_v;
    options.threads = t->threads;

    struct state s = {.test = t};
    slm_status status = slm_session_new(t->model, &options, &s.session, err);
    if (!status)
        status = allocate(&s, r, info.vocab_size, err);
    int room = t->repetitions + 1, limits = 0;
    double *gops = calloc((size_t)room * 2, sizeof *gops);
    if (!status)
        status = gops ? repeat(&s, r->samples_ns, gops, gops + room, &limits, err) : out_of_memory(err);
    if (!status && t->profile)
        status = profile(&s, r->profile, err);
    if (!status)
        fill(&s, gops, gops + room, limits, r);
    free(gops);
    release(&s);
    return status;
}
