#include "kvcache.h"

#include "../kernels/kernels.h"

static size_t round16(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

uint64_t kvcache_token_bytes(uint32_t layers, uint32_t heads, uint32_t head_dim)
{
    return (uint64_t)layers * heads * (head_dim + round16(head_dim)) * sizeof(uint16_t);
}

slm_status kvcache_init(struct kvcache *kv, const mem *m, uint32_t layers, uint32_t heads, uint32_t head_dim, uint32_t context,
                        uint32_t sequences, slm_error *err)
{
    *kv = (struct kvcache){ .mem = *m, .layers = layers, .heads = heads, .head_dim = head_dim, .context = context,
                            .sequence_count = sequences };
    /* each sequence may leave its last page partly empty */
    kv->page_count = (context + KV_PAGE - 1) / KV_PAGE + sequences - 1;
    kv->k_page = (size_t)head_dim * KV_PAGE;
    kv->v_page = round16(head_dim) * KV_PAGE;
    const size_t pages = (size_t)layers * heads * kv->page_count;
    kv->k = mem_alloc(m, pages, kv->k_page * sizeof *kv->k);
    kv->v = mem_alloc(m, pages, kv->v_page * sizeof *kv->v);
    kv->sequences = mem_zalloc(m, sequences, sizeof *kv->sequences);
    kv->free_pages = mem_alloc(m, kv->page_count, sizeof *kv->free_pages);
    uint32_t *tables = mem_alloc(m, (size_t)sequences * kv->page_count, sizeof *tables);
    if (!kv->k || !kv->v || !kv->sequences || !kv->free_pages || !tables) {
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
    mem_free(&kv->mem, kv->k);
    mem_free(&kv->mem, kv->v);
    *kv = (struct kvcache){ .mem = kv->mem };
}

static uint32_t pages_for(uint32_t length)
{
    return (length + KV_PAGE - 1) / KV_PAGE;
}

static uint16_t *page_at(uint16_t *base, size_t size, const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t page)
{
    return base + (((size_t)layer * kv->heads + head) * kv->page_count + page) * size;
}

/* Kernels multiply invisible slots by zero, so a new page must not hold what could be read as infinite. */
static void clear_page(struct kvcache *kv, uint32_t page)
{
    for (uint32_t layer = 0; layer < kv->layers; layer++)
        for (uint32_t head = 0; head < kv->heads; head++) {
            memset(page_at(kv->k, kv->k_page, kv, layer, head, page), 0, kv->k_page * sizeof *kv->k);
            memset(page_at(kv->v, kv->v_page, kv, layer, head, page), 0, kv->v_page * sizeof *kv->v);
        }
}

void kvcache_extend(struct kvcache *kv, uint32_t sequence, uint32_t count)
{
    struct kv_sequence *s = &kv->sequences[sequence];
    for (uint32_t i = pages_for(s->length); i < pages_for(s->length + count); i++) {
        s->pages[i] = kv->free_pages[--kv->free_count];
        clear_page(kv, s->pages[i]);
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
    return page_at(kv->k, kv->k_page, kv, layer, head, kv->sequences[sequence].pages[i]);
}

uint16_t *kvcache_v(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i)
{
    return page_at(kv->v, kv->v_page, kv, layer, head, kv->sequences[sequence].pages[i]);
}
