/* The public functions: argument checks, then the module that does the work. */
#include "chat/template.h"
#include "files.h"
#include "generate.h"
#include "model.h"
#include "sampler.h"
#include "session.h"
#include "topo.h"

#include "../kernels/cpu.h"

#include <string.h>

static slm_status null_argument(slm_error *err, const char *function, const char *argument)
{
    return fail(err, SLM_INVALID, SLM_NO_OFFSET, "%s: %s is NULL", function, argument);
}

/* Copies as much of the caller's options as both sides know over the defaults in *out. */
static slm_status take_options(void *out, size_t known, const void *given, const char *function, slm_error *err)
{
    size_t size;
    if (!given)
        return SLM_OK;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size || size > 4096)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "%s: options.size is %zu: start from the options' *_default()", function, size);
    memcpy(out, given, size < known ? size : known);
    return SLM_OK;
}

/* ------------------------------------------------------------------- model */

/* Opens the file at `path`, or where that is NULL the one in memory. `source` is what the function calls it. */
static slm_status open_model(const char *function, const char *source, const char *path, const void *data, size_t size,
                             const slm_model_options *options, slm_model **model, slm_error *err)
{
    if (!model)
        return null_argument(err, function, "model");
    *model = NULL;
    if (!path && !data)
        return null_argument(err, function, source);
    slm_model_options o = slm_model_options_default();
    TRY(take_options(&o, sizeof o, options, function, err));
    mem m;
    TRY(mem_init(&m, &o.allocator, err));
    struct files files;
    TRY(path ? files_open(&m, path, &files, err) : files_open_memory(&m, data, size, &files, err));
    slm_status status = model_new(&files.gguf, files.maps, NULL, &o, model, err);
    files_close(&files);
    return status;
}

slm_status slm_model_open(const char *path, const slm_model_options *options, slm_model **model, slm_error *err)
{
    return open_model("slm_model_open", "path", path, NULL, 0, options, model, err);
}

slm_status slm_model_open_memory(const void *data, size_t size, const slm_model_options *options, slm_model **model, slm_error *err)
{
    return open_model("slm_model_open_memory", "data", NULL, data, size, options, model, err);
}

slm_status slm_model_random(const slm_shape *shape, const char *type, const slm_model_options *options, slm_model **model,
                            slm_error *err)
{
    if (!model)
        return null_argument(err, "slm_model_random", "model");
    *model = NULL;
    if (!shape || !shape->architecture)
        return null_argument(err, "slm_model_random", "shape");
    if (!type)
        return null_argument(err, "slm_model_random", "type");
    slm_model_options o = slm_model_options_default();
    TRY(take_options(&o, sizeof o, options, "slm_model_random", err));
    mem m;
    TRY(mem_init(&m, &o.allocator, err));
    const struct random_spec spec = { shape, type };
    TRY(random_check_type(&spec, err));
    uint8_t *metadata;
    size_t size;
    TRY(random_metadata(&m, &spec, &metadata, &size, err));
    struct gguf gguf;
    slm_status status = gguf_open(&m, metadata, size, &gguf, err);
    if (!status) {
        status = model_new(&gguf, NULL, &spec, &o, model, err);
        gguf_close(&gguf);
    }
    mem_free(&m, metadata);
    return status;
}

void slm_model_free(slm_model *model)
{
    model_free(model);
}

void slm_model_get_info(const slm_model *model, slm_model_info *info)
{
    if (!model || !info || info->size < sizeof info->size)
        return;
    const struct config *c = &model->config;
    const struct kv_shape kv = { .type_k = KV_F16, .type_v = KV_F16, .heads = c->kv_heads, .head_dim = c->head_dim };
    const slm_model_info full = {
        .size = info->size,
        .architecture = model->architecture,
        .name = model->name,
        .type = model->type ? model->type : "",
        .context_length = c->context,
        .embedding_length = c->embedding,
        .layers = c->layers,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .vocab_size = c->vocab ? c->vocab : model->tokenizer ? tokenizer_size(model->tokenizer) : 0,
        .parameters = model->parameters,
        .layer_parameters = model->layer_parameters,
        .late_parameters = model->late_parameters,
        .weight_bytes = model->arena_bytes,
        .decode_bytes = model->decode_bytes,
        .kv_bytes_per_token = c->kv_layers * kvcache_position_bytes(&kv),
        .isa = isa_name(model->kernels.isa),
        .chat_template = model->chat_template,
    };
    memcpy(info, &full, info->size < sizeof full ? info->size : sizeof full);
}

