#include "random.h"

#include "weights.h"

#include "../kernels/kernels.h"
#include "../kernels/tiles.h"

#include <stdio.h>
#include <string.h>

enum { METADATA_BYTES = 2048 };

/* What the files of some architectures hold beside their sizes. */
static const struct { const char *architecture, *key; float value; } scales[] = {
    { "gemma2", "attn_logit_softcapping", 50.0f },  { "gemma2", "final_logit_softcapping", 30.0f },
    { "gemma3n", "final_logit_softcapping", 30.0f }, { "granite", "embedding_scale", 12.0f },
    { "granite", "residual_scale", 0.22f },          { "granite", "attention.scale", 0.015625f },
    { "granite", "logit_scale", 8.0f },
};

/* ---- metadata: a GGUF file of keys only (layout: the GGUF specification) */

struct writer {
    uint8_t *bytes;
    size_t used;
    uint64_t keys;
    const char *prefix;
};

static void put(struct writer *w, const void *data, size_t size)
{
    if (w->used + size <= METADATA_BYTES)
        memcpy(w->bytes + w->used, data, size);
    w->used += size;
}

static void put_string(struct writer *w, const char *text)
{
    const uint64_t length = strlen(text);
    put(w, &length, sizeof length);
    put(w, text, length);
}

static void put_value(struct writer *w, const char *key, uint32_t type, const void *value)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", w->prefix, key);
    put_string(w, name);
    put(w, &type, sizeof type);
    put(w, value, 4);
    w->keys++;
}

static void put_text(struct writer *w, const char *key, const char *text)
{
    const uint32_t type = GGUF_STRING;
    put_string(w, key);
    put(w, &type, sizeof type);
    put_string(w, text);
    w->keys++;
}

slm_status random_metadata(const mem *m, const struct random_spec *spec, uint8_t **bytes, size_t *size, slm_error *err)
{
    const slm_shape *s = spec->shape;
    const struct { const char *key; uint32_t value; } integers[] = {
        { "context_length", s->context ? s->context : 131072 },
        { "block_count", s->layers },
        { "embedding_length", s->embedding },
        { "feed_forward_length", s->feed_forward },
        { "attention.head_count", s->heads },
        { "attention.head_count_kv", s->kv_heads },
        { "attention.key_length", s->head_dim },
        { "attention.value_length", s->head_dim },
        { "rope.dimension_count", s->rope_dimensions ? s->rope_dimensions : s->head_dim },
        { "vocab_size", s->vocab },
        { "attention.sliding_window", s->window },
        { "attention.shared_kv_layers", s->shared_kv_layers },
    };
    struct writer w = { .bytes = mem_alloc(m, METADATA_BYTES, 1), .prefix = s->architecture };
    if (!w.bytes)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for the metadata of a random model");
    const struct { char magic[4]; uint32_t version; uint64_t tensors, keys; } head = { { 'G', 'G', 'U', 'F' }, 3, 0, 0 };
    put(&w, &head, sizeof head);
    put_text(&w, "general.architecture", s->architecture);
    put_text(&w, "general.name", s->name ? s->name : "random");
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        put_value(&w, integers[i].key, GGUF_U32, &integers[i].value);
    put_value(&w, "rope.freq_base", GGUF_F32, &s->rope_base);
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        if (!strcmp(s->architecture, scales[i].architecture))
            put_value(&w, scales[i].key, GGUF_F32, &scales[i].value);
    if (w.used > METADATA_BYTES) {
        mem_free(m, w.bytes);
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "the shape's names are too long");
    }
    memcpy(w.bytes + 16, &w.keys, sizeof w.keys);
    *bytes = w.bytes;
    *size = w.used;
    return SLM_OK;
}

/* ---- types */

/* The mix that files called Q4_K_M hold: Q6_K for the output and for the value and down projections of the first and last eighth of
 * the layers and every third one between; Q4_K for the rest. */
static unsigned q4_k_m(const struct random_spec *spec, const char *name)
{
    unsigned layer;
    char tail[64];
    if (!strcmp(name, "output.weight") || (spec->shape->tied && !strcmp(name, "token_embd.weight")))
        return WEIGHT_Q6_K;
    if (sscanf(name, "blk.%u.%63s", &layer, tail) != 2 || (strcmp(tail, "attn_v.weight") && strcmp(tail, "ffn_down.weight")))
        return WEIGHT_Q4_K;
    const uint32_t eighth = spec->shape->layers / 8;
    const bool better = layer < eighth || layer >= 7 * spec->shape->layers / 8 || (layer - eighth) % 3 == 2;
    return better ? WEIGHT_Q6_K : WEIGHT_Q4_K;
}

