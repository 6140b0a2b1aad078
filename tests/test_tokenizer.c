#include "../lib/tokenizer/tokenizer.h"
#include "../lib/tokenizer/split.h"
#include "../lib/tokenizer/unicode.h"
#include "tests.h"
#include "vocab_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tokenizer of a file in ../shared, or NULL. */
static struct tokenizer *open_shared(const char *name)
{
    size_t size;
    void *bytes = read_file(shared_path(name), &size);
    if (!bytes)
        return NULL;
    mem m;
    struct gguf gguf;
    struct tokenizer *t;
    slm_error err;
    ck_assert_int_eq(mem_init(&m, NULL, &err), SLM_OK);
    ck_assert_msg(gguf_open(&m, bytes, size, &gguf, &err) == SLM_OK, "%s", err.message);
    ck_assert_msg(tokenizer_new(&m, &gguf, &t, &err) == SLM_OK, "%s", err.message);
    gguf_close(&gguf);
    free(bytes);
    return t;
}

/* Vocabularies of vocab_build_random, the second one of SentencePiece. */
static const char *const families[][2] = {{"gpt2", "gpt-2"}, {"llama", NULL}, {"gpt2", "llama-bpe"}, {"gpt2", "deepseek-llm"},
                                          {"gpt2", "gpt-4o"}};
enum { LLAMA = 1 };

static struct tokenizer *random_tokenizer(int family, uint64_t seed)
{
    struct vocab_build *v = vocab_build_random(families[family][0], families[family][1], seed, false);
    struct tokenizer *t = vocab_build_tokenizer(v);
    vocab_build_free(v);
    return t;
}

/* The ids of a text in memory to free; also checks the count without room. */
static slm_token *encode(const struct tokenizer *t, const char *text, size_t length, unsigned flags, size_t *count)
{
    slm_error err;
    size_t needed;
    slm_status status = tokenizer_encode(t, text, length, flags, NULL, 0, &needed, &err);
    ck_assert_int_eq(status, needed ? SLM_LIMIT : SLM_OK);
    ck_assert_uint_le(needed, 2 * length + 2);
    slm_token *tokens = malloc((needed + 1) * sizeof *tokens);
    ck_assert_ptr_nonnull(tokens);
    status = tokenizer_encode(t, text, length, flags, tokens, needed, count, &err);
    ck_assert_int_eq(status, SLM_OK);
    ck_assert_uint_eq(*count, needed);
    return tokens;
}

/* In loops below a check is an `if`: Check notes the place of every ck_assert with a system call. */

/* Compares the tokens of a text with these. */
static void check_tokens(const struct tokenizer *t, const char *place, const char *text, size_t length, unsigned flags,
                         const slm_token *want, size_t want_count)
{
    size_t count;
    slm_token *tokens = encode(t, text, length, flags, &count);
    for (size_t i = 0; i < count || i < want_count; i++)
        if (i >= count || i >= want_count || tokens[i] != want[i])
            ck_abort_msg("%s: token %zu is %d, not %d, of \"%.*s\" (seed %llu)", place, i, i < count ? (int)tokens[i] : -1,
                         i < want_count ? (int)want[i] : -1, (int)length, text, (unsigned long long)test_seed());
    free(tokens);
}
#define CHECK_IDS(t, text, flags, ...)                                                \
    check_tokens(t, "ids", text, strlen(text), flags, (slm_token[]){__VA_ARGS__}, \
                 sizeof((slm_token[]){__VA_ARGS__}) / sizeof(slm_token))

/* Compares with the ids of a line of numbers. */
static void check_line(const struct tokenizer *t, const char *what, int record, const char *text, size_t length, const char *line)
{
    char place[128], *end;
    size_t count = 0;
    slm_token *want = malloc((strlen(line) + 1) * sizeof *want);
    ck_assert_ptr_nonnull(want);
    for (; want[count] = (slm_token)strtol(line, &end, 10), end != line; line = end)
        count++;
    snprintf(place, sizeof place, "%s, record %d", what, record);
    check_tokens(t, place, text, length, 0, want, count);
    free(want);
}

