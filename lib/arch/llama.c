/* Llama: Llama 2 and 3, Mistral 7B, TinyLlama, SmolLM2 and their fine-tunes; Ministral 3 (mistral3).
 * Touvron et al. 2023 (arXiv:2302.13971, 2307.09288); grouped-query attention: Ainslie et al. 2023 (2305.13245).
 *
 * Ministral 3 adds YaRN and a temperature: far queries are scaled up by 1 + beta ln(1 + floor(position / original context)). */
#include "decoder.h"

struct llama {
    struct decoder base;
    float temperature;          /* beta, 0: none */
    uint32_t original_context;
};

static void *load(struct binder *b, struct config *c)
{
    struct llama *m = bind_alloc(b, 1, sizeof *m);
    if (!m || !bind_decoder(b, &m->base, c, true, PRE_NORMS))
        return NULL;
    m->original_context = c->context;
    bind_optional_f32(b, &m->temperature, 0.0f, 1e3f, "attention.temperature_scale");
    bind_optional_u32(b, &m->original_context, 1, MAX_CONTEXT, "rope.scaling.original_context_length");
    return m;
}

/* T tokens; x [T, D] is the residual stream. */
static void forward(struct pass *p, const void *model)
{
    const struct llama *llama = model;
    const struct decoder *m = &llama->base;
    float *x = p->buffer[X], *h = p->buffer[H], *q = p->buffer[Q], *k = p->buffer[K];

    rope_positions(p, &m->rope);
    embed(p, &m->embedding, x);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];

        norm(p, x, w->attn_norm, m->D, m->eps, h);
        project_qkv(p, m, w, h);                        /* [T, H d], [T, K d], [T, K d] */
        rotate(p, &m->rope, q, m->H, m->d);
        rotate(p, &m->rope, k, m->K, m->d);
        if (llama->temperature > 0.0f)
            scale_far(p, q, llama->temperature, llama->original_context, m->H * m->d);
        attend(p, m, l, 0, 0.0f, h);                    /* [T, D] */
        add(p, x, h, m->D);

        norm(p, x, w->ffn_norm, m->D, m->eps, h);
        feed_forward(p, m, w, silu_gate, h, h);         /* [T, D] */
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
}

const struct arch arch_llama = { "llama", load, forward };
const struct arch arch_mistral3 = { "mistral3", load, forward };
