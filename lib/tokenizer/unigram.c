/* unigram.c - vocabularies "t5": text is rewritten, and of all ways to cut it into tokens the one with the highest sum of scores is
 * taken. */
#include "encode.h"

#include "unicode.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define UNKNOWN_PENALTY 10.0f   /* how far below the lowest score of a token that of an unknown character is */
#define REPLACEMENT "\xef\xbf\xbd"
#define MAX_REWRITTEN ((size_t)1 << 30)
#define UNSPELT (SLM_TOKEN_NONE - 1)    /* until the end stands for an unknown character */

/* --------------------------------------------------------------- rewriting */

/* Room in e->rewritten for what one rule can add: each of its bytes may be a space, and one may come in front. */
static slm_status reserve_rewritten(struct encoder *e, size_t left)
{
    size_t most = SPACE_MARK_LENGTH * (CHARSMAP_MAX_TEXT + 1);
    if (e->rewritten_room - e->rewritten_length >= most)
        return SLM_OK;
    if (e->rewritten_length > MAX_REWRITTEN)
        return fail(e->err, SLM_LIMIT, SLM_NO_OFFSET, "the vocabulary makes more than %zu bytes of the text; pass it in parts", MAX_REWRITTEN);
    size_t room = e->rewritten_length + e->rewritten_length / 2 + left + left / 4 + most;
    char *rewritten = mem_alloc(&e->t->mem, room, 1);
    if (!rewritten)
        return encode_no_memory(e, room);
    if (e->rewritten_length)
        memcpy(rewritten, e->rewritten, e->rewritten_length);
    mem_free(&e->t->mem, e->rewritten);
    e->rewritten = rewritten;
    e->rewritten_room = room;
    return SLM_OK;
}

static void add_space(struct encoder *e)
{
    memcpy(e->rewritten + e->rewritten_length, SPACE_MARK, SPACE_MARK_LENGTH);
    e->rewritten_length += SPACE_MARK_LENGTH;
}

/* Appends what becomes of the text. Spaces that are joined are written when the word after them comes. */
static slm_status rewrite(struct encoder *e, const char *text, size_t length)
{
    const struct tokenizer *t = e->t;
    bool in_word = false, space_due = t->adds_space;
    for (size_t at = 0, used; at < length; at += used) {
        struct gguf_str to;
        TRY(reserve_rewritten(e, length - at));
        used = charsmap_match(&t->charsmap, text + at, length - at, &to);
        if (!used) {
            uint32_t c;
            int size = utf8_decode(text + at, length - at, &c);
            used = size > 0 ? (size_t)size : 1;
            to = size > 0 ? (struct gguf_str){text + at, used} : (struct gguf_str){REPLACEMENT, sizeof REPLACEMENT - 1};
        }
        for (size_t i = 0; i < to.length; i++) {
            if (to.data[i] == ' ') {
                in_word = false;
                if (!t->joins_spaces)
                    add_space(e);
                continue;
            }
            if (!in_word && (space_due || t->joins_spaces))
                add_space(e);
            space_due &= in_word;
            in_word = true;
            e->rewritten[e->rewritten_length++] = to.data[i];
        }
    }
    return SLM_OK;
}

/* ------------------------------------------------------------------ search */

/* The best way to a place of the word. */
struct way {
    double score;
    uint32_t start;                 /* of its last token */
    slm_token token;                /* SLM_TOKEN_NONE: a character that no token spells */
};

static void improve(struct way *way, double score, uint32_t start, slm_token token)
{
    if (score > way->score)
        *way = (struct way){score, start, token};
}

static void find_ways(const struct tokenizer *t, const char *word, uint32_t length, struct way *ways)
{
    ways[0].score = 0;
    for (uint32_t i = 1; i <= length; i++)
        ways[i].score = -DBL_MAX;
    for (uint32_t at = 0, size; at < length; at += size) {
        uint32_t c, node = 0;
        int decoded = utf8_decode(word + at, length - at, &c);
        bool alone = false; /* a token is this character */
        size = decoded > 0 ? (uint32_t)decoded : 1;
        const struct trie_edge *edge;
        for (uint32_t end = at; end < length && (edge = trie_step(&t->trie, node, (uint8_t)word[end])); node = edge->child) {
            end++;
            if (edge->token == SLM_TOKEN_NONE)
                continue;
            double score = t->vocab.kinds[edge->token] == TOKEN_USER ? 0 : t->vocab.scores[edge->token];
            improve(&ways[end], ways[at].score + score, at, edge->token);
            alone |= end == at + size;
        }
        if (!alone)
            improve(&ways[at + size], ways[at].score + t->unknown_score, at, SLM_TOKEN_NONE);
    }
}