/* Checks every record of `texts`, which `separator` ends or separates, against the lines of `ids`. */
static int check_records(const struct tokenizer *t, const char *texts, const char *separator, bool ends, const char *ids)
{
    size_t size, ids_size;
    char *text = read_file(shared_path(texts), &size), *line = read_file(shared_path(ids), &ids_size);
    int records = 0;
    if (text && line) {
        char *next_line = line;
        for (char *at = text;; records++) {
            char *stop = memmem(at, (size_t)(text + size - at), separator, strlen(separator));
            if (!stop && ends)
                break;
            size_t length = stop ? (size_t)(stop - at) : (size_t)(text + size - at);
            char *end = strchr(next_line, '\n');
            ck_assert_ptr_nonnull(end);
            *end = 0;
            check_line(t, ids, records, at, length, next_line);
            next_line = end + 1;
            if (!stop)
                break;
            at = stop + strlen(separator);
        }
    }
    free(text);
    free(line);
    return records;
}

static const char *const vocabularies[] = {"llama-spm", "phi-3", "llama-bpe", "gpt-2", "smollm", "qwen2", "falcon", "starcoder",
                                           "deepseek-llm", "deepseek-coder", "bert-bge"};

START_TEST(expected_ids)
{
    const char *name = vocabularies[_i];
    char file[64], ids[64];
    snprintf(file, sizeof file, "vocab/%s.gguf", name);
    struct tokenizer *t = open_shared(file);
    if (!t) {
        skip("expected_ids", "../shared/vocab is absent");
        return;
    }
    snprintf(ids, sizeof ids, "vocab/%s.out", name);
    if (shared_path(ids))
        ck_assert_int_gt(check_records(t, "vocab/cases.inp", "\n__ggml_vocab_test__\n", true, ids), 40);
    snprintf(ids, sizeof ids, "vocab/%s.stress.ids", name);
    ck_assert_int_gt(check_records(t, "vocab/stress.txt", "\x1e", false, ids), 140);
    tokenizer_free(t);
}
END_TEST

START_TEST(special_in_shared_vocabularies)
{
    struct tokenizer *llama = open_shared("vocab/llama-bpe.gguf"), *phi = open_shared("vocab/phi-3.gguf");
    struct tokenizer *demo = open_shared("demo-model/demo-f16.gguf"), *stories = open_shared("models/stories260K-f32.gguf");
    if (!llama || !phi || !demo || !stories) {
        skip("special_in_shared_vocabularies", "../shared is absent");
    } else {
        CHECK_IDS(llama, "<|begin_of_text|>Hello world<|eot_id|>", SLM_TOKENIZE_SPECIAL, 128000, 9906, 1917, 128009);
        CHECK_IDS(llama, "Hello world", SLM_TOKENIZE_BOS, 128000, 9906, 1917);
        ck_assert(tokenizer_is_end(llama, 128001) && tokenizer_is_end(llama, 128008) && tokenizer_is_end(llama, 128009));
        ck_assert(!tokenizer_is_end(llama, 128000) && !tokenizer_is_end(llama, 128006) && !tokenizer_is_end(llama, -1));
        /* white space after these is dropped, and a space begins what follows */
        CHECK_IDS(phi, "<|user|> \nHello<|end|>", SLM_TOKENIZE_SPECIAL, 32010, 15043, 32007);
        CHECK_IDS(phi, "<s> Hello", SLM_TOKENIZE_SPECIAL, 1, 29871, 15043);
        ck_assert(tokenizer_is_end(phi, 32000) && tokenizer_is_end(phi, 32007) && !tokenizer_is_end(phi, 32010));
        size_t count;
        slm_token *tokens = encode(demo, "<|endoftext|><|user|>Hi<|end|><|assistant|>", 43, SLM_TOKENIZE_SPECIAL, &count);
        ck_assert(count >= 5 && tokens[0] == 1019 && tokens[1] == 1021 && tokens[count - 2] == 1023 && tokens[count - 1] == 1022);
        free(tokens);
        ck_assert(tokenizer_is_end(demo, 1023) && tokenizer_is_end(demo, 1019) && !tokenizer_is_end(demo, 1022));
        ck_assert(tokenizer_adds_bos(demo) && tokenizer_bos(demo) == 1019 && tokenizer_eos(demo) == 1023);
        CHECK_IDS(stories, "Once upon a time", SLM_TOKENIZE_BOS, 1, 403, 407, 261, 378);
        ck_assert_uint_eq(tokenizer_size(stories), 512);
    }
    tokenizer_free(llama);
    tokenizer_free(phi);
    tokenizer_free(demo);
    tokenizer_free(stories);
}
END_TEST

