/* encode.c - text to tokens: special tokens are cut out, the rest is cut into words, and each word is merged from its characters. */
#include "internal.h"

#include "unicode.h"

#include <string.h>

#define MAX_TEXT ((size_t)1 << 30)
#define NONE UINT32_MAX

/* A piece of the word that is being merged. */
struct symbol {
    uint32_t start, length;         /* of its text; length 0: it went into the one before */
    uint32_t id;                    /* its token, or NONE */
    uint32_t previous, next;        /* neighbours, or NONE */
};

/* Two neighbours that could merge, best first in a binary heap. */
struct candidate {
    uint64_t order;                 /* rank, then place of the left one */
    uint32_t length;                /* of both: differs once one of them has merged with another */
    uint32_t merged;
};

/* Words seen in this text and their tokens, as ranges of the text and of the tokens. A newer word replaces an older one. */
struct known_word {
    uint32_t start, length;         /* length 0: empty */
    uint32_t first, count;
};
#define MAX_KNOWN_WORDS 8192
#define MAX_KNOWN_LENGTH 64

/* One call's work. */
struct encoder {
    const struct tokenizer *t;
    const char *text;               /* all of it */
    slm_token *tokens;              /* room for 2 tokens a byte and one more */
    size_t count;
    struct known_word *words;
    uint32_t word_mask;
    char *mapped;                   /* the word as the vocabulary spells it */
    struct symbol *symbols;
    struct candidate *heap;
    size_t mapped_room, symbol_room;
    uint32_t candidates;
    size_t base;                    /* of the part that is being split */
    slm_error *err;
};

static slm_status no_memory(struct encoder *e, size_t length)
{
    return fail(e->err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory tokenizing %zu bytes; pass the text in parts", length);
}

/* Room for a word of `length` bytes. What was in it is lost. */
static slm_status reserve(struct encoder *e, size_t length)
{
    size_t mapped = SPACE_MARK_LENGTH * (length + 1);
    if (mapped <= e->mapped_room)
        return SLM_OK;
    const mem *m = &e->t->mem;
    mem_free(m, e->mapped);
    mapped += mapped / 2;
    e->mapped = mem_alloc(m, mapped, 1);
    e->mapped_room = e->mapped ? mapped : 0;
    return e->mapped ? SLM_OK : no_memory(e, length);
}

static slm_status reserve_symbols(struct encoder *e, size_t count)
{
    if (count <= e->symbol_room)
        return SLM_OK;
    const mem *m = &e->t->mem;
    mem_free(m, e->symbols);
    mem_free(m, e->heap);
    count += count / 2;
    e->symbols = mem_alloc(m, count, sizeof *e->symbols);
    e->heap = mem_alloc(m, count, 3 * sizeof *e->heap); /* one per pair, and at most two for each merge */
    e->symbol_room = e->symbols && e->heap ? count : 0;
    return e->symbol_room ? SLM_OK : no_memory(e, count);
}

/* ----------------------------------------------------------------- merging */

static void push(struct encoder *e, struct candidate candidate)
{
    uint32_t at = e->candidates++;
    for (uint32_t parent; at && (parent = (at - 1) / 2, e->heap[parent].order > candidate.order); at = parent)
        e->heap[at] = e->heap[parent];
    e->heap[at] = candidate;
}

static struct candidate pop(struct encoder *e)
{
    struct candidate best = e->heap[0], last = e->heap[--e->candidates];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < e->candidates; at = child) {
        if (child + 1 < e->candidates && e->heap[child + 1].order < e->heap[child].order)
            child++;
        if (e->heap[child].order >= last.order)
            break;
        e->heap[at] = e->heap[child];
    }
    e->heap[at] = last;
    return best;
}

/* Notes that the symbol and the next one can merge, if they can. */
static void consider(struct encoder *e, uint32_t left)
{
    const struct symbol *a = &e->symbols[left];
    if (left == NONE || a->next == NONE)
        return;
    const struct symbol *b = &e->symbols[a->next];
    const struct vocab *vocab = &e->t->vocab;
    uint32_t length = a->length + b->length, rank, merged;
    if (e->t->splitter) {
        const struct vocab_merge *merge = vocab_merge(vocab, a->id, b->id);
        if (!merge)
            return;
        rank = merge->rank;
        merged = merge->merged;
    } else {
        slm_token token = length <= VOCAB_MAX_MERGED ? vocab_find_plain(vocab, e->mapped + a->start, length) : SLM_TOKEN_NONE;
        if (token == SLM_TOKEN_NONE)
            return;
        rank = vocab->ranks[token];
        merged = (uint32_t)token;
    }
    push(e, (struct candidate){(uint64_t)rank << 32 | left, length, merged});
}

