#include "trie.h"

#define FIRST_SIZE (1u << 12)

static struct trie_edge *empty_or_found(struct trie_edge *edges, uint32_t mask, uint32_t key)
{
    for (uint32_t i = 0, hash = trie_hash(key); i < VOCAB_MAX_PROBES; i++) {
        struct trie_edge *edge = &edges[(hash + i) & mask];
        if (!edge->child || edge->key == key)
            return edge;
    }
    return NULL;
}

static slm_status collide(slm_error *err)
{
    return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "the token texts are made to collide; refusing the vocabulary");
}

/* Twice the table. */
static slm_status grow(const mem *m, struct trie *trie, slm_error *err)
{
    uint32_t size = trie->edges ? 2 * (trie->mask + 1) : FIRST_SIZE;
    struct trie_edge *edges = mem_zalloc(m, size, sizeof *edges);
    if (!edges)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for the token texts");
    for (uint32_t i = 0; trie->edges && i <= trie->mask; i++) {
        if (!trie->edges[i].child)
            continue;
        struct trie_edge *edge = empty_or_found(edges, size - 1, trie->edges[i].key);
        if (!edge) {
            mem_free(m, edges);
            return collide(err);
        }
        *edge = trie->edges[i];
    }
    mem_free(m, trie->edges);
    trie->edges = edges;
    trie->mask = size - 1;
    return SLM_OK;
}

static slm_status add_text(const mem *m, struct trie *trie, struct gguf_str text, slm_token token, slm_error *err)
{
    uint32_t node = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!trie->edges || trie->nodes >= trie->mask / 2)
            TRY(grow(m, trie, err));
        struct trie_edge *edge = empty_or_found(trie->edges, trie->mask, node << 8 | (uint8_t)text.data[i]);
        if (!edge)
            return collide(err);
        if (!edge->child) {
            if (trie->nodes == TRIE_MAX_NODES)
                return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the token texts have more than %u beginnings", TRIE_MAX_NODES);
            *edge = (struct trie_edge){node << 8 | (uint8_t)text.data[i], ++trie->nodes, SLM_TOKEN_NONE};
        }
        if (i + 1 == text.length && edge->token == SLM_TOKEN_NONE)
            edge->token = token;
        node = edge->child;
    }
    return SLM_OK;
}

slm_status trie_open(const struct vocab *vocab, struct trie *trie, slm_error *err)
{
    *trie = (struct trie){0};
    slm_status status = grow(&vocab->mem, trie, err);
    for (uint32_t id = 0; status == SLM_OK && id < vocab->count; id++) {
        struct gguf_str text = vocab_text(vocab, id);
        if (vocab_is_plain(vocab, id) && text.length <= TRIE_MAX_TEXT)
            status = add_text(&vocab->mem, trie, text, (slm_token)id, err);
    }
    if (status != SLM_OK)
        trie_close(&vocab->mem, trie);
    return status;
}

void trie_close(const mem *m, struct trie *trie)
{
    mem_free(m, trie->edges);
    *trie = (struct trie){0};
}
