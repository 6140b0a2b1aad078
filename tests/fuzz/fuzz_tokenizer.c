/* Tokenizes any text with small vocabularies, and any vocabulary. The first byte of the input says what the rest is: 0xff a GGUF file
 * with a vocabulary; otherwise a text, for the vocabulary of bits 0-2 (byte pair encoding) or, if bit 4 is set, 0-1 (the other kinds), with
 * special tokens if bit 3 is set. */
#include "../../lib/tokenizer/unicode.h"
#include "../vocab_build.h"
#include "fuzz.h"

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

static void check_file(const uint8_t *data, size_t size)
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
        check(t, (const char *)data, size < 4096 ? size : 4096, 0, false);
        tokenizer_free(t);
    } else if (!err.message[0]) {
        abort();
    }
    gguf_close(&gguf);
}

FUZZ_TARGET(tokenizer)
{
    if (!size)
        return 0;
    if (data[0] == 0xff) {
        check_file(data + 1, size - 1);
        return 0;
    }
    const char *text = (const char *)data + 1;
    bool special = data[0] & 8;
    /* with special tokens in it, or U+2581 that SentencePiece takes for a space, the text may come back another */
    unsigned index = data[0] & 16 ? PAIR_ENCODINGS + data[0] % 4 : data[0] % 8;
    bool exact = !special && !memmem(text, size - 1, "\xe2\x96\x81", 3) && (index > 1 || !memmem(text, size - 1, "\n\n", 2)) &&
                 !memmem(text, size - 1, "<tool>", 6) && !strcmp(kinds[index].model, index < 2 ? "llama" : "gpt2");
    check(tokenizer_of(index), text, size - 1, special ? SLM_TOKENIZE_SPECIAL : 0, exact);
    return 0;
}