static slm_status encode_unigram_word(struct encoder *e, size_t start, size_t end)
{
    const struct tokenizer *t = e->t;
    const char *word = e->source + start;
    uint32_t length = (uint32_t)(end - start), count = 0;
    TRY(reserve_work(e, (size_t)length + 1, sizeof(struct way), 0));
    struct way *ways = e->work[0];
    find_ways(t, word, length, ways);
    for (uint32_t at = length; at; at = ways[at].start)
        count += ways[at].token == SLM_TOKEN_NONE && t->has_bytes ? at - ways[at].start : 1;
    e->count += count;
    slm_token *next = e->tokens + e->count;
    for (uint32_t at = length; at; at = ways[at].start) {
        if (ways[at].token != SLM_TOKEN_NONE) {
            *--next = ways[at].token;
        } else if (t->has_bytes) {
            for (uint32_t i = at; i-- > ways[at].start;)
                *--next = t->bytes[(uint8_t)word[i]];
        } else {
            *--next = UNSPELT;
        }
    }
    return SLM_OK;
}

static slm_status encode_unigram(struct encoder *e, const char *text, size_t start, size_t end)
{
    size_t from = e->rewritten_length;
    TRY(rewrite(e, text + start, end - start));
    e->source = e->rewritten;
    TRY(reserve_tokens(e, e->rewritten_length - from + 1));
    return encode_spaced_words(e, from, e->rewritten_length, encode_unigram_word, encode_unigram_word);
}

/* Of unknown characters side by side one token is made, across words. */
static void join_unspelt(struct encoder *e)
{
    size_t count = 0;
    bool after = false;
    for (size_t i = 0; i < e->count; i++) {
        bool unspelt = e->tokens[i] == UNSPELT;
        slm_token token = unspelt ? e->t->unknown : e->tokens[i];
        if (!(unspelt && after) && token != SLM_TOKEN_NONE)
            e->tokens[count++] = token;
        after = unspelt;
    }
    e->count = count;
}

/* -------------------------------------------------------------------- open */

static slm_status read_scores(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    TRY(vocab_read_scores(&t->vocab, gguf, err));
    float lowest = FLT_MAX;
    for (uint32_t id = 0; id < t->vocab.count; id++) {
        float score = t->vocab.scores[id];
        if (!isfinite(score))
            return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "tokenizer.ggml.scores: that of token %u is not a finite number", id);
        if (t->vocab.kinds[id] == TOKEN_NORMAL && score < lowest)
            lowest = score;
    }
    t->unknown_score = (lowest < FLT_MAX ? lowest : 0) - UNKNOWN_PENALTY;
    return SLM_OK;
}

static slm_status open_unigram(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    TRY(read_scores(t, gguf, err));
    TRY(charsmap_open(&t->mem, gguf, &t->charsmap, err));
    TRY(trie_open(&t->vocab, &t->trie, err));
    t->words_split = vocab_words_split(&t->vocab);
    t->bos = SLM_TOKEN_NONE;
    t->eos = 1;
    t->unknown = 2;
    t->adds_eos = true;
    TRY(tokenizer_read_keys(t, gguf, err));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &t->adds_space, err));
    TRY(gguf_bool(gguf, "tokenizer.ggml.remove_extra_whitespaces", &t->joins_spaces, err));
    t->adds_space |= t->joins_spaces;
    t->has_bytes = true;
    for (int byte = 0; byte < 256; byte++) {
        t->bytes[byte] = byte_token_find(&t->vocab, (uint8_t)byte);
        t->has_bytes &= t->bytes[byte] != SLM_TOKEN_NONE;
    }
    return SLM_OK;
}

const struct tokenizer_family unigram_family = {.model = "t5", .open = open_unigram, .encode = encode_unigram, .finish = join_unspelt};
