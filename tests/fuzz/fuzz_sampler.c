/* Any logits, NaN and infinities among them, with any options that are accepted: always a token of the vocabulary, and after a reset
 * the same ones again. */
#include "../../lib/sampler.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 6, MOST = 4096, BIASES = 3 };

/* The input's next bytes, zeros after its end. */
static void next(const uint8_t **data, size_t *size, void *out, size_t bytes)
{
    const size_t n = bytes < *size ? bytes : *size;
    memset(out, 0, bytes);
    if (n)
        memcpy(out, *data, n);
    *data += n;
    *size -= n;
}

FUZZ_TARGET(sampler)
{
    struct {
        float temperature, top_p, min_p, repeat, presence, frequency, bias[BIASES];
        uint32_t top_k, window, vocab, biases;
        slm_token token[BIASES];
    } in;
    next(&data, &size, &in, sizeof in);
    slm_logit_bias bias[BIASES];
    for (int i = 0; i < BIASES; i++)
        bias[i] = (slm_logit_bias){ in.token[i] % 300, in.bias[i] };
    const uint32_t vocab = in.vocab % 256;
    slm_sampler_options o = slm_sampler_options_default();
    o.temperature = in.temperature;
    o.top_k = in.top_k % 300;
    o.top_p = in.top_p;
    o.min_p = in.min_p;
    o.repeat_penalty = in.repeat;
    o.presence_penalty = in.presence;
    o.frequency_penalty = in.frequency;
    o.penalty_window = in.window % MOST;
    o.bias = bias;
    o.bias_count = in.biases % (BIASES + 1);
    mem m;
    slm_sampler *sampler;
    slm_error err = { .message = "" };
    mem_init(&m, NULL, NULL);
    if (sampler_new(&m, vocab, &o, &sampler, &err)) {
        if (sampler || !err.message[0])
            abort();
        return 0;
    }
    float *logits = malloc(vocab * sizeof *logits);
    slm_token first[ROUNDS];
    next(&data, &size, logits, vocab * sizeof *logits);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        if (i == ROUNDS)
            sampler_reset(sampler);
        const slm_token token = sampler_next(sampler, logits);
        if (token < 0 || (uint32_t)token >= vocab || (i >= ROUNDS && token != first[i - ROUNDS]))
            abort();
        if (i < ROUNDS)
            first[i] = token;
        sampler_accept(sampler, token + 1 - i % 3);
    }
    free(logits);
    sampler_free(sampler);
    return 0;
}