/* Merges neighbours, the best pair of all first and of equal ones the leftmost, until none is left. */
static void merge_symbols(struct encoder *e, uint32_t count)
{
    struct symbol *symbols = e->symbols;
    e->candidates = 0;
    for (uint32_t i = 0; i < count; i++) {
        symbols[i].previous = i ? i - 1 : NONE;
        symbols[i].next = i + 1 < count ? i + 1 : NONE;
    }
    for (uint32_t i = 0; i + 1 < count; i++)
        consider(e, i);
    while (e->candidates) {
        struct candidate best = pop(e);
        uint32_t left = (uint32_t)best.order, right = symbols[left].next;
        if (!symbols[left].length || right == NONE || symbols[left].length + symbols[right].length != best.length)
            continue; /* one of them has merged with another since */
        symbols[left].length = best.length;
        symbols[left].id = best.merged;
        symbols[left].next = symbols[right].next;
        symbols[right].length = 0;
        if (symbols[left].next != NONE)
            symbols[symbols[left].next].previous = left;
        if (symbols[left].previous != NONE)
            consider(e, symbols[left].previous);
        consider(e, left);
    }
}

static void add_token(struct encoder *e, slm_token token)
{
    if (token != SLM_TOKEN_NONE)
        e->tokens[e->count++] = token;
}

/* ------------------------------------------------------------------- words */

static slm_status encode_byte_level(struct encoder *e, const char *word, size_t length)
{
    const struct tokenizer *t = e->t;
    if (t->splitter->whole_words && length <= VOCAB_MAX_MERGED) {
        TRY(reserve(e, length));
        size_t mapped = 0;
        for (size_t i = 0; i < length; i++)
            mapped += (size_t)utf8_encode(byte_to_char((uint8_t)word[i]), e->mapped + mapped);
        slm_token token = vocab_find_plain(&t->vocab, e->mapped, mapped);
        if (token != SLM_TOKEN_NONE) {
            add_token(e, token);
            return SLM_OK;
        }
    }
    TRY(reserve_symbols(e, length));
    for (size_t i = 0; i < length; i++)
        e->symbols[i] = (struct symbol){.start = (uint32_t)i, .length = 1, .id = (uint32_t)t->bytes[(uint8_t)word[i]]};
    merge_symbols(e, (uint32_t)length);
    for (uint32_t i = 0; i != NONE; i = e->symbols[i].next)
        add_token(e, (slm_token)e->symbols[i].id);
    return SLM_OK;
}

/* A character that the vocabulary lacks becomes the tokens of its bytes, or the unknown token. */
static void add_bytes(struct encoder *e, const char *bytes, size_t length)
{
    if (length == SPACE_MARK_LENGTH && !memcmp(bytes, SPACE_MARK, SPACE_MARK_LENGTH)) {
        add_token(e, e->t->bytes[' ']);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        slm_token token = e->t->bytes[(uint8_t)bytes[i]];
        add_token(e, token);
        if (token == e->t->unknown)
            return;
    }
}

static slm_status encode_sentencepiece(struct encoder *e, const char *word, size_t length, bool add_space)
{
    TRY(reserve(e, length));
    size_t mapped = 0;
    for (size_t i = 0; i < length + add_space; i++) {
        char c = add_space ? i ? word[i - 1] : ' ' : word[i];
        if (c == ' ') {
            memcpy(e->mapped + mapped, SPACE_MARK, SPACE_MARK_LENGTH);
            mapped += SPACE_MARK_LENGTH;
        } else {
            e->mapped[mapped++] = c;
        }
    }
    TRY(reserve_symbols(e, length + add_space));
    uint32_t count = 0;
    for (size_t at = 0; at < mapped; count++) {
        uint32_t c;
        int size = utf8_decode(e->mapped + at, mapped - at, &c);
        uint32_t symbol_length = size > 0 ? (uint32_t)size : 1;
        slm_token token = vocab_find_plain(&e->t->vocab, e->mapped + at, symbol_length);
        e->symbols[count] = (struct symbol){.start = (uint32_t)at, .length = symbol_length, .id = (uint32_t)token};
        at += symbol_length;
    }
    merge_symbols(e, count);
    for (uint32_t i = 0; i != NONE; i = e->symbols[i].next) {
        const struct symbol *s = &e->symbols[i];
        if (s->id == NONE)
            add_bytes(e, e->mapped + s->start, s->length);
        else
            add_token(e, (slm_token)s->id);
    }
    return SLM_OK;
}

