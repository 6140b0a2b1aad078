#include "session.h"

#include "par.h"
#include "profile.h"
#include "topo.h"

#include <string.h>

enum { MAX_SEQUENCES = 1 << 16, MAX_BATCH = 1 << 16, DEFAULT_CONTEXT = 4096, DEFAULT_BATCH = 512 };

static slm_status check_options(const slm_session_options *o, slm_error *err)
{
    if (o->context > MAX_CONTEXT)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "context is %u tokens, at most %d are possible", o->context, MAX_CONTEXT);
    if (o->sequences > MAX_SEQUENCES)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "%u sequences, at most %d are possible", o->sequences, MAX_SEQUENCES);
    if (o->batch > MAX_BATCH)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "batch is %u tokens, at most %d are possible", o->batch, MAX_BATCH);
    return par_check(o->threads, err);
}

/* F16 costs weights of more than 16 bits some of their accuracy, and others nothing that could be measured. */
static slm_status choose_type(const slm_model *model, const char *name, const char *option, enum kv_type *type, slm_error *err)
{
    if (!name || !strcmp(name, "auto")) {
        *type = model->exact ? KV_F32 : KV_F16;
        return SLM_OK;
    }
    *type = kv_type_by_name(name);
    if (*type == KV_TYPES)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "%s is '%.32s': expected auto, f32, f16 or q8_0", option, name);
    return SLM_OK;
}

/* Takes `floats` floats off a block, in whole cache lines; with a NULL block it only counts. */
static float *take(float *base, size_t *used, size_t floats)
{
    float *p = base ? base + *used : NULL;
    *used += (floats + 15) & ~(size_t)15;
    return p;
}

/* Lays out every float buffer of the session from `base`, or counts them if it is NULL. Returns the number of floats. */
static size_t lay_out(slm_session *s, float *base)
{
    const struct config *c = &s->model->config;
    const size_t batch = s->batch;
    size_t used = 0;
    uint32_t widest = c->embedding;
    for (size_t i = 0; i < MAX_BUFFERS; i++) {
        s->buffers[i] = take(base, &used, batch * c->buffer_width[i]);
        widest = c->buffer_width[i] > widest ? c->buffer_width[i] : widest;
    }
    s->work.act = (void *)take(base, &used, act_bytes(widest, batch, false) / sizeof(float));
    s->work.act_dense = take(base, &used, act_bytes(widest, batch, true) / sizeof(float));
    for (uint32_t i = 0; i < c->ropes; i++)
        s->work.rope_table[i] = take(base, &used, batch * 2 * c->rope_pairs);
    s->work.partial = take(base, &used, attention_partial_floats(s->threads, s->kv.shape.context, c->head_dim));
    for (int t = 0; t < s->threads; t++) {
        float *scratch = take(base, &used, attention_scratch_floats(c->head_dim));
        if (base)
            s->work.scratch[t] = scratch;
    }
    s->work.logits = take(base, &used, (size_t)s->outputs * c->vocab);
    s->work.gathered = take(base, &used, (size_t)s->outputs * c->embedding);
    return used;
}

/* Fills in what a session is made for: the options, with the model's and the machine's defaults in place. */
static slm_status plan(const slm_model *model, const slm_session_options *o, slm_session *s, slm_error *err)
{
    const struct config *c = &model->config;
    if (!c->layers)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "the model was opened for its vocabulary only: open it without vocab_only");
    TRY(check_options(o, err));
    s->mem = model->mem;
    s->model = model;
    s->threads = o->threads ? o->threads : model->cores ? model->cores : topo_threads();
    s->kv.shape = (struct kv_shape){
        .layers = c->kv_layers, .heads = c->kv_heads, .head_dim = c->head_dim, .local = c->kv_local, .window = c->kv_window,
        .context = o->context ? o->context : c->context < DEFAULT_CONTEXT ? c->context : DEFAULT_CONTEXT,
        .sequences = o->sequences ? o->sequences : 1, .batch = o->batch ? o->batch : DEFAULT_BATCH,
    };
    s->batch = s->kv.shape.batch;
    s->outputs = o->outputs ? o->outputs : s->kv.shape.sequences;
    s->buffer_bytes = lay_out(s, NULL) * sizeof(float);
    TRY(choose_type(model, o->type_k, "type_k", &s->kv.shape.type_k, err));
    return choose_type(model, o->type_v, "type_v", &s->kv.shape.type_v, err);
}

