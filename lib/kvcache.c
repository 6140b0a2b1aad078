#include "kvcache.h"

#include "../kernels/kernels.h"

#include <string.h>

size_t kvcache_lanes(uint32_t head_dim)
{
    return ((size_t)head_dim + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
}

uint64_t kvcache_token_bytes(uint32_t layers, uint32_t heads, uint32_t head_dim)
{
    return (uint64_t)layers * heads * (head_dim + kvcache_lanes(head_dim)) * sizeof(uint16_t);
}

slm_status kvcache_init(struct kvcache *kv, const mem *m, uint32_t layers, uint32_t heads, uint32_t head_dim, uint32_t context,
                        uint32_t sequences, slm_error *err)
{
    *kv = (struct kvcache){ .mem = *m, .layers = layers, .heads = heads, .head_dim = head_dim, .context = context,
                            .sequence_count = sequences };
    /* each sequence may leave its last page partly empty */
    kv->page_count = (context + KV_PAGE - 1) / KV_PAGE + sequences - 1;
    kv->k_part = (size_t)head_dim * KV_PAGE;
    kv->v_part = kvcache_lanes(head_dim) * KV_PAGE;
    kv->page = (size_t)layers * heads * (kv->k_part + kv->v_part);
    kv->pages = mem_alloc(m, kv->page_count, kv->page * sizeof *kv->pages);
    kv->sequences = mem_zalloc(m, sequences, sizeof *kv->sequences);
    kv->free_pages = mem_alloc(m, kv->page_count, sizeof *kv->free_pages);
    uint32_t *tables = mem_alloc(m, (size_t)sequences * kv->page_count, sizeof *tables);
    if (!kv->pages || !kv->sequences || !kv->free_pages || !tables) {
        mem_free(m, tables);
        kvcache_close(kv);
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a KV cache of %u tokens (%llu MiB): ask for a smaller context",
                    context, (unsigned long long)(kvcache_token_bytes(layers, heads, head_dim) * context >> 20));
    }
    for (uint32_t s = 0; s < sequences; s++)
        kv->sequences[s].pages = tables + (size_t)s * kv->page_count;
    for (uint32_t i = 0; i < kv->page_count; i++)
        kv->free_pages[i] = kv->page_count - 1 - i; /* the lowest is taken first */
    kv->free_count = kv->page_count;
    return SLM_OK;
}

void kvcache_close(struct kvcache *kv)
{
    if (kv->sequences)
        mem_free(&kv->mem, kv->sequences[0].pages);
    mem_free(&kv->mem, kv->sequences);
    mem_free(&kv->mem, kv->free_pages);
    mem_free(&kv->mem, kv->pages);
    *kv = (struct kvcache){ .mem = kv->mem };
}

static uint32_t pages_for(uint32_t length)
{
    return (length + KV_PAGE - 1) / KV_PAGE;
}

void kvcache_extend(struct kvcache *kv, uint32_t sequence, uint32_t count)
{
    struct kv_sequence *s = &kv->sequences[sequence];
    for (uint32_t i = pages_for(s->length); i < pages_for(s->length + count); i++) {
        s->pages[i] = kv->free_pages[--kv->free_count];
        /* kernels multiply invisible slots by zero, so a new page must not hold what could be read as infinite */
        memset(kv->pages + s->pages[i] * kv->page, 0, kv->page * sizeof *kv->pages);
    }
    s->length += count;
    kv->used += count;
}

void kvcache_truncate(struct kvcache *kv, uint32_t sequence, uint32_t length)
{
    struct kv_sequence *s = &kv->sequences[sequence];
    for (uint32_t i = pages_for(s->length); i-- > pages_for(length);)
        kv->free_pages[kv->free_count++] = s->pages[i];
    kv->used -= s->length - length;
    s->length = length;
}

uint16_t *kvcache_k(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i)
{
    return kv->pages + kv->sequences[sequence].pages[i] * kv->page +
           ((size_t)layer * kv->heads + head) * (kv->k_part + kv->v_part);
}

uint16_t *kvcache_v(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i)
{
    return kvcache_k(kv, layer, head, sequence, i) + kv->k_part;
}
