/* arch.h - what an architecture provides: how its weights bind and how a forward pass goes. */
#ifndef SLM_ARCH_H
#define SLM_ARCH_H

#include "../ops.h"
#include "../weights.h"

/* Largest sizes that are accepted: far above any real model of this class, small enough that no product of two overflows. */
enum {
    MAX_LAYERS = 1024,
    MAX_WIDTH = 1 << 20,        /* of embeddings and feed-forward */
    MAX_HEADS = 1024,
    MAX_HEAD_DIM = 512,
    MAX_VOCAB = 1 << 22,
    MAX_CONTEXT = 1 << 24,
    MAX_PER_LAYER = 1 << 12,    /* of one layer's share of a per-layer embedding */
    MAX_BUFFERS = 24,
};

/* What the engine needs to know of a model, set by load. */
struct config {
    uint32_t layers, embedding, heads, kv_heads, head_dim, vocab, context;
    uint32_t kv_layers;                 /* layers with keys and values of their own */
    const bool *kv_local;               /* [kv_layers]: the layer sees a window only; NULL: none does */
    uint32_t kv_window;                 /* positions that such a layer sees, 0: all */
    uint32_t ropes, rope_pairs;         /* number of ropes; pairs of the widest one */
    uint32_t buffer_width[MAX_BUFFERS]; /* floats per token of each activation buffer, 0: unused */
    const struct weight *token_embedding;
    const struct weight *output;        /* may be token_embedding */
    const struct weight *last_for_all;  /* what is bound after it is for tokens whose logits are wanted alone */
};

struct arch {
    const char *name;
    /* Reads the metadata, binds every tensor, fills *config and returns the model's own struct (from bind_alloc). */
    void *(*load)(struct binder *b, struct config *config);
    /* Runs on every thread of the pass: from tokens to logits. Every step is an operation of ops.h. */
    void (*forward)(struct pass *p, const void *model);
};

/* The architecture of that name, or NULL. */
const struct arch *arch_find(struct gguf_str name);

/* The names of all, separated by ", ". */
void arch_names(char *out, size_t size);

/* --- what load functions share */

/* attention.head_count, attention.head_count_kv (default: head_count), attention.key_length (default: embedding / heads). */
void bind_heads(struct binder *b, uint32_t embedding, uint32_t *heads, uint32_t *kv_heads, uint32_t *head_dim);

/* Rows of token_embd.weight [vocab, embedding], which the file alone decides. */
uint32_t bind_vocab(struct binder *b);

/* Rows of a tensor, which the file alone decides, at most `high`; `fallback` for random models. */
uint32_t bind_tensor_rows(struct binder *b, const char *name, uint32_t fallback, uint32_t high);

/* Metadata that is one value for all layers or an array with one for each; keeps *value if it is missing (u32: fails). */
void bind_layer_u32(struct binder *b, uint32_t *value, uint32_t low, uint32_t high, const char *key, uint32_t layer);
void bind_layer_f32(struct binder *b, float *value, const char *key, uint32_t layer);

/* Whether a layer sees a sliding window only: attention.sliding_window_pattern says so for each layer, or gives a period of which the
 * last layer is global; `period` if the file does not say. */
bool bind_is_local(struct binder *b, uint32_t layer, uint32_t period);

/* A rope of `dimensions` dimensions, base^(-2i/dimensions) per position, with the scaling that the file asks for: none, linear, yarn,
 * llama3 (divisors in the tensor rope_freqs.weight) or longrope (in rope_factors_short.weight and rope_factors_long.weight). */
void bind_rope(struct binder *b, struct rope *rope, uint32_t dimensions, float base, bool adjacent);

/* A second rope, for local layers: another base and the same divisors, but neither linear nor yarn. */
void bind_local_rope(struct binder *b, struct rope *rope, const struct rope *global, float base);

#endif
