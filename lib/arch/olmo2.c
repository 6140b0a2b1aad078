/* OLMo 2: norms after attention and feed-forward instead of before them, and over all queries and all keys at once.
 * OLMo team 2024 (arXiv:2501.00656). */
#include "decoder.h"

static void *load(struct binder *b, struct config *c)
{
    struct decoder *m = bind_alloc(b, 1, sizeof *m);
    return m && bind_decoder(b, m, c, false, POST_NORMS | WIDE_NORMS) ? m : NULL;
}

/* T tokens; x [T, D] is the residual stream. */
static void forward(struct pass *p, const void *model)
{
    const struct decoder *m = model;
    float *x = p->buffer[X], *h = p->buffer[H], *q = p->buffer[Q], *k = p->buffer[K];

    rope_positions(p, &m->rope);
    embed(p, &m->embedding, x);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];

        project_qkv(p, m, w, x);                        /* [T, H d], [T, K d], [T, K d] */
        norm(p, q, w->q_norm, m->H * m->d, m->eps, q);
        norm(p, k, w->k_norm, m->K * m->d, m->eps, k);
        rotate(p, &m->rope, q, m->H, m->d);
        rotate(p, &m->rope, k, m->K, m->d);
        attend(p, m, l, 0, 0.0f, h);                    /* [T, D] */
        norm(p, h, w->post_attention_norm, m->D, m->eps, h);
        add(p, x, h, m->D);

        feed_forward(p, m, w, silu_gate, x, h);         /* [T, D] */
        norm(p, h, w->post_ffw_norm, m->D, m->eps, h);
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
}

const struct arch arch_olmo2 = { "olmo2", load, forward };
