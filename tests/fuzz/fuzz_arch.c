/* Any architecture with any metadata: the file has every tensor that the metadata asks for, of any type and content, so that what
 * loads is decoded whatever its sizes, windows, ropes and scales are. */
#include "fuzz.h"

#include "../any_model.h"

#include "slm.h"

#include <stdlib.h>
#include <string.h>

static const char *const architectures[] = {
#define ARCH(name) #name,
#include "../../lib/arch/archs.def"
#undef ARCH
};
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

/* Keys and what they hold unless the input says otherwise; 0: nothing. */
static const struct { const char *name; uint32_t value; } keys[] = {
    { "block_count", 2 }, { "context_length", 64 }, { "embedding_length", 32 }, { "feed_forward_length", 32 },
    { "attention.head_count", 2 }, { "attention.head_count_kv", 1 }, { "attention.key_length", 0 }, { "attention.value_length", 0 },
    { "attention.sliding_window", 0 }, { "attention.sliding_window_pattern", 0 }, { "embedding_length_per_layer_input", 32 },
    { "attention.layer_norm_rms_epsilon", 0 }, { "attention.scale", 0 }, { "attention.shared_kv_layers", 0 },
    { "attention.temperature_scale", 0 }, { "attn_logit_softcapping", 0 }, { "final_logit_softcapping", 0 },
    { "activation_sparsity_scale", 0 }, { "altup.active_idx", 0 }, { "altup.num_inputs", 0 }, { "embedding_scale", 0 },
    { "expert_count", 0 }, { "logit_scale", 0 }, { "residual_scale", 0 }, { "rope.dimension_count", 0 }, { "rope.freq_base", 0 },
    { "rope.freq_base_swa", 0 }, { "rope.scale_linear", 0 }, { "rope.scaling.type", 0 }, { "rope.scaling.attn_factor", 0 },
    { "rope.scaling.factor", 0 }, { "rope.scaling.original_context_length", 0 }, { "rope.scaling.yarn_beta_fast", 0 },
    { "rope.scaling.yarn_beta_slow", 0 }, { "rope.scaling.yarn_log_multiplier", 0 }, { "vocab_size", 0 },
};
enum { KEYS = sizeof keys / sizeof *keys, MOST_LAYERS = 8 };

static const char *const optional[] = { "output.weight", "rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight",
                                        "blk.0.attn_q.bias", "blk.0.attn_output.bias", "blk.0.ffn_up.bias", "blk.0.ffn_down.bias" };
enum { OPTIONAL = sizeof optional / sizeof *optional };

struct input {
    const uint8_t *data;
    size_t size, at;
};

/* The next bytes of the input as a number, zeros after its end. */
static uint32_t next(struct input *in, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)(in->at < in->size ? in->data[in->at++] : 0) << 8 * i;
    return value;
}

enum { U32, SMALL, F32, HALVES, BOOL, TEXT, I32S, F32S, BOOLS, NOTHING, KINDS };

static void put_key(struct gguf_build *b, const char *key, unsigned kind, uint32_t value)
{
    static const char *const texts[] = { "none", "linear", "yarn", "longrope", "llama3", "\x1b[2J" };
    uint32_t list[MOST_LAYERS];
    float real;
    memcpy(&real, &value, sizeof real);
    for (int i = 0; i < MOST_LAYERS; i++)
        list[i] = kind == F32S ? value : value >> i & 0xff;
    switch (kind) {
    case U32: gguf_put_u32(b, key, value); break;
    case SMALL: gguf_put_u32(b, key, value & 0xff); break;
    case F32: gguf_put_f32(b, key, real); break;
    case HALVES: gguf_put_f32(b, key, (float)(int32_t)value / 2); break;
    case BOOL: gguf_put_bool(b, key, value & 1); break;
    case TEXT: gguf_put_string(b, key, texts[value % 6]); break;
    case I32S: gguf_put_array(b, key, GGUF_I32, list, value >> 24 & MOST_LAYERS); break;
    case F32S: gguf_put_array(b, key, GGUF_F32, list, MOST_LAYERS); break;
    case BOOLS: gguf_put_array(b, key, GGUF_BOOL, list, MOST_LAYERS); break;
    default: break;
    }
}

/* The keys, with what the input says of some of them. */
static void put_metadata(void *user, struct gguf_build *b, const char *architecture)
{
    struct input *in = user;
    struct { unsigned kind; uint32_t value; } values[KEYS];
    char key[128];
    for (size_t i = 0; i < KEYS; i++) {
        values[i].kind = keys[i].value ? U32 : NOTHING;
        values[i].value = keys[i].value;
    }
    in->at = 16;
    for (uint32_t n = next(in, 1) % 32; n; n--) {
        const uint32_t i = next(in, 1) % KEYS;
        values[i].kind = next(in, 1) % KINDS;
        values[i].value = next(in, 4);
    }
    for (size_t i = 0; i < KEYS; i++)
        put_key(b, any_model_key(key, architecture, keys[i].name), values[i].kind, values[i].value);
}

