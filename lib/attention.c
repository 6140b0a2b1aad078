/* Causal attention over the paged KV cache: an online soft-max over pages within a span, spans merged in position order.
 * Milakov and Gimelshein 2018 (arXiv:1805.02867); Dao et al. 2022 (2205.14135).
 *
 * A panel is up to ATTEND_COLS queries: the heads that share a KV head, of one or several consecutive tokens; or of few tokens, and then of
 * several neighbouring KV heads, whose keys and values lie side by side in a page, since memory is read fastest in order. Spans begin at
 * absolute positions, so the arithmetic of a query depends neither on its batch nor on who computes it. */
#include "kvcache.h"
#include "ops_internal.h"
#include "profile.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct panel {
    const struct run *run;
    uint32_t token, tokens;     /* first token of the pass, number of tokens */
    uint32_t head, heads;       /* first query head, number of heads for each token */
    uint32_t kv_head;           /* first KV head, of as many as the job takes together */
    int each;                   /* columns of one KV head: tokens * heads */
    int cols;                   /* of all; column = (KV head * tokens + token) * heads + head */
};

struct job {
    uint32_t layer, heads, window;
    float scale, softcap;
    const float *q;
    float *out;
    uint32_t group;             /* query heads that share a KV head */
    uint32_t parts;             /* panels that a group is cut into, where it is wider than one */
    uint32_t tokens;            /* tokens in a panel */
    uint32_t together;          /* KV heads in a panel, a divisor of all */
    size_t panels;              /* of all runs, for the same KV heads */
    uint32_t width;             /* head_dim rounded up to whole tiles */
    scores_fn *scores;          /* of the cache's types */
    values_fn *values;
    bool blocks;                /* queries are wanted in int8 blocks */
};

/* Running state of the columns of one panel. */
struct state {
    float *m, *l, *o;           /* [cols], [cols], [cols, width] */
};

static size_t state_floats(uint32_t head_dim)
{
    return ATTEND_COLS * (2 + kvcache_lanes(head_dim));
}

static struct state state_at(float *memory)
{
    return (struct state){ memory, memory + ATTEND_COLS, memory + 2 * ATTEND_COLS };
}

/* What a thread works in. */
struct scratch {
    float *q;                   /* of each KV head [head_dim, each], or struct act_block [head_dim in blocks, each] */
    float *scores;              /* of one KV head [each, KV_PAGE], then the weights; a query that is being prepared */
    float *scale;               /* [each] */
    float *span, *total;        /* memory of two states */
};

/* Dimensions of a head rounded up to whole blocks. */
static size_t padded(uint32_t head_dim)
{
    return ((size_t)head_dim + ACT_BLOCK - 1) / ACT_BLOCK * ACT_BLOCK;
}

static_assert(sizeof(struct act_block) <= ACT_BLOCK * sizeof(float), "blocks take no more room than floats");
static_assert(ATTEND_COLS * KV_PAGE >= 512, "a query fits into the memory of the scores");

static struct scratch scratch_at(float *memory, uint32_t head_dim)
{
    struct scratch s = { .q = memory };
    s.scores = s.q + padded(head_dim) * ATTEND_COLS;
    s.scale = s.scores + ATTEND_COLS * KV_PAGE;
    s.span = s.scale + ATTEND_COLS;
    s.total = s.span + state_floats(head_dim);
    return s;
}

size_t attention_scratch_floats(uint32_t head_dim)
{
    return padded(head_dim) * ATTEND_COLS + ATTEND_COLS * (KV_PAGE + 1) + 2 * state_floats(head_dim);
}

size_t attention_partial_floats(int threads, uint32_t context, uint32_t head_dim)
{
    const size_t spans = (context + SPAN - 1) / SPAN;
    return (size_t)threads * SPLIT_BELOW * spans * state_floats(head_dim);
}

/* Panels of one run for the same KV heads. */
static size_t run_panels(const struct job *job, const struct run *run)
{
    return (size_t)((run->count + job->tokens - 1) / job->tokens) * job->parts;
}

