/* Qwen2 and Qwen2.5: biases on queries, keys and values (Yang et al. 2024, arXiv:2407.10671, 2412.15115).
 * Qwen3: instead a norm over each head of queries and keys (Yang et al. 2025, 2505.09388). */
#include "decoder.h"

static void *load(struct binder *b, struct config *c, unsigned parts)
{
    struct decoder *m = bind_alloc(b, 1, sizeof *m);
    return m && bind_decoder(b, m, c, false, PRE_NORMS | parts) ? m : NULL;
}

static void *load_qwen2(struct binder *b, struct config *c)
{
    return load(b, c, QKV_BIAS);
}

static void *load_qwen3(struct binder *b, struct config *c)
{
    return load(b, c, HEAD_NORMS);
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

        norm(p, x, w->attn_norm, m->D, m->eps, h);
        project_qkv(p, m, w, h);                        /* [T, H d], [T, K d], [T, K d] */
        if (w->q_norm) {                                /* Qwen3 */
            norm_heads(p, q, m->H, w->q_norm, m->d, m->eps);
            norm_heads(p, k, m->K, w->k_norm, m->d, m->eps);
        }
        rotate(p, &m->rope, q, m->H, m->d);
        rotate(p, &m->rope, k, m->K, m->d);
        attend(p, m, l, 0, 0.0f, h);                    /* [T, D] */
        add(p, x, h, m->D);

        norm(p, x, w->ffn_norm, m->D, m->eps, h);
        feed_forward(p, m, w, silu_gate, h, h);         /* [T, D] */
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
}

const struct arch arch_qwen2 = { "qwen2", load_qwen2, forward };
const struct arch arch_qwen3 = { "qwen3", load_qwen3, forward };
