/* Gemma 3n (text), Google 2025. Its parts:
 *  - AltUp, Baykal et al. 2023 (arXiv:2301.13310): four residual streams. A layer computes on the first one only; small matrices
 *    predict all four before it and correct them after it;
 *  - LAuReL, Menghani et al. 2024 (2411.07501): a low-rank side path beside the attention;
 *  - per-layer embeddings: each token brings a vector for every layer, from a table that is only looked up and stays in the file;
 *  - sparse gates in the first layers: what lies below a quantile of the gates, taken as Gaussian, becomes zero;
 *  - the last layers own no keys and values: they read those of the last earlier layer of their kind, local or global. */
#include "arch.h"

#include <math.h>

enum { STREAMS = 4, LOCAL_PERIOD = 5, SPARSE_LAYERS = 10 };
static const float QUANTILE_95 = 1.6448536269514722f; /* of the standard normal distribution, in deviations */

/* Activation buffers; X and PREDICTED hold the streams one after the other, [STREAMS, T, D]. */
enum { X, PREDICTED, H, Q, K, V, ATTENTION, GATE, UP, LOW, LAUREL, MODAL, COEFFICIENTS, PER_LAYER, TABLE, INPUT };

struct layer {
    float *attn_norm, *post_attention_norm, *ffn_norm, *post_ffw_norm;  /* [D] */
    float *q_norm, *k_norm;                             /* [d] */
    struct weight q, k, v, o;                           /* [H d, D], [K d, D], [K d, D], [D, H d] */
    struct weight gate, up, down;                       /* [F, D], [F, D], [D, F] */
    struct weight laurel_l, laurel_r;                   /* [R, D], [D, R] */
    float *laurel_norm;                                 /* [D] */
    float *router_norm, *correct_scale;                 /* [D] */
    struct weight router, predict, correct;             /* [S, D], [S S, S], [S, S] with S = STREAMS */
    struct weight input, project;                       /* [E, D], [D, E]: the per-layer embedding's way in */
    float *input_norm;                                  /* [D] */
    uint32_t F;                                         /* feed-forward */
    uint32_t kv;                                        /* layer of the KV cache: its own, or that of the one it shares */
    bool local;
    float sparsity;                                     /* gates below mean + sparsity * deviation are off; -inf: none */
};

struct gemma3n {
    uint32_t D, H, K, d, E, R;                          /* embedding, heads, KV heads, head size, per-layer width, rank of Laurel */
    uint32_t layer_count, own_kv;                       /* layers, the first own_kv of them with keys and values */
    uint32_t window;
    float eps, logit_softcap;
    struct rope rope, local_rope;
    struct weight embedding;                            /* [vocab, D], the output too */
    struct table per_layer;                             /* [vocab, L E] */
    struct weight per_layer_project;                    /* [L E, D] */
    float *per_layer_norm;                              /* [E] */
    struct weight spread[STREAMS - 1], gather[STREAMS - 1];  /* [D, D]: into the other streams, and back */
    float *output_norm;                                 /* [D] */
    struct layer *layers;
    bool *kv_local;                                     /* [own_kv] */
};

