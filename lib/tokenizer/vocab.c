#include "vocab.h"

#include <string.h>

#define SLM_FORMAT_AT(kv, ...) fail(err, SLM_FORMAT, (kv)->offset, __VA_ARGS__)

static uint64_t mix(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

uint32_t vocab_hash(const char *text, size_t length)
{
    uint64_t hash = length, word;
    for (; length >= 8; text += 8, length -= 8) {
        memcpy(&word, text, 8);
        hash = mix(hash ^ word);
    }
    word = 0;
    memcpy(&word, text, length);
    return (uint32_t)mix(hash ^ word);
}

struct gguf_str vocab_text(const struct vocab *vocab, uint32_t id)
{
    uint32_t start = vocab->starts[id];
    return (struct gguf_str){vocab->texts + start, vocab->starts[id + 1] - start};
}

/* The slot of the text, or the empty one where it would go; NULL after too many steps. */
static struct vocab_slot *find_slot(const struct vocab *vocab, uint32_t hash, const char *text, size_t length)
{
    for (uint32_t i = 0; i < VOCAB_MAX_PROBES; i++) {
        struct vocab_slot *slot = &vocab->slots[(hash + i) & vocab->slot_mask];
        if (!slot->id_plus_1)
            return slot;
        if (slot->hash == hash) {
            struct gguf_str found = vocab_text(vocab, slot->id_plus_1 - 1);
            if (found.length == length && !memcmp(found.data, text, length))
                return slot;
        }
    }
    return NULL;
}

slm_token vocab_find(const struct vocab *vocab, const char *text, size_t length)
{
    const struct vocab_slot *slot = find_slot(vocab, vocab_hash(text, length), text, length);
    return slot ? (slm_token)slot->id_plus_1 - 1 : SLM_TOKEN_NONE;
}

static slm_token find_plain(const struct vocab *vocab, uint32_t hash, const char *text, size_t length)
{
    const struct vocab_slot *slot = find_slot(vocab, hash, text, length);
    if (!slot || !slot->id_plus_1)
        return SLM_TOKEN_NONE;
    return vocab_is_plain(vocab, slot->id_plus_1 - 1) ? (slm_token)slot->id_plus_1 - 1 : SLM_TOKEN_NONE;
}

slm_token vocab_find_plain(const struct vocab *vocab, const char *text, size_t length)
{
    return find_plain(vocab, vocab_hash(text, length), text, length);
}

/* Smallest power of two that leaves a table of `count` entries at most 4/7 full. */
static uint32_t table_size(uint32_t count)
{
    uint32_t size = 16;
    while (size < count + (uint64_t)count * 3 / 4)
        size *= 2;
    return size;
}

static slm_status read_texts(struct vocab *v, const struct gguf_kv *kv, slm_error *err)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < v->count; i++)
        total += kv->strings[i].length; /* inside the file: no overflow */
    if (total > VOCAB_MAX_BYTES)
        return fail(err, SLM_LIMIT, kv->offset, "the token texts take %llu bytes; at most %u are supported", (unsigned long long)total,
                    VOCAB_MAX_BYTES);
    uint32_t size = table_size(v->count);
    v->slot_mask = size - 1;
    v->texts = mem_alloc(&v->mem, (size_t)total, 1);
    v->starts = mem_alloc(&v->mem, (size_t)v->count + 1, sizeof *v->starts);
    v->slots = mem_zalloc(&v->mem, size, sizeof *v->slots);
    if (!v->texts || !v->starts || !v->slots)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for a vocabulary of %u tokens", v->count);
    uint32_t at = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        struct gguf_str text = kv->strings[i];
        v->starts[i] = at;
        v->starts[i + 1] = at + (uint32_t)text.length;
        if (!text.length)
            continue; /* nothing can become it */
        memcpy(v->texts + at, text.data, text.length);
        at += (uint32_t)text.length;
        uint32_t hash = vocab_hash(text.data, text.length);
        struct vocab_slot *slot = find_slot(v, hash, text.data, text.length);
        if (!slot)
            return SLM_FORMAT_AT(kv, "the token texts are made to collide (token %u); refusing the vocabulary", i);
        if (!slot->id_plus_1)
            *slot = (struct vocab_slot){hash, i + 1};
    }
    return SLM_OK;
}

static slm_status read_kinds(struct vocab *v, const struct gguf *gguf, slm_error *err)
{
    v->kinds = mem_alloc(&v->mem, v->count, 1);
    if (!v->kinds)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for a vocabulary of %u tokens", v->count);
    memset(v->kinds, TOKEN_NORMAL, v->count);
    const struct gguf_kv *kv = gguf_find(gguf, "tokenizer.ggml.token_type");
    if (!kv)
        return SLM_OK;
    if (!kv->is_array || kv->count < v->count)
        return SLM_FORMAT_AT(kv, "tokenizer.ggml.token_type has %llu elements for %u tokens: damaged file",
                             (unsigned long long)kv->count, v->count);
    for (uint32_t i = 0; i < v->count; i++) {
        int64_t kind;
        if (!gguf_element_i64(kv, i, &kind))
            return SLM_FORMAT_AT(kv, "tokenizer.ggml.token_type must be an array of integers");
        v->kinds[i] = kind >= TOKEN_NORMAL && kind <= TOKEN_BYTE ? (uint8_t)kind : TOKEN_UNDEFINED;
    }
    return SLM_OK;
}

