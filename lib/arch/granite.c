/* Granite 3: Llama with multipliers on the embedding, the residual branches, the attention and the logits (IBM 2024). They come from
 * maximal-update parametrization: Yang et al. 2022 (arXiv:2203.03466). */
#include "decoder.h"

struct granite {
    struct decoder base;
    float embedding_scale, residual_scale, logit_scale;
};

static void *load(struct binder *b, struct config *c)
{
    struct granite *m = bind_alloc(b, 1, sizeof *m);
    if (!m || !bind_decoder(b, &m->base, c, true, PRE_NORMS))
        return NULL;
    m->embedding_scale = m->residual_scale = m->logit_scale = 1.0f;
    bind_optional_f32(b, &m->embedding_scale, 1e-6f, 1e6f, "embedding_scale");
    bind_optional_f32(b, &m->residual_scale, 1e-6f, 1e6f, "residual_scale");
    bind_optional_f32(b, &m->logit_scale, 1e-6f, 1e6f, "logit_scale");
    return m;
}

/* T tokens; x [T, D] is the residual stream. */
static void forward(struct pass *p, const void *model)
{
    const struct granite *granite = model;
    const struct decoder *m = &granite->base;
    float *x = p->buffer[X], *h = p->buffer[H];

    rope_positions(p, &m->rope);
    embed(p, &m->embedding, x);
    scale(p, x, granite->embedding_scale, m->D);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];

        norm(p, x, w->attn_norm, m->D, m->eps, h);
        project_qkv(p, m, w, h);                        /* [T, H d], [T, K d], [T, K d] */
        rotate(p, &m->rope, p->buffer[Q], m->H, m->d);
        rotate(p, &m->rope, p->buffer[K], m->K, m->d);
        attend(p, m, l, 0, 0.0f, h);                    /* [T, D] */
        scale(p, h, granite->residual_scale, m->D);
        add(p, x, h, m->D);

        norm(p, x, w->ffn_norm, m->D, m->eps, h);
        feed_forward(p, m, w, silu_gate, h, h);         /* [T, D] */
        scale(p, h, granite->residual_scale, m->D);
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
    scale_logits(p, output_matrix(m), 1.0f / granite->logit_scale);
}

const struct arch arch_granite = { "granite", load, forward };