/* Bytes of the rest of the input, over and over. */
static void put_tensor(void *user, struct gguf_build *b, const char *name, uint32_t k, uint32_t rows)
{
    static const struct { uint32_t type, block, bytes; } types[] = {
#define QUANT(name, gguf, block, bytes, ...) { gguf, block, bytes },
#include "../../kernels/quants.def"
#undef QUANT
    };
    struct input *in = user;
    const size_t rest = in->size > in->at ? in->size - in->at : 0;
    size_t i = rest ? in->data[in->at + strlen(name) % rest] % (sizeof types / sizeof *types) : 0;
    if (rows == 1 || k % types[i].block)
        i = 0;
    const size_t bytes = (size_t)k / types[i].block * types[i].bytes * rows;
    uint8_t *data = malloc(bytes);
    const size_t period = rest ? rest : 1;
    for (size_t at = 0; at < period && at < bytes; at++)
        data[at] = rest ? in->data[in->at + (at + k) % rest] : 0x3c;
    for (size_t at = period, n; at < bytes; at += n) { /* whole periods, twice as many each time */
        n = at < bytes - at ? at : bytes - at;
        memcpy(data + at, data, n);
    }
    gguf_put_tensor(b, name, types[i].type, rows == 1 ? 1 : 2, (uint64_t[]){ k, rows }, data, bytes);
    free(data);
}

/* An allocator with an end, so that hostile sizes are refused as they would be on a small machine. */
struct heap {
    size_t left;
};

static void *heap_alloc(void *user, size_t size, size_t alignment)
{
    struct heap *h = user;
    if (size > h->left)
        return NULL;
    void *p = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    h->left -= p ? size : 0;
    return p;
}

static void heap_free(void *user, void *p)
{
    (void)user;
    free(p);
}

static bool stop_after(void *user, slm_token token, const char *text, size_t length)
{
    if (strlen(text) > length || (token == SLM_TOKEN_NONE && !length))
        abort();
    return --*(int *)user > 0;
}

static void use(slm_model *model, const uint8_t *bytes)
{
    static const char *const cache_types[] = { NULL, "f16", "q8_0", "f32" };
    slm_session_options options = slm_session_options_default();
    options.threads = 1;
    options.context = bytes[2] % 128;
    options.sequences = bytes[3] % 4;
    options.batch = bytes[4] % 16 + 1;
    options.outputs = bytes[5] % 8;
    options.type_k = cache_types[bytes[13] % 4];
    options.type_v = cache_types[bytes[14] % 4];
    slm_session *session;
    slm_sampler *sampler;
    slm_sampler_options so = slm_sampler_options_default();
    so.temperature = (float)(bytes[6] % 4);
    so.repeat_penalty = 1.0f + (float)(bytes[7] % 2);
    slm_error err;
    if (slm_session_new(model, &options, &session, &err))
        return;
    if (slm_sampler_new(model, &so, &sampler, &err))
        abort();
    slm_token prompt[70];
    size_t count = bytes[8] % 70 + 1;
    int calls = bytes[9];
    for (size_t i = 0; i < count; i++)
        prompt[i] = (slm_token)((bytes[10] + i * bytes[11]) % 261);
    for (uint32_t s = 0; s < 3; s++) {
        const size_t before = slm_sequence_length(session, s);
        const slm_batch batch = { .tokens = prompt, .sequences = (uint32_t[]){ s, 0, s }, .count = 3 };
        if (!slm_decode(session, &batch, &err) && slm_sequence_length(session, s) <= before)
            abort();
        slm_generate(session, s, prompt, count, sampler, 6, true, stop_after, &calls, NULL, &err);
        if (slm_sequence_truncate(session, s, bytes[12] % 64, &err) == SLM_OK && slm_sequence_length(session, s) > bytes[12] % 64)
            abort();
    }
    slm_sampler_free(sampler);
    slm_session_free(session);
}

FUZZ_TARGET(arch)
{
    struct input in = { data, size, 0 };
    const char *chosen[OPTIONAL + 1];
    size_t count = 0, file_size;
    if (size < 16)
        return 0;
    for (size_t i = 0; i < OPTIONAL; i++)
        if (data[1] >> i & 1)
            chosen[count++] = optional[i];
    chosen[count] = NULL;
    const struct any_model spec = { architectures[data[0] % ARCHITECTURES], put_metadata, put_tensor, &in, chosen };
    uint8_t *file = any_model(&spec, &file_size);
    if (!file)
        return 0;
    struct heap heap = { 256 << 20 };
    slm_model_options options = slm_model_options_default();
    options.threads = 1;
    options.allocator = (slm_allocator){ heap_alloc, heap_free, &heap };
    slm_model *model;
    slm_error err = { .message = "" };
    if (slm_model_open_memory(file, file_size, &options, &model, &err)) {
        if (!err.message[0] || model)
            abort();
    } else {
        use(model, data);
    }
    slm_model_free(model);
    free(file);
    return 0;
}