static slm_status allocate(slm_session *s, slm_error *err)
{
    const mem *m = &s->mem;
    s->work.scratch = mem_alloc(m, (size_t)s->threads, sizeof *s->work.scratch);
    s->tokens = mem_alloc(m, s->batch, sizeof *s->tokens);
    s->positions = mem_alloc(m, s->batch, sizeof *s->positions);
    s->sequences = mem_alloc(m, s->batch, sizeof *s->sequences);
    s->wanted = mem_alloc(m, s->batch, sizeof *s->wanted);
    s->kept_positions = mem_alloc(m, s->batch, sizeof *s->kept_positions);
    s->rank = mem_alloc(m, s->batch, sizeof *s->rank);
    s->runs = mem_alloc(m, s->batch, sizeof *s->runs);
    s->kept_runs = mem_alloc(m, s->batch, sizeof *s->kept_runs);
    s->logits_rows = mem_alloc(m, s->outputs, sizeof *s->logits_rows);
    s->counts = mem_alloc(m, s->kv.shape.sequences, sizeof *s->counts);
    const size_t floats = s->buffer_bytes / sizeof(float);
    s->float_memory = mem_alloc(m, floats, sizeof(float));
    if (!s->work.scratch || !s->tokens || !s->positions || !s->sequences || !s->wanted || !s->kept_positions || !s->rank ||
        !s->runs || !s->kept_runs || !s->logits_rows || !s->counts || !s->float_memory)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a session (%zu MiB of buffers): ask for a smaller batch or fewer outputs",
                    floats * sizeof(float) >> 20);
    lay_out(s, s->float_memory);
    return SLM_OK;
}

slm_status session_new(const slm_model *model, const slm_session_options *o, slm_session **out, slm_error *err)
{
    slm_session planned = { 0 };
    TRY(model_check_weights(model, err));
    TRY(plan(model, o, &planned, err));
    TRY(par_probe(planned.threads, err));
    slm_session *s = mem_alloc(&model->mem, 1, sizeof *s);
    if (!s)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a session");
    *s = planned;
    const struct kv_shape shape = s->kv.shape;
    slm_status status = kvcache_init(&s->kv, &s->mem, &shape, err);
    if (!status)
        status = allocate(s, err);
    if (status) {
        session_free(s);
        return status;
    }
    *out = s;
    return SLM_OK;
}

slm_status session_plan(const slm_model *model, const slm_session_options *o, slm_session_info *info, slm_error *err)
{
    slm_session planned = { 0 };
    TRY(plan(model, o, &planned, err));
    session_info(&planned, info);
    return SLM_OK;
}

void session_info(const slm_session *s, slm_session_info *info)
{
    const struct kv_shape *kv = &s->kv.shape;
    const uint64_t bytes = kvcache_position_bytes(kv);
    const uint32_t windowed = kvcache_layers(kv, true);
    *info = (slm_session_info){
        .size = info->size, .context = kv->context, .sequences = kv->sequences, .batch = kv->batch, .outputs = s->outputs,
        .threads = s->threads, .type_k = kv_type_name(kv->type_k), .type_v = kv_type_name(kv->type_v),
        .kv_bytes = kvcache_bytes(kv), .buffer_bytes = s->buffer_bytes, .kv_bytes_per_token = bytes * (kv->layers - windowed),
        .window_bytes_per_token = bytes * windowed, .window = windowed ? kv->window : 0,
    };
}

