#include "decoder.h"

#include <math.h>

static void bind_attention(struct binder *b, const struct decoder *m, struct layer *w, uint32_t l, unsigned parts)
{
    const uint32_t D = m->D, q = m->H * m->d, kv = m->K * m->d, all = q + 2 * kv;
    if (parts & FUSED) {
        bind_rows(b, &w->q, 0, q, all, D, "blk.%u.attn_qkv.weight", l);
        bind_rows(b, &w->k, q, kv, all, D, "blk.%u.attn_qkv.weight", l);
        bind_rows(b, &w->v, q + kv, kv, all, D, "blk.%u.attn_qkv.weight", l);
    } else {
        bind_matrix(b, &w->q, q, D, "blk.%u.attn_q.weight", l);
        bind_matrix(b, &w->k, kv, D, "blk.%u.attn_k.weight", l);
        bind_matrix(b, &w->v, kv, D, "blk.%u.attn_v.weight", l);
    }
    bind_matrix(b, &w->o, D, q, "blk.%u.attn_output.weight", l);
    void (*bind_bias)(struct binder *, float **, uint32_t, const char *, ...) = m->has_bias ? bind_vector : bind_optional_vector;
    bind_bias(b, &w->q_bias, q, "blk.%u.attn_q.bias", l);
    bind_bias(b, &w->k_bias, kv, "blk.%u.attn_k.bias", l);
    bind_bias(b, &w->v_bias, kv, "blk.%u.attn_v.bias", l);
    bind_optional_vector(b, &w->o_bias, D, "blk.%u.attn_output.bias", l);
    if (parts & (HEAD_NORMS | WIDE_NORMS)) {
        bind_vector(b, &w->q_norm, parts & WIDE_NORMS ? q : m->d, "blk.%u.attn_q_norm.weight", l);
        bind_vector(b, &w->k_norm, parts & WIDE_NORMS ? kv : m->d, "blk.%u.attn_k_norm.weight", l);
    }
}

static void bind_feed_forward(struct binder *b, const struct decoder *m, struct layer *w, uint32_t l, unsigned parts)
{
    const uint32_t D = m->D, F = m->F;
    if (parts & FUSED) {
        bind_rows(b, &w->gate, 0, F, 2 * F, D, "blk.%u.ffn_up.weight", l);
        bind_rows(b, &w->up, F, F, 2 * F, D, "blk.%u.ffn_up.weight", l);
    } else {
        bind_matrix(b, &w->gate, F, D, "blk.%u.ffn_gate.weight", l);
        bind_matrix(b, &w->up, F, D, "blk.%u.ffn_up.weight", l);
        bind_optional_vector(b, &w->gate_bias, F, "blk.%u.ffn_gate.bias", l);
        bind_optional_vector(b, &w->up_bias, F, "blk.%u.ffn_up.bias", l);
    }
    bind_matrix(b, &w->down, D, F, "blk.%u.ffn_down.weight", l);
    bind_optional_vector(b, &w->down_bias, D, "blk.%u.ffn_down.bias", l);
}

static void bind_layer(struct binder *b, const struct decoder *m, struct layer *w, uint32_t l, unsigned parts)
{
    if (parts & PRE_NORMS) {
        bind_vector(b, &w->attn_norm, m->D, "blk.%u.attn_norm.weight", l);
        bind_vector(b, &w->ffn_norm, m->D, "blk.%u.ffn_norm.weight", l);
    }
    if (parts & POST_NORMS) {
        bind_vector(b, &w->post_attention_norm, m->D, "blk.%u.post_attention_norm.weight", l);
        bind_vector(b, &w->post_ffw_norm, m->D, "blk.%u.post_ffw_norm.weight", l);
    }
    bind_attention(b, m, w, l, parts);
    bind_feed_forward(b, m, w, l, parts);
}

/* Whether queries, keys and values have biases: all of them in every layer, or none. Random models have those of their family. */
static bool has_bias(const struct binder *b, unsigned parts)
{
    if (b->random)
        return parts & QKV_BIAS;
    return gguf_find_tensor(b->gguf, "blk.0.attn_q.bias") || gguf_find_tensor(b->gguf, "blk.0.attn_k.bias") ||
           gguf_find_tensor(b->gguf, "blk.0.attn_v.bias");
}