/* What quantizers take instead for rows that are not a multiple of 256 values: a type of blocks of 32. (If that does not fit either,
 * F16.) */
static unsigned fallback(unsigned type)
{
    switch (type) {
    case WEIGHT_TQ1_0:
    case WEIGHT_TQ2_0:
        return WEIGHT_Q4_0;
    case WEIGHT_Q2_K:
    case WEIGHT_Q3_K:
    case WEIGHT_IQ4_XS:
        return WEIGHT_IQ4_NL;
    case WEIGHT_Q4_K:
        return WEIGHT_Q5_0;
    case WEIGHT_Q5_K:
        return WEIGHT_Q5_1;
    default:
        return WEIGHT_Q8_0;
    }
}

slm_status random_check_type(const struct random_spec *spec, slm_error *err)
{
    if (!strcmp(spec->type, "Q4_K_M") || quant_by_name(spec->type) != WEIGHT_TYPES)
        return SLM_OK;
    char known[200] = "Q4_K_M";
    size_t used = strlen(known);
    for (unsigned t = 0; t < WEIGHT_TYPES && used < sizeof known; t++)
        used += (size_t)snprintf(known + used, sizeof known - used, ", %s", quants[t].name);
    return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "no weight type '%.32s' (known: %s)", spec->type, known);
}

unsigned random_type(const struct random_spec *spec, const char *name, uint32_t k)
{
    if (spec->shape->tied && !strcmp(name, "output.weight"))
        return WEIGHT_TYPES;
    unsigned type = strcmp(spec->type, "Q4_K_M") ? quant_by_name(spec->type) : q4_k_m(spec, name);
    if (type != WEIGHT_TYPES && k % quants[type].block)
        type = fallback(type);
    if (type != WEIGHT_TYPES && k % quants[type].block)
        type = WEIGHT_F16;
    return type;
}

/* ---- values */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* splitmix64, Steele et al. 2014 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return z ^ (z >> 27);
}

enum { F16_SMALL = 0x1400, BF16_SMALL = 0x3a80, F32_SMALL = 0x3a800000 }; /* about 0.001; exact sizes do not matter */

/* Kernels count on what scales of 6 bits can be. */
static void limit_scales(struct tile_q3_k *t)
{
    for (int s = 0; s < 8; s++)
        for (int r = 0; r < TILE_ROWS; r++)
            for (int half = 0; half < 2; half++)
                t->sub[s].sc[r][half] = (int8_t)((t->sub[s].sc[r][half] & 63) - 32);
}

/* Random bits everywhere, then scales (or whole dense values) forced to a small magnitude with random sign and mantissa. */
static void random_block(uint8_t *block, unsigned type, uint64_t *state)
{
    const struct quant *q = &quants[type];
    for (uint32_t i = 0; i + 8 <= q->tile_bytes; i += 8) {
        const uint64_t bits = next_random(state);
        memcpy(block + i, &bits, sizeof bits);
    }
    if (type == WEIGHT_F32) {
        uint32_t v[TILE_ROWS];
        memcpy(v, block, sizeof v);
        for (int i = 0; i < TILE_ROWS; i++)
            v[i] = (v[i] & 0x807fffff) | F32_SMALL;
        memcpy(block, v, sizeof v);
        return;
    }
    uint16_t half[2 * TILE_ROWS];
    memcpy(half, block, q->halves * sizeof *half);
    for (uint32_t i = 0; i < q->halves; i++)
        half[i] = q->bf16 ? (uint16_t)((half[i] & 0x807f) | BF16_SMALL) : (uint16_t)((half[i] & 0x83ff) | F16_SMALL);
    memcpy(block, half, q->halves * sizeof *half);
    if (type == WEIGHT_Q3_K)
        limit_scales((struct tile_q3_k *)(void *)block);
}

void random_halves(uint16_t *halves, size_t count)
{
    uint64_t state = count;
    for (size_t i = 0; i < count; i++)
        halves[i] = (uint16_t)((next_random(&state) & 0x83ff) | F16_SMALL);
}

void random_tiles(const struct weight *w, uint32_t first, uint32_t last)
{
    uint64_t state = ((uint64_t)w->rows << 32) + first;
    const uint32_t block = quants[w->type].tile_bytes;
    uint8_t *end = w->tiles + last * w->tile_bytes;
    for (uint8_t *p = w->tiles + first * w->tile_bytes; p < end; p += block)
        random_block(p, w->type, &state);
}