/* -------------------------------------------------------------- vocabulary */

static const struct tokenizer *vocabulary(const slm_model *model)
{
    return model ? model->tokenizer : NULL;
}

slm_token slm_token_bos(const slm_model *model)
{
    return vocabulary(model) ? tokenizer_bos(model->tokenizer) : SLM_TOKEN_NONE;
}

slm_token slm_token_eos(const slm_model *model)
{
    return vocabulary(model) ? tokenizer_eos(model->tokenizer) : SLM_TOKEN_NONE;
}

bool slm_token_is_end(const slm_model *model, slm_token token)
{
    return vocabulary(model) && tokenizer_is_end(model->tokenizer, token);
}

slm_token slm_token_find(const slm_model *model, const char *text)
{
    return vocabulary(model) && text ? tokenizer_find(model->tokenizer, text) : SLM_TOKEN_NONE;
}

bool slm_model_adds_bos(const slm_model *model)
{
    return vocabulary(model) && tokenizer_adds_bos(model->tokenizer);
}

slm_status slm_tokenize(const slm_model *model, const char *text, size_t length, unsigned flags, slm_token *tokens, size_t capacity,
                        size_t *count, slm_error *err)
{
    if (!count)
        return null_argument(err, "slm_tokenize", "count");
    *count = 0;
    if (!model)
        return null_argument(err, "slm_tokenize", "model");
    if (!text && length)
        return null_argument(err, "slm_tokenize", "text");
    if (!tokens && capacity)
        return null_argument(err, "slm_tokenize", "tokens");
    if (flags & ~(unsigned)(SLM_TOKENIZE_BOS | SLM_TOKENIZE_SPECIAL | SLM_TOKENIZE_EOS))
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "slm_tokenize: unknown flags 0x%x", flags);
    if (!model->tokenizer)
        return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "slm_tokenize: a random model has no vocabulary");
    return tokenizer_encode(model->tokenizer, text ? text : "", length, flags, tokens, capacity, count, err);
}

size_t slm_token_bytes(const slm_model *model, slm_token token, bool special, char *bytes, size_t capacity)
{
    return vocabulary(model) ? tokenizer_bytes(model->tokenizer, token, special, bytes, bytes ? capacity : 0) : 0;
}

size_t slm_detokenize(const slm_model *model, slm_detokenizer *state, slm_token token, char *text, size_t capacity)
{
    if (!vocabulary(model) || !state) {
        if (text && capacity)
            text[0] = 0;
        return 0;
    }
    return tokenizer_stream(model->tokenizer, state, token, text, text ? capacity : 0);
}

/* ----------------------------------------------------------------- session */

slm_status slm_session_new(const slm_model *model, const slm_session_options *options, slm_session **session, slm_error *err)
{
    if (!session)
        return null_argument(err, "slm_session_new", "session");
    *session = NULL;
    if (!model)
        return null_argument(err, "slm_session_new", "model");
    slm_session_options o = slm_session_options_default();
    TRY(take_options(&o, sizeof o, options, "slm_session_new", err));
    return session_new(model, &o, session, err);
}

/* Copies as much of *full as the caller's struct of `size` bytes holds. */
static void give_info(const slm_session_info *full, slm_session_info *info)
{
    memcpy(info, full, info->size < sizeof *full ? info->size : sizeof *full);
}

slm_status slm_session_plan(const slm_model *model, const slm_session_options *options, slm_session_info *info, slm_error *err)
{
    if (!model)
        return null_argument(err, "slm_session_plan", "model");
    if (!info || info->size < sizeof info->size)
        return null_argument(err, "slm_session_plan", "info");
    slm_session_options o = slm_session_options_default();
    TRY(take_options(&o, sizeof o, options, "slm_session_plan", err));
    slm_session_info full = { .size = info->size };
    TRY(session_plan(model, &o, &full, err));
    give_info(&full, info);
    return SLM_OK;
}

void slm_session_get_info(const slm_session *session, slm_session_info *info)
{
    if (!session || !info || info->size < sizeof info->size)
        return;
    slm_session_info full = { .size = info->size };
    session_info(session, &full);
    give_info(&full, info);
}

void slm_session_free(slm_session *session)
{
    session_free(session);
}

