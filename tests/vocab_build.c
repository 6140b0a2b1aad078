#include "vocab_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BUILD 1024

/* splitmix64, apart from the tests' own so that fuzzers link this file alone */
static uint32_t draw(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)((z * 0x94d049bb133111ebu) >> 33);
}

static void add(struct vocab_build *v, const char *text, int kind, float score)
{
    if (v->count >= MAX_BUILD || !(v->tokens[v->count] = strdup(text)))
        abort();
    v->kinds[v->count] = kind;
    v->scores[v->count++] = score;
}

static bool has(const struct vocab_build *v, const char *text)
{
    for (uint32_t i = 0; i < v->count; i++)
        if (!strcmp(v->tokens[i], text))
            return true;
    return false;
}

/* Byte-level BPE's character for a byte, by the published rule: printing ones are themselves, the others follow from U+0100. */
static void byte_text(int byte, char *text)
{
    int c = 256;
    for (int b = 0; b <= byte; b++) {
        bool prints = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        if (b == byte && prints)
            c = b;
        else if (b < byte && !prints)
            c++;
    }
    if (c < 128)
        snprintf(text, 3, "%c", c);
    else
        snprintf(text, 3, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63));
}

static void add_merges(struct vocab_build *v, uint64_t *seed)
{
    static const char *const letters[] = {"a", "b", "c", "\xc4\xa0", "\xc4\x8a", "!", "1", "\xc3\xa3", "\xc4\xa5", "\xc2\xbc"};
    v->merges = calloc(MAX_BUILD, sizeof *v->merges);
    if (!v->merges)
        abort();
    uint32_t first = v->count;
    while (v->merge_count < 300) {
        const char *part[2];
        for (int k = 0; k < 2; k++) {
            uint32_t made = v->count - first;
            part[k] = made && draw(seed) % 2 ? v->tokens[first + draw(seed) % made] : letters[draw(seed) % 10];
        }
        char merged[256], merge[256];
        snprintf(merged, sizeof merged, "%s%s", part[0], part[1]);
        snprintf(merge, sizeof merge, "%s %s", part[0], part[1]);
        if (strlen(merged) > 24)
            continue;
        if (!(v->merges[v->merge_count++] = strdup(merge)))
            abort();
        if (!has(v, merged))
            add(v, merged, 1, 0);
    }
}

static void add_pieces(struct vocab_build *v, uint64_t *seed, bool inner_spaces)
{
    static const char *const letters[] = {"a", "b", "c", "\xe2\x96\x81", "!", "1", "\n", "\xe3\x81\x82", "\xf0\x9f\x98\x80"};
    for (int i = 0; i < 8; i++) /* the last is left to its bytes */
        add(v, letters[i], 1, -100.0f);
    for (int made = 0; made < 200;) {
        char text[64] = "";
        for (uint32_t n = 2 + draw(seed) % 4; n; n--)
            strcat(text, letters[draw(seed) % 9]);
        const char *other = text;
        while (!strncmp(other, "\xe2\x96\x81", 3))
            other += 3;
        if (has(v, text) || (!inner_spaces && strstr(other, "\xe2\x96\x81")))
            continue;
        add(v, text, 1, -(float)(draw(seed) % 60)); /* equal scores occur */
        made++;
    }
}

struct vocab_build *vocab_build_random(const char *model, const char *pre, uint64_t seed, bool inner_spaces)
{
    struct vocab_build *v = calloc(1, sizeof *v);
    if (!v)
        abort();
    v->model = model;
    v->pre = pre;
    v->tokens = calloc(MAX_BUILD, sizeof *v->tokens);
    v->kinds = calloc(MAX_BUILD, sizeof *v->kinds);
    v->scores = calloc(MAX_BUILD, sizeof *v->scores);
    if (!v->tokens || !v->kinds || !v->scores)
        abort();
    if (!strcmp(model, "llama")) {
        add(v, "<unk>", 2, 0);
        add(v, "<s>", 3, 0);
        add(v, "</s>", 3, 0);
        for (int byte = 0; byte < 256; byte++) {
            char text[8];
            snprintf(text, sizeof text, "<0x%02X>", (unsigned)byte);
            add(v, text, 6, 0);
        }
        add_pieces(v, &seed, inner_spaces);
    } else {
        for (int byte = 0; byte < 256; byte++) {
            char text[3];
            byte_text(byte, text);
            add(v, text, 1, 0);
        }
        add_merges(v, &seed);
    }
    add(v, "<|end|>", 3, 0);
    add(v, "<|user|>", 3, 0);
    add(v, "<tool>", 4, 0);
    add(v, "\n\n", 4, 0);
    return v;
}

void vocab_build_free(struct vocab_build *v)
{
    for (uint32_t i = 0; i < v->count; i++)
        free(v->tokens[i]);
    for (uint32_t i = 0; i < v->merge_count; i++)
        free(v->merges[i]);
    free(v->tokens);
    free(v->kinds);
    free(v->scores);
    free(v->merges);
    free(v);
}

struct tokenizer *vocab_build_tokenizer(const struct vocab_build *v)
{
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", v->model);
    if (v->pre)
        gguf_put_string(b, "tokenizer.ggml.pre", v->pre);
    gguf_put_strings(b, "tokenizer.ggml.tokens", (const char *const *)v->tokens, v->count);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, v->kinds, v->count);
    if (v->merges)
        gguf_put_strings(b, "tokenizer.ggml.merges", (const char *const *)v->merges, v->merge_count);
    else
        gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, v->scores, v->count);
    gguf_put_u32(b, "tokenizer.ggml.eos_token_id", v->count - VOCAB_SPECIALS);
    size_t size;
    uint8_t *file = gguf_build_finish(b, &size);
    mem m;
    struct gguf gguf;
    struct tokenizer *t;
    slm_error err;
    if (mem_init(&m, NULL, &err) || gguf_open(&m, file, size, &gguf, &err) || tokenizer_new(&m, &gguf, &t, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    gguf_close(&gguf);
    free(file);
    return t;
}
