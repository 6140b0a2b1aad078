/* Causal attention over the paged KV cache: an online soft-max over pages within a span, spans merged in position order.
 * Milakov and Gimelshein 2018 (arXiv:1805.02867); Dao et al. 2022 (2205.14135).
 *
 * A panel is up to MAX_COLS queries of one KV head: the heads that share it, of one or several consecutive tokens. Spans begin at
 * absolute positions, so the arithmetic of a query depends neither on its batch nor on who computes it. */
#include "kvcache.h"
#include "ops_internal.h"
#include "profile.h"

#include <math.h>
#include <string.h>

struct panel {
    const struct run *run;
    uint32_t token, tokens;     /* first token of the pass, number of tokens */
    uint32_t head, heads;       /* first query head, number of heads for each token */
    uint32_t kv_head;
    int cols;                   /* tokens * heads; column = token * heads + head */
};

struct job {
    uint32_t layer, heads, window;
    float scale, softcap;
    const float *q;
    float *out;
    uint32_t group;             /* query heads that share a KV head */
    uint32_t parts;             /* panels that a group is cut into, where it is wider than one */
    uint32_t tokens;            /* tokens in a panel */
    size_t panels;              /* of all runs, for one KV head */
    uint32_t width;             /* head_dim rounded up to whole tiles */
};

/* Running state of the columns of one panel. */
struct state {
    float *m, *l, *o;           /* [cols], [cols], [cols, width] */
};

static size_t state_floats(uint32_t head_dim)
{
    return MAX_COLS * (2 + kvcache_lanes(head_dim));
}

static struct state state_at(float *memory)
{
    return (struct state){ memory, memory + MAX_COLS, memory + 2 * MAX_COLS };
}

size_t attention_scratch_floats(uint32_t head_dim)
{
    return (size_t)head_dim * MAX_COLS + 2 * state_floats(head_dim); /* queries, a span's state, the total */
}

size_t attention_partial_floats(int threads, uint32_t context, uint32_t kv_heads, uint32_t head_dim)
{
    const size_t spans = (context + SPAN - 1) / SPAN;
    return ((size_t)threads * SPLIT_BELOW + kv_heads) * spans * state_floats(head_dim);
}

/* Panels of one run for one KV head. */
static size_t run_panels(const struct job *job, const struct run *run)
{
    return (size_t)((run->count + job->tokens - 1) / job->tokens) * job->parts;
}

static struct panel panel_at(const struct pass *p, const struct job *job, size_t index)
{
    const uint32_t kv_head = (uint32_t)(index % p->kv->heads);
    const struct run *run = p->runs;
    index /= p->kv->heads;
    while (index >= run_panels(job, run))
        index -= run_panels(job, run++);
    const uint32_t part = (uint32_t)(index % job->parts), token = (uint32_t)(index / job->parts) * job->tokens;
    const uint32_t head = part * MAX_COLS;
    struct panel panel = {
        .run = run, .token = run->first + token, .tokens = run->count - token < job->tokens ? run->count - token : job->tokens,
        .head = kv_head * job->group + head, .heads = job->group - head < MAX_COLS ? job->group - head : MAX_COLS,
        .kv_head = kv_head,
    };
    panel.cols = (int)(panel.tokens * panel.heads);
    return panel;
}

/* The panel's queries, scaled, one column each: [head_dim, cols]. */
static void gather_queries(const struct pass *p, const struct job *job, const struct panel *panel, float *out)
{
    const uint32_t d = p->kv->head_dim;
    for (uint32_t t = 0; t < panel->tokens; t++)
        for (uint32_t h = 0; h < panel->heads; h++) {
            const float *q = job->q + ((size_t)(panel->token + t) * job->heads + panel->head + h) * d;
            float *column = out + t * panel->heads + h;
            for (uint32_t i = 0; i < d; i++)
                column[(size_t)i * (size_t)panel->cols] = q[i] * job->scale;
        }
}