START_TEST(special_tokens)
{
    struct tokenizer *t = random_tokenizer(_i, 1);
    slm_token end = (slm_token)tokenizer_size(t) - VOCAB_SPECIALS, user = end + 1, tool = end + 2, lines = end + 3;
    slm_token less = tokenizer_find(t, _i == LLAMA ? "<0x3C>" : "<"), l = tokenizer_find(t, _i == LLAMA ? "<0x6C>" : "l");
    CHECK_IDS(t, "<|end|><|user|><tool>", SLM_TOKENIZE_SPECIAL, end, user, tool);
    CHECK_IDS(t, "<tool>\n\n", 0, tool, lines);
    CHECK_IDS(t, "\n\n\n\n<tool>", 0, lines, lines, tool);
    size_t count;
    slm_token *tokens = encode(t, "<|end|>", 7, 0, &count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_ne(tokens[i], end);
    ck_assert_uint_gt(count, 1);
    free(tokens);
    tokens = encode(t, "<tool", 5, SLM_TOKENIZE_SPECIAL, &count);
    ck_assert(count >= 5 && tokens[count - 1] == l && tokens[count - 5] == less);
    free(tokens);
    ck_assert(tokenizer_is_end(t, end) && !tokenizer_is_end(t, user) && !tokenizer_is_end(t, tool));
    ck_assert_int_eq(tokenizer_find(t, "<|user|>"), user);
    ck_assert_int_eq(tokenizer_find(t, ""), SLM_TOKEN_NONE);
    ck_assert_int_eq(tokenizer_find(t, "<|user|"), SLM_TOKEN_NONE);
    char text[16];
    ck_assert_uint_eq(tokenizer_bytes(t, end, false, text, sizeof text), 0);
    ck_assert_uint_eq(tokenizer_bytes(t, end, true, text, 3), 7);
    ck_assert_mem_eq(text, "<|e", 3);
    ck_assert_uint_eq(tokenizer_bytes(t, lines + 1, true, text, sizeof text), 0);
    ck_assert_uint_eq(tokenizer_bytes(t, -1, true, text, sizeof text), 0);
    ck_assert_uint_eq(tokenizer_bytes(t, tool, false, NULL, 0), 6);
    tokenizer_free(t);
}
END_TEST

/* --------------------------------------------- merging, against the obvious way */

/* The texts of a word's pieces; the best pair of all is sought anew for every merge. */
struct pieces {
    char text[256][512];
    size_t count;
};

static double pair_priority(const struct vocab_build *v, const char *left, const char *right)
{
    char both[1024];
    if (v->merges) {
        snprintf(both, sizeof both, "%s %s", left, right);
        for (uint32_t i = 0; i < v->merge_count; i++)
            if (!strcmp(v->merges[i], both))
                return -(double)i;
        return -1e9;
    }
    snprintf(both, sizeof both, "%s%s", left, right);
    for (uint32_t i = 0; i < v->count; i++)
        if (v->kinds[i] == 1 && !strcmp(v->tokens[i], both))
            return v->scores[i];
    return -1e9;
}

static void merge_slowly(const struct vocab_build *v, struct pieces *p)
{
    for (;;) {
        size_t best = 0;
        double best_priority = -1e9;
        for (size_t i = 0; i + 1 < p->count; i++) {
            double priority = pair_priority(v, p->text[i], p->text[i + 1]);
            if (priority > best_priority) {
                best = i;
                best_priority = priority;
            }
        }
        if (best_priority == -1e9)
            return;
        memmove(p->text[best] + strlen(p->text[best]), p->text[best + 1], strlen(p->text[best + 1]) + 1);
        memmove(p->text[best + 1], p->text[best + 2], (p->count - best - 2) * sizeof p->text[0]);
        p->count--;
    }
}

struct slow {
    const struct vocab_build *v;
    const struct tokenizer *t;
    const char *text;
    struct pieces pieces;
    slm_token tokens[2048];
    size_t count;
};

/* Adds the tokens of the pieces. */
static void finish_pieces(struct slow *s)
{
    struct pieces *p = &s->pieces;
    merge_slowly(s->v, p);
    for (size_t i = 0; i < p->count; i++) {
        slm_token token = tokenizer_find(s->t, p->text[i]);
        if (token != SLM_TOKEN_NONE) {
            s->tokens[s->count++] = token;
            continue;
        }
        for (const char *c = p->text[i]; *c; c++) {
            char name[8];
            snprintf(name, sizeof name, "<0x%02X>", (unsigned)(uint8_t)*c);
            s->tokens[s->count++] = tokenizer_find(s->t, name);
        }
    }
}

static slm_status slow_word(void *arg, size_t start, size_t end)
{
    struct slow *s = arg;
    s->pieces.count = end - start;
    for (size_t i = start; i < end; i++) { /* the first 256 tokens are the bytes */
        if (i - start >= 256)
            ck_abort_msg("word too long");
        strcpy(s->pieces.text[i - start], s->v->tokens[(uint8_t)s->text[i]]);
    }
    finish_pieces(s);
    return SLM_OK;
}

static void slow_encode(struct slow *s, size_t length)
{
    mem m;
    ck_assert_int_eq(mem_init(&m, NULL, NULL), SLM_OK);
    s->count = 0;
    if (s->v->merges) {
        ck_assert_int_eq(split_text(&m, splitter_find(s->v->pre, strlen(s->v->pre)), s->text, length, slow_word, s, NULL), SLM_OK);
        return;
    }
    struct pieces *p = &s->pieces;
    p->count = 0;
    if (length)
        strcpy(p->text[p->count++], "\xe2\x96\x81");
    for (size_t i = 0; i < length;) {
        uint32_t c;
        int size = utf8_decode(s->text + i, length - i, &c);
        size = size > 0 ? size : 1;
        if (p->count >= 256)
            ck_abort_msg("text too long");
        const bool space = s->text[i] == ' ';
        snprintf(p->text[p->count++], 8, "%.*s", space ? 3 : size, space ? "\xe2\x96\x81" : s->text + i);
        i += (size_t)size;
    }
    finish_pieces(s);
}

static size_t random_text(uint64_t *seed, char *text)
{
    static const char *const parts[] = {"a", "b", "c", "a", "b", " ", "  ", "!", "1", "\n", "\xe3\x81\x82", "\xf0\x9f\x98\x80", "\xe3\x81", "\xff",
                                        "\xe2\x96\x81", "ab", "abc", "\xc2\xa0"};
    size_t length = 0;
    for (uint32_t n = test_random(seed) % 60; n; n--) {
        const char *part = parts[test_random(seed) % (sizeof parts / sizeof parts[0])];
        if (!strcmp(part, "\n") && length && text[length - 1] == '\n')
            continue; /* "\n\n" is a token of its own */
        memcpy(text + length, part, strlen(part));
        length += strlen(part);
    }
    return length;
}

START_TEST(merging)
{
    static const struct {
        const char *model, *pre;
        bool inner_spaces;
    } kinds[] = {{"gpt2", "gpt-2", false}, {"gpt2", "smollm", false}, {"llama", NULL, false}, {"llama", NULL, true}};
    uint64_t seed = test_seed();
    for (int vocabulary = 0; vocabulary < 4; vocabulary++) {
        uint64_t vocab_seed = test_random(&seed);
        struct vocab_build *v = vocab_build_random(kinds[_i].model, kinds[_i].pre, vocab_seed, kinds[_i].inner_spaces);
        struct tokenizer *t = vocab_build_tokenizer(v);
        static struct slow slow;
        for (int round = 0; round < 60; round++) {
            char text[512];
            size_t length = random_text(&seed, text);
            slow.v = v;
            slow.t = t;
            slow.text = text;
            slow_encode(&slow, length);
            check_tokens(t, "merging", text, length, 0, slow.tokens, slow.count);
        }
        tokenizer_free(t);
        vocab_build_free(v);
    }
}
END_TEST

/* ------------------------------------------------------------- back to text */

/* All of a text through tokens and back, as bytes. */
static void check_round_trip(const struct tokenizer *t, const char *text, size_t length, bool leading_space)
{
    size_t count, at = 0;
    slm_token *tokens = encode(t, text, length, 0, &count);
    char *back = malloc(length + 2);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = tokenizer_bytes(t, tokens[i], false, back + at, length + 1 - at);
        at += bytes;
        if (!bytes || at > length + 1)
            ck_abort_msg("token %zu of %zu, id %d, has %zu bytes", i, count, (int)tokens[i], bytes);
    }
    size_t space = leading_space && length;
    ck_assert_uint_eq(at, length + space);
    ck_assert(!space || back[0] == ' ');
    ck_assert_msg(!memcmp(back + space, text, length), "\"%.*s\" came back as \"%.*s\"", (int)length, text, (int)(at - space), back + space);
    free(tokens);
    free(back);
}

