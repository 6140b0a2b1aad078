/* Tokenizes any text with small vocabularies, and any vocabulary. The first byte of the input says what the rest is: 0xff a GGUF file
 * with a vocabulary; 0xfe the parts of one; otherwise a text, for the vocabulary of bits 0-2 (byte pair encoding) or, if bit 4 is set, 0-1 (the other kinds), with
 * special tokens if bit 3 is set. */
#include "../../lib/chat/template.h"
#include "../../lib/tokenizer/split.h"
#include "../../lib/tokenizer/unicode.h"
#include "../vocab_build.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_ENCODINGS 8

static const struct {
    const char *model, *pre;
} kinds[] = {{"llama", NULL}, {"llama", NULL}, {"gpt2", "llama-bpe"}, {"gpt2", "gpt-2"}, {"gpt2", "smollm"}, {"gpt2", "default"},
             {"gpt2", "gpt-4o"}, {"gpt2", "deepseek-llm"}, {"bert", NULL}, {"t5", NULL}, {"t5", NULL}, {"gpt2", "youtu"}};
#define VOCABULARIES (sizeof kinds / sizeof kinds[0])

static struct tokenizer *tokenizer_of(unsigned index)
{
    static struct tokenizer *made[VOCABULARIES]; /* once for all inputs */
    if (!made[index]) {
        struct vocab_build *v = vocab_build_random(kinds[index].model, kinds[index].pre, index, index == 1 || index == 9);
        v->charsmap = v->joins_spaces = index == 10;
        made[index] = vocab_build_tokenizer(v);
        vocab_build_free(v);
    }
    return made[index];
}

/* Tokenizes, streams the tokens back, checks what must hold for any text. `exact`: the bytes must come back too. */
static void check(const struct tokenizer *t, const char *text, size_t length, unsigned flags, bool exact)
{
    size_t count, again, bytes = 0;
    slm_error err;
    slm_status status = tokenizer_encode(t, text, length, flags, NULL, 0, &count, &err);
    slm_token *tokens = malloc((count + 1) * sizeof *tokens);
    char *back = malloc(length + 1);
    if (!tokens || !back || status != (count ? SLM_LIMIT : SLM_OK) || (exact && count > length + 2) ||
        tokenizer_encode(t, text, length, flags, tokens, count, &again, &err) || again != count)
        abort();
    slm_detokenizer state = {.special = true};
    for (size_t i = 0; i <= count; i++) {
        slm_token token = i < count ? tokens[i] : SLM_TOKEN_NONE;
        char part[1024];
        size_t size = tokenizer_stream(t, &state, token, part, sizeof part);
        if (i < count && (token < 0 || (uint32_t)token >= tokenizer_size(t) || size > 3 * tokenizer_bytes(t, token, true, NULL, 0) + 12))
            abort();
        for (size_t c = 0; c < strlen(part);) {
            uint32_t code_point;
            int n = utf8_decode(part + c, strlen(part) - c, &code_point);
            if (n <= 0 && exact)
                abort();
            c += n > 0 ? (size_t)n : 1;
        }
        if (exact && i < count) {
            size_t left = length + 1 - bytes, n = tokenizer_bytes(t, token, true, back + bytes, left);
            if (n > left)
                abort();
            bytes += n;
        }
    }
    size_t space = bytes > length; /* SentencePiece puts one in front */
    if (exact && (bytes != length + space || (space && back[0] != ' ') || memcmp(back + space, text, length)))
        abort();
    free(tokens);
    free(back);
}

/* What somebody says becomes the tokens that it is without special ones, whatever stands in it, by way of a chat template too. */
static void check_said(const struct tokenizer *t, const char *text, size_t length)
{
    char *said = malloc(length + 1), *plain = malloc(length + 1), *rendered = NULL;
    if (!said || !plain)
        abort();
    memcpy(said, text, length);
    said[length] = 0;
    strcpy(plain, said);
    const slm_chat_message message = {"user", said};
    slm_token *want = malloc((length + 3) * sizeof *want), *got = malloc((length + 3) * sizeof *got);
    size_t want_count, got_count, rendered_length;
    mem m;
    if (!want || !got || mem_init(&m, NULL, NULL))
        abort();
    for (char *guard; (guard = strstr(plain, TOKENIZER_GUARD));) {
        memmove(guard + 3, guard + TOKENIZER_GUARD_LENGTH, strlen(guard + TOKENIZER_GUARD_LENGTH) + 1);
        memcpy(guard, "\xef\xbf\xbd", 3);
    }
    const struct template_input input = {.source = "{{ messages[0].content }}", .source_length = 25, .messages = &message,
                                         .message_count = 1, .guard = t};
    slm_status status = tokenizer_encode(t, plain, strlen(plain), SLM_TOKENIZE_BOS, want, length + 3, &want_count, NULL);
    if (!status && (template_render(&m, &input, &rendered, &rendered_length, NULL) ||
                    tokenizer_encode_guarded(t, rendered, rendered_length, got, length + 3, &got_count, NULL) || got_count != want_count ||
                    memcmp(got, want, got_count * sizeof *got)))
        abort();
    template_text_free(rendered);
    free(said);
    free(plain);
    free(want);
    free(got);
}

