#include "arch.h"

#include <math.h>
#include <stdio.h>

#define ARCH(name) extern const struct arch arch_##name;
#include "archs.def"
#undef ARCH

static const struct arch *const archs[] = {
#define ARCH(name) &arch_##name,
#include "archs.def"
#undef ARCH
};

const struct arch *arch_find(struct gguf_str name)
{
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
        if (gguf_str_is(name, archs[i]->name))
            return archs[i];
    return NULL;
}

void arch_names(char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < sizeof archs / sizeof *archs && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", archs[i]->name);
}

void bind_heads(struct binder *b, uint32_t embedding, uint32_t *heads, uint32_t *kv_heads, uint32_t *head_dim)
{
    *heads = 1;
    bind_u32(b, heads, 1, MAX_HEADS, "attention.head_count");
    *kv_heads = *heads;
    bind_optional_u32(b, kv_heads, 1, *heads, "attention.head_count_kv");
    *head_dim = embedding / *heads;
    bind_optional_u32(b, head_dim, 1, MAX_HEAD_DIM, "attention.key_length");
    uint32_t value_dim = *head_dim;
    bind_optional_u32(b, &value_dim, 1, MAX_HEAD_DIM, "attention.value_length");
    if (*heads % *kv_heads)
        bind_fail(b, SLM_FORMAT, "%u attention heads can't share %u KV heads evenly", *heads, *kv_heads);
    if (*head_dim < 1 || *head_dim > MAX_HEAD_DIM)
        bind_fail(b, SLM_FORMAT, "head size %u is outside 1 to %d", *head_dim, MAX_HEAD_DIM);
    if (value_dim != *head_dim)
        bind_fail(b, SLM_UNSUPPORTED, "keys of %u and values of %u dimensions: they must be the same", *head_dim, value_dim);
}

uint32_t bind_vocab(struct binder *b)
{
    uint32_t vocab = 0;
    const struct gguf_tensor *t = b->status ? NULL : gguf_find_tensor(b->gguf, "token_embd.weight");
    if (!t) {
        if (b->random) /* has no tensors */
            bind_u32(b, &vocab, 1, MAX_VOCAB, "vocab_size");
        else
            bind_fail(b, SLM_FORMAT, "tensor token_embd.weight is missing: the file is incomplete or holds a vocabulary only");
        return vocab;
    }
    if (t->rows > MAX_VOCAB)
        bind_fail(b, SLM_FORMAT, "token_embd.weight has %llu rows, more than %d", (unsigned long long)t->rows, MAX_VOCAB);
    return b->status ? 0 : (uint32_t)t->rows;
}

uint32_t bind_tensor_rows(struct binder *b, const char *name, uint32_t fallback, uint32_t high)
{
    const struct gguf_tensor *t = b->status ? NULL : gguf_find_tensor(b->gguf, name);
    if (!t)
        return fallback; /* binding it says what is missing */
    if (t->rows > high)
        bind_fail(b, SLM_FORMAT, "%s has %llu rows, more than %u", name, (unsigned long long)t->rows, high);
    return b->status ? fallback : (uint32_t)t->rows;
}

/* The metadata value of that key if it is an array; fails if it has no element for the layer. */
static const struct gguf_kv *layer_array(struct binder *b, const char *key, uint32_t layer)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", b->prefix, key);
    const struct gguf_kv *kv = b->status ? NULL : gguf_find(b->gguf, name);
    if (!kv || !kv->is_array)
        return NULL;
    if (layer >= kv->count)
        bind_fail(b, SLM_FORMAT, "%s has %llu values, layer %u has none", name, (unsigned long long)kv->count, layer);
    return b->status ? NULL : kv;
}