slm_status vocab_open(const mem *m, const struct gguf *gguf, struct vocab *vocab, slm_error *err)
{
    *vocab = (struct vocab){.mem = *m};
    const struct gguf_kv *kv = gguf_find(gguf, "tokenizer.ggml.tokens");
    if (!kv)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "tokenizer.ggml.tokens is missing: the file has no vocabulary");
    if (!kv->is_array || kv->type != GGUF_STRING || !kv->count)
        return SLM_FORMAT_AT(kv, "tokenizer.ggml.tokens must be an array of strings that is not empty");
    if (kv->count > VOCAB_MAX_TOKENS)
        return fail(err, SLM_LIMIT, kv->offset, "the vocabulary has %llu tokens; at most %u are supported",
                    (unsigned long long)kv->count, VOCAB_MAX_TOKENS);
    vocab->count = (uint32_t)kv->count;
    slm_status status = read_texts(vocab, kv, err);
    if (status == SLM_OK)
        status = read_kinds(vocab, gguf, err);
    if (status != SLM_OK)
        vocab_close(vocab);
    return status;
}

slm_status vocab_read_scores(struct vocab *v, const struct gguf *gguf, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(gguf, "tokenizer.ggml.scores");
    if (!kv)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "tokenizer.ggml.scores is missing: this kind of vocabulary needs them");
    if (!kv->is_array || kv->count < v->count)
        return SLM_FORMAT_AT(kv, "tokenizer.ggml.scores has %llu elements for %u tokens: damaged file",
                             (unsigned long long)kv->count, v->count);
    v->scores = mem_alloc(&v->mem, v->count, sizeof *v->scores);
    if (!v->scores)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for the scores of %u tokens", v->count);
    for (uint32_t i = 0; i < v->count; i++) {
        int64_t integer;
        if (!gguf_element_f32(kv, i, &v->scores[i])) {
            if (!gguf_element_i64(kv, i, &integer))
                return SLM_FORMAT_AT(kv, "tokenizer.ggml.scores must be an array of numbers");
            v->scores[i] = (float)integer;
        }
    }
    return SLM_OK;
}

static uint32_t merge_hash(uint32_t left, uint32_t right)
{
    return (uint32_t)mix((uint64_t)left << 32 | right);
}

/* The place of the pair, or the empty one where it would go; NULL after too many steps. */
static struct vocab_merge *find_merge(const struct vocab *v, uint32_t left, uint32_t right)
{
    uint32_t hash = merge_hash(left, right);
    for (uint32_t i = 0; i < VOCAB_MAX_PROBES; i++) {
        struct vocab_merge *merge = &v->merges[(hash + i) & v->merge_mask];
        if (merge->merged == UINT32_MAX || (merge->left == left && merge->right == right))
            return merge;
    }
    return NULL;
}

const struct vocab_merge *vocab_merge(const struct vocab *vocab, uint32_t left, uint32_t right)
{
    const struct vocab_merge *merge = find_merge(vocab, left, right);
    return merge && merge->merged != UINT32_MAX ? merge : NULL;
}

/* The merges of a file are looked up in groups, so that the memory of one look-up arrives while the others are made. */
#define GROUP 16

struct merge_text {
    struct gguf_str part[3];        /* left, right, both together */
    uint32_t hash[3];
    slm_token token[3];
    char together[VOCAB_MAX_MERGED];
};

/* Cuts "left right" in two. The first character may be the space itself. */
static bool cut_merge(struct gguf_str text, struct merge_text *m)
{
    const char *space = text.length > 1 ? memchr(text.data + 1, ' ', text.length - 1) : NULL;
    if (!space || space + 1 == text.data + text.length)
        return false;
    size_t left = (size_t)(space - text.data), right = text.length - left - 1;
    if (left + right > VOCAB_MAX_MERGED)
        left = right = 0; /* no token has an empty text */
    m->part[0] = (struct gguf_str){text.data, left};
    m->part[1] = (struct gguf_str){space + 1, right};
    m->part[2] = (struct gguf_str){m->together, left + right};
    memcpy(m->together, text.data, left);
    memcpy(m->together + left, space + 1, right);
    return true;
}

/* The token that a look-up meets first (0 where the slot is empty: any will do). */
static uint32_t first_met(const struct vocab *v, uint32_t hash)
{
    uint32_t id_plus_1 = v->slots[hash & v->slot_mask].id_plus_1;
    return id_plus_1 ? id_plus_1 - 1 : 0;
}