slm_status slm_decode(slm_session *session, const slm_batch *batch, slm_error *err)
{
    if (!session)
        return null_argument(err, "slm_decode", "session");
    if (!batch)
        return null_argument(err, "slm_decode", "batch");
    return session_decode(session, batch, 0, err);
}

float *slm_logits(slm_session *session, size_t index)
{
    if (!session || index >= session->logits_count)
        return NULL;
    return session->work.logits + session->logits_rows[index] * session->model->config.vocab;
}

void slm_session_profile(slm_session *session, slm_op_profile *ops)
{
    if (session)
        session->profile = ops;
}

size_t slm_sequence_length(const slm_session *session, uint32_t sequence)
{
    return session && sequence < session->kv.shape.sequences ? session->kv.sequences[sequence].length : 0;
}

slm_status slm_sequence_truncate(slm_session *session, uint32_t sequence, size_t length, slm_error *err)
{
    if (!session)
        return null_argument(err, "slm_sequence_truncate", "session");
    if (sequence >= session->kv.shape.sequences)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "sequence %u of a session with %u", sequence, session->kv.shape.sequences);
    session_truncate(session, sequence, length);
    return SLM_OK;
}

size_t slm_sequence_match(const slm_session *session, uint32_t sequence, const slm_token *tokens, size_t count)
{
    const size_t length = tokens ? slm_sequence_length(session, sequence) : 0;
    uint32_t same = 0;
    while (same < length && same < count && *kvcache_token(&session->kv, sequence, same) == tokens[same])
        same++;
    return same;
}

size_t slm_sequence_floor(const slm_session *session, uint32_t sequence)
{
    return session && sequence < session->kv.shape.sequences ? kvcache_floor(&session->kv, sequence) : 0;
}

int slm_session_threads(const slm_session *session)
{
    return session ? session->threads : 0;
}

/* -------------------------------------------------------------------- chat */

/* The text of a special token, or NULL where the model has none or it does not fit. */
static const char *token_text(const slm_model *model, slm_token token, char text[256])
{
    size_t length = token == SLM_TOKEN_NONE ? 0 : slm_token_bytes(model, token, true, text, 255);
    text[length < 255 ? length : 0] = 0;
    return length > 0 && length < 255 ? text : NULL;
}

/* `guard` as in struct template_input. */
static slm_status render_chat(const char *function, const slm_model *model, const slm_chat_message *messages, size_t count,
                              const slm_chat_options *options, const struct tokenizer *guard, char **text, size_t *length, slm_error *err)
{
    if (!model)
        return null_argument(err, function, "model");
    if (count && !messages)
        return null_argument(err, function, "messages");
    for (size_t i = 0; i < count; i++)
        if (!messages[i].role || !messages[i].content)
            return null_argument(err, function, messages[i].role ? "content of a message" : "role of a message");
    slm_chat_options o = slm_chat_options_default();
    TRY(take_options(&o, sizeof o, options, function, err));
    if ((unsigned)o.thinking > SLM_THINKING_OFF)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "%s: options.thinking is %d: expected one of slm_thinking", function, (int)o.thinking);
    const char *source = o.chat_template ? o.chat_template : model->chat_template;
    if (!source)
        return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "the model's file has no chat template: give one in options.chat_template "
                    "(slm_chat_template_at has some)");
    char bos[256], eos[256];
    const bool thinks = o.thinking == SLM_THINKING_ON;
    const struct template_input input = {
        .source = source,
        .source_length = strlen(source),
        .bos_token = token_text(model, slm_token_bos(model), bos),
        .eos_token = token_text(model, slm_token_eos(model), eos),
        .messages = messages,
        .message_count = count,
        .add_generation_prompt = &o.add_generation_prompt,
        .enable_thinking = o.thinking == SLM_THINKING_AUTO ? NULL : &thinks,
        .tools = o.tools,
        .variables = o.variables,
        .variables_length = o.variables ? strlen(o.variables) : 0,
        .guard = guard,
        .now = o.now,
    };
    return template_render(&model->mem, &input, text, length, err);
}

slm_status slm_chat_render(const slm_model *model, const slm_chat_message *messages, size_t count, const slm_chat_options *options,
                           char **text, size_t *length, slm_error *err)
{
    if (!text)
        return null_argument(err, "slm_chat_render", "text");
    *text = NULL;
    return render_chat("slm_chat_render", model, messages, count, options, NULL, text, length, err);
}