void bind_layer_u32(struct binder *b, uint32_t *value, uint32_t low, uint32_t high, const char *key, uint32_t layer)
{
    const struct gguf_kv *kv = layer_array(b, key, layer);
    int64_t found = -1;
    if (!kv) {
        bind_u32(b, value, low, high, key);
        return;
    }
    if (!gguf_element_i64(kv, layer, &found) || found < low || found > high)
        bind_fail(b, SLM_FORMAT, "%s.%s is %lld for layer %u, expected %u to %u", b->prefix, key, (long long)found, layer, low, high);
    else
        *value = (uint32_t)found;
}

void bind_layer_f32(struct binder *b, float *value, const char *key, uint32_t layer)
{
    const struct gguf_kv *kv = layer_array(b, key, layer);
    if (kv && (!gguf_element_f32(kv, layer, value) || *value != *value || *value > 1e6f))
        bind_fail(b, SLM_FORMAT, "%s.%s has no usable number for layer %u", b->prefix, key, layer);
}

bool bind_is_local(struct binder *b, uint32_t layer, uint32_t period)
{
    const struct gguf_kv *kv = layer_array(b, "attention.sliding_window_pattern", layer);
    if (kv) {
        if (kv->type == GGUF_BOOL)
            return kv->data[layer] != 0;
        int64_t found = 0;
        if (!gguf_element_i64(kv, layer, &found))
            bind_fail(b, SLM_FORMAT, "%s.attention.sliding_window_pattern holds neither booleans nor integers", b->prefix);
        return found != 0;
    }
    if (!b->status)
        bind_optional_u32(b, &period, 1, MAX_LAYERS, "attention.sliding_window_pattern");
    return (layer + 1) % period != 0;
}

/* base^(-2i/dimensions), the angle of pair i per position, divided by divisor[i] (NULL: by one). */
static double *frequencies(struct binder *b, uint32_t dimensions, float base, const float *divisor)
{
    double *frequency = bind_alloc(b, dimensions / 2, sizeof *frequency);
    for (uint32_t i = 0; frequency && i < dimensions / 2; i++)
        frequency[i] = pow((double)base, -2.0 * i / dimensions) / (divisor ? (double)divisor[i] : 1.0);
    return frequency;
}

/* Position interpolation, Chen et al. 2023 (arXiv:2306.15595): every angle is divided by one factor. */
static void scale_linear(struct binder *b, double *frequency, uint32_t pairs)
{
    float factor = 1.0f;
    bind_optional_f32(b, &factor, 0.0f, 1e6f, "rope.scale_linear"); /* the older key */
    bind_optional_f32(b, &factor, 0.0f, 1e6f, "rope.scaling.factor");
    if (factor == 0.0f) /* how some files say none */
        return;
    for (uint32_t i = 0; i < pairs; i++)
        frequency[i] /= (double)factor;
}

/* YaRN, Peng et al. 2023 (arXiv:2309.00071): pairs that turn more than beta_fast times over the original context keep their angle,
 * those that turn less than beta_slow times are interpolated, those between are mixed; queries and keys grow by 0.1 ln s + 1 each.
 * The mix is linear in the index of the pair, between whole indices, as in the authors' code and every model trained with it. */
static void scale_yarn(struct binder *b, struct rope *rope, double *frequency, uint32_t dimensions, float base)
{
    float factor = 1.0f, fast = 32.0f, slow = 1.0f, attention = 1.0f, log_multiplier = 0.0f;
    uint32_t original = 2048;
    bind_optional_f32(b, &factor, 1e-3f, 1e6f, "rope.scaling.factor");
    bind_optional_f32(b, &fast, 1e-3f, 1e6f, "rope.scaling.yarn_beta_fast");
    bind_optional_f32(b, &slow, 1e-3f, 1e6f, "rope.scaling.yarn_beta_slow");
    bind_optional_f32(b, &attention, 1e-3f, 1e3f, "rope.scaling.attn_factor");
    bind_optional_f32(b, &log_multiplier, 0.0f, 1e3f, "rope.scaling.yarn_log_multiplier");
    bind_optional_u32(b, &original, 1, MAX_CONTEXT, "context_length");
    bind_optional_u32(b, &original, 1, MAX_CONTEXT, "rope.scaling.original_context_length");
    const double turn = 2 * 3.14159265358979323846, per_index = 2 * log((double)base) / dimensions;
    double low = floor(log(original / (turn * (double)fast)) / per_index), high = ceil(log(original / (turn * (double)slow)) / per_index);
    low = low > 0 ? low : 0;
    high = high < dimensions - 1 ? high : dimensions - 1;
    high = high > low ? high : low + 0.001;
    for (uint32_t i = 0; i < dimensions / 2; i++) {
        const double ramp = i <= low ? 0 : i >= high ? 1 : (i - low) / (high - low);
        frequency[i] = frequency[i] * (1 - ramp) + frequency[i] / (double)factor * ramp;
    }
    const double growth = factor > 1 ? log((double)factor) / 10 : 0;
    rope->magnitude = (float)((double)attention * (growth + 1) / (growth * (double)log_multiplier + 1));
}

