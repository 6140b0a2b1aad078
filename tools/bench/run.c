#include "run.h"
#include "../cli.h"

#include <stdlib.h>

/* How long each of the limits is measured, before every repetition and after the last one. */
static const double LIMIT_SECONDS = 0.1;

/* ------------------------------------------------------------------ what a test asks of the machine */

/* Multiplications and additions of the linear layers; attention is not counted. Logits are computed for the last token of the
 * prompt and for every generated one. */
static double operations(const struct test *t, const slm_model_info *info)
{
    double outputs = (t->prompt > 0) + t->gen;
    return 2.0 * ((double)info->layer_parameters * (t->prompt + t->gen) + (double)info->vocab_size * info->embedding_length * outputs);
}

/* Bytes that can't stay in a cache: the weights once for each computation of up to `batch` tokens, and the keys and values of
 * all positions up to the end of each. */
static double bytes_read(const struct test *t, const slm_model_info *info)
{
    double weights = 0, positions = 0;
    for (int done = 0; done < t->prompt;) {
        done = t->prompt - done > t->batch ? done + t->batch : t->prompt;
        weights += (double)info->decode_bytes;
        positions += t->depth + done;
    }
    weights += (double)info->decode_bytes * t->gen;
    positions += (double)t->gen * (t->depth + t->prompt) + (double)t->gen * (t->gen + 1.0) / 2;
    return weights + positions * (double)info->kv_bytes_per_token;
}

/* ------------------------------------------------------------------ one repetition */

struct state {
    const struct test *test;
    slm_session *session;
    slm_token *tokens;      /* random, as many as the longest part has */
};

static slm_status decode(struct state *s, const slm_token *tokens, int count, slm_error *err)
{
    slm_batch batch = {.tokens = tokens, .count = (size_t)count};
    return slm_decode(s->session, &batch, err);
}

static slm_status rewind_to(struct state *s, int length, slm_error *err)
{
    return slm_sequence_truncate(s->session, 0, (size_t)length, err);
}

static slm_status repeat_once(struct state *s, int prompt, int gen, slm_error *err)
{
    slm_status status = SLM_OK;
    if (prompt)
        status = decode(s, s->tokens, prompt, err);
    for (int i = 0; i < gen && !status; i++)
        status = decode(s, s->tokens + i, 1, err);
    return status;
}

/* The limits' measurements go to gops and gbps, repetitions + 1 of each. */
static slm_status repeat(struct state *s, int64_t *samples, double *gops, double *gbps, slm_error *err)
{
    const struct test *t = s->test;
    slm_status status = SLM_OK;
    if (!t->progress(t->progress_user, 0))
        return SLM_STOPPED;
    if (t->depth)
        status = decode(s, s->tokens, t->depth, err);
    if (!status && t->warmup)
        status = repeat_once(s, t->prompt, t->gen ? 1 : 0, err);
    for (int i = 0; i <= t->repetitions && !status; i++) {
        gops[i] = slm_limits_int8_gops(t->limits, LIMIT_SECONDS);
        gbps[i] = slm_limits_read_gbps(t->limits, LIMIT_SECONDS);
        if (i == t->repetitions)
            break;
        status = t->progress(t->progress_user, i + 1) ? rewind_to(s, t->depth, err) : SLM_STOPPED;
        if (status)
            break;
        double start = cli_now();
        status = repeat_once(s, t->prompt, t->gen, err);
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

static void fill(const struct test *t, const slm_session *session, double *gops, double *gbps, struct result *r)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(t->model, &info);
    r->model_size = (int64_t)info.weight_bytes;
    r->model_n_params = (int64_t)info.parameters;
    r->n_batch = r->n_ubatch = t->batch;
    r->n_threads = slm_session_threads(session);
    r->n_prompt = t->prompt;
    r->n_gen = t->gen;
    r->n_depth = t->depth;
    r->type_k = r->type_v = "f16";
    r->isa = info.isa;
    result_summarize(r);
    r->peak_int8_gops = median(gops, t->repetitions + 1);
    r->read_gbps = median(gbps, t->repetitions + 1);
    double seconds = (double)r->median_ns * 1e-9;
    if (seconds > 0 && r->peak_int8_gops > 0)
        r->fraction_of_peak = operations(t, &info) / seconds / (r->peak_int8_gops * 1e9);
    if (seconds > 0 && r->read_gbps > 0)
        r->fraction_of_bandwidth = bytes_read(t, &info) / seconds / (r->read_gbps * 1e9);
}

static slm_status out_of_memory(slm_error *err)
{
    *err = (slm_error){.status = SLM_MEMORY, .offset = SLM_NO_OFFSET, .message = "out of memory"};
    return SLM_MEMORY;
}

slm_status run_test(const struct test *t, struct result *r, slm_error *err)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(t->model, &info);
    slm_session_options options = slm_session_options_default();
    options.context = (uint32_t)t->depth + (uint32_t)t->prompt + (uint32_t)t->gen;
    options.batch = (uint32_t)t->batch;
    options.threads = t->threads;

    struct state s = {.test = t};
    slm_status status = slm_session_new(t->model, &options, &s.session, err);
    if (status)
        return status;
    int limits = t->repetitions + 1;
    double *gops = calloc((size_t)limits * 2, sizeof *gops);
    s.tokens = random_tokens(larger(larger(t->prompt, t->gen), larger(t->depth, 1)), info.vocab_size);
    r->samples_ns = calloc((size_t)t->repetitions, sizeof *r->samples_ns);
    r->samples = t->repetitions;
    if (gops && s.tokens && r->samples_ns)
        status = repeat(&s, r->samples_ns, gops, gops + limits, err);
    else
        status = out_of_memory(err);
    if (!status)
        fill(t, s.session, gops, gops + limits, r);
    free(gops);
    free(s.tokens);
    slm_session_free(s.session);
    return status;
}
