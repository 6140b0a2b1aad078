/* ops.h - the operations that a forward pass is written with.
 *
 * Every thread of a pass runs the same code on its own `struct pass`; an operation does the thread's share of the work.
 *
 * Two kinds. Token-wise operations give each thread a fixed range of tokens, the same for all of them, so that one may follow the
 * other without waiting. Operations across tokens or rows (linear, attention) wait for all threads before and after their work.
 * Buffers are row-major, one row per token. Shapes are in brackets: [tokens, width]. */
#ifndef SLM_OPS_H
#define SLM_OPS_H

#include "slm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct act_block;
struct kernels;
struct kvcache;
struct par;
struct profile;
struct table;
struct weight;

/* A model has at most this many ropes in use at once: one for its global layers, one for its local ones. */
enum { MAX_ROPES = 2 };

/* A rotary position embedding: frequencies and the pairing of dimensions. */
struct rope {
    uint32_t table;             /* which of the session's tables it fills, below MAX_ROPES */
    uint32_t pairs;             /* rotated pairs of each head; the dimensions beyond stay as they are */
    bool adjacent;              /* pairs (2i, 2i + 1); else (i, i + pairs) */
    float magnitude;            /* cos and sin are multiplied by it */
    const double *frequency;    /* [pairs]: angle per position */
    const double *stretched;    /* the same for sessions with a context of more than `original` tokens, or NULL */
    uint32_t original;
};

/* Tokens of one sequence in a pass, in the order of their positions. */
struct run {
    uint32_t sequence;
    uint32_t first, count;      /* tokens of the pass */
    uint32_t position;          /* of the first one in its sequence */
};

/* The tokens that a pass is about. */
struct tokens {
    size_t count;
    const uint32_t *positions;  /* [count] */
    const struct run *runs;
    size_t run_count;
};

/* Memory of a pass, shared by its threads and made once per session. */
struct workspace {
    float **buffer;             /* the architecture's buffers: [batch, width] */
    struct act_block *act;      /* prepared activations of a linear operation in panels: int8 blocks, */
    float *act_dense;           /* and floats, for dense weights */
    float *rope_table[MAX_ROPES]; /* [batch, 2, pairs] cosines and sines */
    float *partial;             /* attention: results of spans */
    float **scratch;            /* one per thread */
    float *logits;              /* [outputs, vocab] */
    float *gathered;            /* [outputs, embedding] */
};

struct pass {
    const struct kernels *kernels;
    struct par *par;
    int thread, threads;
    struct kvcache *kv;
    struct workspace *work;
    float **buffer;             /* = work->buffer */
    size_t count;               /* tokens */
    const slm_token *tokens;    /* [count] */
    const uint32_t *positions;  /* [count] */
    const uint32_t *sequences;  /* [count], for kv_write */
    const struct run *runs;
    size_t run_count;
    const uint32_t *wanted;     /* tokens whose logits are wanted, ascending; after keep_wanted NULL: all */
    size_t wanted_count;
    struct tokens kept;         /* those alone, for keep_wanted */
    size_t logits_row;          /* row of work->logits where this pass's go */
    struct profile *profile;    /* of thread 0, or NULL */
};

/* --- token-wise */

/* x[t] = row tokens[t] of the embedding: [count, w->k] */
void embed(struct pass *p, const struct weight *w, float *x);

/* y = rms_norm(x) * w: [count, n]; w may be NULL, y may be x */
void norm(struct pass *p, const float *x, const float *w, uint32_t n, float eps, float *y);

/* The same on each head of x, in place: [count, heads, n]; w [n] serves all heads. */
void norm_heads(struct pass *p, float *x, uint32_t heads, const float *w, uint32_t n, float eps);

/* y += x: [count, n] */
void add(struct pass *p, float *y, const float *x, uint32_t n);

/* y += bias on every row; nothing if bias is NULL */
void add_bias(struct pass *p, float *y, const float *bias, uint32_t n);

