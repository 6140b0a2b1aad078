/* tokenizer.c - builds a tokenizer from a GGUF file's metadata. */
#include "internal.h"

#include "unicode.h"

#include <stdio.h>
#include <string.h>

uint32_t byte_to_char(uint8_t byte)
{
    if (byte < 33)
        return 256u + byte;
    if (byte >= 127 && byte < 161)
        return 289u + (byte - 127u);
    return byte == 173 ? 323 : byte;
}

int char_to_byte(uint32_t c)
{
    if (c >= 256 && c < 289)
        return (int)c - 256;
    if (c >= 289 && c < 323)
        return (int)c - 289 + 127;
    if (c == 323)
        return 173;
    return c < 256 && byte_to_char((uint8_t)c) == c ? (int)c : -1;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int byte_token_value(struct gguf_str text)
{
    if (text.length != 6 || memcmp(text.data, "<0x", 3) || text.data[5] != '>')
        return -1;
    int high = hex_digit(text.data[3]), low = hex_digit(text.data[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The id that a key names; `otherwise` if it is missing or no id of the vocabulary (files use -1 for "none"). */
static slm_token token_of_key(const struct tokenizer *t, const struct gguf *gguf, const char *key, slm_token otherwise)
{
    const struct gguf_kv *kv = gguf_find(gguf, key);
    int64_t id = otherwise;
    if (kv && (kv->is_array || !gguf_element_i64(kv, 0, &id)))
        id = otherwise;
    return id >= 0 && id < (int64_t)t->vocab.count ? (slm_token)id : SLM_TOKEN_NONE;
}

static void add_end(struct tokenizer *t, slm_token token)
{
    if (token != SLM_TOKEN_NONE && t->end_count < MAX_END_TOKENS && !tokenizer_is_end(t, token))
        t->ends[t->end_count++] = token;
}

/* Files name one or two of the tokens that end an answer; models trained for chat use others too. Only control tokens count: an
 * ordinary token may spell the same. */
static void find_ends(struct tokenizer *t, const struct gguf *gguf)
{
    static const char *const names[] = {
        "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<turn|>", "<|endoftext|>",
        "<|end_of_text|>", "<end_of_utterance>", "</s>", "<eos>", "<EOT>", "[EOT]", "[EOS]",
        "<\xef\xbd\x9c" "end" SPACE_MARK "of" SPACE_MARK "sentence" "\xef\xbd\x9c>",
    };
    add_end(t, t->eos);
    add_end(t, token_of_key(t, gguf, "tokenizer.ggml.eot_token_id", SLM_TOKEN_NONE));
    add_end(t, token_of_key(t, gguf, "tokenizer.ggml.eom_token_id", SLM_TOKEN_NONE));
    /* in this family <|end|> only ends a part of an answer */
    bool parts = tokenizer_find(t, "<|return|>") != SLM_TOKEN_NONE && tokenizer_find(t, "<|call|>") != SLM_TOKEN_NONE;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        slm_token token = tokenizer_find(t, names[i]);
        if (token != SLM_TOKEN_NONE && t->vocab.kinds[token] == TOKEN_CONTROL && !(parts && !strcmp(names[i], "<|end|>")))
            add_end(t, token);
    }
}

/* ---------------------------------------------------------- SentencePiece */

/* True if no token that text can merge to has a space after something else: then no merge crosses from a word to the next. */
static bool words_split(const struct vocab *vocab)
{
    for (uint32_t id = 0; id < vocab->count; id++) {
        struct gguf_str text = vocab_text(vocab, id);
        if (vocab->kinds[id] == TOKEN_CONTROL || vocab->kinds[id] == TOKEN_UNKNOWN || vocab->kinds[id] == TOKEN_BYTE)
            continue;
        size_t spaces = 0;
        while (spaces + SPACE_MARK_LENGTH <= text.length && !memcmp(text.data + spaces, SPACE_MARK, SPACE_MARK_LENGTH))
            spaces += SPACE_MARK_LENGTH;
        if (text.length > spaces && memmem(text.data + spaces, text.length - spaces, SPACE_MARK, SPACE_MARK_LENGTH))
            return false;
    }
    return true;
}

static slm_status open_sentencepiece(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    TRY(vocab_read_scores(&t->vocab, gguf, err));
    t->words_split = words_split(&t->vocab);
    t->adds_space = true;
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &t->adds_space, err));
    t->adds_bos = true;
    t->bos = token_of_key(t, gguf, "tokenizer.ggml.bos_token_id", 1);
    t->eos = token_of_key(t, gguf, "tokenizer.ggml.eos_token_id", 2);
    t->unknown = token_of_key(t, gguf, "tokenizer.ggml.unknown_token_id", 0);
    for (int byte = 0; byte < 256; byte++) {
        char name[8];
        slm_token token = vocab_find(&t->vocab, name, (size_t)snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte));
        if (token == SLM_TOKEN_NONE) {
            char self = (char)byte;
            token = vocab_find_plain(&t->vocab, &self, 1);
        }
        t->bytes[byte] = token != SLM_TOKEN_NONE ? token : t->unknown;
    }
    return SLM_OK;
}

/* ---------------------------------------------------------- byte-level BPE */

