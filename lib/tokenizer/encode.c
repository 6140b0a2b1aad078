/* encode.c - text to tokens: special tokens are cut out, and the rest is encoded as the family of the vocabulary does. */
#include "encode.h"

#include <string.h>

#define MAX_TEXT ((size_t)1 << 30)
#define MAX_KNOWN_WORDS 8192
#define MAX_KNOWN_LENGTH 64

slm_status encode_no_memory(struct encoder *e, size_t length)
{
    return fail(e->err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory tokenizing %zu bytes; pass the text in parts", length);
}

slm_status reserve_mapped(struct encoder *e, size_t length)
{
    if (length <= e->mapped_room)
        return SLM_OK;
    const mem *m = &e->t->mem;
    mem_free(m, e->mapped);
    e->mapped_room = length + length / 2;
    e->mapped = mem_alloc(m, e->mapped_room, 1);
    if (e->mapped)
        return SLM_OK;
    e->mapped_room = 0;
    return encode_no_memory(e, length);
}

slm_status reserve_work(struct encoder *e, size_t count, size_t size0, size_t size1)
{
    if (count <= e->work_room)
        return SLM_OK;
    const mem *m = &e->t->mem;
    mem_free(m, e->work[0]);
    mem_free(m, e->work[1]);
    e->work_room = count + count / 2;
    e->work[0] = mem_alloc(m, e->work_room, size0);
    e->work[1] = size1 ? mem_alloc(m, e->work_room, size1) : NULL;
    if (e->work[0] && (e->work[1] || !size1))
        return SLM_OK;
    e->work_room = 0;
    return encode_no_memory(e, count);
}

slm_status reserve_tokens(struct encoder *e, size_t more)
{
    if (more <= e->room - e->count)
        return SLM_OK;
    size_t room = e->count + more + e->count / 2;
    slm_token *tokens = mem_alloc(&e->t->mem, room, sizeof *tokens);
    if (!tokens)
        return encode_no_memory(e, more);
    if (e->count)
        memcpy(tokens, e->tokens, e->count * sizeof *tokens);
    mem_free(&e->t->mem, e->tokens);
    e->tokens = tokens;
    e->room = room;
    return SLM_OK;
}

/* ------------------------------------------------------------------- words */

slm_status encode_word(struct encoder *e, size_t start, size_t end, encode_word_fn *encode)
{
    const char *word = e->source + start;
    size_t length = end - start;
    if (length > MAX_KNOWN_LENGTH)
        return encode(e, start, end);
    struct known_word *known = &e->words[vocab_hash(word, length) & e->word_mask];
    if (known->length == length && !memcmp(e->source + known->start, word, length)) {
        memcpy(e->tokens + e->count, e->tokens + known->first, known->count * sizeof *e->tokens);
        e->count += known->count;
        return SLM_OK;
    }
    size_t first = e->count;
    TRY(encode(e, start, end));
    *known = (struct known_word){(uint32_t)start, (uint32_t)length, (uint32_t)first, (uint32_t)(e->count - first)};
    return SLM_OK;
}

static size_t space_length(const char *text, size_t length)
{
    if (*text == ' ')
        return 1;
    return length >= SPACE_MARK_LENGTH && !memcmp(text, SPACE_MARK, SPACE_MARK_LENGTH) ? SPACE_MARK_LENGTH : 0;
}

slm_status encode_spaced_words(struct encoder *e, size_t start, size_t end, encode_word_fn *first, encode_word_fn *encode)
{
    for (size_t word = start, stop; word < end; word = stop) {
        stop = end;
        if (e->t->words_split) { /* spaces, then everything up to the next space */
            size_t n;
            for (stop = word; stop < end && (n = space_length(e->source + stop, end - stop)); stop += n)
                ;
            while (stop < end && !space_length(e->source + stop, end - stop))
                stop++;
        }
        TRY(word == start ? first(e, word, stop) : encode_word(e, word, stop, encode));
    }
    return SLM_OK;
}

/* ------------------------------------------------------------------- parts */

static bool is_strippable(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Text without special tokens. */
static slm_status encode_part(struct encoder *e, const char *text, size_t start, size_t end)
{
    return start < end ? e->t->family->encode(e, text, start, end) : SLM_OK;
}

/* The special token that begins at `at`, or -1. */
static int64_t match(struct encoder *e, const char *text, size_t length, size_t at, bool all_special)
{
    const struct special_tokens *special = &e->t->special;
    int64_t found = special_tokens_match(special, &e->t->vocab, text + at, length - at, all_special);
    while (e->guard_at < e->guard_count && e->guards[e->guard_at] <= at)
        e->guard_at++;
    if (found >= 0 && e->guard_at < e->guard_count &&
        e->guards[e->guard_at] - at <= vocab_text(&e->t->vocab, special->ids[found]).length)
        found = special_tokens_match(special, &e->t->vocab, text + at, length - at, false);
    return found;
}

static slm_status encode_text(struct encoder *e, const char *text, size_t length, bool all_special)
{
    const struct special_tokens *special = &e->t->special;
    size_t start = 0;
    if (special->count && (all_special || special->any_user)) {
        for (size_t at = 0; at < length;) {
            int64_t found = match(e, text, length, at, all_special);
            if (found < 0) {
                at++;
                continue;
            }
            size_t stop = at;
            while ((special->strips[found] & STRIPS_BEFORE) && stop > start && is_strippable(text[stop - 1]))
                stop--;
            TRY(encode_part(e, text, start, stop));
            TRY(reserve_tokens(e, 2 * (length - at) + 2));
            add_token(e, (slm_token)special->ids[found]);
            at += vocab_text(&e->t->vocab, special->ids[found]).length;
            while ((special->strips[found] & STRIPS_AFTER) && at < length && is_strippable(text[at]))
                at++;
            start = at;
        }
    }
    return encode_part(e, text, start, length);
}

/* The encoder's guards are its own from here on. */
static slm_status encode(struct encoder *e, size_t length, unsigned flags, slm_token *tokens, size_t capacity, size_t *count)
{
    const struct tokenizer *t = e->t;
    uint32_t words = 64;
    while (words < length / 8 && words < MAX_KNOWN_WORDS)
        words *= 2;
    e->word_mask = words - 1;
    e->words = mem_zalloc(&t->mem, words, sizeof *e->words);
    const char *text = e->source;
    slm_status status = e->words ? reserve_tokens(e, 2 * length + 2) : encode_no_memory(e, length);
    if (status == SLM_OK) {
        if ((flags & SLM_TOKENIZE_BOS) && t->adds_bos)
            add_token(e, t->bos);
        status = encode_text(e, text, length, flags & SLM_TOKENIZE_SPECIAL);
    }
    if (status == SLM_OK && t->family->finish)
        t->family->finish(e);
    if (status == SLM_OK)
        status = reserve_tokens(e, 1);
    if (status == SLM_OK) {
        if (flags & SLM_TOKENIZE_EOS)
            add_token(e, t->closing);
        *count = e->count;
        size_t copied = e->count < capacity ? e->count : capacity;
        if (copied)
            memcpy(tokens, e->tokens, copied * sizeof *tokens);
        if (e->count > capacity)
            status = fail(e->err, SLM_LIMIT, SLM_NO_OFFSET, "the text has %zu tokens and there is room for %zu", e->count, capacity);
    }
    mem_free(&t->mem, e->guards);
    mem_free(&t->mem, e->tokens);
    mem_free(&t->mem, e->words);
    mem_free(&t->mem, e->mapped);
    mem_free(&t->mem, e->rewritten);
    mem_free(&t->mem, e->work[0]);
    mem_free(&t->mem, e->work[1]);
    return status;
}

static slm_status check_length(size_t length, slm_error *err)
{
    if (length > MAX_TEXT)
        return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the text has %zu bytes; at most %zu can be tokenized at once", length, MAX_TEXT);
    return SLM_OK;
}

slm_status tokenizer_encode(const struct tokenizer *t, const char *text, size_t length, unsigned flags, slm_token *tokens,
                            size_t capacity, size_t *count, slm_error *err)
{
    struct encoder e = {.t = t, .source = text, .err = err};
    *count = 0;
    TRY(check_length(length, err));
    return encode(&e, length, flags, tokens, capacity, count);
}

/* ------------------------------------------------------------------ guards */

bool tokenizer_needs_guard(const struct tokenizer *t, const char *text, size_t length)
{
    int64_t found = special_tokens_match(&t->special, &t->vocab, text, length, true);
    return found >= 0 && t->vocab.kinds[t->special.ids[found]] != TOKEN_USER;
}

static bool is_guard(const char *text, size_t length)
{
    return length >= TOKENIZER_GUARD_LENGTH && !memcmp(text, TOKENIZER_GUARD, TOKENIZER_GUARD_LENGTH);
}

/* Takes the guards out of the text and remembers their places. */
static slm_status take_guards(struct encoder *e, char *text, size_t *length)
{
    size_t to = 0;
    for (size_t at = 0; at < *length; at++)
        e->guard_count += is_guard(text + at, *length - at);
    e->guards = mem_alloc(&e->t->mem, e->guard_count, sizeof *e->guards);
    if (!e->guards)
        return encode_no_memory(e, *length);
    e->guard_count = 0;
    for (size_t at = 0; at < *length; at++) {
        if (is_guard(text + at, *length - at)) {
            e->guards[e->guard_count++] = to;
            at += TOKENIZER_GUARD_LENGTH - 1;
        } else {
            text[to++] = text[at];
        }
    }
    *length = to;
    return SLM_OK;
}

slm_status tokenizer_encode_guarded(const struct tokenizer *t, char *text, size_t length, slm_token *tokens, size_t capacity,
                                    size_t *count, slm_error *err)
{
    struct encoder e = {.t = t, .source = text, .err = err};
    *count = 0;
    TRY(check_length(length, err));
    TRY(take_guards(&e, text, &length));
    int64_t first = match(&e, text, length, 0, true);
    bool has_bos = first >= 0 && (slm_token)t->special.ids[first] == t->bos;
    return encode(&e, length, SLM_TOKENIZE_SPECIAL | (has_bos ? 0 : SLM_TOKENIZE_BOS), tokens, capacity, count);
}