START_TEST(round_trip)
{
    struct tokenizer *t = random_tokenizer(_i, 3);
    uint64_t seed = test_seed();
    for (int round = 0; round < 500; round++) {
        char text[300];
        size_t length = test_random(&seed) % sizeof text;
        uint32_t range = round % 2 ? 256 : 128; /* any bytes, valid UTF-8 or not */
        for (size_t i = 0; i < length; i++)
            if ((text[i] = (char)(test_random(&seed) % range)) == '\n')
                text[i] = 'n'; /* "\n\n" is a token of its own, and SentencePiece begins anew with a space after it */
        check_round_trip(t, text, length, _i == LLAMA);
    }
    tokenizer_free(t);
}
END_TEST

START_TEST(streaming)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"a\xe3\x81\x82" "b \xf0\x9f\x98\x80!", "a\xe3\x81\x82" "b \xf0\x9f\x98\x80!"},
        {" a", " a"},
        {"\xff" "a\xe3\x81", "\xef\xbf\xbd" "a\xef\xbf\xbd"},
        {"\xe3" "a\x80\xf0\x9f\x98", "\xef\xbf\xbd" "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"", ""},
    };
    struct tokenizer *t = random_tokenizer(_i, 5);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        size_t count, at = 0;
        slm_token *tokens = encode(t, cases[k].text, strlen(cases[k].text), 0, &count);
        slm_detokenizer state = {.special = true};
        char all[256], part[64];
        for (size_t i = 0; i <= count; i++) {
            memset(part, 'x', sizeof part);
            size_t length = tokenizer_stream(t, &state, i < count ? tokens[i] : SLM_TOKEN_NONE, part, sizeof part);
            ck_assert_uint_lt(length, sizeof part);
            ck_assert_uint_eq(strlen(part), length);
            for (size_t c = 0; c < length;) { /* whole characters only */
                uint32_t code_point;
                int size = utf8_decode(part + c, length - c, &code_point);
                ck_assert_int_gt(size, 0);
                c += (size_t)size;
            }
            memcpy(all + at, part, length);
            at += length;
        }
        all[at] = 0;
        ck_assert_str_eq(all, cases[k].shown);
        free(tokens);
    }
    /* what does not fit is counted and ends with a whole character */
    slm_detokenizer state = {.special = true};
    char small[4] = "xxx";
    ck_assert_uint_eq(tokenizer_stream(t, &state, tokenizer_find(t, "<|end|>"), small, sizeof small), 7);
    ck_assert_str_eq(small, "<|e");
    ck_assert_uint_eq(tokenizer_stream(t, &state, tokenizer_find(t, "<tool>"), NULL, 0), 6);
    ck_assert_uint_eq(tokenizer_stream(t, &state, 1 << 20, small, sizeof small), 0);
    ck_assert_str_eq(small, "");
    tokenizer_free(t);
}
END_TEST