static void bind_layer(struct binder *b, const struct gemma3n *m, struct layer *w, uint32_t l)
{
    const uint32_t D = m->D, q = m->H * m->d, kv = m->K * m->d, S = STREAMS;
    bind_vector(b, &w->attn_norm, D, "blk.%u.attn_norm.weight", l);
    bind_matrix(b, &w->laurel_l, m->R, D, "blk.%u.laurel_l.weight", l);
    bind_matrix(b, &w->laurel_r, D, m->R, "blk.%u.laurel_r.weight", l);
    bind_vector(b, &w->laurel_norm, D, "blk.%u.laurel_post_norm.weight", l);
    bind_matrix(b, &w->q, q, D, "blk.%u.attn_q.weight", l);
    bind_vector(b, &w->q_norm, m->d, "blk.%u.attn_q_norm.weight", l);
    if (l < m->own_kv) {
        bind_matrix(b, &w->k, kv, D, "blk.%u.attn_k.weight", l);
        bind_matrix(b, &w->v, kv, D, "blk.%u.attn_v.weight", l);
        bind_vector(b, &w->k_norm, m->d, "blk.%u.attn_k_norm.weight", l);
    } else {
        bind_unread(b, "blk.%u.attn_k.weight", l);
        bind_unread(b, "blk.%u.attn_v.weight", l);
        bind_unread(b, "blk.%u.attn_k_norm.weight", l);
    }
    bind_matrix(b, &w->o, D, q, "blk.%u.attn_output.weight", l);
    bind_vector(b, &w->post_attention_norm, D, "blk.%u.post_attention_norm.weight", l);
    bind_vector(b, &w->ffn_norm, D, "blk.%u.ffn_norm.weight", l);
    bind_matrix(b, &w->gate, w->F, D, "blk.%u.ffn_gate.weight", l);
    bind_matrix(b, &w->up, w->F, D, "blk.%u.ffn_up.weight", l);
    bind_matrix(b, &w->down, D, w->F, "blk.%u.ffn_down.weight", l);
    bind_vector(b, &w->post_ffw_norm, D, "blk.%u.post_ffw_norm.weight", l);
    bind_vector(b, &w->router_norm, D, "blk.%u.altup_router_norm.weight", l);
    bind_matrix(b, &w->router, S, D, "blk.%u.altup_router.weight", l);
    bind_matrix(b, &w->predict, S * S, S, "blk.%u.altup_predict_coef.weight", l);
    bind_matrix(b, &w->correct, S, S, "blk.%u.altup_correct_coef.weight", l);
    bind_vector(b, &w->correct_scale, D, "blk.%u.altup_correct_scale.weight", l);
    bind_matrix(b, &w->input, m->E, D, "blk.%u.inp_gate.weight", l);
    bind_matrix(b, &w->project, D, m->E, "blk.%u.proj.weight", l);
    bind_vector(b, &w->input_norm, D, "blk.%u.post_norm.weight", l);
}

/* What kind each layer is of, and whose keys and values it reads. */
static void plan_layers(struct binder *b, struct gemma3n *m)
{
    uint32_t last[2] = { UINT32_MAX, UINT32_MAX };      /* the last layer with keys and values of each kind */
    for (uint32_t l = 0; l < m->layer_count; l++) {
        struct layer *w = &m->layers[l];
        w->local = bind_is_local(b, l, LOCAL_PERIOD);
        w->sparsity = l < SPARSE_LAYERS ? QUANTILE_95 : -INFINITY;
        bind_layer_f32(b, &w->sparsity, "activation_sparsity_scale", l);
        bind_layer_u32(b, &w->F, 1, MAX_WIDTH, "feed_forward_length", l);
        if (l < m->own_kv) {
            last[w->local] = l;
            m->kv_local[l] = w->local;
        }
        w->kv = last[w->local];
        if (w->kv == UINT32_MAX)
            bind_fail(b, SLM_FORMAT, "layer %u shares keys and values, but no earlier %s layer has any", l,
                      w->local ? "local" : "global");
    }
}

