/* bpe.c - byte pair encoding: a word's characters merge, neighbour by neighbour. Vocabularies "llama" (SentencePiece: the best of the
 * possible tokens first, over characters, with tokens for the bytes of those it lacks) and "gpt2" (byte-level: by a list of merges). */
#include "encode.h"

#include "unicode.h"

#include <stdio.h>
#include <string.h>

#define NONE UINT32_MAX

/* A piece of the word that is being merged. */
struct symbol {
    uint32_t start, length;         /* of its text; length 0: it went into the one before */
    uint32_t id;                    /* its token, or NONE */
    uint32_t previous, next;        /* neighbours, or NONE */
};

/* Two neighbours that could merge, best first in a heap of four children a node: a long word's is larger than the caches. */
struct candidate {
    uint64_t order;                 /* rank, then place of the left one */
    uint32_t length;                /* of both: differs once one of them has merged with another */
    uint32_t merged;
};

struct merger {
    const struct tokenizer *t;
    const char *text;               /* of the symbols */
    struct symbol *symbols;
    struct candidate *heap;         /* room for one per pair, and at most two for each merge */
    uint32_t candidates;
};

static slm_status start_merger(struct encoder *e, size_t symbols, struct merger *m)
{
    TRY(reserve_work(e, symbols, sizeof *m->symbols, 3 * sizeof *m->heap));
    *m = (struct merger){.t = e->t, .text = e->mapped, .symbols = e->work[0], .heap = e->work[1]};
    return SLM_OK;
}

/* ----------------------------------------------------------------- merging */

static void push(struct merger *m, struct candidate candidate)
{
    size_t at = m->candidates++;
    for (size_t parent; at && (parent = (at - 1) / 4, m->heap[parent].order > candidate.order); at = parent)
        m->heap[at] = m->heap[parent];
    m->heap[at] = candidate;
}

static struct candidate pop(struct merger *m)
{
    struct candidate best = m->heap[0], last = m->heap[--m->candidates];
    size_t at = 0;
    for (size_t child; (child = 4 * at + 1) < m->candidates; at = child) { /* 32 bits would wrap: a word of 1 GiB may have 3 << 30 */
        size_t end = child + 4 < m->candidates ? child + 4 : m->candidates;
        for (size_t other = child + 1; other < end; other++)
            if (m->heap[other].order < m->heap[child].order)
                child = other;
        if (m->heap[child].order >= last.order)
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = last;
    return best;
}

/* Higher scores merge first: maps floats to integers in descending order. NaN comes last. */
static inline uint32_t rank_of_score(float score)
{
    if (score != score)
        return UINT32_MAX;
    score += 0.0f; /* -0 is 0 */
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? bits : 0x7fffffff - bits;
}

/* Notes that the symbol and the next one can merge, if they can. */
static void consider(struct merger *m, uint32_t left)
{
    if (left == NONE || m->symbols[left].next == NONE)
        return;
    const struct symbol *a = &m->symbols[left], *b = &m->symbols[a->next];
    const struct vocab *vocab = &m->t->vocab;
    uint32_t length = a->length + b->length, rank, merged;
    if (m->t->splitter) {
        const struct vocab_merge *merge = vocab_merge(vocab, a->id, b->id);
        if (!merge)
            return;
        rank = merge->rank;
        merged = merge->merged;
    } else {
        slm_token token = length <= VOCAB_MAX_MERGED ? vocab_find_plain(vocab, m->text + a->start, length) : SLM_TOKEN_NONE;
        if (token == SLM_TOKEN_NONE)
            return;
        rank = rank_of_score(vocab->scores[token]);
        merged = (uint32_t)token;
    }
    push(m, (struct candidate){(uint64_t)rank << 32 | left, length, merged});
}

/* Merges neighbours, the best pair of all first and of equal ones the leftmost, until none is left. */
static void merge_symbols(struct merger *m, uint32_t count)
{
    struct symbol *symbols = m->symbols;
    m->candidates = 0;
    for (uint32_t i = 0; i < count; i++) {
        symbols[i].previous = i ? i - 1 : NONE;
        symbols[i].next = i + 1 < count ? i + 1 : NONE;
    }
    for (uint32_t i = 0; i + 1 < count; i++)
        consider(m, i);
    while (m->candidates) {
        struct candidate best = pop(m);
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
            consider(m, symbols[left].previous);
        consider(m, left);
    }
}

/* ---------------------------------------------------------- byte-level BPE */

static slm_status encode_byte_level_word(struct encoder *e, size_t start, size_t end)
{
    const struct tokenizer *t = e->t;
    const char *word = e->source + start;
    size_t length = end - start;
    if (t->splitter->whole_words && length <= VOCAB_MAX_MERGED) {
        TRY(reserve_mapped(e, 2 * length));
        size_t mapped = 0;
        for (size_t i = 0; i < length; i++)
            mapped += (size_t)utf8_encode(byte_to_char((uint8_t)word[i]), e->mapped + mapped);
        slm_token token = vocab_find_plain(&t->vocab, e->mapped, mapped);
        if (token != SLM_TOKEN_NONE) {
            add_token(e, token);
            return SLM_OK;
        }
    }
    struct merger m;
    TRY(start_merger(e, length, &m));
    for (size_t i = 0; i < length; i++)
        m.symbols[i] = (struct symbol){.start = (uint32_t)i, .length = 1, .id = (uint32_t)t->bytes[(uint8_t)word[i]]};
    merge_symbols(&m, (uint32_t)length);
    for (uint32_t i = 0; i != NONE; i = m.symbols[i].next)
        add_token(e, (slm_token)m.symbols[i].id);
    return SLM_OK;
}

static slm_status split_word(void *arg, size_t start, size_t end)
{
    struct encoder *e = arg;
    return encode_word(e, e->base + start, e->base + end, encode_byte_level_word);
}

static slm_status encode_byte_level(struct encoder *e, const char *text, size_t start, size_t end)
{
    e->base = start;
    return split_text(&e->t->mem, e->t->splitter, text + start, end - start, split_word, e, e->err);
}

/* Names of the splitters for a message, as many as fit. */
static void list_splitters(char *list, size_t size)
{
    size_t at = 0;
    const struct splitter *splitter;
    for (size_t i = 0; (splitter = splitter_at(i)); i++) {
        size_t length = strcspn(splitter->names + 1, " ");
        bool fits = at + length + sizeof ", ..." < size;
        at += (size_t)snprintf(list + at, size - at, "%s%.*s", i ? ", " : "", fits ? (int)length : 3, fits ? splitter->names + 1 : "...");
        if (!fits)
            break;
    }
}

static slm_status open_byte_level(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    struct gguf_str name = {"default", 7};
    TRY(gguf_string(gguf, "tokenizer.ggml.pre", &name, err));
    t->guesses_splitter = !gguf_find(gguf, "tokenizer.ggml.pre");
    t->splitter = splitter_find(name.data, name.length);
    if (!t->splitter) {
        char list[170];
        list_splitters(list, sizeof list);
        return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "tokenizer.ggml.pre \"%.*s\" is not supported; known: %s",
                    name.length < 24 ? (int)name.length : 24, name.data, list);
    }
    TRY(vocab_read_merges(&t->vocab, gguf, err));
    t->adds_bos = t->splitter->adds_bos;
    TRY(tokenizer_read_keys(t, gguf, err));
    for (int byte = 0; byte < 256; byte++) {
        char text[4];
        /* a byte that the vocabulary lacks becomes nothing, as published: its unknown token often is the one that ends texts */
        t->bytes[byte] = vocab_find_plain(&t->vocab, text, (size_t)utf8_encode(byte_to_char((uint8_t)byte), text));
    }
    return SLM_OK;
}