/* ---------------------------------------------------------- hostile files */

struct hostile {
    const char *name;
    const char *model, *pre;
    uint32_t tokens, kinds, scores, merges;     /* lengths of the arrays; 0: absent */
    const char *merge;                          /* replaces one */
    slm_status status;
    const char *message;                        /* part of it */
};
static const struct hostile hostile_files[] = {
    {"fine", "gpt2", "gpt-2", 300, 300, 0, 20, NULL, SLM_OK, ""},
    {"fine, no kinds", "llama", NULL, 300, 0, 300, 0, NULL, SLM_OK, ""},
    {"fine, more kinds than tokens", "llama", NULL, 300, 301, 300, 0, NULL, SLM_OK, ""},
    {"no model", NULL, NULL, 300, 0, 300, 0, NULL, SLM_FORMAT, "tokenizer.ggml.model is missing"},
    {"unknown model", "morse", NULL, 300, 0, 300, 0, NULL, SLM_UNSUPPORTED, "\"morse\" is not supported; known: llama, gpt2, bert, t5"},
    {"unknown splitter", "gpt2", "axe", 300, 0, 0, 20, NULL, SLM_UNSUPPORTED, "\"axe\" is not supported; known: llama-bpe, gpt-2, smollm"},
    {"no tokens", "llama", NULL, 0, 0, 300, 0, NULL, SLM_FORMAT, "tokenizer.ggml.tokens"},
    {"no scores", "llama", NULL, 300, 300, 0, 0, NULL, SLM_FORMAT, "tokenizer.ggml.scores is missing"},
    {"short scores", "llama", NULL, 300, 300, 299, 0, NULL, SLM_FORMAT, "tokenizer.ggml.scores has 299 elements for 300 tokens: damaged file"},
    {"short kinds", "llama", NULL, 300, 7, 300, 0, NULL, SLM_FORMAT, "tokenizer.ggml.token_type has 7 elements"},
    {"no merges", "gpt2", "gpt-2", 300, 0, 0, 0, NULL, SLM_FORMAT, "tokenizer.ggml.merges is missing"},
    {"merge without space", "gpt2", "gpt-2", 300, 0, 0, 20, "ab", SLM_FORMAT, "merge 3 is not two texts"},
    {"empty merge", "gpt2", "gpt-2", 300, 0, 0, 20, "", SLM_FORMAT, "merge 3 is not two texts"},
    {"merge with an empty right", "gpt2", "gpt-2", 300, 0, 0, 20, "a ", SLM_FORMAT, "merge 3 is not two texts"},
    {"merge of unknown texts", "gpt2", "gpt-2", 300, 0, 0, 20, "zzz yyy", SLM_OK, ""},
};

