/* Token-wise operations: each thread owns a fixed range of tokens. */
#include "ops.h"

#include "kvcache.h"
#include "ops_internal.h"
#include "profile.h"
#include "weights.h"

#include <math.h>
#include <string.h>

struct range own_range(const struct pass *p, size_t count)
{
    return (struct range){ count * (size_t)p->thread / (size_t)p->threads, count * (size_t)(p->thread + 1) / (size_t)p->threads };
}

void embed(struct pass *p, const struct weight *w, float *x)
{
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++) {
        const uint32_t row = (uint32_t)p->tokens[r.first];
        p->kernels->unpack[w->type](w->tiles + row / TILE_ROWS * w->tile_bytes, (int)(row % TILE_ROWS), w->k, x + r.first * w->k);
    }
}

void norm(struct pass *p, const float *x, const float *w, uint32_t n, float eps, float *y)
{
    profile_mark(p, SLM_OP_NORM);
    profile_work(p, 8.0 * n * (double)p->count, 4.0 * n * (double)p->count); /* reads x, writes y */
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++)
        p->kernels->rms_norm(x + r.first * n, w, n, eps, y + r.first * n);
    profile_mark(p, SLM_OP_OTHER);
}

void norm_heads(struct pass *p, float *x, uint32_t heads, const float *w, uint32_t n, float eps)
{
    profile_mark(p, SLM_OP_NORM);
    profile_work(p, 8.0 * n * heads * (double)p->count, 4.0 * n * heads * (double)p->count);
    const struct range r = own_range(p, p->count);
    for (size_t row = r.first * heads; row < r.last * heads; row++)
        p->kernels->rms_norm(x + row * n, w, n, eps, x + row * n);
    profile_mark(p, SLM_OP_OTHER);
}

void add(struct pass *p, float *y, const float *x, uint32_t n)
{
    const struct range r = own_range(p, p->count);
    p->kernels->add(y + r.first * n, x + r.first * n, (r.last - r.first) * n);
}

void add_bias(struct pass *p, float *y, const float *bias, uint32_t n)
{
    if (!bias)
        return;
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++)
        p->kernels->add(y + r.first * n, bias, n);
}

void scale(struct pass *p, float *y, float s, uint32_t n)
{
    const struct range r = own_range(p, p->count);
    p->kernels->scale(y + r.first * n, s, (r.last - r.first) * n);
}

void scale_far(struct pass *p, float *y, float beta, uint32_t period, uint32_t n)
{
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++)
        if (p->positions[r.first] >= period)
            p->kernels->scale(y + r.first * n, (float)(1 + (double)beta * log(1.0 + p->positions[r.first] / period)), n);
}

void silu_gate(struct pass *p, float *gate, const float *up, uint32_t n)
{
    const struct range r = own_range(p, p->count);
    p->kernels->silu_gate(gate + r.first * n, up + r.first * n, (r.last - r.first) * n, gate + r.first * n);
}

void gelu_gate(struct pass *p, float *gate, const float *up, uint32_t n)
{
    const struct range r = own_range(p, p->count);
    p->kernels->gelu_gate(gate + r.first * n, up + r.first * n, (r.last - r.first) * n, gate + r.first * n);
}

void rope_positions(struct pass *p, const struct rope *rope)
{
    const double *frequency = rope->stretched && p->kv->shape.context > rope->original ? rope->stretched : rope->frequency;
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++) {
        float *c = p->work->rope_table[rope->table] + r.first * 2 * rope->pairs, *s = c + rope->pairs;
        for (uint32_t i = 0; i < rope->pairs; i++) {
            const double angle = p->positions[r.first] * frequency[i];
            c[i] = (float)cos(angle) * rope->magnitude;
            s[i] = (float)sin(angle) * rope->magnitude;
        }
    }
}

void rotate(struct pass *p, const struct rope *rope, float *x, uint32_t heads, uint32_t head_dim)
{
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++) {
        const float *c = p->work->rope_table[rope->table] + r.first * 2 * rope->pairs, *s = c + rope->pairs;
        for (uint32_t h = 0; h < heads; h++)
            p->kernels->rope(x + (r.first * heads + h) * head_dim, rope->pairs, c, s, rope->adjacent);
    }
}

void kv_write(struct pass *p, uint32_t layer, const float *k, const float *v)
{
    const struct kvcache *kv = p->kv;
    const uint32_t heads = kv->shape.heads, d = kv->shape.head_dim;
    kv_store_fn *store_k = p->kernels->kv_store_k[kv->shape.type_k], *store_v = p->kernels->kv_store_v[kv->shape.type_v];
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++) {
        const uint32_t sequence = p->sequences[r.first], page = p->positions[r.first] / KV_PAGE;
        const int slot = (int)(p->positions[r.first] % KV_PAGE);
        for (uint32_t h = 0; h < heads; h++) {
            const size_t at = (r.first * heads + h) * d;
            store_k(k + at, d, kvcache_k(kv, layer, h, sequence, page), slot);
            store_v(v + at, d, kvcache_v(kv, layer, h, sequence, page), slot);
        }
    }
}

/* Each thread moves its own columns, row after row, so that none overwrites what another one still has to read. */
void keep_wanted(struct pass *p, const struct rows *buffers, size_t n)
{
    if (p->wanted_count == p->count)
        return;
    par_wait(p->par); /* rows and columns lie with different threads */
    for (const struct rows *b = buffers; b < buffers + n; b++) {
        const struct range r = own_range(p, b->width);
        for (size_t s = 0; s < b->streams; s++)
            for (size_t i = 0; i < p->wanted_count; i++)
                memmove(b->x + (s * p->wanted_count + i) * b->width + r.first,
                        b->x + (s * p->count + p->wanted[i]) * b->width + r.first, (r.last - r.first) * sizeof *b->x);
    }
    p->count = p->kept.count;
    p->positions = p->kept.positions;
    p->runs = p->kept.runs;
    p->run_count = p->kept.run_count;
    p->wanted = NULL;
}