static void bind_sizes(struct binder *b, struct gemma3n *m, uint32_t *context)
{
    uint32_t streams = STREAMS, active = 0, shared = 0, rope_dimensions;
    float base = 1e6f, local_base = 1e4f;
    bind_optional_u32(b, &streams, 1, MAX_WIDTH, "altup.num_inputs");
    bind_optional_u32(b, &active, 0, MAX_WIDTH, "altup.active_idx");
    if (streams != STREAMS || active)
        bind_fail(b, SLM_UNSUPPORTED, "%u AltUp streams, of which %u is active: only %d, with 0 active, are supported", streams, active,
                  STREAMS);
    m->eps = 1e-6f;
    m->E = 256;
    bind_u32(b, &m->layer_count, 1, MAX_LAYERS, "block_count");
    bind_u32(b, &m->D, 1, MAX_WIDTH, "embedding_length");
    bind_optional_u32(b, &m->E, 1, MAX_PER_LAYER, "embedding_length_per_layer_input");
    bind_optional_u32(b, context, 1, MAX_CONTEXT, "context_length");
    bind_optional_f32(b, &m->eps, 0.0f, 1.0f, "attention.layer_norm_rms_epsilon");
    bind_optional_f32(b, &m->logit_softcap, 0.0f, 1e6f, "final_logit_softcapping");
    bind_optional_u32(b, &m->window, 0, MAX_CONTEXT, "attention.sliding_window");
    bind_optional_u32(b, &shared, 0, m->layer_count - 1, "attention.shared_kv_layers");
    m->own_kv = m->layer_count - shared;
    bind_heads(b, m->D, &m->H, &m->K, &m->d);
    rope_dimensions = m->d;
    bind_optional_u32(b, &rope_dimensions, 2, m->d, "rope.dimension_count");
    bind_optional_f32(b, &base, 1.0f, 1e12f, "rope.freq_base");
    bind_optional_f32(b, &local_base, 1.0f, 1e12f, "rope.freq_base_swa");
    bind_rope(b, &m->rope, rope_dimensions, base, false);
    bind_local_rope(b, &m->local_rope, &m->rope, local_base);
    m->R = bind_tensor_rows(b, "blk.0.laurel_l.weight", 64, MAX_WIDTH);
}

static void *load(struct binder *b, struct config *c)
{
    struct gemma3n *m = bind_alloc(b, 1, sizeof *m);
    if (!m)
        return NULL;
    uint32_t context = 2048, widest = 0;
    bind_sizes(b, m, &context);
    const uint32_t vocab = bind_vocab(b), D = m->D, S = STREAMS, all = m->layer_count * m->E;
    m->layers = bind_alloc(b, m->layer_count, sizeof *m->layers);
    m->kv_local = bind_alloc(b, m->own_kv, sizeof *m->kv_local);
    if (!m->layers || !m->kv_local)
        return NULL;
    bind_matrix(b, &m->embedding, vocab, D, "token_embd.weight");
    bind_table(b, &m->per_layer, bind_tensor_rows(b, "per_layer_token_embd.weight", vocab, MAX_VOCAB), all,
               "per_layer_token_embd.weight");
    bind_matrix(b, &m->per_layer_project, all, D, "per_layer_model_proj.weight");
    bind_vector(b, &m->per_layer_norm, m->E, "per_layer_proj_norm.weight");
    for (uint32_t s = 0; s < S - 1; s++) {
        bind_rows(b, &m->spread[s], s * D, D, (S - 1) * D, D, "altup_proj.weight");
        bind_rows(b, &m->gather[s], s * D, D, (S - 1) * D, D, "altup_unembd_proj.weight");
    }
    bind_vector(b, &m->output_norm, D, "output_norm.weight");
    plan_layers(b, m);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        bind_layer(b, m, &m->layers[l], l);
        widest = m->layers[l].F > widest ? m->layers[l].F : widest;
    }
    *c = (struct config){
        .layers = m->layer_count, .embedding = D, .heads = m->H, .kv_heads = m->K, .head_dim = m->d, .vocab = vocab,
        .context = context, .kv_layers = m->own_kv, .kv_local = m->kv_local, .kv_window = m->window, .ropes = 2,
        .rope_pairs = m->rope.pairs, .token_embedding = &m->embedding, .output = &m->embedding,
        .last_for_all = &m->layers[m->own_kv - 1].v,
        .buffer_width = { [X] = S * D, [PREDICTED] = S * D, [H] = D, [Q] = m->H * m->d, [K] = m->K * m->d, [V] = m->K * m->d,
                          [ATTENTION] = m->H * m->d, [GATE] = widest, [UP] = widest, [LOW] = m->R, [LAUREL] = D, [MODAL] = S,
                          [COEFFICIENTS] = S * S, [PER_LAYER] = all, [TABLE] = all, [INPUT] = m->E },
    };
    return m;
}