/* Names of all splitters for a message, as many as fit. */
static void list_splitters(char *list, size_t size)
{
    size_t at = 0;
    const struct splitter *splitter;
    list[0] = 0;
    for (size_t i = 0; (splitter = splitter_at(i)) && at < size; i++)
        at += (size_t)snprintf(list + at, size - at, "%s%.*s", i ? ", " : "", (int)strcspn(splitter->names + 1, " "), splitter->names + 1);
}

static slm_status open_byte_level(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    struct gguf_str name = {"default", 7};
    TRY(gguf_string(gguf, "tokenizer.ggml.pre", &name, err));
    t->splitter = splitter_find(name.data, name.length);
    if (!t->splitter) {
        char list[160];
        list_splitters(list, sizeof list);
        return fail(err, SLM_UNSUPPORTED, SLM_NO_OFFSET, "tokenizer.ggml.pre \"%.*s\" is not supported; known: %s",
                    name.length < 40 ? (int)name.length : 40, name.data, list);
    }
    TRY(vocab_read_merges(&t->vocab, gguf, err));
    t->adds_bos = t->splitter->adds_bos;
    t->bos = token_of_key(t, gguf, "tokenizer.ggml.bos_token_id", SLM_TOKEN_NONE);
    t->eos = token_of_key(t, gguf, "tokenizer.ggml.eos_token_id", SLM_TOKEN_NONE);
    t->unknown = token_of_key(t, gguf, "tokenizer.ggml.unknown_token_id", SLM_TOKEN_NONE);
    for (int byte = 0; byte < 256; byte++) {
        char text[4];
        slm_token token = vocab_find_plain(&t->vocab, text, (size_t)utf8_encode(byte_to_char((uint8_t)byte), text));
        t->bytes[byte] = token != SLM_TOKEN_NONE ? token : t->unknown;
    }
    return SLM_OK;
}

/* ------------------------------------------------------------------- both */

/* In Phi-3's files white space after a special token is dropped; the metadata can't say so. */
static slm_status find_strips(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    static const char *const keep[] = {"<unk>", "<s>", "<|endoftext|>"};
    struct gguf_str name = {"", 0};
    TRY(gguf_string(gguf, "general.name", &name, err));
    bool phi3 = false;
    for (size_t i = 0; i + 4 <= name.length && !phi3; i++) {
        size_t dash = name.data[i + 3] == '-';
        phi3 = (name.data[i] | 32) == 'p' && (name.data[i + 1] | 32) == 'h' && (name.data[i + 2] | 32) == 'i' &&
               i + 3 + dash < name.length && name.data[i + 3 + dash] == '3';
    }
    if (!phi3)
        return SLM_OK;
    struct special_tokens *special = &t->special;
    special->strips_after = mem_alloc(&t->mem, special->count, sizeof *special->strips_after);
    if (!special->strips_after)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for %u special tokens", special->count);
    for (uint32_t i = 0; i < special->count; i++) {
        special->strips_after[i] = true;
        for (size_t k = 0; k < sizeof keep / sizeof keep[0]; k++)
            if (gguf_str_is(vocab_text(&t->vocab, special->ids[i]), keep[k]))
                special->strips_after[i] = false;
    }
    return SLM_OK;
}

static slm_status open_model(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(gguf, "tokenizer.ggml.model");
    if (!kv)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "tokenizer.ggml.model is missing: the file has no tokenizer");
    struct gguf_str model = {"", 0};
    TRY(gguf_string(gguf, "tokenizer.ggml.model", &model, err));
    bool sentencepiece = gguf_str_is(model, "llama");
    if (!sentencepiece && !gguf_str_is(model, "gpt2"))
        return fail(err, SLM_UNSUPPORTED, kv->offset, "tokenizer.ggml.model \"%.*s\" is not supported; known: llama, gpt2",
                    model.length < 40 ? (int)model.length : 40, model.data);
    TRY(vocab_open(&t->mem, gguf, &t->vocab, err));
    TRY(sentencepiece ? open_sentencepiece(t, gguf, err) : open_byte_level(t, gguf, err));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_bos_token", &t->adds_bos, err));
    t->adds_bos &= t->bos != SLM_TOKEN_NONE;
    TRY(special_tokens_open(&t->vocab, &t->special, err));
    TRY(find_strips(t, gguf, err));
    find_ends(t, gguf);
    return SLM_OK;
}

slm_status tokenizer_new(const mem *m, const struct gguf *gguf, struct tokenizer **tokenizer, slm_error *err)
{
    *tokenizer = NULL;
    struct tokenizer *t = mem_zalloc(m, 1, sizeof *t);
    if (!t)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for the tokenizer");
    t->mem = t->vocab.mem = *m;
    slm_status status = open_model(t, gguf, err);
    if (status == SLM_OK)
        *tokenizer = t;
    else
        tokenizer_free(t);
    return status;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    mem m = t->mem;
    special_tokens_close(&m, &t->special);
    vocab_close(&t->vocab);
    mem_free(&m, t);
}

uint32_t tokenizer_size(const struct tokenizer *t)
{
    return t->vocab.count;
}

slm_token tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

slm_token tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

bool tokenizer_adds_bos(const struct tokenizer *t)
{
    return t->adds_bos;
}

bool tokenizer_is_end(const struct tokenizer *t, slm_token token)
{
    for (uint32_t i = 0; i < t->end_count; i++)
        if (t->ends[i] == token)
            return true;
    return false;
}

slm_token tokenizer_find(const struct tokenizer *t, const char *text)
{
    return vocab_find(&t->vocab, text, strlen(text));
}
