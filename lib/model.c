#include "model.h"

#include "isa.h"
#include "par.h"
#include "topo.h"

#include <stdio.h>
#include <string.h>

/* A NUL-terminated copy of a metadata string, "" if the key is missing; NULL if there is no memory. */
static char *copy_string(const mem *m, const struct gguf *gguf, const char *key)
{
    struct gguf_str s = { "", 0 };
    if (gguf_string(gguf, key, &s, NULL))
        s = (struct gguf_str){ "", 0 };
    char *copy = mem_alloc(m, s.length + 1, 1);
    if (copy) {
        memcpy(copy, s.data, s.length);
        copy[s.length] = 0;
    }
    return copy;
}

static slm_status read_names(slm_model *model, const struct gguf *gguf, slm_error *err)
{
    const mem *m = &model->mem;
    model->architecture = copy_string(m, gguf, "general.architecture");
    model->name = copy_string(m, gguf, "general.name");
    const bool has_template = gguf_find(gguf, "tokenizer.chat_template");
    if (has_template)
        model->chat_template = copy_string(m, gguf, "tokenizer.chat_template");
    if (!model->architecture || !model->name || (has_template && !model->chat_template))
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for the model's names");
    return SLM_OK;
}

static slm_status find_arch(slm_model *model, const struct gguf *gguf, slm_error *err)
{
    struct gguf_str name = { "", 0 };
    TRY(gguf_string(gguf, "general.architecture", &name, err));
    if (!name.length)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "metadata general.architecture is missing: not a model file");
    model->arch = arch_find(name);
    if (!model->arch) {
        char known[200];
        arch_names(known, sizeof known);
        return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "architecture '%.*s' is not supported (known: %s)",
                    (int)(name.length < 64 ? name.length : 64), name.data, known);
    }
    return SLM_OK;
}

/* The type that most packed bytes are in; the bytes that decoding one token reads: everything but an untied embedding; the weights
 * of the layers: everything but embedding and output; of these, those that tokens without logits do not meet. */
static void sum_up(slm_model *model, const struct binder *b)
{
    uint64_t bytes[WEIGHT_TYPES] = { 0 }, all = 0;
    unsigned most = 0;
    bool late = false;
    model->decode_bytes = model->layer_parameters = model->late_parameters = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct weight *w = binder_weight(b, i);
        const uint64_t size = (uint64_t)w->tile_count * w->tile_bytes;
        bytes[w->type] += size;
        all += size;
        if (w != model->config.token_embedding || w == model->config.output)
            model->decode_bytes += size;
        if (w != model->config.token_embedding && w != model->config.output) {
            model->layer_parameters += (uint64_t)w->rows * w->k;
            model->late_parameters += late ? (uint64_t)w->rows * w->k : 0;
        }
        late |= w == model->config.last_for_all;
    }
    for (unsigned t = 0; t < WEIGHT_TYPES; t++)
        if (bytes[t] > bytes[most])
            most = t;
    model->type = quants[most].name;
    model->exact = bytes[WEIGHT_F32] == all;
}

static slm_status check_budget(const slm_model *model, const slm_model_options *options, slm_error *err)
{
    if (options->memory_budget && model->arena_bytes > options->memory_budget)
        return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the weights need %llu MiB, more than the budget of %llu MiB",
                    (unsigned long long)(model->arena_bytes >> 20), (unsigned long long)(options->memory_budget >> 20));
    return SLM_OK;
}

/* Tells of tensors that the architecture has no use for: the file may be of a kind that only looks like it. */
static void warn_unused(const slm_model *model, const struct binder *b)
{
    uint64_t count = 0;
    char names[120] = "";
    size_t length = 0;
    for (uint64_t i = 0; b->used && i < b->gguf->tensor_count; i++) {
        const struct gguf_str name = b->gguf->tensors[i].name;
        if (b->used[i] || count++ >= 3 || length + name.length + 2 >= sizeof names)
            continue;
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%.*s", length ? ", " : "", (int)name.length, name.data);
    }
    slm_error line;
    if (!count || !model->log)
        return;
    fail(&line, SLM_OK, SLM_NO_OFFSET, "architecture '%s' has no use for %llu of the file's tensors (%s%s): the answers may be wrong",
         model->arch->name, (unsigned long long)count, names, count > 3 ? ", ..." : "");
    model->log(model->log_user, SLM_LOG_WARNING, line.message);
}

