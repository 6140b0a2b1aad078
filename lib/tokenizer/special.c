/* special.c - finds control and user-defined tokens in text. */
#include "internal.h"

#include <string.h>

/* Of equal texts only the one that vocab_find gives. */
static bool is_special(const struct vocab *vocab, uint32_t id)
{
    uint8_t kind = vocab->kinds[id];
    struct gguf_str text = vocab_text(vocab, id);
    return (kind == TOKEN_USER || kind == TOKEN_CONTROL || kind == TOKEN_UNKNOWN) && text.length && text.length <= VOCAB_MAX_SPECIAL &&
           vocab_find(vocab, text.data, text.length) == (slm_token)id;
}

static int compare_texts(const struct vocab *vocab, uint32_t a, uint32_t b)
{
    struct gguf_str x = vocab_text(vocab, a), y = vocab_text(vocab, b);
    int order = memcmp(x.data, y.data, x.length < y.length ? x.length : y.length);
    return order ? order : x.length < y.length ? -1 : 1;
}

static void sift_down(const struct vocab *vocab, uint32_t *ids, uint32_t at, uint32_t count)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare_texts(vocab, ids[child], ids[child + 1]) < 0)
            child++;
        if (compare_texts(vocab, ids[at], ids[child]) >= 0)
            return;
        uint32_t moved = ids[at];
        ids[at] = ids[child];
        ids[child] = moved;
    }
}

/* Heap sort: no memory, no bad case. */
static void sort_by_text(const struct vocab *vocab, uint32_t *ids, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(vocab, ids, i, count);
    while (count > 1) {
        uint32_t last = ids[--count];
        ids[count] = ids[0];
        ids[0] = last;
        sift_down(vocab, ids, 0, count);
    }
}

/* -------------------------------------------------------------------- white space */

static bool contains(struct gguf_str text, const char *part)
{
    size_t length = strlen(part);
    for (size_t i = 0; i + length <= text.length; i++) {
        size_t n = 0;
        while (n < length && (text.data[i + n] >= 'A' && text.data[i + n] <= 'Z' ? text.data[i + n] + 32 : text.data[i + n]) == part[n])
            n++;
        if (n == length)
            return true;
    }
    return false;
}

static void set_strips(const struct vocab *vocab, struct special_tokens *special, const char *text, uint8_t strips)
{
    for (uint32_t i = 0; i < special->count; i++)
        if (gguf_str_is(vocab_text(vocab, special->ids[i]), text))
            special->strips[i] = strips;
}

/* Models whose tokenizers drop the white space beside special tokens. The metadata can't say so; their names do. */
static slm_status find_strips(const struct vocab *vocab, const struct gguf *gguf, struct special_tokens *special, slm_error *err)
{
    struct gguf_str name = {"", 0}, pre = {"", 0}, arch = {"", 0};
    TRY(gguf_string(gguf, "general.name", &name, err));
    TRY(gguf_string(gguf, "general.architecture", &arch, err));
    TRY(gguf_string(gguf, "tokenizer.ggml.pre", &pre, err));
    if (contains(pre, "jina-v2-de") || contains(pre, "jina-v2-es") || contains(pre, "jina-v2-code") || contains(arch, "nomic-bert-moe") ||
        contains(arch, "jina-bert-v3")) {
        set_strips(vocab, special, "<mask>", STRIPS_BEFORE);
    } else if (contains(name, "phi-3") || contains(name, "phi3")) {
        memset(special->strips, STRIPS_AFTER, special->count);
        set_strips(vocab, special, "<unk>", 0);
        set_strips(vocab, special, "<s>", 0);
        set_strips(vocab, special, "<|endoftext|>", 0);
    } else if (contains(name, "modern-bert")) {
        set_strips(vocab, special, "[MASK]", STRIPS_BEFORE);
    }
    return SLM_OK;
}

/* -------------------------------------------------------------------- tokens */

slm_status special_tokens_open(const struct vocab *vocab, const struct gguf *gguf, struct special_tokens *special, slm_error *err)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < vocab->count; id++)
        count += is_special(vocab, id);
    *special = (struct special_tokens){.ids = mem_alloc(&vocab->mem, count, sizeof *special->ids),
                                       .strips = mem_zalloc(&vocab->mem, count, 1)};
    if (!special->ids || !special->strips)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for %u special tokens", count);
    for (uint32_t id = 0; id < vocab->count; id++) {
        if (!is_special(vocab, id))
            continue;
        special->ids[special->count++] = id;
        special->any_user |= vocab->kinds[id] == TOKEN_USER;
        special->starts[(uint8_t)vocab_text(vocab, id).data[0]] = true;
    }
    sort_by_text(vocab, special->ids, special->count);
    return find_strips(vocab, gguf, special, err);
}

void special_tokens_close(const mem *m, struct special_tokens *special)
{
    mem_free(m, special->ids);
    mem_free(m, special->strips);
    *special = (struct special_tokens){0};
}

/* First of ids[low, high) whose text has a byte >= `byte` at `depth`; all agree before that. */
static uint32_t lower_bound(const struct vocab *vocab, const uint32_t *ids, uint32_t low, uint32_t high, size_t depth, unsigned byte)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct gguf_str text = vocab_text(vocab, ids[middle]);
        if (depth < text.length && (uint8_t)text.data[depth] >= byte)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int64_t special_tokens_match(const struct special_tokens *special, const struct vocab *vocab, const char *text, size_t length, bool all)
{
    int64_t found = -1;
    if (!length || !special->starts[(uint8_t)text[0]])
        return found;
    uint32_t low = 0, high = special->count;
    for (size_t depth = 0; depth < length && low < high; depth++) {
        unsigned byte = (uint8_t)text[depth];
        low = lower_bound(vocab, special->ids, low, high, depth, byte);
        high = lower_bound(vocab, special->ids, low, high, depth, byte + 1);
        if (low < high && vocab_text(vocab, special->ids[low]).length == depth + 1 &&
            (all || vocab->kinds[special->ids[low]] == TOKEN_USER))
            found = low; /* the shortest text comes first */
    }
    return found;
}
