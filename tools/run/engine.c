#include "engine.h"

#include <stdlib.h>

int engine_open(struct engine *e, const slm_model *model, const struct settings *settings)
{
    *e = (struct engine){.model = model, .settings = settings};
    slm_session_options o = slm_session_options_default();
    slm_session_info info = slm_session_info_default();
    slm_error err;
    o.context = (uint32_t)settings->context;
    o.batch = (uint32_t)settings->batch;
    o.type_k = settings->type_k;
    o.type_v = settings->type_v;
    o.threads = (int)settings->threads;
    if (slm_session_new(model, &o, &e->session, &err)) {
        cli_error("%s", err.message);
        return CLI_FAILED;
    }
    slm_session_get_info(e->session, &info);
    e->context = info.context;
    return CLI_OK;
}

void engine_free(struct engine *e)
{
    slm_session_free(e->session);
}

/* Leaves in the session what it shares with the prompt, but for the last token of that, whose logits are wanted. */
static slm_status rewind_to(struct engine *e, const struct tokens *prompt, slm_error *err)
{
    size_t same = slm_sequence_match(e->session, 0, prompt->items, prompt->count - 1);
    /* where sliding windows have forgotten what came before, it is computed again: better by generate, where Ctrl-C is noticed */
    if (same < slm_sequence_length(e->session, 0) && same < slm_sequence_floor(e->session, 0))
        same = 0;
    slm_status status = slm_sequence_truncate(e->session, 0, same, err);
    if (status == SLM_OK)
        e->reused = same;
    return status;
}

/* Decodes the prompt in pieces, so that an interrupt is noticed between them; the last piece goes with the generation. */
static slm_status generate(struct engine *e, const struct tokens *prompt, slm_sampler *sampler, struct stream *stream, slm_error *err)
{
    size_t piece = (size_t)e->settings->batch, done = e->reused, left = prompt->count - done;
    bool *no_logits = calloc(piece < left ? piece : 1, sizeof *no_logits);
    slm_status status = no_logits ? SLM_OK : SLM_MEMORY;
    if (!no_logits)
        snprintf(err->message, sizeof err->message, "no memory for a batch of %zu tokens; give a smaller -b", piece);
    while (status == SLM_OK && prompt->count - done > piece && !cli_interrupted()) {
        slm_batch batch = {.tokens = prompt->items + done, .wants_logits = no_logits, .count = piece};
        status = slm_decode(e->session, &batch, err);
        done += piece;
    }
    free(no_logits);
    if (status || cli_interrupted())
        return status;
    size_t most = e->settings->predict < 0 ? SIZE_MAX : (size_t)e->settings->predict;
    return slm_generate(e->session, 0, prompt->items + done, prompt->count - done, sampler, most, e->settings->special, stream_token, stream,
                        NULL, err);
}

static enum ending too_long(const struct engine *e, const struct tokens *prompt)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(e->model, &info);
    cli_error("the context holds %zu tokens, and the prompt has %zu: give a larger one with -c (the model was trained for %u)", e->context,
              prompt->count, info.context_length);
    return ENDING_FAILED;
}

enum ending engine_answer(struct engine *e, const struct tokens *prompt, uint64_t seed, struct stream *stream)
{
    slm_error err;
    e->prompt = prompt->count;
    e->reused = 0;
    if (prompt->count > e->context)
        return too_long(e, prompt);
    slm_sampler *sampler = settings_sampler(e->settings, e->model, seed);
    if (!sampler)
        return ENDING_FAILED;
    for (size_t i = 0; i < prompt->count; i++) /* repeating the prompt is repetition too */
        slm_sampler_accept(sampler, prompt->items[i]);
    e->start = cli_now();
    slm_status status = rewind_to(e, prompt, &err);
    if (status == SLM_OK)
        status = generate(e, prompt, sampler, stream, &err);
    stream_end(stream);
    slm_sampler_free(sampler);
    if (stream->tokens.count == 0)
        stream->first = stream->last = cli_now();
    if (stream->no_memory) {
        cli_error("no memory for the generated text");
        return ENDING_FAILED;
    }
    if (stream->write_error)
        return ENDING_WRITE;
    if (status == SLM_CONTEXT && stream->tokens.count)
        return ENDING_CONTEXT;
    if (status)
        cli_error("%s", err.message);
    return status ? ENDING_FAILED : cli_interrupted() ? ENDING_INTERRUPTED
         : (int64_t)stream->tokens.count == e->settings->predict ? ENDING_LENGTH : ENDING_STOP;
}