START_TEST(hostile)
{
    const struct hostile *h = &hostile_files[_i];
    struct vocab_build *v = vocab_build_random(h->model && !strcmp(h->model, "gpt2") ? "gpt2" : "llama", h->pre, 9, false);
    struct gguf_build *b = gguf_build_new();
    if (h->model)
        gguf_put_string(b, "tokenizer.ggml.model", h->model);
    if (h->pre)
        gguf_put_string(b, "tokenizer.ggml.pre", h->pre);
    if (h->tokens)
        gguf_put_strings(b, "tokenizer.ggml.tokens", (const char *const *)v->tokens, h->tokens);
    if (h->kinds)
        gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, v->kinds, h->kinds);
    if (h->scores)
        gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, v->scores, h->scores);
    const char *merges[300];
    for (uint32_t i = 0; i < h->merges; i++)
        merges[i] = i == 3 && h->merge ? h->merge : v->merges[i];
    if (h->merges)
        gguf_put_strings(b, "tokenizer.ggml.merges", merges, h->merges);
    gguf_put_u32(b, "tokenizer.ggml.bos_token_id", 4000000000u); /* none such */
    slm_error err = {.message = ""};
    struct tokenizer *t;
    slm_status status = tokenizer_open_build(b, &t, &err);
    ck_assert_msg(status == h->status, "%s: status %d, %s", h->name, (int)status, err.message);
    ck_assert_msg(strstr(err.message, h->message) != NULL, "%s: \"%s\"", h->name, err.message);
    ck_assert((t == NULL) == (status != SLM_OK));
    if (t) {
        ck_assert_int_eq(tokenizer_bos(t), SLM_TOKEN_NONE);
        ck_assert(!tokenizer_adds_bos(t));
        check_round_trip(t, "abc cab\xff ab!", 12, h->scores > 0);
    }
    tokenizer_free(t);
    vocab_build_free(v);
}
END_TEST