static int clamp_slot(int64_t slot)
{
    return slot < 0 ? 0 : slot > KV_PAGE ? KV_PAGE : (int)slot;
}

/* Which slots of page i each column sees; false if none sees any. */
static bool visible(const struct pass *p, const struct job *job, const struct panel *panel, uint32_t i, int first[MAX_COLS],
                    int last[MAX_COLS])
{
    bool any = false;
    for (uint32_t t = 0; t < panel->tokens; t++) {
        const int64_t position = (int64_t)p->positions[panel->token + t] - (int64_t)i * KV_PAGE;
        const int from = job->window ? clamp_slot(position - job->window + 1) : 0, to = clamp_slot(position + 1);
        any |= from < to;
        for (uint32_t h = 0; h < panel->heads; h++) {
            first[t * panel->heads + h] = from;
            last[t * panel->heads + h] = to;
        }
    }
    return any;
}

/* The first position that any column of the panel sees. */
static uint32_t first_seen(const struct pass *p, const struct job *job, const struct panel *panel)
{
    const uint32_t position = p->positions[panel->token];
    return job->window && position >= job->window ? position - job->window + 1 : 0;
}

/* Before any position: a maximum of nothing, sums of nothing. */
static void start(const struct job *job, const struct panel *panel, struct state s)
{
    for (int c = 0; c < panel->cols; c++) {
        s.m[c] = -INFINITY;
        s.l[c] = 0;
    }
    memset(s.o, 0, (size_t)panel->cols * job->width * sizeof *s.o);
}

/* Positions span * SPAN .. of the panel's columns. */
static void attend_span(const struct pass *p, const struct job *job, const struct panel *panel, const float *q, uint32_t span,
                        struct state s)
{
    const uint32_t end = p->positions[panel->token + panel->tokens - 1] / KV_PAGE + 1, sequence = panel->run->sequence;
    const uint32_t past = (span + 1) * (SPAN / KV_PAGE), seen = first_seen(p, job, panel) / KV_PAGE;
    uint32_t page = span * (SPAN / KV_PAGE);
    page = page < seen ? seen : page;
    start(job, panel, s);
    int first[MAX_COLS], last[MAX_COLS];
    for (; page < past && page < end; page++)
        if (visible(p, job, panel, page, first, last))
            p->kernels->attend(q, panel->cols, p->kv->head_dim, kvcache_k(p->kv, job->layer, panel->kv_head, sequence, page),
                               kvcache_v(p->kv, job->layer, panel->kv_head, sequence, page), first, last, job->softcap, s.m, s.l,
                               s.o);
}

static void merge_span(const struct pass *p, const struct job *job, const struct panel *panel, struct state total, struct state s)
{
    for (int c = 0; c < panel->cols; c++) {
        const size_t at = (size_t)c * job->width;
        p->kernels->merge(&total.m[c], &total.l[c], total.o + at, s.m[c], s.l[c], s.o + at, job->width);
    }
}

static void write_output(const struct pass *p, const struct job *job, const struct panel *panel, struct state total)
{
    const uint32_t d = p->kv->head_dim;
    for (uint32_t t = 0; t < panel->tokens; t++)
        for (uint32_t h = 0; h < panel->heads; h++) {
            const size_t c = t * panel->heads + h;
            float *out = job->out + ((size_t)(panel->token + t) * job->heads + panel->head + h) * d;
            for (uint32_t i = 0; i < d; i++)
                out[i] = total.o[c * job->width + i] / total.l[c];
        }
}

static uint32_t span_count(const struct pass *p, const struct panel *panel)
{
    return p->positions[panel->token + panel->tokens - 1] / SPAN + 1;
}