/* ---------------------------------------------------------- SentencePiece */

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

static slm_status encode_pieces(struct encoder *e, size_t start, size_t end, bool add_space)
{
    size_t mapped = 0;
    TRY(reserve_mapped(e, SPACE_MARK_LENGTH * (end - start + 1)));
    if (add_space) {
        memcpy(e->mapped, SPACE_MARK, SPACE_MARK_LENGTH);
        mapped = SPACE_MARK_LENGTH;
    }
    for (size_t i = start; i < end; i++) {
        if (e->source[i] == ' ') {
            memcpy(e->mapped + mapped, SPACE_MARK, SPACE_MARK_LENGTH);
            mapped += SPACE_MARK_LENGTH;
        } else {
            e->mapped[mapped++] = e->source[i];
        }
    }
    struct merger m;
    TRY(start_merger(e, end - start + add_space, &m));
    uint32_t count = 0;
    for (size_t at = 0; at < mapped; count++) {
        uint32_t c;
        int size = utf8_decode(e->mapped + at, mapped - at, &c);
        uint32_t length = size > 0 ? (uint32_t)size : 1;
        slm_token token = vocab_find_plain(&e->t->vocab, e->mapped + at, length);
        m.symbols[count] = (struct symbol){.start = (uint32_t)at, .length = length, .id = (uint32_t)token};
        at += length;
    }
    merge_symbols(&m, count);
    for (uint32_t i = 0; i != NONE; i = m.symbols[i].next) {
        const struct symbol *s = &m.symbols[i];
        if (s->id == NONE)
            add_bytes(e, e->mapped + s->start, s->length);
        else
            add_token(e, (slm_token)s->id);
    }
    return SLM_OK;
}

static slm_status encode_word_after_space(struct encoder *e, size_t start, size_t end)
{
    return encode_pieces(e, start, end, true);
}

static slm_status encode_word_as_it_is(struct encoder *e, size_t start, size_t end)
{
    return encode_pieces(e, start, end, false);
}

static slm_status encode_sentencepiece(struct encoder *e, const char *text, size_t start, size_t end)
{
    (void)text; /* e->source */
    return encode_spaced_words(e, start, end, e->t->adds_space ? encode_word_after_space : encode_word_as_it_is, encode_word_as_it_is);
}

static slm_status open_sentencepiece(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    TRY(vocab_read_scores(&t->vocab, gguf, err));
    t->words_split = vocab_words_split(&t->vocab);
    t->adds_space = t->adds_bos = true;
    t->bos = 1;
    t->eos = 2;
    t->unknown = 0;
    TRY(tokenizer_read_keys(t, gguf, err));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &t->adds_space, err));
    for (int byte = 0; byte < 256; byte++) {
        slm_token token = byte_token_find(&t->vocab, (uint8_t)byte);
        if (token == SLM_TOKEN_NONE) {
            char self = (char)byte;
            token = vocab_find_plain(&t->vocab, &self, 1);
        }
        t->bytes[byte] = token != SLM_TOKEN_NONE ? token : t->unknown;
    }
    return SLM_OK;
}

const struct tokenizer_family sentencepiece_family = {.model = "llama", .open = open_sentencepiece, .encode = encode_sentencepiece};
const struct tokenizer_family byte_level_family = {.model = "gpt2", .open = open_byte_level, .encode = encode_byte_level};
