#include "kvcache.h"

#include <string.h>

static const char *const names[KV_TYPES] = { [KV_F32] = "f32", [KV_F16] = "f16", [KV_Q8_0] = "q8_0" };

const char *kv_type_name(enum kv_type type)
{
    return names[type];
}

enum kv_type kv_type_by_name(const char *name)
{
    int type = 0;
    while (type < KV_TYPES && strcmp(names[type], name))
        type++;
    return (enum kv_type)type;
}

size_t kvcache_lanes(uint32_t head_dim)
{
    return ((size_t)head_dim + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
}

/* ------------------------------------------------------------------- sizes */

uint64_t kvcache_position_bytes(const struct kv_shape *s)
{
    return (uint64_t)s->heads * (kv_k_bytes(s->type_k, s->head_dim) + kv_v_bytes(s->type_v, s->head_dim)) / KV_PAGE;
}

uint32_t kvcache_layers(const struct kv_shape *s, bool local)
{
    uint32_t count = 0;
    for (uint32_t l = 0; l < s->layers; l++)
        count += local == (s->local && s->window && s->local[l]);
    return count;
}

static uint32_t pages_for(uint32_t length)
{
    return (length + KV_PAGE - 1) / KV_PAGE;
}

/* Sizes of a pool, without its memory. */
static struct kv_pool plan_pool(const struct kv_shape *s, bool local)
{
    struct kv_pool pool = { .layers = kvcache_layers(s, local) };
    pool.page_bytes = (size_t)(pool.layers * kvcache_position_bytes(s) * KV_PAGE);
    /* each sequence may leave its last page partly empty */
    pool.page_count = pool.ring = pages_for(s->context) + s->sequences - 1;
    /* the window of a pass's first token, the pass, and a page cut at each end */
    const uint64_t keep = (uint64_t)s->window + s->batch, ring = keep / KV_PAGE + 2;
    if (local && ring < pool.ring) {
        pool.keep = (uint32_t)keep;
        pool.ring = (uint32_t)ring;
        pool.page_count = ring * s->sequences < pool.page_count ? (uint32_t)ring * s->sequences : pool.page_count;
    }
    if (local && !pool.layers)
        pool.page_count = pool.ring = 0;
    return pool;
}

uint64_t kvcache_bytes(const struct kv_shape *s)
{
    uint64_t bytes = 0;
    for (int i = 0; i < KV_POOLS; i++) {
        const struct kv_pool pool = plan_pool(s, i);
        bytes += (uint64_t)pool.page_bytes * pool.page_count;
    }
    return bytes;
}

/* ------------------------------------------------------------------ memory */

static bool allocate_pool(struct kvcache *kv, int i)
{
    struct kv_pool *pool = &kv->pools[i];
    const uint32_t sequences = kv->shape.sequences;
    pool->pages = mem_alloc(&kv->mem, pool->page_count, pool->page_bytes);
    pool->free_pages = mem_alloc(&kv->mem, pool->page_count, sizeof *pool->free_pages);
    uint32_t *tables = mem_alloc(&kv->mem, (size_t)sequences * pool->ring, sizeof *tables);
    kv->sequences[0].held[i].pages = tables;
    if (!pool->pages || !pool->free_pages || !tables)
        return false;
    for (uint32_t s = 0; s < sequences; s++)
        kv->sequences[s].held[i].pages = tables + (size_t)s * pool->ring;
    for (uint32_t p = 0; p < pool->page_count; p++)
        pool->free_pages[p] = pool->page_count - 1 - p; /* the lowest is taken first */
    pool->free_count = pool->page_count;
    return true;
}

static bool allocate(struct kvcache *kv)
{
    kv->sequences = mem_zalloc(&kv->mem, kv->shape.sequences, sizeof *kv->sequences);
    kv->layers = mem_alloc(&kv->mem, kv->shape.layers, sizeof *kv->layers);
    kv->tokens = mem_alloc(&kv->mem, kv->pools[0].page_count, KV_PAGE * sizeof *kv->tokens);
    return kv->sequences && kv->layers && kv->tokens && allocate_pool(kv, 0) && allocate_pool(kv, 1);
}

slm_status kvcache_init(struct kvcache *kv, const mem *m, const struct kv_shape *shape, slm_error *err)
{
    *kv = (struct kvcache){ .mem = *m, .shape = *shape };
    kv->k_bytes = kv_k_bytes(shape->type_k, shape->head_dim);
    kv->v_bytes = kv_v_bytes(shape->type_v, shape->head_dim);
    for (int i = 0; i < KV_POOLS; i++)
        kv->pools[i] = plan_pool(shape, i);
    if (!allocate(kv)) {
        kvcache_close(kv);
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a KV cache of %u tokens (%llu MiB): ask for a smaller context%s",
                    shape->context, (unsigned long long)(kvcache_bytes(shape) >> 20),
                    shape->type_k == KV_Q8_0 && shape->type_v == KV_Q8_0 ? "" : " or type q8_0");
    }
    uint32_t used[KV_POOLS] = { 0 };
    for (uint32_t l = 0; l < shape->layers; l++) {
        const uint32_t pool = shape->local && shape->window && shape->local[l];
        kv->layers[l] = (struct kv_layer){ pool, used[pool]++ };
    }
    return SLM_OK;
}

