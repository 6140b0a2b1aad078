/* decoder.h - what most families share: the tensors of a decoder block with grouped-query attention and a gated feed-forward, and the
 * steps between its norms. A family's own file says which parts its blocks have and in what order they run. */
#ifndef SLM_DECODER_H
#define SLM_DECODER_H

#include "arch.h"

/* Activation buffers. */
enum { X, H, Q, K, V, ATTENTION, GATE, UP };

/* Parts of a block that not every family has. */
enum {
    PRE_NORMS = 1,      /* attn_norm and ffn_norm, before attention and feed-forward */
    POST_NORMS = 2,     /* post_attention_norm and post_ffw_norm, after them */
    HEAD_NORMS = 4,     /* attn_q_norm and attn_k_norm over each head, */
    WIDE_NORMS = 8,     /* or over all heads at once */
    QKV_BIAS = 16,      /* attn_q, attn_k and attn_v have biases in random models; files show it by having them */
    FUSED = 32,         /* attn_qkv holds q, k and v, one below the other; ffn_up holds gate and up */
};

struct layer {
    float *attn_norm, *post_attention_norm, *ffn_norm, *post_ffw_norm;  /* [D] */
    float *q_norm, *k_norm;                             /* [d]; or [H d] and [K d] if wide */
    struct weight q, k, v, o;                           /* [H d, D], [K d, D], [K d, D], [D, H d] */
    float *q_bias, *k_bias, *v_bias, *o_bias;           /* or NULL */
    struct weight gate, up, down;                       /* [F, D], [F, D], [D, F] */
    float *gate_bias, *up_bias, *down_bias;             /* or NULL */
};

struct decoder {
    uint32_t D, H, K, d, F;                             /* embedding, heads, KV heads, head size, feed-forward */
    uint32_t layer_count;
    float eps;
    float attention_scale;                              /* of q k^T: 1/sqrt(d) unless the file says otherwise, */
    bool says_scale;                                    /* which it does */
    bool has_bias;                                      /* of queries, keys and values */
    struct rope rope;
    struct weight embedding, output;                    /* [vocab, D]; output.rows is 0 if it is the embedding */
    float *output_norm;                                 /* [D] */
    struct layer *layers;
};

/* Fills *m from metadata and tensors, and *c for a model whose activations lie in the buffers above. adjacent: of the rope; parts:
 * what the blocks have. False after a failure. */
bool bind_decoder(struct binder *b, struct decoder *m, struct config *c, bool adjacent, unsigned parts);

/* q, k, v = h Wq, h Wk, h Wv: [T, H d], [T, K d], [T, K d] */
void project_qkv(struct pass *p, const struct decoder *m, const struct layer *w, const float *h);

/* Stores k and v; h = attention(q) Wo: [T, D]. window: how many positions back are visible, 0: all; softcap: 0: none. In the last
 * layer, whose keys and values are the last thing that any later token asks of this one, the pass goes on with the tokens alone whose
 * logits are wanted: x and all that follows are theirs. */
void attend(struct pass *p, const struct decoder *m, uint32_t l, uint32_t window, float softcap, float *h);

/* y = (activation(h Wgate) * h Wup) Wdown: [T, D]; y may be h */
typedef void gate_op(struct pass *p, float *gate, const float *up, uint32_t n); /* silu_gate or gelu_gate */
void feed_forward(struct pass *p, const struct decoder *m, const struct layer *w, gate_op *activate, const float *h, float *y);

/* The matrix that logits are made with. */
const struct weight *output_matrix(const struct decoder *m);

#endif
