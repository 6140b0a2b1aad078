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

slm_token byte_token_find(const struct vocab *vocab, uint8_t byte)
{
    char name[8];
    return vocab_find(vocab, name, (size_t)snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte));
}

slm_token token_of_key(const struct tokenizer *t, const struct gguf *gguf, const char *key, slm_token otherwise)
{
    const struct gguf_kv *kv = gguf_find(gguf, key);
    int64_t id = otherwise;
    if (kv && (kv->is_array || !gguf_element_i64(kv, 0, &id)))
        id = otherwise;
    return id >= 0 && id < (int64_t)t->vocab.count ? (slm_token)id : SLM_TOKEN_NONE;
}

slm_status tokenizer_read_keys(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    t->bos = token_of_key(t, gguf, "tokenizer.ggml.bos_token_id", t->bos);
    t->eos = token_of_key(t, gguf, "tokenizer.ggml.eos_token_id", t->eos);
    t->unknown = token_of_key(t, gguf, "tokenizer.ggml.unknown_token_id", t->unknown);
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_bos_token", &t->adds_bos, err));
    return gguf_bool(gguf, "tokenizer.ggml.add_eos_token", &t->adds_eos, err);
}

static void add_end(struct tokenizer *t, slm_token token)
{
    if (token != SLM_TOKEN_NONE && t->end_count < MAX_END_TOKENS && !tokenizer_is_end(t, token))
        t->ends[t->end_count++] = token;
}

/* Ids that a file names, one or a list. */
static void add_ends_of_key(struct tokenizer *t, const struct gguf *gguf, const char *key)
{
    const struct gguf_kv *kv = gguf_find(gguf, key);
    int64_t id;
    for (uint64_t i = 0; kv && i < kv->count && i < MAX_END_TOKENS; i++)
        if (gguf_element_i64(kv, i, &id) && id >= 0 && id < (int64_t)t->vocab.count)
            add_end(t, (slm_token)id);
}

static bool has_token(const struct tokenizer *t, const char *text)
{
    return tokenizer_find(t, text) != SLM_TOKEN_NONE;
}

/* Files name one or two of the tokens that end an answer; models trained for chat use others too. Texts in <| |> are nothing else and
 * become control tokens if the file says otherwise; of other texts only control tokens count: an ordinary one may spell the same. */
static void find_ends(struct tokenizer *t, const struct gguf *gguf)
{
    static const char *const keys[] = {
        "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.eos_token_ids",
        "tokenizer.ggml.eog_token_ids", "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
        "tokenizer.ggml.fim_sep_token_id",
    };
    static const char *const names[] = {
        "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|calls|>", "<|flush|>", "<|endoftext|>",
        "<|end_of_text|>", "<|fim_pad|>", "<|fim_repo|>", "<|repo_name|>", "<|file_sep|>", "<end_of_turn>", "<turn|>",
        "<|tool_response>", "<end_of_utterance>", "</s>", "<eos>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "[e~[", "<reponame>",
        "<\xef\xbd\x9c" "end" SPACE_MARK "of" SPACE_MARK "sentence" "\xef\xbd\x9c>",
    };
    add_end(t, t->eos);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        add_ends_of_key(t, gguf, keys[i]);
    /* in this family <|end|> only ends a part of an answer */
    bool parts = (has_token(t, "<|return|>") && has_token(t, "<|call|>")) || (has_token(t, "<|flush|>") && has_token(t, "<|calls|>"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        slm_token token = tokenizer_find(t, names[i]);
        size_t length = strlen(names[i]);
        if (token == SLM_TOKEN_NONE || (parts && !strcmp(names[i], "<|end|>")))
            continue;
        if (!strncmp(names[i], "<|", 2) && !strcmp(names[i] + length - 2, "|>"))
            t->vocab.kinds[token] = TOKEN_CONTROL;
        if (t->vocab.kinds[token] == TOKEN_CONTROL)
            add_end(t, token);
    }
}

/* -------------------------------------------------------------------- open */

static const struct tokenizer_family *const families[] = {&sentencepiece_family, &byte_level_family, &wordpiece_family, &unigram_family};

static slm_status find_family(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    const struct gguf_kv *kv = gguf_find(gguf, "tokenizer.ggml.model");
    if (!kv)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "tokenizer.ggml.model is missing: the file has no tokenizer");
    struct gguf_str model = {"", 0};
    TRY(gguf_string(gguf, "tokenizer.ggml.model", &model, err));
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (gguf_str_is(model, families[i]->model))
            t->family = families[i];
    if (!t->family)
        return fail(err, SLM_UNSUPPORTED, kv->offset, "tokenizer.ggml.model \"%.*s\" is not supported; known: llama, gpt2, bert, t5",
                    model.length < 40 ? (int)model.length : 40, model.data);
    return SLM_OK;
}

static slm_status open_model(struct tokenizer *t, const struct gguf *gguf, slm_error *err)
{
    TRY(find_family(t, gguf, err));
    TRY(vocab_open(&t->mem, gguf, &t->vocab, err));
    t->bos = t->eos = t->unknown = t->closing = SLM_TOKEN_NONE;
    TRY(t->family->open(t, gguf, err));
    t->adds_bos &= t->bos != SLM_TOKEN_NONE;
    if (t->closing == SLM_TOKEN_NONE && t->adds_eos)
        t->closing = t->eos;
    find_ends(t, gguf);
    return special_tokens_open(&t->vocab, gguf, &t->special, err);
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
    trie_close(&m, &t->trie);
    charsmap_close(&m, &t->charsmap);
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

bool tokenizer_guesses_splitter(const struct tokenizer *t)
{
    return t->guesses_splitter;
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
