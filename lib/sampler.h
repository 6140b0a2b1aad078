/* sampler.h - chooses tokens from logits; slm.h describes the method. */
#ifndef SLM_SAMPLER_INTERNAL_H
#define SLM_SAMPLER_INTERNAL_H

#include "mem.h"
#include "status.h"

/* `options` holds every field (a caller compiled against a shorter struct has been given the defaults). SLM_INVALID for values
 * that make no sense (NaN, negative temperature, top_p outside 0..1, bias tokens outside the vocabulary). */
slm_status sampler_new(const mem *m, uint32_t vocab_size, const slm_sampler_options *options, slm_sampler **sampler, slm_error *err);
void sampler_free(slm_sampler *sampler);
slm_token sampler_next(slm_sampler *sampler, const float *logits);
void sampler_accept(slm_sampler *sampler, slm_token token);
void sampler_reset(slm_sampler *sampler);

/* How many logits it reads. */
uint32_t sampler_vocab(const slm_sampler *sampler);

#endif