void kvcache_close(struct kvcache *kv)
{
    for (int i = 0; i < KV_POOLS; i++) {
        if (kv->sequences)
            mem_free(&kv->mem, kv->sequences[0].held[i].pages);
        mem_free(&kv->mem, kv->pools[i].free_pages);
        mem_free(&kv->mem, kv->pools[i].pages);
    }
    mem_free(&kv->mem, kv->sequences);
    mem_free(&kv->mem, kv->layers);
    mem_free(&kv->mem, kv->tokens);
    *kv = (struct kvcache){ .mem = kv->mem };
}

/* --------------------------------------------------------------- sequences */

/* Gives pages from `first` on, and those before `last`, back to the pool. */
static void release_from(struct kv_pool *pool, struct kv_held *held, uint32_t first)
{
    while (held->end > first && held->end > held->first)
        pool->free_pages[pool->free_count++] = held->pages[--held->end % pool->ring];
}

static void release_before(struct kv_pool *pool, struct kv_held *held, uint32_t last)
{
    while (held->first < last && held->first < held->end)
        pool->free_pages[pool->free_count++] = held->pages[held->first++ % pool->ring];
}

/* Kernels multiply invisible slots by zero, so a new page must not hold what could be read as infinite. */
static void clear_page(const struct kvcache *kv, const struct kv_pool *pool, uint8_t *page)
{
    for (uint32_t i = 0; i < pool->layers * kv->shape.heads; i++, page += kv->k_bytes + kv->v_bytes) {
        memset(page, 0, kv->k_bytes);
        kv_v_clear(kv->shape.type_v, kv->shape.head_dim, page + kv->k_bytes);
    }
}

void kvcache_extend(struct kvcache *kv, uint32_t sequence, uint32_t count)
{
    struct kv_sequence *s = &kv->sequences[sequence];
    s->length += count;
    kv->used += count;
    for (int i = 0; i < KV_POOLS; i++) {
        struct kv_pool *pool = &kv->pools[i];
        struct kv_held *held = &s->held[i];
        if (pool->keep && s->length > pool->keep)
            release_before(pool, held, (s->length - pool->keep) / KV_PAGE);
        while (pool->page_count && held->end < pages_for(s->length)) {
            const uint32_t page = pool->free_pages[--pool->free_count];
            held->pages[held->end++ % pool->ring] = page;
            clear_page(kv, pool, pool->pages + page * pool->page_bytes);
        }
    }
}

uint32_t kvcache_floor(const struct kvcache *kv, uint32_t sequence)
{
    const uint32_t first = kv->sequences[sequence].held[1].first;
    return first ? first * KV_PAGE + kv->shape.window - 1 : 1;
}

void kvcache_truncate(struct kvcache *kv, uint32_t sequence, uint32_t length)
{
    struct kv_sequence *s = &kv->sequences[sequence];
    for (int i = 0; i < KV_POOLS; i++) {
        release_from(&kv->pools[i], &s->held[i], pages_for(length));
        if (!length)
            s->held[i].first = s->held[i].end = 0;
    }
    kv->used -= s->length - length;
    s->length = length;
}

void kvcache_rewind(struct kvcache *kv, uint32_t sequence, uint32_t length)
{
    struct kv_sequence *s = &kv->sequences[sequence];
    release_from(&kv->pools[0], &s->held[0], pages_for(length));
    release_from(&kv->pools[1], &s->held[1], 0);
    s->held[1].first = s->held[1].end = 0;
    kv->used -= s->length;
    s->length = 0;
}

slm_token *kvcache_token(const struct kvcache *kv, uint32_t sequence, uint32_t position)
{
    const struct kv_held *held = &kv->sequences[sequence].held[0];
    return kv->tokens + (size_t)held->pages[position / KV_PAGE] * KV_PAGE + position % KV_PAGE;
}

void *kvcache_k(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i)
{
    const struct kv_layer at = kv->layers[layer];
    const struct kv_pool *pool = &kv->pools[at.pool];
    const uint32_t page = kv->sequences[sequence].held[at.pool].pages[i % pool->ring];
    return pool->pages + page * pool->page_bytes + ((size_t)at.index * kv->shape.heads + head) * (kv->k_bytes + kv->v_bytes);
}

void *kvcache_v(const struct kvcache *kv, uint32_t layer, uint32_t head, uint32_t sequence, uint32_t i)
{
    return (uint8_t *)kvcache_k(kv, layer, head, sequence, i) + kv->k_bytes;
}
