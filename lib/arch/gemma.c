/* Gemma 1, 2 and 3 (text): scaled embeddings, GELU gates, wide heads.
 * Gemma 1: Gemma team 2024 (arXiv:2403.08295).
 * Gemma 2: norms on both sides, soft caps, every other layer sees a sliding window (2408.00118).
 * Gemma 3: norms over each head of queries and keys instead of caps; five local layers with a rope of their own, then a global one
 * (2503.19786). */
#include "decoder.h"

#include <math.h>

struct gemma {
    struct decoder base;
    struct rope local_rope;         /* Gemma 3 */
    uint32_t window;                /* positions that local layers see, 0: all */
    bool *local;                    /* [layers] */
    float attention_softcap, logit_softcap;     /* 0: none */
};

static struct gemma *load(struct binder *b, struct config *c, unsigned parts)
{
    struct gemma *m = bind_alloc(b, 1, sizeof *m);
    if (!m || !bind_decoder(b, &m->base, c, false, PRE_NORMS | parts))
        return NULL;
    m->local = bind_alloc(b, m->base.layer_count, sizeof *m->local);
    if (!m->local)
        return NULL;
    bind_optional_f32(b, &m->logit_softcap, 0.0f, 1e6f, "final_logit_softcapping");
    return m;
}

/* Every period-th layer is global, the others are local. */
static void bind_windows(struct binder *b, struct gemma *m, struct config *c, uint32_t period)
{
    bind_optional_u32(b, &m->window, 0, MAX_CONTEXT, "attention.sliding_window");
    for (uint32_t l = 0; l < m->base.layer_count; l++)
        m->local[l] = bind_is_local(b, l, period);
    c->kv_local = m->local;
    c->kv_window = m->window;
}

/* The largest models of Gemma 2 and 3 scale queries by their width per head, which no key of their files says. */
static void scale_by_width(struct decoder *m, uint32_t layers, uint32_t embedding)
{
    if (!m->says_scale && m->layer_count == layers && m->D == embedding)
        m->attention_scale = 1.0f / sqrtf((float)(m->D / m->H));
}

static void *load_gemma(struct binder *b, struct config *c)
{
    return load(b, c, 0);
}

static void *load_gemma2(struct binder *b, struct config *c)
{
    struct gemma *m = load(b, c, POST_NORMS);
    if (!m)
        return NULL;
    bind_windows(b, m, c, 2);
    bind_optional_f32(b, &m->attention_softcap, 0.0f, 1e6f, "attn_logit_softcapping");
    scale_by_width(&m->base, 46, 4608); /* 27B */
    return m;
}

static void *load_gemma3(struct binder *b, struct config *c)
{
    struct gemma *m = load(b, c, POST_NORMS | HEAD_NORMS);
    if (!m)
        return NULL;
    float local_base = 10000.0f;
    bind_windows(b, m, c, 6);
    bind_optional_f32(b, &local_base, 1.0f, 1e12f, "rope.freq_base_swa");
    bind_local_rope(b, &m->local_rope, &m->base.rope, local_base);
    scale_by_width(&m->base, 62, 5376); /* 27B */
    c->ropes = 2;
    return m;
}

/* T tokens; x [T, D] is the residual stream. */
static void forward(struct pass *p, const void *model)
{
    const struct gemma *gemma = model;
    const struct decoder *m = &gemma->base;
    float *x = p->buffer[X], *h = p->buffer[H], *q = p->buffer[Q], *k = p->buffer[K];

    rope_positions(p, &m->rope);
    if (gemma->local_rope.pairs)
        rope_positions(p, &gemma->local_rope);
    embed(p, &m->embedding, x);
    scale(p, x, sqrtf((float)m->D), m->D);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];
        const bool local = gemma->local[l];
        const struct rope *rope = local && gemma->local_rope.pairs ? &gemma->local_rope : &m->rope;

        norm(p, x, w->attn_norm, m->D, m->eps, h);
        project_qkv(p, m, w, h);                        /* [T, H d], [T, K d], [T, K d] */
        if (w->q_norm) {                                /* Gemma 3 */
            norm_heads(p, q, m->H, w->q_norm, m->d, m->eps);
            norm_heads(p, k, m->K, w->k_norm, m->d, m->eps);
        }
        rotate(p, rope, q, m->H, m->d);
        rotate(p, rope, k, m->K, m->d);
        attend(p, m, l, local ? gemma->window : 0, gemma->attention_softcap, h);    /* [T, D] */
        if (w->post_attention_norm)                     /* Gemma 2 and 3 */
            norm(p, h, w->post_attention_norm, m->D, m->eps, h);
        add(p, x, h, m->D);

        norm(p, x, w->ffn_norm, m->D, m->eps, h);
        feed_forward(p, m, w, gelu_gate, h, h);         /* [T, D] */
        if (w->post_ffw_norm)
            norm(p, h, w->post_ffw_norm, m->D, m->eps, h);
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, output_matrix(m));
    if (gemma->logit_softcap > 0.0f)
        softcap_logits(p, output_matrix(m), gemma->logit_softcap);
}

const struct arch arch_gemma = { "gemma", load_gemma, forward };
const struct arch arch_gemma2 = { "gemma2", load_gemma2, forward };
const struct arch arch_gemma3 = { "gemma3", load_gemma3, forward };