static slm_status load_weights(slm_model *model, struct binder *b, const slm_model_options *options)
{
    model->params = model->arch->load(b, &model->config);
    model->owned = b->owned;
    model->owned_count = b->owned_count;
    model->parameters = b->parameters;
    TRY(b->status);
    warn_unused(model, b);
    model->arena_bytes = binder_bytes(b);
    TRY(check_budget(model, options, b->err));
    sum_up(model, b);
    if (options->sizes_only || options->vocab_only) { /* of a random model: it has no vocabulary, but sizes */
        model->arch = NULL;
        return SLM_OK;
    }
    model->arena = mem_alloc(&model->mem, model->arena_bytes, 1);
    if (!model->arena)
        return fail(b->err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for %llu MiB of weights",
                    (unsigned long long)(model->arena_bytes >> 20));
    topo_interleave(model->arena, model->arena_bytes);
    if (!options->threads)
        model->cores = topo_threads();
    const int threads = options->threads ? options->threads : model->cores;
    TRY(par_probe(threads, b->err));
    return binder_pack(b, model->arena, threads, options->progress, options->progress_user);
}

static slm_status check_vocab(const slm_model *model, slm_error *err)
{
    if (model->tokenizer && tokenizer_size(model->tokenizer) > model->config.vocab)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "the vocabulary has %u tokens, the embedding only %u rows",
                    tokenizer_size(model->tokenizer), model->config.vocab);
    return SLM_OK;
}

static slm_status fill(slm_model *model, const struct gguf *gguf, struct map *maps, const struct random_spec *random,
                       const slm_model_options *options, slm_error *err)
{
    TRY(read_names(model, gguf, err));
    if (!random)
        TRY(tokenizer_new(&model->mem, gguf, &model->tokenizer, err));
    if (!random && tokenizer_guesses_splitter(model->tokenizer) && model->log)
        model->log(model->log_user, SLM_LOG_WARNING, "the file has no tokenizer.ggml.pre: text is split as \"default\", answers may be "
                   "worse; convert the model again");
    if (options->vocab_only && !random)
        return SLM_OK;
    TRY(find_arch(model, gguf, err));
    struct binder b = { .mem = &model->mem, .kernels = &model->kernels, .gguf = gguf, .prefix = model->arch->name, .maps = maps,
                        .random = random, .err = err, .used = mem_zalloc(&model->mem, (size_t)gguf->tensor_count, sizeof(bool)) };
    slm_status status = b.used ? load_weights(model, &b, options) : fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a list of tensors");
    mem_free(&model->mem, b.used);
    binder_finish(&b);
    if (status)
        return status;
    TRY(check_vocab(model, err));
    if (b.kept) {
        model->map = *b.kept;
        *b.kept = (struct map){ NULL, 0 };
    }
    return SLM_OK;
}

slm_status model_new(const struct gguf *gguf, struct map *maps, const struct random_spec *random,
                     const slm_model_options *options, slm_model **out, slm_error *err)
{
    mem m;
    TRY(mem_init(&m, &options->allocator, err));
    TRY(par_check(options->threads, err));
    enum isa isa;
    TRY(isa_choose(options->isa, &isa, err));
    slm_model *model = mem_zalloc(&m, 1, sizeof *model);
    if (!model)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a model");
    model->mem = m;
    model->log = options->log;
    model->log_user = options->log_user;
    kernels_fill(&model->kernels, isa);
    slm_status status = fill(model, gguf, maps, random, options, err);
    if (status) {
        model_free(model);
        return status;
    }
    *out = model;
    return SLM_OK;
}

slm_status model_check_weights(const slm_model *model, slm_error *err)
{
    if (!model->arch)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "the model was opened without its weights: open it without vocab_only and sizes_only");
    return SLM_OK;
}

void model_free(slm_model *model)
{
    if (!model)
        return;
    const mem m = model->mem;
    tokenizer_free(model->tokenizer);
    for (size_t i = 0; i < model->owned_count; i++)
        mem_free(&m, model->owned[i]);
    mem_free(&m, model->owned);
    mem_free(&m, model->arena);
    map_close(&model->map);
    mem_free(&m, model->architecture);
    mem_free(&m, model->name);
    mem_free(&m, model->chat_template);
    mem_free(&m, model);
}