/* Encodes the word text[start, end), or repeats the tokens that it had before. */
static slm_status encode_word(struct encoder *e, size_t start, size_t end, bool add_space)
{
    const char *word = e->text + start;
    size_t length = end - start;
    struct known_word *known = NULL;
    if (length <= MAX_KNOWN_LENGTH && !add_space) {
        known = &e->words[vocab_hash(word, length) & e->word_mask];
        if (known->length == length && !memcmp(e->text + known->start, word, length)) {
            memcpy(e->tokens + e->count, e->tokens + known->first, known->count * sizeof *e->tokens);
            e->count += known->count;
            return SLM_OK;
        }
    }
    size_t first = e->count;
    TRY(e->t->splitter ? encode_byte_level(e, word, length) : encode_sentencepiece(e, word, length, add_space));
    if (known)
        *known = (struct known_word){(uint32_t)start, (uint32_t)length, (uint32_t)first, (uint32_t)(e->count - first)};
    return SLM_OK;
}

static slm_status byte_level_word(void *arg, size_t start, size_t end)
{
    struct encoder *e = arg;
    return encode_word(e, e->base + start, e->base + end, false);
}

static size_t space_length(const char *text, size_t length)
{
    if (*text == ' ')
        return 1;
    return length >= SPACE_MARK_LENGTH && !memcmp(text, SPACE_MARK, SPACE_MARK_LENGTH) ? SPACE_MARK_LENGTH : 0;
}

/* ------------------------------------------------------------------- parts */

/* Text without special tokens. */
static slm_status encode_part(struct encoder *e, size_t start, size_t end)
{
    if (start == end)
        return SLM_OK;
    if (e->t->splitter) {
        e->base = start;
        return split_text(&e->t->mem, e->t->splitter, e->text + start, end - start, byte_level_word, e, e->err);
    }
    bool add_space = e->t->adds_space;
    for (size_t word = start; word < end; add_space = false) {
        size_t stop = end;
        if (e->t->words_split) { /* spaces, then everything up to the next space */
            size_t n;
            for (stop = word; stop < end && (n = space_length(e->text + stop, end - stop)); stop += n)
                ;
            while (stop < end && !space_length(e->text + stop, end - stop))
                stop++;
        }
        TRY(encode_word(e, word, stop, add_space));
        word = stop;
    }
    return SLM_OK;
}

static bool is_strippable(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static slm_status encode_text(struct encoder *e, size_t length, bool all_special)
{
    const struct special_tokens *special = &e->t->special;
    size_t start = 0;
    if (special->count && (all_special || special->any_user)) {
        for (size_t at = 0; at < length;) {
            int64_t found = special_tokens_match(special, &e->t->vocab, e->text + at, length - at, all_special);
            if (found < 0) {
                at++;
                continue;
            }
            TRY(encode_part(e, start, at));
            add_token(e, (slm_token)special->ids[found]);
            at += vocab_text(&e->t->vocab, special->ids[found]).length;
            while (special->strips_after && special->strips_after[found] && at < length && is_strippable(e->text[at]))
                at++;
            start = at;
        }
    }
    return encode_part(e, start, length);
}

slm_status tokenizer_encode(const struct tokenizer *t, const char *text, size_t length, unsigned flags, slm_token *tokens,
                            size_t capacity, size_t *count, slm_error *err)
{
    *count = 0;
    if (length > MAX_TEXT)
        return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the text has %zu bytes; at most %zu can be tokenized at once", length, MAX_TEXT);
    uint32_t words = 64;
    while (words < length / 8 && words < MAX_KNOWN_WORDS)
        words *= 2;
    struct encoder e = {.t = t, .text = text, .word_mask = words - 1, .err = err};
    e.tokens = mem_alloc(&t->mem, 2 * length + 2, sizeof *e.tokens);
    e.words = mem_zalloc(&t->mem, words, sizeof *e.words);
    slm_status status = e.tokens && e.words ? SLM_OK : no_memory(&e, length);
    if (status == SLM_OK) {
        if ((flags & SLM_TOKENIZE_BOS) && t->adds_bos)
            add_token(&e, t->bos);
        status = encode_text(&e, length, flags & SLM_TOKENIZE_SPECIAL);
    }
    if (status == SLM_OK) {
        *count = e.count;
        size_t copied = e.count < capacity ? e.count : capacity;
        if (copied)
            memcpy(tokens, e.tokens, copied * sizeof *tokens);
        if (e.count > capacity)
            status = fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the text has %zu tokens and there is room for %zu", e.count, capacity);
    }
    mem_free(&t->mem, e.tokens);
    mem_free(&t->mem, e.words);
    mem_free(&t->mem, e.mapped);
    mem_free(&t->mem, e.symbols);
    mem_free(&t->mem, e.heap);
    return status;
}
