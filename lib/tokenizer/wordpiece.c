/* wordpiece.c - vocabularies "bert": text is cut into words and marks, its letters lose case and accents, and each word becomes the
 * longest tokens that spell it, from its start on. Tokens that begin a word begin with U+2581, the others go on with one. */
#include "encode.h"

#include "unicode.h"

#include <string.h>

static bool is_chinese(uint32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x2f800 && c <= 0x2fa1f);
}

/* The tokens of the word that stands in e->mapped, after a space: each the longest that goes on where the one before ends. The first has
 * the whole mark of the space: with its bytes one by one there could be more than 2 tokens a byte of the text. A word that can't be spelled
 * so is unknown as a whole. */
static void add_word(struct encoder *e, size_t length)
{
    size_t before = e->count;
    for (size_t at = 0, longest; at < length; at = longest) {
        slm_token token = SLM_TOKEN_NONE;
        const struct trie_edge *edge;
        uint32_t node = 0;
        longest = at;
        for (size_t end = at; end < length && (edge = trie_step(&e->t->trie, node, (uint8_t)e->mapped[end])); node = edge->child) {
            end++;
            if (edge->token != SLM_TOKEN_NONE && end >= SPACE_MARK_LENGTH) {
                token = edge->token;
                longest = end;
            }
        }
        if (token == SLM_TOKEN_NONE) {
            e->count = before;
            add_token(e, e->t->unknown);
            return;
        }
        add_token(e, token);
    }
}

/* Text without white space: words and marks. */
static slm_status encode_words(struct encoder *e, size_t start, size_t end)
{
    const struct tokenizer *t = e->t;
    TRY(reserve_mapped(e, SPACE_MARK_LENGTH * (end - start + 1)));
    memcpy(e->mapped, SPACE_MARK, SPACE_MARK_LENGTH);
    size_t mapped = SPACE_MARK_LENGTH;
    for (size_t at = start; at < end;) {
        uint32_t c;
        int size = utf8_decode(e->source + at, end - at, &c);
        at += size > 0 ? (size_t)size : 1;
        if (size <= 0 || c == 0 || c == 0xfffd)
            continue;
        if (t->strips_accents && c >= 0x80)
            c = unicode_base(c);
        enum unicode_class class = unicode_class(c);
        if (class == UNICODE_CONTROL || (class == UNICODE_M && t->strips_marks))
            continue;
        bool mark = class == UNICODE_P || (class == UNICODE_S && c < 0x80) || is_chinese(c);
        if (mark && mapped > SPACE_MARK_LENGTH) {
            add_word(e, mapped);
            mapped = SPACE_MARK_LENGTH;
        }
        mapped += (size_t)utf8_encode(t->lower_cases ? unicode_lower(c) : c, e->mapped + mapped);
        if (mark) {
            add_word(e, mapped);
            mapped = SPACE_MARK_LENGTH;
        }
    }
    if (mapped > SPACE_MARK_LENGTH)
        add_word(e, mapped);
    return SLM_OK;
}

static slm_status encode_wordpiece(struct encoder *e, const char *text, size_t start, size_t end)
{
    size_t word = start;
    for (size_t at = start, size; at <= end; at += size) {
        uint32_t c = ' ';
        int decoded = at < end ? utf8_decode(text + at, end - at, &c) : 1;
        size = decoded > 0 ? (size_t)decoded : 1;
        if (decoded <= 0 || unicode_class(c) != UNICODE_SPACE)
            continue;
        if (word < at)
            TRY(encode_word(e, word, at, encode_words));
        word = at + size;
    }
    return SLM_OK;
}

static slm_status open_wordpiece(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    TRY(trie_open(&t->vocab, &t->trie, err));
    bool adds_separator = true;
    slm_token separator = token_of_key(t, gguf, "tokenizer.ggml.seperator_token_id", 102); /* spelled so */
    t->bos = token_of_key(t, gguf, "tokenizer.ggml.cls_token_id", 101);
    t->eos = separator = token_of_key(t, gguf, "tokenizer.ggml.separator_token_id", separator);
    t->unknown = 100;
    t->adds_bos = t->adds_space = true;
    TRY(tokenizer_read_keys(t, gguf, err));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_sep_token", &adds_separator, err));
    if (adds_separator)
        t->closing = separator;
    t->lower_cases = true;
    TRY(gguf_bool(gguf, "tokenizer.ggml.normalizer.lowercase", &t->lower_cases, err));
    /* where files do not say, letters lose their accents, but accents that are characters of their own stay: so are ids made of text in
     * the world of these files */
    TRY(gguf_bool(gguf, "tokenizer.ggml.normalizer.strip_accents", &t->strips_marks, err));
    t->strips_accents = gguf_find(gguf, "tokenizer.ggml.normalizer.strip_accents") ? t->strips_marks : t->lower_cases;
    return SLM_OK;
}

const struct tokenizer_family wordpiece_family = {.model = "bert", .open = open_wordpiece, .encode = encode_wordpiece};