/* Odd texts in the vocabulary: empty ones, one twice, one of a megabyte. */
START_TEST(odd_texts)
{
    char *huge = malloc((1 << 20) + 1);
    ck_assert_ptr_nonnull(huge);
    memset(huge, 'a', 1 << 20);
    huge[1 << 20] = 0;
    const char *tokens[] = {"<unk>", "<s>", "</s>", "a", "", "aa", "aa", huge, huge, "", "\xe2\x96\x81"};
    float scores[11] = {0, 0, 0, -1, -2, -3, -4, -1, -1, 0, 0};
    int32_t kinds[11] = {2, 3, 3, 1, 1, 1, 1, 1, 3, 3, 1};
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", "llama");
    gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, 11);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, 11);
    gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, 11);
    size_t count;
    struct tokenizer *t = tokenizer_of_build(b);
    CHECK_IDS(t, "aaa", 0, 10, 5, 3);
    CHECK_IDS(t, "ab\xc3\xa9" "a", 0, 10, 3, 0, 0, 3); /* no byte tokens: unknown, one a character */
    slm_token *ids = encode(t, huge, 1 << 20, SLM_TOKENIZE_SPECIAL, &count);
    ck_assert_uint_eq(count, (1 << 19) + 1);
    free(ids);
    char text[8];
    ck_assert_uint_eq(tokenizer_bytes(t, 7, false, text, sizeof text), 1 << 20);
    ck_assert_uint_eq(tokenizer_bytes(t, 4, true, text, sizeof text), 0);
    slm_detokenizer state = {.started = true};
    ck_assert_uint_eq(tokenizer_stream(t, &state, 7, text, sizeof text), 1 << 20);
    ck_assert_str_eq(text, "aaaaaaa");
    tokenizer_free(t);
    free(huge);
}
END_TEST

/* A text begins anew behind a user-defined token, with a space of its own: more tokens than bytes. */
START_TEST(spaces_behind_tokens)
{
    const char *tokens[] = {"<unk>", "\n", "a", "\xe2\x96\x81"};
    float scores[4] = {0, 0, -1, -2};
    int32_t kinds[4] = {2, 4, 1, 1};
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", "llama");
    gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, 4);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, 4);
    gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, 4);
    struct tokenizer *t = tokenizer_of_build(b);
    CHECK_IDS(t, "a\na\na", 0, 3, 2, 1, 3, 2, 1, 3, 2);
    tokenizer_free(t);
}
END_TEST