/* Frequencies and, where the file has them, their divisors: one set, with which Llama 3's scaling is worked out in the file; or two,
 * LongRoPE's (Ding et al. 2024, arXiv:2402.13753), of which short contexts and long ones have their own. Returns rope->frequency, NULL
 * after a failure. */
static double *bind_frequencies(struct binder *b, struct rope *rope, uint32_t dimensions, float base)
{
    float *divisor = NULL, *long_divisor = NULL;
    double *frequency;
    if (b->status || !gguf_find_tensor(b->gguf, "rope_factors_long.weight")) {
        bind_optional_vector(b, &divisor, dimensions / 2, "rope_freqs.weight");
        rope->frequency = frequency = frequencies(b, dimensions, base, divisor);
        return frequency;
    }
    bind_vector(b, &divisor, dimensions / 2, "rope_factors_short.weight");
    bind_vector(b, &long_divisor, dimensions / 2, "rope_factors_long.weight");
    bind_u32(b, &rope->original, 1, MAX_CONTEXT, "rope.scaling.original_context_length");
    bind_optional_f32(b, &rope->magnitude, 1e-3f, 1e3f, "rope.scaling.attn_factor");
    rope->frequency = frequency = frequencies(b, dimensions, base, divisor);
    rope->stretched = frequencies(b, dimensions, base, long_divisor);
    return frequency;
}

void bind_rope(struct binder *b, struct rope *rope, uint32_t dimensions, float base, bool adjacent)
{
    *rope = (struct rope){ .pairs = dimensions / 2, .adjacent = adjacent, .magnitude = 1.0f };
    struct gguf_str kind = { "linear", 6 };
    char key[128];
    snprintf(key, sizeof key, "%s.rope.scaling.type", b->prefix);
    if (!b->status)
        b->status = gguf_string(b->gguf, key, &kind, b->err);
    double *frequency = bind_frequencies(b, rope, dimensions, base);
    if (!frequency || rope->stretched)
        return;
    if (gguf_str_is(kind, "linear"))
        scale_linear(b, frequency, dimensions / 2);
    else if (gguf_str_is(kind, "yarn"))
        scale_yarn(b, rope, frequency, dimensions, base);
    else if (gguf_str_is(kind, "longrope"))
        bind_fail(b, SLM_FORMAT, "tensor rope_factors_long.weight is missing: rope scaling 'longrope' needs it");
    else if (!gguf_str_is(kind, "none") && !gguf_str_is(kind, "llama3"))
        bind_fail(b, SLM_UNSUPPORTED, "rope scaling '%.*s' is not supported (known: none, linear, yarn, llama3, longrope)",
                  (int)(kind.length < 64 ? kind.length : 64), kind.data);
}

void bind_local_rope(struct binder *b, struct rope *rope, const struct rope *global, float base)
{
    *rope = (struct rope){ .table = 1, .pairs = global->pairs, .adjacent = global->adjacent, .magnitude = 1.0f };
    bind_frequencies(b, rope, 2 * global->pairs, base);
}
