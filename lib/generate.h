/* generate.h - decoding and sampling token after token. */
#ifndef SLM_GENERATE_H
#define SLM_GENERATE_H

#include "session.h"

struct generation {
    slm_session *session;
    uint32_t sequence;
    slm_sampler *sampler;
    size_t max_tokens;
    bool special;
    slm_token_fn *callback;     /* may be NULL */
    void *user;
};

/* slm_generate of slm.h, arguments checked. */
slm_status generate(const struct generation *g, const slm_token *prompt, size_t count, size_t *generated, slm_error *err);

#endif
