/* Phi-3, 3.5, 4 and 4-mini: fused projections, partial rotary embeddings, LongRoPE for long contexts.
 * Abdin et al. 2024 (arXiv:2404.14219, 2412.08905). The sliding window that early files name is not applied: the weights attend to the
 * whole context as well, and the reference does so. */
#include "decoder.h"

static void *load(struct binder *b, struct config *c)
{
    struct decoder *m = bind_alloc(b, 1, sizeof *m);
    return m && bind_decoder(b, m, c, false, PRE_NORMS | FUSED) ? m : NULL;
}

/* T tokens; x [T, D] is the residual stream. */
static void forward(struct pass *p, const void *model)
{
    const struct decoder *m = model;
    float *x = p->buffer[X], *h = p->buffer[H];

    rope_positions(p, &m->rope);
    embed(p, &m->embedding, x);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];

        norm(p, x, w->attn_norm, m->D, m->eps, h);
        project_qkv(p, m, w, h);                        /* [T, H d], [T, K d], [T, K d] */
        rotate(p, &m->rope, p->buffer[Q], m->H, m->d);
        rotate(p, &m->rope, p->buffer[K], m->K, m->d);
        attend(p, m, l, 0, 0.0f, h);                    /* [T, D] */
        add(p, x, h, m->D);

        norm(p, x, w->ffn_norm, m->D, m->eps, h);
        feed_forward(p, m, w, silu_gate, h, h);         /* [T, D] */
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
}

const struct arch arch_phi3 = { "phi3", load, forward };