static void hash_group(const struct vocab *v, struct merge_text *group, uint32_t count)
{
    for (uint32_t i = 0; i < 3 * count; i++) {
        struct gguf_str part = group[i / 3].part[i % 3];
        uint32_t hash = group[i / 3].hash[i % 3] = vocab_hash(part.data, part.length);
        __builtin_prefetch(&v->slots[hash & v->slot_mask]);
    }
    for (uint32_t i = 0; i < 3 * count; i++)
        __builtin_prefetch(&v->starts[first_met(v, group[i / 3].hash[i % 3])]);
    for (uint32_t i = 0; i < 3 * count; i++)
        __builtin_prefetch(v->texts + v->starts[first_met(v, group[i / 3].hash[i % 3])]);
}

/* Looks up the tokens of the merges. One of tokens that the vocabulary lacks can't happen: its part 0 becomes SLM_TOKEN_NONE. */
static void find_group(const struct vocab *v, struct merge_text *group, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct merge_text *m = &group[i];
        bool known = true;
        for (int k = 0; k < 3; k++)
            known &= (m->token[k] = find_plain(v, m->hash[k], m->part[k].data, m->part[k].length)) != SLM_TOKEN_NONE;
        if (!known)
            m->token[0] = SLM_TOKEN_NONE;
        __builtin_prefetch(&v->merges[merge_hash((uint32_t)m->token[0], (uint32_t)m->token[1]) & v->merge_mask]);
    }
}

/* Enters a merge; of several of the same pair the first counts. False after too many steps. */
static bool add_merge(struct vocab *v, uint32_t rank, const slm_token token[3])
{
    if (token[0] == SLM_TOKEN_NONE)
        return true;
    struct vocab_merge *merge = find_merge(v, (uint32_t)token[0], (uint32_t)token[1]);
    if (merge && merge->merged == UINT32_MAX)
        *merge = (struct vocab_merge){(uint32_t)token[0], (uint32_t)token[1], rank, (uint32_t)token[2]};
    return merge != NULL;
}

slm_status vocab_read_merges(struct vocab *v, const struct gguf *gguf, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(gguf, "tokenizer.ggml.merges");
    if (!kv)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "tokenizer.ggml.merges is missing: byte-level BPE needs them");
    if (!kv->is_array || kv->type != GGUF_STRING)
        return SLM_FORMAT_AT(kv, "tokenizer.ggml.merges must be an array of strings");
    if (kv->count > VOCAB_MAX_MERGES)
        return fail(err, SLM_LIMIT, kv->offset, "the vocabulary has %llu merges; at most %u are supported",
                    (unsigned long long)kv->count, VOCAB_MAX_MERGES);
    uint32_t size = table_size((uint32_t)kv->count);
    v->merge_mask = size - 1;
    v->merges = mem_alloc(&v->mem, size, sizeof *v->merges);
    if (!v->merges)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for %llu merges", (unsigned long long)kv->count);
    memset(v->merges, 0xff, size * sizeof *v->merges);
    struct merge_text group[GROUP];
    for (uint32_t start = 0, count; start < kv->count; start += count) {
        count = kv->count - start < GROUP ? (uint32_t)kv->count - start : GROUP;
        for (uint32_t i = 0; i < count; i++)
            if (!cut_merge(kv->strings[start + i], &group[i]))
                return SLM_FORMAT_AT(kv, "tokenizer.ggml.merges: merge %u is not two texts with a space between them: damaged file",
                                     start + i);
        hash_group(v, group, count);
        find_group(v, group, count);
        for (uint32_t i = 0; i < count; i++)
            if (!add_merge(v, start + i, group[i].token))
                return SLM_FORMAT_AT(kv, "the merges are made to collide (merge %u); refusing the vocabulary", start + i);
    }
    return SLM_OK;
}

bool vocab_words_split(const struct vocab *vocab)
{
    static const char mark[] = "\xe2\x96\x81";
    size_t size = sizeof mark - 1;
    for (uint32_t id = 0; id < vocab->count; id++) {
        struct gguf_str text = vocab_text(vocab, id);
        if (!vocab_is_plain(vocab, id))
            continue;
        size_t spaces = 0;
        while (spaces + size <= text.length && !memcmp(text.data + spaces, mark, size))
            spaces += size;
        if (text.length > spaces && memmem(text.data + spaces, text.length - spaces, mark, size))
            return false;
    }
    return true;
}

void vocab_close(struct vocab *vocab)
{
    mem_free(&vocab->mem, vocab->texts);
    mem_free(&vocab->mem, vocab->starts);
    mem_free(&vocab->mem, vocab->kinds);
    mem_free(&vocab->mem, vocab->scores);
    mem_free(&vocab->mem, vocab->slots);
    mem_free(&vocab->mem, vocab->merges);
    *vocab = (struct vocab){.mem = vocab->mem};
}
