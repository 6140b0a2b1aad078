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

slm_status special_tokens_open(const struct vocab *vocab, struct special_tokens *special, slm_error *err)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < vocab->count; id++)
        count += is_special(vocab, id);
    *special = (struct special_tokens){.ids = mem_alloc(&vocab->mem, count, sizeof *special->ids)};
    if (!special->ids)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for %u special tokens", count);
    for (uint32_t id = 0; id < vocab->count; id++) {
        if (!is_special(vocab, id))
            continue;
        special->ids[special->count++] = id;
        special->any_user |= vocab->kinds[id] == TOKEN_USER;
        special->starts[(uint8_t)vocab_text(vocab, id).data[0]] = true;
    }
    sort_by_text(vocab, special->ids, special->count);
    return SLM_OK;
}

void special_tokens_close(const mem *m, struct special_tokens *special)
{
    mem_free(m, special->ids);
    mem_free(m, special->strips_after);
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