/* A GGUF file, and a text for the vocabulary that it may have. */
static void check_file(const uint8_t *data, size_t size, const char *more, size_t length)
{
    mem m;
    struct gguf gguf;
    struct tokenizer *t;
    slm_error err = {.message = ""};
    if (mem_init(&m, NULL, &err) || gguf_open(&m, data, size, &gguf, &err))
        return;
    if (tokenizer_new(&m, &gguf, &t, &err) == SLM_OK) {
        static const char text[] = "Hello <|end|> w\xc3\xb6rld\n\n 123 \xff! A\xef\xac\x81\xed\x95\x9c";
        check(t, text, sizeof text - 1, SLM_TOKENIZE_SPECIAL | SLM_TOKENIZE_BOS | SLM_TOKENIZE_EOS, false);
        check(t, more, length, 0, false);
        tokenizer_free(t);
    } else if (!err.message[0]) {
        abort();
    }
    gguf_close(&gguf);
}

/* A file of parts. Bits 0-1 of the first byte: the family, the others options; the second byte: the splitter. Then tokens, each a byte for
 * kind and score, a text and a NUL; a NUL; merges, each a text and a NUL; a NUL; a byte that is a quarter of the size of the charsmap;
 * the charsmap; a text. What the input ends before is empty. */
static void check_parts(const uint8_t *data, size_t size)
{
    enum { MOST = 1024 };
    static const char *const models[] = {"llama", "gpt2", "bert", "t5"};
    const char *texts[MOST], *merges[MOST];
    int32_t token_kinds[MOST];
    float scores[MOST];
    size_t count = 0, merge_count = 0, map_size, file_size;
    char *copy = calloc(size + 8, 1), pre[32];
    if (!copy)
        abort();
    memcpy(copy, data, size);
    const uint8_t options = (uint8_t)copy[0];
    const char *at = copy + 2, *end = copy + size;
    for (; at < end && *at && count < MOST; at += strlen(at) + 1) {
        token_kinds[count] = *at & 7;
        scores[count] = -(float)(uint8_t)*at;
        texts[count++] = at + 1;
    }
    for (at++; at < end && *at && merge_count < MOST; at += strlen(at) + 1)
        merges[merge_count++] = at;
    map_size = ++at < end ? 4 * (size_t)(uint8_t)*at++ : 0;
    const size_t rest = at < end ? (size_t)(end - at) : 0;
    map_size = map_size < rest ? map_size : rest;
    size_t index = (uint8_t)copy[1];
    while (!splitter_at(index))
        index /= 2;
    const char *names = splitter_at(index)->names + 1;
    snprintf(pre, sizeof pre, "%.*s", (int)strcspn(names, " "), names);
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", models[options & 3]);
    gguf_put_string(b, "tokenizer.ggml.pre", pre);
    gguf_put_bool(b, "tokenizer.ggml.add_space_prefix", options & 4);
    gguf_put_bool(b, "tokenizer.ggml.remove_extra_whitespaces", options & 8);
    gguf_put_bool(b, "tokenizer.ggml.add_eos_token", options & 16);
    gguf_put_u32(b, "tokenizer.ggml.unknown_token_id", options >> 5);
    gguf_put_strings(b, "tokenizer.ggml.tokens", texts, count);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, token_kinds, count);
    gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, count);
    gguf_put_strings(b, "tokenizer.ggml.merges", merges, merge_count);
    if (map_size)
        gguf_put_array(b, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, at, map_size);
    uint8_t *file = gguf_build_finish(b, &file_size);
    check_file(file, file_size, at + map_size, rest - map_size);
    free(file);
    free(copy);
}

FUZZ_TARGET(tokenizer)
{
    if (!size)
        return 0;
    if (data[0] == 0xff) {
        check_file(data + 1, size - 1, (const char *)data, size < 4096 ? size : 4096);
        return 0;
    }
    if (data[0] == 0xfe) {
        check_parts(data + 1, size - 1);
        return 0;
    }
    const char *text = (const char *)data + 1;
    bool special = data[0] & 8;
    /* with special tokens in it, or U+2581 that SentencePiece takes for a space, the text may come back another */
    unsigned index = data[0] & 16 ? PAIR_ENCODINGS + data[0] % 4 : data[0] % 8;
    bool exact = !special && !memmem(text, size - 1, "\xe2\x96\x81", 3) && (index > 1 || !memmem(text, size - 1, "\n\n", 2)) &&
                 !memmem(text, size - 1, "<tool>", 6) && !strcmp(kinds[index].model, index < 2 ? "llama" : "gpt2");
    check(tokenizer_of(index), text, size - 1, special ? SLM_TOKENIZE_SPECIAL : 0, exact);
    check_said(tokenizer_of(index), text, size - 1);
    return 0;
}