/* y *= s: [count, n] */
void scale(struct pass *p, float *y, float s, uint32_t n);

/* y *= 1 + beta ln(1 + floor(position / period)): [count, n] */
void scale_far(struct pass *p, float *y, float beta, uint32_t period, uint32_t n);

/* gate = silu(gate) * up, or gelu(gate) * up (the tanh form): [count, n] */
void silu_gate(struct pass *p, float *gate, const float *up, uint32_t n);
void gelu_gate(struct pass *p, float *gate, const float *up, uint32_t n);

/* x[t] = row tokens[t] of a table that is only looked up: [count, w->k]. Tokens beyond its rows get the first one. */
void embed_table(struct pass *p, const struct table *w, float *x);

/* y = x * w on every row: [count, n] */
void multiply(struct pass *p, const float *x, const float *w, uint32_t n, float *y);

/* y = tanh(y): [count, n] */
void squash(struct pass *p, float *y, uint32_t n);

/* y = columns first .. first + n - 1 of x [count, width]: [count, n] */
void take_columns(struct pass *p, const float *x, uint32_t width, uint32_t first, uint32_t n, float *y);

/* y *= |x| / |y|, Euclidean, row by row: [count, n] */
void match_magnitude(struct pass *p, float *y, const float *x, uint32_t n);

/* y = max(y - (mean + deviations * standard deviation), 0), both of its own row: [count, n] */
void keep_outliers(struct pass *p, float *y, float deviations, uint32_t n);

/* y_o = x_o + sum over i of c[o][i] x_i: x and y [streams, count, n], c [count, streams, streams] */
void altup_predict(struct pass *p, const float *x, const float *c, uint32_t streams, uint32_t n, float *y);

/* y_s = x_s + (c[s] + 1) (active - x_0): x and y [streams, count, n], active [count, n], c [count, streams] */
void altup_correct(struct pass *p, const float *x, const float *active, const float *c, uint32_t streams, uint32_t n, float *y);

/* Cosines and sines of every token's position, for rotate; once per pass. */
void rope_positions(struct pass *p, const struct rope *rope);

/* Rotates the heads of x [count, heads * head_dim] by the table of rope_positions. */
void rotate(struct pass *p, const struct rope *rope, float *x, uint32_t heads, uint32_t head_dim);

/* Stores keys and values of the tokens, [count, kv_heads * head_dim] each, in the KV cache of a layer. */
void kv_write(struct pass *p, uint32_t layer, const float *k, const float *v);

/* A buffer with a row for each token: [streams, count, width]. */
struct rows {
    float *x;
    uint32_t width, streams;
};

/* From here on the pass is about the wanted tokens alone: their rows move to the front of each of `n` buffers, and count, positions
 * and runs become theirs. An operation across rows must follow. */
void keep_wanted(struct pass *p, const struct rows *buffers, size_t n);

/* --- across rows */

/* One matrix and where its product goes: [count, w->rows]. */
struct product {
    const struct weight *w;
    float *y;
};

/* y = x W^T for each of `n` matrices that share x: [count, k]. Prepares (quantizes) x once per kind of activation. */
void linear(struct pass *p, const float *x, const struct product *products, size_t n);

/* out = softmax(scale * q k^T) v over the tokens' own sequences, causal: q and out [count, heads * head_dim].
 * window: how many positions back are visible, 0: all. softcap: 0: none. */
void attention(struct pass *p, uint32_t layer, const float *q, uint32_t heads, float scale, uint32_t window, float softcap,
               float *out);

/* Logits of the wanted tokens: x [count, w->k], normalized with norm_w, times the output matrix. */
void logits(struct pass *p, const float *x, const float *norm_w, float eps, const struct weight *w);

/* After logits, in place: logits *= s; logits = cap * tanh(logits / cap). w is the output matrix. */
void scale_logits(struct pass *p, const struct weight *w, float s);
void softcap_logits(struct pass *p, const struct weight *w, float cap);

#endif