/* The run that the last panel was of, and the index of its first panel: panels come in order, so the next one is near. */
struct cursor {
    const struct run *run;
    size_t first;
};

static struct panel panel_at(const struct pass *p, const struct job *job, struct cursor *at, size_t index)
{
    const uint32_t teams = p->kv->shape.heads / job->together, kv_head = (uint32_t)(index % teams) * job->together;
    index /= teams;
    while (index < at->first)
        at->first -= run_panels(job, --at->run);
    while (index >= at->first + run_panels(job, at->run))
        at->first += run_panels(job, at->run++);
    index -= at->first;
    const struct run *run = at->run;
    const uint32_t part = (uint32_t)(index % job->parts), token = (uint32_t)(index / job->parts) * job->tokens;
    const uint32_t head = part * ATTEND_COLS;
    struct panel panel = {
        .run = run, .token = run->first + token, .tokens = run->count - token < job->tokens ? run->count - token : job->tokens,
        .head = kv_head * job->group + head, .heads = job->group - head < ATTEND_COLS ? job->group - head : ATTEND_COLS,
        .kv_head = kv_head,
    };
    panel.each = (int)(panel.tokens * panel.heads);
    panel.cols = panel.each * (int)job->together;
    return panel;
}

/* Where a column's query, or its output, stands among those of the pass. */
static size_t column_at(const struct pass *p, const struct job *job, const struct panel *panel, uint32_t c)
{
    const uint32_t each = (uint32_t)panel->each, kv = c / each, token = c % each / panel->heads, head = c % panel->heads;
    return ((size_t)(panel->token + token) * job->heads + panel->head + kv * job->group + head) * p->kv->shape.head_dim;
}

/* The queries of KV head `kv` of the panel. */
static float *queries_at(const struct pass *p, const struct panel *panel, const struct scratch *w, uint32_t kv)
{
    return w->q + padded(p->kv->shape.head_dim) * (size_t)panel->each * kv;
}

/* The panel's queries, scaled, one column each. */
static void gather_queries(const struct pass *p, const struct job *job, const struct panel *panel, const struct scratch *to)
{
    const uint32_t d = p->kv->shape.head_dim, each = (uint32_t)panel->each;
    const size_t stride = job->blocks ? 1 : each;
    for (uint32_t c = 0; c < (uint32_t)panel->cols; c++) {
        const float *q = job->q + column_at(p, job, panel, c);
        float *own = queries_at(p, panel, to, c / each), *column = job->blocks ? to->scores : own + c % each;
        for (uint32_t i = 0; i < d; i++)
            column[i * stride] = q[i] * job->scale;
        if (job->blocks) {
            memset(column + d, 0, (padded(d) - d) * sizeof *column);
            p->kernels->quantize(column, padded(d), true, (struct act_block *)(void *)own + c % each, each);
        }
    }
}

static int clamp_slot(int64_t slot)
{
    return slot < 0 ? 0 : slot > KV_PAGE ? KV_PAGE : (int)slot;
}

/* Which slots of a page each column sees, and in which of its tiles there are any. */
struct view {
    int first[ATTEND_COLS], last[ATTEND_COLS];
    int from, to;
};

