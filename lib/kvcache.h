/* kvcache.h - keys and values of the tokens of every sequence, in pages of 64 positions (layouts in kernels/README.md). */
#ifndef SLM_KVCACHE_H
#define SLM_KVCACHE_H

#include "mem.h"
#include "status.h"

struct kvcache {
    mem mem;
    uint32_t layers, heads, head_dim;
    uint32_t context;               /* tokens of all sequences together */
    uint32_t page_count;            /* enough for `context` tokens however they are spread over the sequences */
    size_t k_part, v_part;          /* F16 values of one layer and head in a page */
    size_t page;                    /* F16 values of a page: [layers][heads] x (k_part, v_part) */
    uint16_t *pages;                /* [page_count][page]: memory is touched, page after page, only as tokens come */
    uint32_t sequence_count;
    struct kv_sequence {
        uint32_t length;            /* tokens */
        uint32_t *pages;            /* [page_count]: the page of each 64 positions */
    } *sequences;
    uint32_t *free_pages;           /* a stack */
    uint32_t free_count;
    uint32_t used;                  /* tokens of all sequences together */
};

/* Dimensions of a head rounded up to whole tiles: what a position's values take in a page. */
size_t kvcache_lanes(uint32_t head_dim);

/* Bytes of keys and values for one token. */
uint64_t kvcache_token_bytes(uint32_t layers, uint32_t heads, uint32_t head_dim);

slm_status kvcache_init(struct kvcache *kv, const mem *m, uint32_t layers, uint32_t heads, uint32_t head_dim, uint32_t context,
                        uint32_t sequences, slm_error *err);
void kvcache_close(struct kvcache *kv); /* may be called again, and after a failed init */

/* Adds `count` tokens at the end of a sequence; their pages are ready to be written. The caller has made sure that used + count
 * does not exceed context. */
void kvcache_extend(struct kvcache *kv, uint32_t sequence, uint32_t count);

/* Shortens a sequence to `length` tokens, which it has. */
void kvcache_truncate(struct kvcache *kv, uint32_t sequence, uint32_t length);

/* The page that holds positions 64 i .. 64 i + 63 of a sequence. */
uint16_t *kvcache_k(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i);
uint16_t *kvcache_v(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i);

#endif
