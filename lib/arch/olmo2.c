/* OLMo 2: norms after attention and feed-forward instead of before them, and over all queries and all keys at once.
 * OLMo team 2024 (arXiv:2501.00656).
 *
 * OLMo 3 (OLMo team 2025) carries the same name in its files, and a window: three local layers, whose rope is never scaled, then a
 * global one. Its files give the whole growth of YaRN's queries and keys. */
#include "decoder.h"

enum { LOCAL_PERIOD = 4 };

struct olmo {
    struct decoder base;
    struct rope local_rope;         /* OLMo 3 */
    uint32_t window;                /* positions that local layers see, 0: no layer is local */
    bool *local;                    /* [layers] */
};

static void *load(struct binder *b, struct config *c)
{
    struct olmo *m = bind_alloc(b, 1, sizeof *m);
    if (!m || !bind_decoder(b, &m->base, c, false, POST_NORMS | WIDE_NORMS))
        return NULL;
    bind_optional_u32(b, &m->window, 0, MAX_CONTEXT, "attention.sliding_window");
    m->local = bind_alloc(b, m->base.layer_count, sizeof *m->local);
    if (!m->window || !m->local)
        return m;
    float rope_base = 10000.0f;
    bind_optional_f32(b, &rope_base, 1.0f, 1e12f, "rope.freq_base");
    bind_optional_f32(b, &m->base.rope.magnitude, 1e-3f, 1e3f, "rope.scaling.attn_factor");
    bind_local_rope(b, &m->local_rope, &m->base.rope, rope_base);
    for (uint32_t l = 0; l < m->base.layer_count; l++)
        m->local[l] = bind_is_local(b, l, LOCAL_PERIOD);
    c->kv_local = m->local;
    c->kv_window = m->window;
    c->ropes = 2;
    return m;
}

/* T tokens; x [T, D] is the residual stream. */
static void forward(struct pass *p, const void *model)
{
    const struct olmo *olmo = model;
    const struct decoder *m = &olmo->base;
    float *x = p->buffer[X], *h = p->buffer[H], *q = p->buffer[Q], *k = p->buffer[K];

    rope_positions(p, &m->rope);
    if (olmo->window)
        rope_positions(p, &olmo->local_rope);
    embed(p, &m->embedding, x);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];
        const bool local = olmo->local[l];
        const struct rope *rope = local ? &olmo->local_rope : &m->rope;

        project_qkv(p, m, w, x);                        /* [T, H d], [T, K d], [T, K d] */
        norm(p, q, w->q_norm, m->H * m->d, m->eps, q);
        norm(p, k, w->k_norm, m->K * m->d, m->eps, k);
        rotate(p, rope, q, m->H, m->d);
        rotate(p, rope, k, m->K, m->d);
        attend(p, m, l, local ? olmo->window : 0, 0.0f, h); /* [T, D] */
        norm(p, h, w->post_attention_norm, m->D, m->eps, h);
        add(p, x, h, m->D);

        feed_forward(p, m, w, silu_gate, x, h);         /* [T, D] */
        norm(p, h, w->post_ffw_norm, m->D, m->eps, h);
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
}

const struct arch arch_olmo2 = { "olmo2", load, forward };
