/* SmolLM3: Llama without positions on every fourth layer (Hugging Face 2025; Yang et al. 2025, arXiv:2501.18795). */
#include "decoder.h"

enum { NO_ROPE_PERIOD = 4 };

static void *load(struct binder *b, struct config *c)
{
    struct decoder *m = bind_alloc(b, 1, sizeof *m);
    return m && bind_decoder(b, m, c, true, PRE_NORMS) ? m : NULL;
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
        if ((l + 1) % NO_ROPE_PERIOD) {
            rotate(p, &m->rope, p->buffer[Q], m->H, m->d);
            rotate(p, &m->rope, p->buffer[K], m->K, m->d);
        }
        attend(p, m, l, 0, 0.0f, h);                    /* [T, D] */
        add(p, x, h, m->D);

        norm(p, x, w->ffn_norm, m->D, m->eps, h);
        feed_forward(p, m, w, silu_gate, h, h);         /* [T, D] */
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
}

const struct arch arch_smollm3 = { "smollm3", load, forward };