/* The streams' embeddings [S, T, D] and every layer's own [T, L, E]. */
static void embed_streams(struct pass *p, const struct gemma3n *m)
{
    const uint32_t D = m->D, all = m->layer_count * m->E;
    float *x = p->buffer[X], *per_layer = p->buffer[PER_LAYER], *table = p->buffer[TABLE];
    struct product spread[STREAMS - 1];

    embed(p, &m->embedding, x);
    scale(p, x, sqrtf((float)D), D);
    for (uint32_t s = 0; s < STREAMS - 1; s++)
        spread[s] = (struct product){ &m->spread[s], x + (s + 1) * p->count * D };
    linear(p, x, spread, STREAMS - 1);
    for (uint32_t s = 0; s < STREAMS - 1; s++)
        match_magnitude(p, spread[s].y, x, D);

    linear(p, x, &(struct product){ &m->per_layer_project, per_layer }, 1);
    scale(p, per_layer, 1.0f / sqrtf((float)D), all);
    norm_heads(p, per_layer, m->layer_count, m->per_layer_norm, m->E, m->eps);
    embed_table(p, &m->per_layer, table);
    scale(p, table, sqrtf((float)m->E), all);
    add(p, per_layer, table, all);
    scale(p, per_layer, sqrtf(0.5f), all);
}

/* COEFFICIENTS = w tanh(router(norm(a))): how the streams mix, judged by the active one a [T, D]. */
static void route(struct pass *p, const struct gemma3n *m, const struct layer *w, const float *a, const struct weight *coefficients)
{
    float *h = p->buffer[H], *modal = p->buffer[MODAL];
    norm(p, a, w->router_norm, m->D, m->eps, h);
    linear(p, h, &(struct product){ &w->router, modal }, 1);                            /* [T, S] */
    scale(p, modal, 1.0f / (float)m->D, STREAMS);
    squash(p, modal, STREAMS);
    linear(p, modal, &(struct product){ coefficients, p->buffer[COEFFICIENTS] }, 1);    /* [T, S S] or [T, S] */
}

/* LAUREL = attention and Laurel added to the prediction of the active stream: [T, D] */
static void attend(struct pass *p, const struct gemma3n *m, const struct layer *w, uint32_t l)
{
    const uint32_t D = m->D;
    const struct rope *rope = w->local ? &m->local_rope : &m->rope;
    float *h = p->buffer[H], *q = p->buffer[Q], *k = p->buffer[K], *v = p->buffer[V], *a = p->buffer[ATTENTION];
    float *low = p->buffer[LOW], *laurel = p->buffer[LAUREL], *predicted = p->buffer[PREDICTED];
    const bool own = l < m->own_kv;

    norm(p, predicted, w->attn_norm, D, m->eps, h);
    linear(p, h, (struct product[]){ { &w->laurel_l, low }, { &w->q, q }, { &w->k, k }, { &w->v, v } }, own ? 4 : 2);
    linear(p, low, &(struct product){ &w->laurel_r, laurel }, 1);                       /* [T, D] */
    norm(p, laurel, w->laurel_norm, D, m->eps, laurel);
    add(p, laurel, h, D);

    norm_heads(p, q, m->H, w->q_norm, m->d, m->eps);
    rotate(p, rope, q, m->H, m->d);
    if (own) {
        norm_heads(p, k, m->K, w->k_norm, m->d, m->eps);
        norm_heads(p, v, m->K, NULL, m->d, m->eps);
        rotate(p, rope, k, m->K, m->d);
        kv_write(p, w->kv, k, v);
    }
    if (l + 1 == m->own_kv)     /* no later layer writes any */
        keep_wanted(p, (struct rows[]){ { predicted, D, STREAMS }, { laurel, D, 1 }, { q, m->H * m->d, 1 },
                                        { p->buffer[PER_LAYER], m->layer_count * m->E, 1 },
                                        { p->work->rope_table[m->rope.table], 2 * m->rope.pairs, 1 },
                                        { p->work->rope_table[m->local_rope.table], 2 * m->local_rope.pairs, 1 } }, 6);
    attention(p, w->kv, q, m->H, 1.0f, w->local ? m->window : 0, 0.0f, a);              /* [T, H d] */
    linear(p, a, &(struct product){ &w->o, h }, 1);                                     /* [T, D] */
    norm(p, h, w->post_attention_norm, D, m->eps, h);
    add(p, laurel, h, D);
    add(p, laurel, predicted, D);
    scale(p, laurel, sqrtf(0.5f), D);
}