static struct view view_of(const struct pass *p, const struct job *job, const struct panel *panel, uint32_t i)
{
    struct view view = { .from = KV_PAGE / TILE_ROWS, .to = 0 };
    for (uint32_t t = 0; t < panel->tokens; t++) {
        const int64_t position = (int64_t)p->positions[panel->token + t] - (int64_t)i * KV_PAGE;
        const int from = job->window ? clamp_slot(position - job->window + 1) : 0, to = clamp_slot(position + 1);
        if (from < to) {
            view.from = from / TILE_ROWS < view.from ? from / TILE_ROWS : view.from;
            view.to = (to - 1) / TILE_ROWS + 1 > view.to ? (to - 1) / TILE_ROWS + 1 : view.to;
        }
        for (uint32_t h = 0; h < panel->heads; h++) {
            view.first[t * panel->heads + h] = from;
            view.last[t * panel->heads + h] = to;
        }
    }
    return view;
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

/* Page i of the cache; page i + 1 comes next, or nothing does. */
static void attend_page(const struct pass *p, const struct job *job, const struct panel *panel, const struct scratch *w, uint32_t i,
                        bool last, struct state s)
{
    const struct view view = view_of(p, job, panel, i);
    if (view.from >= view.to)
        return;
    const uint32_t d = p->kv->shape.head_dim, sequence = panel->run->sequence, end = panel->kv_head + job->together;
    for (uint32_t kv = panel->kv_head; kv < end; kv++) {
        const void *k = kvcache_k(p->kv, job->layer, kv, sequence, i), *v = kvcache_v(p->kv, job->layer, kv, sequence, i);
        const void *next_k = NULL, *next_v = NULL;
        if (kv + 1 < end || !last) {
            const uint32_t next = kv + 1 < end ? kv + 1 : panel->kv_head, page = kv + 1 < end ? i : i + 1;
            next_k = kvcache_k(p->kv, job->layer, next, sequence, page);
            next_v = kvcache_v(p->kv, job->layer, next, sequence, page);
        }
        job->scores(queries_at(p, panel, w, kv - panel->kv_head), panel->each, d, k, next_k, view.from, view.to, w->scores);
        p->kernels->soft_max(w->scores, panel->each, view.first, view.last, job->softcap, s.m, s.l, w->scale);
        job->values(w->scores, panel->each, d, v, next_v, w->scale, s.o);
        s.m += panel->each;
        s.l += panel->each;
        s.o += (size_t)panel->each * job->width;
    }
}

/* Positions span * SPAN .. of the panel's columns. `on`: the next span comes next. */
static void attend_span(const struct pass *p, const struct job *job, const struct panel *panel, const struct scratch *w, uint32_t span,
                        bool on, struct state s)
{
    const uint32_t pages = p->positions[panel->token + panel->tokens - 1] / KV_PAGE + 1, seen = first_seen(p, job, panel) / KV_PAGE;
    const uint32_t first = span * (SPAN / KV_PAGE), past = first + SPAN / KV_PAGE, end = past < pages ? past : pages;
    start(job, panel, s);
    for (uint32_t page = first < seen ? seen : first; page < end; page++)
        attend_page(p, job, panel, w, page, page + 1 == (on ? pages : end), s);
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
    for (uint32_t c = 0; c < (uint32_t)panel->cols; c++) {
        float *out = job->out + column_at(p, job, panel, c);
        for (uint32_t i = 0; i < p->kv->shape.head_dim; i++)
            out[i] = total.o[(size_t)c * job->width + i] / total.l[c];
    }
}

static uint32_t span_count(const struct pass *p, const struct panel *panel)
{
    return p->positions[panel->token + panel->tokens - 1] / SPAN + 1;
}

static size_t panel_count(const struct pass *p, const struct job *job)
{
    return job->panels * (p->kv->shape.heads / job->together);
}

/* Enough panels: each thread takes whole ones. */
static void whole_panels(struct pass *p, const struct job *job)
{
    const size_t count = panel_count(p, job);
    const struct scratch w = scratch_at(p->work->scratch[p->thread], p->kv->shape.head_dim);
    const struct state s = state_at(w.span), total = state_at(w.total);
    struct cursor at = { p->runs, 0 };
    for (size_t i; (i = par_next(p->par, 1)) < count;) {
        const struct panel panel = panel_at(p, job, &at, count - 1 - i); /* the longest first */
        gather_queries(p, job, &panel, &w);
        start(job, &panel, total);
        for (uint32_t span = first_seen(p, job, &panel) / SPAN; span < span_count(p, &panel); span++) {
            attend_span(p, job, &panel, &w, span, true, s);
            merge_span(p, job, &panel, total, s);
        }
        write_output(p, job, &panel, total);
    }
    par_wait(p->par);
}

/* Few panels: their spans are shared out too, then merged. */
static void split_panels(struct pass *p, const struct job *job, uint32_t spans)
{
    const size_t count = panel_count(p, job), size = state_floats(p->kv->shape.head_dim);
    const struct scratch w = scratch_at(p->work->scratch[p->thread], p->kv->shape.head_dim);
    struct cursor at = { p->runs, 0 };
    size_t gathered = count; /* the panel whose queries are at hand */
    for (size_t i; (i = par_next(p->par, 1)) < count * spans;) {
        const struct panel panel = panel_at(p, job, &at, i / spans);
        const uint32_t span = (uint32_t)(i % spans);
        if (span < first_seen(p, job, &panel) / SPAN || span >= span_count(p, &panel))
            continue;
        if (gathered != i / spans)
            gather_queries(p, job, &panel, &w);
        gathered = i / spans;
        attend_span(p, job, &panel, &w, span, false, state_at(p->work->partial + i * size));
    }
    par_wait(p->par);
    const struct state total = state_at(w.total);
    for (size_t i; (i = par_next(p->par, 1)) < count;) {
        const struct panel panel = panel_at(p, job, &at, i);
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
        const double end = (double)p->positions[run->first + run->count - 1] + 1;
        positions += window && window + run->count < end ? (double)window + run->count : end;
        for (uint32_t t = 0; t < run->count; t++) {
            const double seen = (double)p->positions[run->first + t] + 1;
            pairs += window && window < seen ? window : seen;
        }
    }
    profile_work(p, positions * (double)kvcache_position_bytes(&p->kv->shape), 4.0 * pairs * heads * p->kv->shape.head_dim);
}

/* How many KV heads share a panel where runs are of up to `longest` tokens: as many as fit, and leave enough work for all threads. */
static uint32_t heads_together(const struct pass *p, const struct job *job, uint32_t longest, uint32_t spans)
{
    const uint32_t tokens = longest < job->tokens ? longest : job->tokens, heads = p->kv->shape.heads;
    const size_t enough = (size_t)p->threads * SPLIT_BELOW;
    uint32_t together = job->parts > 1 ? 1 : ATTEND_COLS / (tokens * job->group);
    while (together > 1 && (heads % together || job->panels * (heads / together) * spans < enough))
        together--;
    return together;
}

void attention(struct pass *p, uint32_t layer, const float *q, uint32_t heads, float scale, uint32_t window, float softcap,
               float *out)
{
    const struct kv_shape *kv = &p->kv->shape;
    struct job job = { .layer = layer, .heads = heads, .window = window, .scale = scale, .softcap = softcap, .q = q, .out = out,
                       .group = heads / kv->heads, .width = (uint32_t)kvcache_lanes(kv->head_dim), .blocks = kv->type_k == KV_Q8_0,
                       .scores = p->kernels->scores[kv->type_k], .values = p->kernels->values[kv->type_v] };
    job.parts = (job.group + ATTEND_COLS - 1) / ATTEND_COLS;
    job.tokens = job.group < ATTEND_COLS ? ATTEND_COLS / job.group : 1;
    uint32_t spans = 1, longest = 1;
    for (size_t i = 0; i < p->run_count; i++) {
        const struct run *run = &p->runs[i];
        const uint32_t reach = p->positions[run->first + run->count - 1] / SPAN + 1;
        job.panels += run_panels(&job, run);
        spans = reach > spans ? reach : spans;
        longest = run->count > longest ? run->count : longest;
    }
    job.together = heads_together(p, &job, longest, spans);
    profile_mark(p, SLM_OP_ATTENTION);
    if (p->profile)
        count_work(p, heads, window);
    par_wait(p->par);
    if (spans > 1 && panel_count(p, &job) < (size_t)p->threads * SPLIT_BELOW)
        split_panels(p, &job, spans);
    else
        whole_panels(p, &job);
    profile_mark(p, SLM_OP_OTHER);
}