void session_free(slm_session *s)
{
    if (!s)
        return;
    const mem m = s->mem;
    kvcache_close(&s->kv);
    mem_free(&m, s->work.scratch);
    mem_free(&m, s->tokens);
    mem_free(&m, s->positions);
    mem_free(&m, s->sequences);
    mem_free(&m, s->wanted);
    mem_free(&m, s->kept_positions);
    mem_free(&m, s->rank);
    mem_free(&m, s->runs);
    mem_free(&m, s->kept_runs);
    mem_free(&m, s->logits_rows);
    mem_free(&m, s->counts);
    mem_free(&m, s->float_memory);
    mem_free(&m, s);
}

/* A batch, and the sequence of its tokens where it names none. */
struct request {
    const slm_batch *batch;
    uint32_t sequence;
};

static bool wants(const slm_batch *b, size_t i)
{
    return b->wants_logits ? b->wants_logits[i] : i + 1 == b->count;
}

static uint32_t sequence_of(const struct request *r, size_t i)
{
    return r->batch->sequences ? r->batch->sequences[i] : r->sequence;
}

static slm_status check_batch(const slm_session *s, const struct request *r, slm_error *err)
{
    const slm_batch *b = r->batch;
    if (!b->count || !b->tokens)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "the batch holds no tokens");
    if (b->count > s->kv.shape.context - s->kv.used)
        return fail(err, SLM_CONTEXT, SLM_NO_OFFSET, "%zu tokens do not fit: %u of the context of %u are used", b->count, s->kv.used,
                    s->kv.shape.context);
    size_t outputs = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->tokens[i] < 0 || (uint32_t)b->tokens[i] >= s->model->config.vocab)
            return fail(err, SLM_INVALID, SLM_NO_OFFSET, "token %zu of the batch is %d, outside the vocabulary of %u", i, b->tokens[i],
                        s->model->config.vocab);
        if (sequence_of(r, i) >= s->kv.shape.sequences)
            return fail(err, SLM_INVALID, SLM_NO_OFFSET, "token %zu of the batch is for sequence %u of a session with %u", i,
                        sequence_of(r, i), s->kv.shape.sequences);
        outputs += wants(b, i);
    }
    if (outputs > s->outputs)
        return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "logits of %zu tokens are wanted, the session has room for %u: set options.outputs",
                    outputs, s->outputs);
    return SLM_OK;
}

/* Orders tokens first .. first + count - 1 of the batch by sequence (stable) into the session's arrays and extends the sequences.
 * Results do not depend on the order; runs of one sequence make attention's panels full. */
static struct tokens order(slm_session *s, const struct request *r, size_t first, size_t count)
{
    const slm_batch *b = r->batch;
    memset(s->counts, 0, s->kv.shape.sequences * sizeof *s->counts);
    for (size_t i = first; i < first + count; i++)
        s->counts[sequence_of(r, i)]++;
    struct tokens all = { count, s->positions, s->runs, 0 };
    uint32_t start = 0;
    for (uint32_t q = 0; q < s->kv.shape.sequences; q++) {
        const uint32_t n = s->counts[q];
        s->counts[q] = start; /* from here on: where the sequence's next token goes */
        if (!n)
            continue;
        s->runs[all.run_count++] = (struct run){ .sequence = q, .first = start, .count = n, .position = s->kv.sequences[q].length };
        for (uint32_t i = 0; i < n; i++) {
            s->positions[start + i] = s->kv.sequences[q].length + i;
            s->sequences[start + i] = q;
        }
        kvcache_extend(&s->kv, q, n);
        start += n;
    }
    for (size_t i = first; i < first + count; i++) {
        const uint32_t at = s->counts[sequence_of(r, i)]++;
        s->tokens[at] = b->tokens[i];
        *kvcache_token(&s->kv, s->sequences[at], s->positions[at]) = b->tokens[i];
        s->rank[at] = wants(b, i);
        if (s->rank[at])
            s->logits_rows[s->logits_count++] = at;
    }
    return all;
}

