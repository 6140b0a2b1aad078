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
        bind_optional_u32(b, &vocab, 1, MAX_VOCAB, "vocab_size"); /* random models have no tensors */
        if (!vocab)
            bind_fail(b, SLM_FORMAT, "tensor token_embd.weight is missing: the file is incomplete or holds a vocabulary only");
        return vocab;
    }
    if (t->rows > MAX_VOCAB)
        bind_fail(b, SLM_FORMAT, "token_embd.weight has %llu rows, more than %d", (unsigned long long)t->rows, MAX_VOCAB);
    return b->status ? 0 : (uint32_t)t->rows;
}

/* The divisor of positions: 1 without scaling. */
static float linear_factor(struct binder *b)
{
    struct gguf_str kind = { "none", 4 };
    char key[128];
    snprintf(key, sizeof key, "%s.rope.scaling.type", b->prefix);
    if (!b->status)
        b->status = gguf_string(b->gguf, key, &kind, b->err);
    float factor = 1.0f;
    if (gguf_str_is(kind, "linear"))
        bind_optional_f32(b, &factor, 1e-3f, 1e6f, "rope.scaling.factor");
    else if (!gguf_str_is(kind, "none"))
        bind_fail(b, SLM_UNSUPPORTED, "rope scaling '%.*s' is not supported (known: none, linear)", (int)(kind.length < 64 ? kind.length : 64),
                  kind.data);
    else
        bind_optional_f32(b, &factor, 1e-3f, 1e6f, "rope.scale_linear"); /* the older key */
    return factor;
}

void bind_rope(struct binder *b, struct rope *rope, uint32_t dimensions, float base, bool adjacent)
{
    const uint32_t pairs = dimensions / 2;
    const float factor = linear_factor(b);
    float *divisor;
    bind_optional_vector(b, &divisor, pairs, "rope_freqs.weight");
    double *frequency = bind_alloc(b, pairs, sizeof *frequency);
    if (!frequency)
        return;
    for (uint32_t i = 0; i < pairs; i++)
        frequency[i] = pow((double)base, -2.0 * i / dimensions) / (double)factor / (divisor ? (double)divisor[i] : 1.0);
    *rope = (struct rope){ .pairs = pairs, .adjacent = adjacent, .magnitude = 1.0f, .frequency = frequency };
}
