/* Llama: Llama 2 and 3, Mistral 7B, TinyLlama, SmolLM2 and their fine-tunes.
 * Touvron et al. 2023 (arXiv:2302.13971, 2307.09288); grouped-query attention: Ainslie et al. 2023 (2305.13245). */
#include "arch.h"

#include <math.h>

enum { X, H, Q, K, V, ATTENTION, GATE, UP };            /* activation buffers */

struct layer {
    float *attn_norm, *ffn_norm;                        /* [D] */
    struct weight q, k, v, o;                           /* [H d, D], [K d, D], [K d, D], [D, H d] */
    float *q_bias, *k_bias, *v_bias, *o_bias;           /* or NULL */
    struct weight gate, up, down;                       /* [F, D], [F, D], [D, F] */
    float *gate_bias, *up_bias, *down_bias;             /* or NULL */
};

struct llama {
    uint32_t D, H, K, d, F;                             /* embedding, heads, KV heads, head size, feed-forward */
    uint32_t layer_count;
    float eps;
    struct rope rope;
    struct weight embedding, output;                    /* [vocab, D]; output.rows is 0 if it is the embedding */
    float *output_norm;                                 /* [D] */
    struct layer *layers;
};

static void load_layer(struct binder *b, const struct llama *m, struct layer *w, uint32_t l)
{
    const uint32_t D = m->D, q = m->H * m->d, kv = m->K * m->d, F = m->F;
    bind_vector(b, &w->attn_norm, D, "blk.%u.attn_norm.weight", l);
    bind_matrix(b, &w->q, q, D, "blk.%u.attn_q.weight", l);
    bind_matrix(b, &w->k, kv, D, "blk.%u.attn_k.weight", l);
    bind_matrix(b, &w->v, kv, D, "blk.%u.attn_v.weight", l);
    bind_matrix(b, &w->o, D, q, "blk.%u.attn_output.weight", l);
    bind_optional_vector(b, &w->q_bias, q, "blk.%u.attn_q.bias", l);
    bind_optional_vector(b, &w->k_bias, kv, "blk.%u.attn_k.bias", l);
    bind_optional_vector(b, &w->v_bias, kv, "blk.%u.attn_v.bias", l);
    bind_optional_vector(b, &w->o_bias, D, "blk.%u.attn_output.bias", l);
    bind_vector(b, &w->ffn_norm, D, "blk.%u.ffn_norm.weight", l);
    bind_matrix(b, &w->gate, F, D, "blk.%u.ffn_gate.weight", l);
    bind_matrix(b, &w->up, F, D, "blk.%u.ffn_up.weight", l);
    bind_matrix(b, &w->down, D, F, "blk.%u.ffn_down.weight", l);
    bind_optional_vector(b, &w->gate_bias, F, "blk.%u.ffn_gate.bias", l);
    bind_optional_vector(b, &w->up_bias, F, "blk.%u.ffn_up.bias", l);
    bind_optional_vector(b, &w->down_bias, D, "blk.%u.ffn_down.bias", l);
}

static void *load(struct binder *b, struct config *c)
{
    struct llama *m = bind_alloc(b, 1, sizeof *m);
    if (!m)
        return NULL;
    uint32_t experts = 0, context = 2048;
    float base = 10000.0f;
    m->eps = 1e-5f;
    bind_optional_u32(b, &experts, 0, UINT32_MAX, "expert_count");
    if (experts)
        bind_fail(b, SLM_UNSUPPORTED, "mixture-of-experts llama models are not supported (llama.expert_count is %u)", experts);
    bind_u32(b, &m->layer_count, 1, MAX_LAYERS, "block_count");
    bind_u32(b, &m->D, 1, MAX_WIDTH, "embedding_length");
    bind_u32(b, &m->F, 1, MAX_WIDTH, "feed_forward_length");
    bind_optional_u32(b, &context, 1, MAX_CONTEXT, "context_length");
    bind_optional_f32(b, &m->eps, 0.0f, 1.0f, "attention.layer_norm_rms_epsilon");
    bind_heads(b, m->D, &m->H, &m->K, &m->d);
    uint32_t rope_dimensions = m->d;
    bind_optional_u32(b, &rope_dimensions, 2, m->d, "rope.dimension_count");
    bind_optional_f32(b, &base, 1.0f, 1e12f, "rope.freq_base");
    bind_rope(b, &m->rope, rope_dimensions, base, true);
    const uint32_t vocab = bind_vocab(b);
    m->layers = bind_alloc(b, m->layer_count, sizeof *m->layers);
    if (!m->layers)
        return NULL;
    bind_matrix(b, &m->embedding, vocab, m->D, "token_embd.weight");
    bind_vector(b, &m->output_norm, m->D, "output_norm.weight");
    bind_optional_matrix(b, &m->output, vocab, m->D, "output.weight");
    for (uint32_t l = 0; l < m->layer_count; l++)
        load_layer(b, m, &m->layers[l], l);
    *c = (struct config){
        .layers = m->layer_count, .embedding = m->D, .heads = m->H, .kv_heads = m->K, .head_dim = m->d, .vocab = vocab,
        .context = context, .rope_pairs = m->rope.pairs,
        .token_embedding = &m->embedding, .output = m->output.rows ? &m->output : &m->embedding,
        .buffer_width = { [X] = m->D, [H] = m->D, [Q] = m->H * m->d, [K] = m->K * m->d, [V] = m->K * m->d,
                          [ATTENTION] = m->H * m->d, [GATE] = m->F, [UP] = m->F },
    };
    return m;
}

/* T tokens; x [T, D] is the residual stream. */
static void forward(struct pass *p, const void *model)
{
    const struct llama *m = model;
    float *x = p->buffer[X], *h = p->buffer[H], *q = p->buffer[Q], *k = p->buffer[K], *v = p->buffer[V];
    float *a = p->buffer[ATTENTION], *gate = p->buffer[GATE], *up = p->buffer[UP];

    rope_positions(p, &m->rope);
    embed(p, &m->embedding, x);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];

        norm(p, x, w->attn_norm, m->D, m->eps, h);
        linear(p, h, (struct product[]){ { &w->q, q }, { &w->k, k }, { &w->v, v } }, 3);    /* [T, H d], [T, K d], [T, K d] */
        add_bias(p, q, w->q_bias, m->H * m->d);
        add_bias(p, k, w->k_bias, m->K * m->d);
        add_bias(p, v, w->v_bias, m->K * m->d);
        rotate(p, &m->rope, q, m->H, m->d);
        rotate(p, &m->rope, k, m->K, m->d);
        kv_write(p, l, k, v);
        attention(p, l, q, m->H, 1.0f / sqrtf((float)m->d), 0, 0.0f, a);                    /* [T, H d] */
        linear(p, a, &(struct product){ &w->o, h }, 1);                                     /* [T, D] */
        add_bias(p, h, w->o_bias, m->D);
        add(p, x, h, m->D);

        norm(p, x, w->ffn_norm, m->D, m->eps, h);
        linear(p, h, (struct product[]){ { &w->gate, gate }, { &w->up, up } }, 2);          /* [T, F] twice */
        add_bias(p, gate, w->gate_bias, m->F);
        add_bias(p, up, w->up_bias, m->F);
        silu_gate(p, gate, up, m->F);
        linear(p, gate, &(struct product){ &w->down, h }, 1);                               /* [T, D] */
        add_bias(p, h, w->down_bias, m->D);
        add(p, x, h, m->D);
    }
    logits(p, x, m->output_norm, m->eps, m->output.rows ? &m->output : &m->embedding);
}

const struct arch arch_llama = { "llama", load, forward };
