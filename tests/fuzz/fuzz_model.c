/* Opens any bytes as a model and, if they are one, tokenizes and decodes a little. */
#include "fuzz.h"

#include "slm.h"

#include <stdlib.h>

FUZZ_TARGET(model)
{
    slm_model_options options = slm_model_options_default();
    options.threads = 1;
    options.memory_budget = 64 << 20;
    slm_model *model;
    slm_error err;
    slm_status status = slm_model_open_memory(data, size, &options, &model, &err);
    if (status) {
        if (err.status != status || !err.message[0] || model)
            abort();
        return 0;
    }
    slm_session_options so = slm_session_options_default();
    so.threads = 1;
    so.context = 32;
    so.batch = 8;
    slm_session *session;
    slm_sampler *sampler;
    slm_token tokens[16];
    size_t count;
    if (!slm_session_new(model, &so, &session, &err)) {
        if (!slm_tokenize(model, "an apple", 8, SLM_TOKENIZE_BOS | SLM_TOKENIZE_SPECIAL, tokens, 16, &count, &err) && count &&
            !slm_sampler_new(model, NULL, &sampler, &err)) {
            slm_generate(session, 0, tokens, count, sampler, 4, true, NULL, NULL, NULL, &err);
            slm_sampler_free(sampler);
        }
        slm_session_free(session);
    }
    slm_model_free(model);
    return 0;
}