/* Enough panels: each thread takes whole ones. */
static void whole_panels(struct pass *p, const struct job *job)
{
    const size_t count = job->panels * p->kv->heads;
    float *q = p->work->scratch[p->thread], *memory = q + (size_t)p->kv->head_dim * MAX_COLS;
    const struct state s = state_at(memory), total = state_at(memory + state_floats(p->kv->head_dim));
    for (size_t i; (i = par_next(p->par, 1)) < count;) {
        const struct panel panel = panel_at(p, job, count - 1 - i); /* the longest first */
        gather_queries(p, job, &panel, q);
        start(job, &panel, total);
        for (uint32_t span = first_seen(p, job, &panel) / SPAN; span < span_count(p, &panel); span++) {
            attend_span(p, job, &panel, q, span, s);
            merge_span(p, job, &panel, total, s);
        }
        write_output(p, job, &panel, total);
    }
    par_wait(p->par);
}

/* Few panels: their spans are shared out too, then merged. */
static void split_panels(struct pass *p, const struct job *job, uint32_t spans)
{
    const size_t count = job->panels * p->kv->heads, size = state_floats(p->kv->head_dim);
    float *q = p->work->scratch[p->thread], *memory = q + (size_t)p->kv->head_dim * MAX_COLS;
    for (size_t i; (i = par_next(p->par, 1)) < count * spans;) {
        const struct panel panel = panel_at(p, job, i / spans);
        gather_queries(p, job, &panel, q);
        attend_span(p, job, &panel, q, (uint32_t)(i % spans), state_at(p->work->partial + i * size));
    }
    par_wait(p->par);
    const struct state total = state_at(memory);
    for (size_t i; (i = par_next(p->par, 1)) < count;) {
        const struct panel panel = panel_at(p, job, i);
        start(job, &panel, total);
        for (uint32_t span = first_seen(p, job, &panel) / SPAN; span < span_count(p, &panel); span++)
            merge_span(p, job, &panel, total, state_at(p->work->partial + (i * spans + span) * size));
        write_output(p, job, &panel, total);
    }
    par_wait(p->par);
}

/* Keys and values that the runs see, once each; a multiplication and an addition for each of their elements, query and head. */
static void count_work(const struct pass *p, uint32_t heads, uint32_t window)
{
    double positions = 0, pairs = 0;
    for (size_t i = 0; i < p->run_count; i++) {
        const struct run *run = &p->runs[i];
        const double end = (double)run->position + run->count;
        positions += window && window + run->count < end ? (double)window + run->count : end;
        for (uint32_t t = 0; t < run->count; t++) {
            const double seen = (double)run->position + t + 1;
            pairs += window && window < seen ? window : seen;
        }
    }
    profile_work(p, positions * (double)kvcache_token_bytes(1, p->kv->heads, p->kv->head_dim),
                 4.0 * pairs * heads * p->kv->head_dim);
}

void attention(struct pass *p, uint32_t layer, const float *q, uint32_t heads, float scale, uint32_t window, float softcap,
               float *out)
{
    struct job job = { .layer = layer, .heads = heads, .window = window, .scale = scale, .softcap = softcap, .q = q, .out = out,
                       .group = heads / p->kv->heads, .width = (uint32_t)kvcache_lanes(p->kv->head_dim) };
    job.parts = (job.group + MAX_COLS - 1) / MAX_COLS;
    job.tokens = job.group < MAX_COLS ? MAX_COLS / job.group : 1;
    uint32_t spans = 1;
    for (size_t i = 0; i < p->run_count; i++) {
        const struct run *run = &p->runs[i];
        const uint32_t reach = p->positions[run->first + run->count - 1] / SPAN + 1;
        job.panels += run_panels(&job, run);
        spans = reach > spans ? reach : spans;
    }
    profile_mark(p, SLM_OP_ATTENTION);
    if (p->profile)
        count_work(p, heads, window);
    par_wait(p->par);
    if (spans > 1 && job.panels * p->kv->heads < (size_t)p->threads * SPLIT_BELOW)
        split_panels(p, &job, spans);
    else
        whole_panels(p, &job);
    profile_mark(p, SLM_OP_OTHER);
}