/* A WordPiece vocabulary that spells the mark at a word's beginning byte by byte: 4 tokens for each "!" would not fit into the room that
 * there is. */
START_TEST(pieces_of_a_mark)
{
    const char *tokens[] = {"\xe2", "\x96", "\x81", "!", "\xe2\x96\x81?"};
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", "bert");
    gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, sizeof tokens / sizeof *tokens);
    struct tokenizer *t = tokenizer_of_build(b);
    char *marks = malloc(1 << 20);
    ck_assert_ptr_nonnull(marks);
    memset(marks, '!', 1 << 20);
    size_t count;
    free(encode(t, marks, 1 << 20, 0, &count));
    ck_assert_uint_eq(count, 0); /* unknown, and there is no token for that */
    CHECK_IDS(t, "?!?", 0, 4, 4);
    free(marks);
    tokenizer_free(t);
}
END_TEST

/* A byte that a byte-level vocabulary lacks becomes nothing: not the unknown token, which may be the end of texts as well. */
START_TEST(missing_bytes)
{
    const char *tokens[] = {"<|endoftext|>", "a", "b", "ab"};
    const char *merges[] = {"a b"};
    int32_t kinds[] = {3, 1, 1, 1};
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", "gpt2");
    gguf_put_string(b, "tokenizer.ggml.pre", "gpt-2");
    gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, 4);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, 4);
    gguf_put_strings(b, "tokenizer.ggml.merges", merges, 1);
    gguf_put_u32(b, "tokenizer.ggml.unknown_token_id", 0);
    struct tokenizer *t = tokenizer_of_build(b);
    CHECK_IDS(t, "abxa\xf1""b", 0, 3, 1, 2);
    tokenizer_free(t);
}
END_TEST

/* No text takes more than time in proportion (times a logarithm): a quadratic step would take minutes here. */
START_TEST(long_repeats)
{
    static const char *const repeated[] = {"a", " ", "\n", "ab", "'", "1", "\xf0\x9f\x98\x80", "\xe6\xbc\xa2", "\xff", "<", "a ", " \n", "<|end|"};
    struct tokenizer *t = random_tokenizer(_i, 11);
    size_t length = 1 << 18;
    char *text = malloc(length);
    ck_assert_ptr_nonnull(text);
    for (size_t k = 0; k < sizeof repeated / sizeof repeated[0]; k++) {
        size_t n = strlen(repeated[k]);
        for (size_t i = 0; i < length; i++)
            text[i] = repeated[k][i % n];
        check_round_trip(t, text, length / n * n, _i == LLAMA);
    }
    free(text);
    tokenizer_free(t);
}
END_TEST

Suite *suite_tokenizer(void)
{
    Suite *suite = suite_create("tokenizer");
    TCase *tcase = tcase_create("tokenizer");
    tcase_add_loop_test(tcase, expected_ids, 0, (int)(sizeof vocabularies / sizeof vocabularies[0]));
    tcase_add_test(tcase, special_in_shared_vocabularies);
    tcase_add_loop_test(tcase, special_tokens, 0, 2);
    tcase_add_loop_test(tcase, merging, 0, 4);
    tcase_add_loop_test(tcase, round_trip, 0, 3);
    tcase_add_loop_test(tcase, streaming, 0, 2);
    tcase_add_loop_test(tcase, hostile, 0, (int)(sizeof hostile_files / sizeof hostile_files[0]));
    tcase_add_test(tcase, odd_texts);
    tcase_add_test(tcase, missing_bytes);
    tcase_add_test(tcase, spaces_behind_tokens);
    tcase_add_test(tcase, pieces_of_a_mark);
    tcase_add_loop_test(tcase, long_repeats, 0, (int)(sizeof families / sizeof families[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
