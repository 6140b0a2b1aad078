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
    bool unigram = !strcmp(v->model, "t5");
    for (int i = 0; i < 8; i++) /* the last is left to its bytes */
        add(v, letters[i], 1, unigram ? -20.0f - (float)i * 0.37f : -100.0f);
    for (int made = 0; made < 200;) {
        char text[64] = "";
        for (uint32_t n = 2 + draw(seed) % 4; n; n--)
            strcat(text, letters[draw(seed) % 9]);
        const char *other = text;
        while (!strncmp(other, "\xe2\x96\x81", 3))
            other += 3;
        if (has(v, text) || (!inner_spaces && strstr(other, "\xe2\x96\x81")))
            continue;
        add(v, text, 1, unigram ? -(float)draw(seed) * 1e-8f : -(float)(draw(seed) % 60)); /* equal ones occur in the second */
        made++;
    }
}

/* Texts at the start of words and inside of them. */
static void add_wordpieces(struct vocab_build *v, uint64_t *seed)
{
    static const char *const letters[] = {"a", "b", "e", "u", "1", "\xe3\x81\x82", "\xe1\x84\x92", "\xc3\xa9"};
    static const char *const marks[] = {"!", "'", ",", ".", "?", "[", "\xe6\xbc\xa2"};
    char text[64];
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "\xe2\x96\x81%s", letters[i]);
        add(v, text, 1, 0);
        add(v, letters[i], 1, 0);
    }
    for (int i = 0; i < 7; i++) {
        snprintf(text, sizeof text, "\xe2\x96\x81%s", marks[i]);
        add(v, text, 1, 0);
    }
    for (int made = 0; made < 150;) {
        strcpy(text, draw(seed) % 2 ? "\xe2\x96\x81" : "");
        for (uint32_t n = 1 + draw(seed) % 4; n; n--)
            strcat(text, letters[draw(seed) % 8]);
        if (has(v, text))
            continue;
        add(v, text, 1, 0);
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
    } else if (!strcmp(model, "t5")) {
        add(v, "<pad>", 3, 0);
        add(v, "</s>", 3, 0);
        add(v, "<unk>", 2, 0);
        add_pieces(v, &seed, inner_spaces);
    } else if (!strcmp(model, "bert")) {
        add(v, "[PAD]", 3, 0);
        add(v, "[UNK]", 3, 0);
        add(v, "[CLS]", 3, 0);
        add(v, "[SEP]", 3, 0);
        add_wordpieces(v, &seed);
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

/* ---------------------------------------------------------------- charsmap */

const char *const vocab_build_rules[][2] = {{"\t", " "}, {"A", "a"}, {"\xc2\xad", ""}, {"\xef\xac\x81", "ab"}, {"\xe3\x80\x80", " "},
                                            {"B", "  b"}, {"Bc", "c"}, {"a\xcc\x81", "b"}, {"\xe2\x80\xa6", "aaa\xe3\x81\x82"}};
const size_t vocab_build_rule_count = sizeof vocab_build_rules / sizeof vocab_build_rules[0];

#define UNITS 4096

/* Places the children of the node at `index`, whose text the first `depth` bytes of rules[first] are, and theirs. */
static void place_children(uint32_t *units, bool *used, uint32_t index, size_t depth, const char *prefix, const uint32_t *values)
{
    bool children[256] = {false};
    for (size_t i = 0; i < vocab_build_rule_count; i++)
        if (!strncmp(vocab_build_rules[i][0], prefix, depth))
            children[(uint8_t)vocab_build_rules[i][0][depth]] = true; /* 0: a rule ends here */
    uint32_t offset = 0, base;
    for (bool fits = false; !fits;) {
        base = index ^ ++offset;
        fits = base < UNITS - 256;
        for (uint32_t c = 0; c < 256 && fits; c++)
            fits = !children[c] || !used[base ^ c];
    }
    units[index] |= offset << 10 | (children[0] ? 1u << 8 : 0);
    for (uint32_t c = 0; c < 256; c++)
        used[base ^ c] |= children[c];
    for (size_t i = 0; i < vocab_build_rule_count && children[0]; i++)
        if (strlen(vocab_build_rules[i][0]) == depth && !strncmp(vocab_build_rules[i][0], prefix, depth))
            units[base] = 1u << 31 | values[i];
    for (uint32_t c = 1; c < 256; c++) {
        if (!children[c])
            continue;
        char longer[16];
        memcpy(longer, prefix, depth);
        longer[depth] = (char)c;
        units[base ^ c] = c;
        place_children(units, used, base ^ c, depth + 1, longer, values);
    }
}

static void put_charsmap(struct gguf_build *b)
{
    static uint32_t units[UNITS];
    static bool used[UNITS];
    static uint8_t file[4 + 4 * UNITS + 256];
    uint32_t values[16], size = 4 * UNITS, texts = 0;
    memset(units, 0, sizeof units);
    memset(used, 0, sizeof used);
    for (size_t i = 0; i < vocab_build_rule_count; i++) {
        values[i] = texts;
        strcpy((char *)file + 4 + size + texts, vocab_build_rules[i][1]);
        texts += (uint32_t)strlen(vocab_build_rules[i][1]) + 1;
    }
    used[0] = true;
    place_children(units, used, 0, 0, "", values);
    for (int i = 0; i < 4; i++)
        file[i] = (uint8_t)(size >> 8 * i);
    for (uint32_t i = 0; i < size; i++)
        file[4 + i] = (uint8_t)(units[i / 4] >> 8 * (i % 4));
    gguf_put_array(b, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, file, 4 + size + texts);
}

slm_status tokenizer_open_build(struct gguf_build *b, struct tokenizer **t, slm_error *err)
{
    size_t size;
    uint8_t *file = gguf_build_finish(b, &size);
    mem m;
    struct gguf gguf;
    if (mem_init(&m, NULL, err) || gguf_open(&m, file, size, &gguf, err)) {
        fprintf(stderr, "%s\n", err->message);
        abort();
    }
    slm_status status = tokenizer_new(&m, &gguf, t, err);
    gguf_close(&gguf);
    free(file);
    return status;
}

struct tokenizer *tokenizer_of_build(struct gguf_build *b)
{
    struct tokenizer *t;
    slm_error err;
    if (tokenizer_open_build(b, &t, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return t;
}

static struct gguf_build *build_of(const struct vocab_build *v)
{
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", v->model);
    if (v->pre)
        gguf_put_string(b, "tokenizer.ggml.pre", v->pre);
    gguf_put_strings(b, "tokenizer.ggml.tokens", (const char *const *)v->tokens, v->count);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, v->kinds, v->count);
    if (v->merges)
        gguf_put_strings(b, "tokenizer.ggml.merges", (const char *const *)v->merges, v->merge_count);
    else if (strcmp(v->model, "bert"))
        gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, v->scores, v->count);
    if (strcmp(v->model, "bert"))
        gguf_put_u32(b, "tokenizer.ggml.eos_token_id", v->count - VOCAB_SPECIALS);
    if (!strcmp(v->model, "bert")) {
        gguf_put_u32(b, "tokenizer.ggml.unknown_token_id", 1);
        gguf_put_u32(b, "tokenizer.ggml.cls_token_id", 2);
        gguf_put_u32(b, "tokenizer.ggml.seperator_token_id", 3);
    }
    if (!strcmp(v->model, "t5")) {
        gguf_put_bool(b, "tokenizer.ggml.add_space_prefix", v->adds_space);
        gguf_put_bool(b, "tokenizer.ggml.remove_extra_whitespaces", v->joins_spaces);
    }
    if (v->charsmap)
        put_charsmap(b);
    return b;
}

uint8_t *vocab_build_file(const struct vocab_build *v, size_t *size)
{
    return gguf_build_finish(build_of(v), size);
}

struct tokenizer *vocab_build_tokenizer(const struct vocab_build *v)
{
    return tokenizer_of_build(build_of(v));
}