slm_status slm_chat_tokenize(const slm_model *model, const slm_chat_message *messages, size_t count, const slm_chat_options *options,
                             slm_token *tokens, size_t capacity, size_t *token_count, slm_error *err)
{
    if (!token_count)
        return null_argument(err, "slm_chat_tokenize", "token_count");
    *token_count = 0;
    if (!tokens && capacity)
        return null_argument(err, "slm_chat_tokenize", "tokens");
    if (model && !model->tokenizer)
        return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "slm_chat_tokenize: a random model has no vocabulary");
    char *text;
    size_t length;
    TRY(render_chat("slm_chat_tokenize", model, messages, count, options, vocabulary(model), &text, &length, err));
    slm_status status = tokenizer_encode_guarded(model->tokenizer, text, length, tokens, capacity, token_count, err);
    template_text_free(text);
    return status;
}

slm_status slm_template_render(const char *source, size_t source_length, const char *variables, size_t variables_length, const char *now,
                               char **text, size_t *length, slm_error *err)
{
    if (!text)
        return null_argument(err, "slm_template_render", "text");
    *text = NULL;
    if (!source)
        return null_argument(err, "slm_template_render", "source");
    mem m;
    TRY(mem_init(&m, NULL, err));
    const struct template_input input = {.source = source, .source_length = source_length, .variables = variables,
                                         .variables_length = variables_length, .now = now};
    return template_render(&m, &input, text, length, err);
}

void slm_text_free(char *text)
{
    template_text_free(text);
}

const char *slm_chat_template_at(size_t index, const char **name)
{
    const char *ignored;
    return template_named(index, name ? name : &ignored);
}

/* ---------------------------------------------------------------- sampling */

slm_status slm_sampler_new(const slm_model *model, const slm_sampler_options *options, slm_sampler **sampler, slm_error *err)
{
    if (!sampler)
        return null_argument(err, "slm_sampler_new", "sampler");
    *sampler = NULL;
    if (!model)
        return null_argument(err, "slm_sampler_new", "model");
    TRY(model_check_weights(model, err));
    slm_sampler_options o = slm_sampler_options_default();
    TRY(take_options(&o, sizeof o, options, "slm_sampler_new", err));
    if (o.bias_count && !o.bias)
        return null_argument(err, "slm_sampler_new", "options.bias");
    return sampler_new(&model->mem, model->config.vocab, &o, sampler, err);
}

void slm_sampler_free(slm_sampler *sampler)
{
    sampler_free(sampler);
}

slm_token slm_sampler_next(slm_sampler *sampler, const float *logits)
{
    return sampler && logits ? sampler_next(sampler, logits) : SLM_TOKEN_NONE;
}

void slm_sampler_accept(slm_sampler *sampler, slm_token token)
{
    if (sampler)
        sampler_accept(sampler, token);
}

void slm_sampler_reset(slm_sampler *sampler)
{
    if (sampler)
        sampler_reset(sampler);
}

/* -------------------------------------------------------------- generation */

slm_status slm_generate(slm_session *session, uint32_t sequence, const slm_token *prompt, size_t count, slm_sampler *sampler,
                        size_t max_tokens, bool special, slm_token_fn *callback, void *user, size_t *generated, slm_error *err)
{
    size_t ignored;
    if (!generated)
        generated = &ignored;
    *generated = 0;
    if (!session)
        return null_argument(err, "slm_generate", "session");
    if (!prompt)
        return null_argument(err, "slm_generate", "prompt");
    if (!sampler)
        return null_argument(err, "slm_generate", "sampler");
    if (sequence >= session->kv.shape.sequences)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "sequence %u of a session with %u", sequence, session->kv.shape.sequences);
    if (sampler_vocab(sampler) != session->model->config.vocab)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "the sampler is for %u tokens, the session's model has %u: make it with this model",
                    sampler_vocab(sampler), session->model->config.vocab);
    const struct generation g = { session, sequence, sampler, max_tokens, special, callback, user };
    return generate(&g, prompt, count, generated, err);
}

void slm_topology_get(slm_topology *topology)
{
    if (!topology || topology->size < sizeof topology->size)
        return;
    slm_topology full;
    topo_describe(&full);
    full.size = topology->size;
    memcpy(topology, &full, topology->size < sizeof full ? topology->size : sizeof full);
}
