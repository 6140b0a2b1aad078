/* kvcache.h - keys and values of the tokens of every sequence, in pages of 64 positions (layouts in kernels/README.md).
 *
 * Layers that see all positions and layers that see a window of them have pages of their own: those of the second kind are taken back
 * once they lie more than a batch before the window. */
#ifndef SLM_KVCACHE_H
#define SLM_KVCACHE_H

#include "mem.h"
#include "status.h"

#include "../kernels/kernels.h"

/* What a cache is made for. */
struct kv_shape {
    enum kv_type type_k, type_v;
    uint32_t layers, heads, head_dim;
    const bool *local;              /* [layers], the model's: sees a window only; NULL: none does */
    uint32_t window;                /* positions that such a layer sees, 0: all */
    uint32_t context;               /* tokens of all sequences together */
    uint32_t sequences;
    uint32_t batch;                 /* most tokens that one kvcache_extend adds */
};

/* Layers that see equally far back, and their pages. */
struct kv_pool {
    uint32_t layers;
    uint32_t keep;                  /* pages wholly before the last `keep` positions are taken back, 0: none */
    size_t page_bytes;              /* [layers][heads] x (k_bytes, v_bytes) */
    uint32_t page_count;            /* enough however the tokens are spread over the sequences */
    uint8_t *pages;                 /* [page_count]: memory is touched, page after page, only as tokens come */
    uint32_t *free_pages, free_count; /* a stack */
    uint32_t ring;                  /* most pages that a sequence holds */
};

enum { KV_POOLS = 2 };              /* of the layers that see everything, of those that see a window */

struct kvcache {
    mem mem;
    struct kv_shape shape;
    size_t k_bytes, v_bytes;        /* of one layer and head in a page */
    struct kv_pool pools[KV_POOLS];
    struct kv_layer {
        uint32_t pool, index;       /* which of the pool's layers */
    } *layers;                      /* [shape.layers] */
    struct kv_sequence {
        uint32_t length;            /* tokens */
        struct kv_held {
            uint32_t first, end;    /* pages held: those of positions 64 first .. 64 end - 1 */
            uint32_t *pages;        /* [ring]: the page of each 64 positions, modulo ring */
        } held[KV_POOLS];
    } *sequences;
    slm_token *tokens;              /* [pools[0].page_count][KV_PAGE]: what the sequences consist of */
    uint32_t used;                  /* tokens of all sequences together */
};

/* Dimensions of a head rounded up to whole tiles: what a position's values take in a page. */
size_t kvcache_lanes(uint32_t head_dim);

/* "f32", "f16", "q8_0"; KV_TYPES if `name` is none of these. */
const char *kv_type_name(enum kv_type type);
enum kv_type kv_type_by_name(const char *name);

/* Bytes of keys and values of one position in one layer. */
uint64_t kvcache_position_bytes(const struct kv_shape *shape);

/* Bytes of all pages of a cache of that shape. */
uint64_t kvcache_bytes(const struct kv_shape *shape);

/* Layers that see everything (local false), or that see a window. */
uint32_t kvcache_layers(const struct kv_shape *shape, bool local);

slm_status kvcache_init(struct kvcache *kv, const mem *m, const struct kv_shape *shape, slm_error *err);
void kvcache_close(struct kvcache *kv); /* may be called again, and after a failed init */

/* Adds `count` tokens at the end of a sequence; their pages are ready to be written. The caller has made sure that used + count
 * does not exceed the context, nor count the batch. */
void kvcache_extend(struct kvcache *kv, uint32_t sequence, uint32_t count);

/* The least length above 0 to which a sequence can be shortened: what its windows see before that position is still held. */
uint32_t kvcache_floor(const struct kvcache *kv, uint32_t sequence);

/* Shortens a sequence to `length` tokens, which it has: 0, or at least its floor. */
void kvcache_truncate(struct kvcache *kv, uint32_t sequence, uint32_t length);

/* Empties a sequence whose first `length` tokens are to be computed again: they keep their pages, and kvcache_token knows them. */
void kvcache_rewind(struct kvcache *kv, uint32_t sequence, uint32_t length);

/* The token at a position of a sequence. */
slm_token *kvcache_token(const struct kvcache *kv, uint32_t sequence, uint32_t position);

/* The page of a layer that holds positions 64 i .. 64 i + 63 of a sequence. */
void *kvcache_k(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i);
void *kvcache_v(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i);

#endif
