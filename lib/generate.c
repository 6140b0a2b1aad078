#include "generate.h"

#include "sampler.h"

#include <math.h>

enum { TEXT_BYTES = 1024 };

/* Gives the callback a token and the text that became complete with it. Only tokens of a thousand bytes need memory for that.
 * SLM_TOKEN_NONE stands for the end: it is reported if text was pending. */
static bool report(const struct generation *g, slm_detokenizer *state, slm_token token, slm_error *err, slm_status *status)
{
    if (!g->callback)
        return true;
    const slm_model *model = g->session->model;
    char text[TEXT_BYTES];
    if (!model->tokenizer)
        return token == SLM_TOKEN_NONE || g->callback(g->user, token, "", 0);
    const slm_detokenizer before = *state;
    size_t length = tokenizer_stream(model->tokenizer, state, token, text, sizeof text);
    if (token == SLM_TOKEN_NONE && !length)
        return true;
    if (length < sizeof text)
        return g->callback(g->user, token, text, length);
    char *longer = mem_alloc(&g->session->mem, length + 1, 1);
    if (!longer) {
        *status = fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a token of %zu bytes", length);
        return false;
    }
    *state = before;
    length = tokenizer_stream(model->tokenizer, state, token, longer, length + 1);
    const bool more = g->callback(g->user, token, longer, length);
    mem_free(&g->session->mem, longer);
    return more;
}

static slm_status decode_and_sample(const struct generation *g, const slm_token *tokens, size_t count, slm_token *next,
                                    slm_error *err)
{
    const slm_batch batch = { .tokens = tokens, .count = count };
    TRY(session_decode(g->session, &batch, g->sequence, err));
    const float *logits = g->session->work.logits;
    *next = sampler_next(g->sampler, logits);
    if (!isfinite(logits[*next])) /* then none is a number, or the greatest is infinite */
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "the logits are not finite numbers: the weights in the model's file are damaged, get it "
                    "again");
    return SLM_OK;
}

static bool ends(const struct generation *g, slm_token token)
{
    const struct tokenizer *t = g->session->model->tokenizer;
    return t && tokenizer_is_end(t, token);
}

slm_status generate(const struct generation *g, const slm_token *prompt, size_t count, size_t *generated, slm_error *err)
{
    slm_detokenizer state = { .started = true, .special = g->special };
    slm_token token;
    slm_status status = decode_and_sample(g, prompt, count, &token, err);
    if (status)
        return status;
    bool more = true;
    while (!status && more && *generated < g->max_tokens && !ends(g, token)) {
        ++*generated;
        more = report(g, &state, token, err, &status);
        if (!status && more && *generated < g->max_tokens)
            status = decode_and_sample(g, &token, 1, &token, err);
    }
    report(g, &state, SLM_TOKEN_NONE, err, &status);
    return status;
}
