/* trie.h - tokens by their texts, byte after byte: for families that look for the tokens a text begins with. */
#ifndef SLM_TRIE_H
#define SLM_TRIE_H

#include "vocab.h"

/* Tokens with longer texts are left out. */
#define TRIE_MAX_TEXT 256

/* One step from a node. A hash table of them by (node, byte). */
struct trie_edge {
    uint32_t key;                   /* node << 8 | byte */
    uint32_t child;                 /* node; 0, the root, marks an empty place */
    slm_token token;                /* whose text ends here, or SLM_TOKEN_NONE */
};

struct trie {
    struct trie_edge *edges;
    uint32_t mask;
    uint32_t nodes;                 /* besides the root */
};

#define TRIE_MAX_NODES (1u << 23)

/* Holds the tokens of normal, user-defined and unused kind. */
slm_status trie_open(const struct vocab *vocab, struct trie *trie, slm_error *err);
void trie_close(const mem *m, struct trie *trie);

static inline uint32_t trie_hash(uint32_t key)
{
    uint32_t x = key * 0x9e3779b1u;
    x ^= x >> 15;
    x *= 0x85ebca77u;
    return x ^ x >> 13;
}

/* The edge of a byte from a node (0: the root), or NULL: no text goes on so. */
static inline const struct trie_edge *trie_step(const struct trie *trie, uint32_t node, uint8_t byte)
{
    uint32_t key = node << 8 | byte, hash = trie_hash(key);
    for (uint32_t i = 0; i < VOCAB_MAX_PROBES; i++) {
        const struct trie_edge *edge = &trie->edges[(hash + i) & trie->mask];
        if (edge->key == key && edge->child)
            return edge;
        if (!edge->child)
            break;
    }
    return NULL;
}

#endif