/* x += feed_forward(x): [T, D] */
static void feed_forward(struct pass *p, const struct gemma3n *m, const struct layer *w, float *x)
{
    float *h = p->buffer[H], *gate = p->buffer[GATE], *up = p->buffer[UP];
    norm(p, x, w->ffn_norm, m->D, m->eps, h);
    linear(p, h, (struct product[]){ { &w->gate, gate }, { &w->up, up } }, 2);          /* [T, F] twice */
    if (w->sparsity > -INFINITY)
        keep_outliers(p, gate, w->sparsity, w->F);
    gelu_gate(p, gate, up, w->F);
    linear(p, gate, &(struct product){ &w->down, h }, 1);                               /* [T, D] */
    norm(p, h, w->post_ffw_norm, m->D, m->eps, h);
    add(p, x, h, m->D);
}

/* The layer's own embedding of the token, gated by the active stream, joins the other streams. */
static void add_per_layer(struct pass *p, const struct gemma3n *m, const struct layer *w, uint32_t l)
{
    const uint32_t D = m->D;
    float *x = p->buffer[X], *h = p->buffer[H], *input = p->buffer[INPUT];
    multiply(p, x, w->correct_scale, D, h);
    linear(p, h, &(struct product){ &w->input, input }, 1);                             /* [T, E] */
    take_columns(p, p->buffer[PER_LAYER], m->layer_count * m->E, l * m->E, m->E, p->buffer[TABLE]);
    gelu_gate(p, input, p->buffer[TABLE], m->E);
    linear(p, input, &(struct product){ &w->project, h }, 1);                           /* [T, D] */
    norm(p, h, w->input_norm, D, m->eps, h);
    for (uint32_t s = 1; s < STREAMS; s++)
        add(p, x + s * p->count * D, h, D);
}

/* T tokens; x [S, T, D] are the residual streams, the first of them the active one. */
static void forward(struct pass *p, const void *model)
{
    const struct gemma3n *m = model;
    const uint32_t D = m->D;
    float *x = p->buffer[X], *predicted = p->buffer[PREDICTED], *mixed = p->buffer[COEFFICIENTS], *active = p->buffer[LAUREL];

    rope_positions(p, &m->rope);
    rope_positions(p, &m->local_rope);
    embed_streams(p, m);
    for (uint32_t l = 0; l < m->layer_count; l++) {
        const struct layer *w = &m->layers[l];
        route(p, m, w, x, &w->predict);
        altup_predict(p, x, mixed, STREAMS, D, predicted);
        attend(p, m, w, l);
        feed_forward(p, m, w, active);
        route(p, m, w, active, &w->correct);
        altup_correct(p, predicted, active, mixed, STREAMS, D, x);
        add_per_layer(p, m, w, l);
    }
    scale(p, x, 1.0f / STREAMS, D);
    for (uint32_t s = 1; s < STREAMS; s++) {            /* the mean of the streams, all as large as the first */
        linear(p, x + s * p->count * D, &(struct product){ &m->gather[s - 1], predicted + s * p->count * D }, 1);
        match_magnitude(p, predicted + s * p->count * D, x, D);
    }
    for (uint32_t s = 1; s < STREAMS; s++)
        add(p, x, predicted + s * p->count * D, D);
    logits(p, x, m->output_norm, m->eps, &m->embedding);
    if (m->logit_softcap > 0.0f)
        softcap_logits(p, &m->embedding, m->logit_softcap);
}

const struct arch arch_gemma3n = { "gemma3n", load, forward };