/* Of `all`, those whose logits are wanted; logits_rows from `row` on hold their places among all, and get those of their logits. */
static struct tokens keep(slm_session *s, struct tokens all, size_t row)
{
    struct tokens kept = { 0, s->kept_positions, s->kept_runs, 0 };
    for (const struct run *run = all.runs; run < all.runs + all.run_count; run++) {
        const size_t start = kept.count;
        for (uint32_t t = run->first; t < run->first + run->count; t++)
            if (s->rank[t]) {
                s->wanted[kept.count] = t;
                s->kept_positions[kept.count] = all.positions[t];
                s->rank[t] = (uint32_t)kept.count++;
            }
        if (kept.count > start)
            s->kept_runs[kept.run_count++] = (struct run){ run->sequence, (uint32_t)start, (uint32_t)(kept.count - start),
                                                           s->kept_positions[start] };
    }
    for (size_t i = row; i < s->logits_count; i++)
        s->logits_rows[i] = row + s->rank[s->logits_rows[i]];
    return kept;
}

struct forward {
    const slm_model *model;
    struct pass pass;
    slm_op_profile *profile;
};

static void forward_thread(void *arg, struct par *par, int thread)
{
    const struct forward *f = arg;
    struct pass own = f->pass;
    own.par = par;
    own.thread = thread;
    own.threads = par->threads;
    struct profile profile = { .ops = f->profile, .current = SLM_OP_COUNT };
    if (f->profile && thread == 0)
        own.profile = &profile;
    profile_mark(&own, SLM_OP_OTHER);
    f->model->arch->forward(&own, f->model->params);
    profile_mark(&own, SLM_OP_COUNT);
}

/* Computes the tokens that are in the session's arrays; logits of those that are kept go to rows `row` on. */
static void compute(slm_session *s, struct tokens all, struct tokens kept, size_t row)
{
    struct forward f = { s->model,
                         { .kernels = &s->model->kernels, .kv = &s->kv, .work = &s->work, .buffer = s->buffers, .count = all.count,
                           .tokens = s->tokens, .positions = all.positions, .sequences = s->sequences, .runs = all.runs,
                           .run_count = all.run_count, .wanted = s->wanted, .wanted_count = kept.count, .kept = kept,
                           .logits_row = row },
                         s->profile };
    struct par par;
    par_run(s->threads, &par, forward_thread, &f);
}

slm_status session_decode(slm_session *s, const slm_batch *b, uint32_t sequence, slm_error *err)
{
    const struct request r = { b, sequence };
    TRY(check_batch(s, &r, err));
    s->logits_count = 0;
    for (size_t first = 0; first < b->count; first += s->batch) {
        const size_t count = b->count - first < s->batch ? b->count - first : s->batch;
        const size_t row = s->logits_count;
        const struct tokens all = order(s, &r, first, count), kept = keep(s, all, row);
        compute(s, all, kept, row);
    }
    return SLM_OK;
}

/* What windows saw before the new end is gone if it lies too far back: then the sequence is computed again, to the same bits. */
void session_truncate(slm_session *s, uint32_t sequence, size_t length)
{
    const uint32_t n = (uint32_t)length;
    if (length >= s->kv.sequences[sequence].length)
        return;
    if (!n || n >= kvcache_floor(&s->kv, sequence)) {
        kvcache_truncate(&s->kv, sequence, n);
        return;
    }
    kvcache_rewind(&s->kv, sequence, n);
    for (uint32_t first = 0; first < n; first += s->batch) {
        const uint32_t count = n - first < s->batch ? n - first : s->batch;
        for (uint32_t i = 0; i < count; i++) {
            s->tokens[i] = *kvcache_token(&s->kv, sequence, first + i);
            s->positions[i] = first + i;
            s->sequences[i] = sequence;
        }
        s->runs[0] = (struct run){ .sequence = sequence, .count = count, .position = first };
        kvcache_extend(&s->kv, sequence, count);
        compute(s, (struct tokens){ count, s->positions, s->runs, 1 }, (struct tokens){ 0 }, 0);
    }
}