static void bind_sizes(struct binder *b, struct decoder *m, struct config *c, bool adjacent)
{
    uint32_t experts = 0;
    float base = 10000.0f;
    m->eps = 1e-5f;
    c->context = 2048;
    bind_optional_u32(b, &experts, 0, UINT32_MAX, "expert_count");
    if (experts && gguf_find_tensor(b->gguf, "blk.0.ffn_gate_inp.weight"))
        bind_fail(b, SLM_UNSUPPORTED, "mixture-of-experts models are not supported (%s.expert_count is %u)", b->prefix, experts);
    bind_u32(b, &m->layer_count, 1, MAX_LAYERS, "block_count");
    bind_u32(b, &m->D, 1, MAX_WIDTH, "embedding_length");
    bind_u32(b, &m->F, 1, MAX_WIDTH, "feed_forward_length");
    bind_optional_u32(b, &c->context, 1, MAX_CONTEXT, "context_length");
    bind_optional_f32(b, &m->eps, 0.0f, 1.0f, "attention.layer_norm_rms_epsilon");
    bind_heads(b, m->D, &m->H, &m->K, &m->d);
    uint32_t rope_dimensions = m->d;
    bind_optional_u32(b, &rope_dimensions, 2, m->d, "rope.dimension_count");
    bind_optional_f32(b, &base, 1.0f, 1e12f, "rope.freq_base");
    bind_rope(b, &m->rope, rope_dimensions, base, adjacent);
    bind_optional_f32(b, &m->attention_scale, 0.0f, 1e6f, "attention.scale");
    m->says_scale = m->attention_scale > 0.0f;
    if (!m->says_scale)
        m->attention_scale = 1.0f / sqrtf((float)m->d);
}

bool bind_decoder(struct binder *b, struct decoder *m, struct config *c, bool adjacent, unsigned parts)
{
    *c = (struct config){ 0 };
    bind_sizes(b, m, c, adjacent);
    m->has_bias = has_bias(b, parts);
    const uint32_t vocab = bind_vocab(b);
    m->layers = bind_alloc(b, m->layer_count, sizeof *m->layers);
    if (!m->layers)
        return false;
    bind_matrix(b, &m->embedding, vocab, m->D, "token_embd.weight");
    bind_vector(b, &m->output_norm, m->D, "output_norm.weight");
    bind_optional_matrix(b, &m->output, vocab, m->D, "output.weight");
    for (uint32_t l = 0; l < m->layer_count; l++)
        bind_layer(b, m, &m->layers[l], l, parts);
    *c = (struct config){
        .layers = m->layer_count, .embedding = m->D, .heads = m->H, .kv_heads = m->K, .head_dim = m->d, .vocab = vocab,
        .context = c->context, .kv_layers = m->layer_count, .ropes = 1, .rope_pairs = m->rope.pairs,
        .token_embedding = &m->embedding, .output = output_matrix(m), .last_for_all = &m->layers[m->layer_count - 1].v,
        .buffer_width = { [X] = m->D, [H] = m->D, [Q] = m->H * m->d, [K] = m->K * m->d, [V] = m->K * m->d,
                          [ATTENTION] = m->H * m->d, [GATE] = m->F, [UP] = m->F },
    };
    return !b->status;
}

const struct weight *output_matrix(const struct decoder *m)
{
    return m->output.rows ? &m->output : &m->embedding;
}

void project_qkv(struct pass *p, const struct decoder *m, const struct layer *w, const float *h)
{
    float *q = p->buffer[Q], *k = p->buffer[K], *v = p->buffer[V];
    linear(p, h, (struct product[]){ { &w->q, q }, { &w->k, k }, { &w->v, v } }, 3);    /* [T, H d], [T, K d], [T, K d] */
    add_bias(p, q, w->q_bias, m->H * m->d);
    add_bias(p, k, w->k_bias, m->K * m->d);
    add_bias(p, v, w->v_bias, m->K * m->d);
}

void attend(struct pass *p, const struct decoder *m, uint32_t l, uint32_t window, float softcap, float *h)
{
    const struct layer *w = &m->layers[l];
    float *a = p->buffer[ATTENTION];
    kv_write(p, l, p->buffer[K], p->buffer[V]);
    if (l + 1 == m->layer_count)
        keep_wanted(p, (struct rows[]){ { p->buffer[X], m->D, 1 }, { p->buffer[Q], m->H * m->d, 1 } }, 2);
    attention(p, l, p->buffer[Q], m->H, m->attention_scale, window, softcap, a);        /* [T, H d] */
    linear(p, a, &(struct product){ &w->o, h }, 1);                                     /* [T, D] */
    add_bias(p, h, w->o_bias, m->D);
}

void feed_forward(struct pass *p, const struct decoder *m, const struct layer *w, gate_op *activate, const float *h, float *y)
{
    float *gate = p->buffer[GATE], *up = p->buffer[UP];
    linear(p, h, (struct product[]){ { &w->gate, gate }, { &w->up, up } }, 2);          /* [T, F] twice */
    add_bias(p, gate, w->gate_bias, m->F);
    add_bias(p, up, w->up_bias, m->F);
    activate(p, gate, up, m->F);
    linear(p, gate, &(struct product){ &w->down, y }, 1);                               /* [T, D] */
    add_bias(p, y, w->down_bias, m->D);
}
