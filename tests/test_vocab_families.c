/* WordPiece and unigram vocabularies against the obvious way to do what they do; what files say of their tokens. */
#include "../lib/tokenizer/tokenizer.h"
#include "../lib/tokenizer/unicode.h"
#include "tests.h"
#include "vocab_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "\xe2\x96\x81"

/* In loops below a check is an `if`: Check notes the place of every ck_assert with a system call. */

static slm_token *encode(const struct tokenizer *t, const char *text, size_t length, unsigned flags, size_t *count)
{
    slm_error err;
    size_t room = 8 * length + 8;
    slm_token *tokens = malloc(room * sizeof *tokens);
    ck_assert_ptr_nonnull(tokens);
    ck_assert_msg(tokenizer_encode(t, text, length, flags, tokens, room, count, &err) == SLM_OK, "%s", err.message);
    return tokens;
}

static void compare(const struct tokenizer *t, const char *text, const slm_token *want, size_t want_count)
{
    size_t count;
    slm_token *tokens = encode(t, text, strlen(text), 0, &count);
    for (size_t i = 0; i < count || i < want_count; i++)
        if (i >= count || i >= want_count || tokens[i] != want[i])
            ck_abort_msg("\"%s\": token %zu is %d, not %d (seed %llu)", text, i, i < count ? (int)tokens[i] : -1,
                         i < want_count ? (int)want[i] : -1, (unsigned long long)test_seed());
    free(tokens);
}

/* --------------------------------------------------------------- WordPiece */

enum role { LETTER, SPACE, ALONE, DROPPED };

/* Characters, what their role is and what they become. */
static const struct {
    const char *text, *becomes;
    enum role role;
} characters[] = {
    {"a", "a", LETTER}, {"b", "b", LETTER}, {"E", "e", LETTER}, {"\xc3\x9c", "u", LETTER}, {"1", "1", LETTER}, {"z", "z", LETTER},
    {"\xe3\x81\x82", "\xe3\x81\x82", LETTER}, {"\xed\x95\x9c", "\xe1\x84\x92", LETTER}, {"\xcc\x81", "\xcc\x81", LETTER},
    {"\xe2\x82\xac", "\xe2\x82\xac", LETTER}, {"\xcd\xb9", "\xcd\xb9", LETTER}, {" ", "", SPACE}, {"\n", "", SPACE}, {"\xc2\x85", "", SPACE},
    {"\xe3\x80\x80", "", SPACE}, {"!", "!", ALONE}, {"'", "'", ALONE}, {"$", "$", ALONE}, {"[", "[", ALONE},
    {"\xe6\xbc\xa2", "\xe6\xbc\xa2", ALONE}, {"\xe2\x80\x9c", "\xe2\x80\x9c", ALONE}, {"\xe2\x89\xae", "<", ALONE}, {"\xc2\xad", "", DROPPED},
    {"\x01", "", DROPPED}, {"\xff", "", DROPPED}, {"\xef\xbf\xbd", "", DROPPED}, {"\xee\x80\x80", "", DROPPED},
};
#define CHARACTERS (sizeof characters / sizeof characters[0])

struct pieces {
    const struct vocab_build *v;
    char word[512];
    slm_token tokens[512];
    size_t count;
};

static void end_word(struct pieces *p)
{
    char word[600];
    size_t before = p->count, length = (size_t)snprintf(word, sizeof word, MARK "%s", p->word);
    if (!p->word[0])
        return;
    for (size_t at = 0; at < length;) {
        size_t longest = 0;
        slm_token best = SLM_TOKEN_NONE;
        for (uint32_t id = 0; id < p->v->count; id++) {
            size_t n = strlen(p->v->tokens[id]);
            if (p->v->kinds[id] == 1 && n > longest && !strncmp(p->v->tokens[id], word + at, n)) {
                longest = n;
                best = (slm_token)id;
            }
        }
        if (best == SLM_TOKEN_NONE) {
            p->count = before;
            p->tokens[p->count++] = 1;
            break;
        }
        p->tokens[p->count++] = best;
        at += longest;
    }
    p->word[0] = 0;
}

START_TEST(wordpiece)
{
    uint64_t seed = test_seed();
    for (int vocabulary = 0; vocabulary < 6; vocabulary++) {
        struct vocab_build *v = vocab_build_random("bert", NULL, test_random(&seed), false);
        struct tokenizer *t = vocab_build_tokenizer(v);
        for (int round = 0; round < 400; round++) {
            static struct pieces p;
            char text[256] = "";
            p = (struct pieces){.v = v};
            uint32_t most = round % 2 ? CHARACTERS : 11; /* letters only: words are longer */
            for (uint32_t n = test_random(&seed) % 24; n; n--) {
                uint32_t i = test_random(&seed) % (test_random(&seed) % 8 ? 6 : most);
                strcat(text, characters[i].text);
                if (characters[i].role == SPACE || characters[i].role == ALONE)
                    end_word(&p);
                strcat(p.word, characters[i].becomes);
                if (characters[i].role == ALONE)
                    end_word(&p);
            }
            end_word(&p);
            compare(t, text, p.tokens, p.count);
        }
        tokenizer_free(t);
        vocab_build_free(v);
    }
}
END_TEST

static void check_tokens(const struct tokenizer *t, const char *text, unsigned flags, const char *want)
{
    size_t count, at = 0;
    char got[256] = "";
    slm_token *tokens = encode(t, text, strlen(text), flags, &count);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, i ? " %d" : "%d", (int)tokens[i]);
    ck_assert_msg(!strcmp(got, want), "\"%s\": %s, not %s", text, got, want);
    free(tokens);
}

/* What the keys of a file change, and how tokens read. */
START_TEST(wordpiece_keys)
{
    static const char *const tokens[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", MARK "it", MARK "'", MARK "s", MARK "!", MARK "cafe", MARK "Caf\xc3\xa9",
                                         "s", MARK "caf\xc3\xa9"};
    static const int32_t kinds[] = {3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
    static const struct {
        int lower, strip, separator; /* -1: the key is missing */
        const char *ids;
    } cases[] = {
        {-1, -1, -1, "2 4 5 6 8 8 1 7 3"}, {1, 1, 1, "2 4 5 6 8 8 8 7 3"}, {1, 0, 1, "2 4 5 6 11 11 1 7 3"},
        {0, -1, 0, "2 4 5 6 9 11 1 7"}, {0, 1, 0, "2 4 5 6 1 8 8 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gguf_build *b = gguf_build_new();
        gguf_put_string(b, "tokenizer.ggml.model", "bert");
        gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, 12);
        gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, 12);
        gguf_put_u32(b, "tokenizer.ggml.unknown_token_id", 1);
        gguf_put_u32(b, "tokenizer.ggml.bos_token_id", 2);
        gguf_put_u32(b, "tokenizer.ggml.seperator_token_id", 3);
        if (cases[i].lower >= 0)
            gguf_put_bool(b, "tokenizer.ggml.normalizer.lowercase", cases[i].lower);
        if (cases[i].strip >= 0)
            gguf_put_bool(b, "tokenizer.ggml.normalizer.strip_accents", cases[i].strip);
        if (cases[i].separator >= 0)
            gguf_put_bool(b, "tokenizer.ggml.add_sep_token", cases[i].separator);
        struct tokenizer *t = tokenizer_of_build(b);
        check_tokens(t, "it's Caf\xc3\xa9 caf\xc3\xa9 cafe\xcc\x81!", SLM_TOKENIZE_BOS | SLM_TOKENIZE_EOS, cases[i].ids);
        tokenizer_free(t);
    }
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", "bert");
    gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, 12);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, 12);
    struct tokenizer *t = tokenizer_of_build(b); /* the usual ids are beyond this vocabulary */
    check_tokens(t, "it s", SLM_TOKENIZE_BOS | SLM_TOKENIZE_EOS, "4 6");
    check_tokens(t, "[CLS]it[SEP]", SLM_TOKENIZE_SPECIAL, "2 4 3");
    static const slm_token ids[] = {2, 4, 5, 6, 8, 10, 7, 4};
    slm_detokenizer state = {0};
    char text[64] = "";
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        tokenizer_stream(t, &state, ids[i], text + strlen(text), sizeof text - strlen(text));
    ck_assert_str_eq(text, "it's cafes! it");
    ck_assert_uint_eq(tokenizer_bytes(t, 8, false, text, sizeof text), 5);
    ck_assert_mem_eq(text, " cafe", 5);
    tokenizer_free(t);
}
END_TEST

/* ----------------------------------------------------------------- unigram */

/* The text as tokens spell it, written down from the rules. */
static void rewrite_slowly(const struct vocab_build *v, const char *text, char *out)
{
    char plain[2048] = "";
    while (*text) {
        size_t best = vocab_build_rule_count, longest = 0;
        for (size_t i = 0; v->charsmap && i < vocab_build_rule_count; i++) {
            size_t n = strlen(vocab_build_rules[i][0]);
            if (n > longest && !strncmp(text, vocab_build_rules[i][0], n)) {
                best = i;
                longest = n;
            }
        }
        if (longest) {
            strcat(plain, vocab_build_rules[best][1]);
            text += longest;
            continue;
        }
        uint32_t c;
        int size = utf8_decode(text, strlen(text), &c);
        if (size > 0)
            strncat(plain, text, (size_t)size);
        else
            strcat(plain, "\xef\xbf\xbd");
        text += size > 0 ? size : 1;
    }
    out[0] = 0;
    bool words = strspn(plain, " ") < strlen(plain);
    if (v->adds_space && !v->joins_spaces && words)
        strcat(out, MARK);
    for (const char *c = plain; *c; c++) {
        if (*c == ' ' ? !v->joins_spaces : v->joins_spaces && (c == plain || c[-1] == ' '))
            strcat(out, MARK);
        if (*c != ' ')
            strcat(out, (char[]){*c, 0});
    }
}

/* All ways to cut the text, by trying. */
struct cuts {
    const struct vocab_build *v;
    float unknown;
    slm_token tokens[64], best[64];
    size_t best_count;
    double best_score;
};

static void try_cuts(struct cuts *c, const char *text, size_t count, double score)
{
    if (!*text) {
        if (score > c->best_score) {
            c->best_score = score;
            c->best_count = count;
            memcpy(c->best, c->tokens, count * sizeof *c->best);
        }
        return;
    }
    uint32_t code_point;
    size_t size = (size_t)utf8_decode(text, strlen(text), &code_point);
    bool alone = false;
    for (uint32_t id = 0; id < c->v->count; id++) {
        size_t n = strlen(c->v->tokens[id]);
        if (c->v->kinds[id] != 1 || strncmp(text, c->v->tokens[id], n))
            continue;
        alone |= n == size;
        c->tokens[count] = (slm_token)id;
        try_cuts(c, text + n, count + 1, score + (double)c->v->scores[id]);
    }
    if (!alone) {
        c->tokens[count] = 2;
        try_cuts(c, text + size, count + 1, score + (double)c->unknown);
    }
}

START_TEST(unigram)
{
    static const char *const parts[] = {"a", "b", "c", "ab", "a", " ", "  ", "!", "1", "\xe3\x81\x82", "\xf0\x9f\x98\x80", "z", "A", "B", "Bc", "\t",
                                        "a\xcc\x81", "\xcc\x81", "\xc2\xad", "\xef\xac\x81", "\xe3\x80\x80", "\xe2\x80\xa6", "\xff", MARK};
    uint64_t seed = test_seed();
    for (int vocabulary = 0; vocabulary < 8; vocabulary++) {
        struct vocab_build *v = vocab_build_random("t5", NULL, test_random(&seed), vocabulary & 1);
        v->charsmap = vocabulary & 2 || vocabulary & 4;
        v->joins_spaces = vocabulary & 2;
        v->adds_space = vocabulary & 4;
        struct tokenizer *t = vocab_build_tokenizer(v);
        float lowest = 0;
        for (uint32_t id = 0; id < v->count; id++)
            lowest = v->kinds[id] == 1 && v->scores[id] < lowest ? v->scores[id] : lowest;
        for (int round = 0; round < 60; round++) {
            char text[128] = "", mapped[1024];
            for (uint32_t n = test_random(&seed) % 9; n; n--)
                strcat(text, parts[test_random(&seed) % (sizeof parts / sizeof parts[0])]);
            rewrite_slowly(v, text, mapped);
            static struct cuts c;
            c = (struct cuts){.v = v, .unknown = lowest - 10.0f, .best_score = -1e300};
            try_cuts(&c, mapped, 0, 0);
            size_t count = 0;
            for (size_t i = 0; i < c.best_count; i++)
                if (!count || c.best[i] != 2 || c.best[count - 1] != 2)
                    c.best[count++] = c.best[i];
            compare(t, text, c.best, count);
        }
        tokenizer_free(t);
        vocab_build_free(v);
    }
}
END_TEST

/* A vocabulary of a few tokens; what it lacks is unknown, or bytes if it has tokens for them. */
START_TEST(unigram_unknown)
{
    const char *tokens[264] = {"<pad>", "</s>", "<unk>", MARK, "a", MARK "aa", "qa", "ab"};
    float scores[264] = {0, 0, 0, -2, -3, -1.5f, -90, -1};
    int32_t kinds[264] = {3, 3, 2, 1, 1, 1, 1, 1};
    char names[256][8];
    for (int byte = 0; byte < 256; byte++) {
        snprintf(names[byte], sizeof names[byte], "<0x%02X>", (unsigned)byte);
        tokens[8 + byte] = names[byte];
        kinds[8 + byte] = 6;
        scores[8 + byte] = 0;
    }
    for (int bytes = 0; bytes < 2; bytes++) {
        size_t count = bytes ? 264 : 8;
        struct gguf_build *b = gguf_build_new();
        gguf_put_string(b, "tokenizer.ggml.model", "t5");
        gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, count);
        gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, count);
        gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, count);
        gguf_put_bool(b, "tokenizer.ggml.add_space_prefix", true);
        struct tokenizer *t = tokenizer_of_build(b);
        check_tokens(t, "aa a", 0, "5 3 4");
        check_tokens(t, "azza", 0, bytes ? "3 4 130 130 4" : "3 4 2 4");
        check_tokens(t, "qab", 0, bytes ? "3 121 7" : "3 2 7"); /* not "qa" and an unknown "b" */
        check_tokens(t, "z z", 0, bytes ? "3 130 3 130" : "3 2 3 2");
        check_tokens(t, "a", SLM_TOKENIZE_BOS | SLM_TOKENIZE_EOS, "3 4 1");
        check_tokens(t, "a</s>a", SLM_TOKENIZE_SPECIAL, "3 4 1 3 4");
        check_tokens(t, "a zzz</s>a zzz aa", SLM_TOKENIZE_SPECIAL, bytes ? "3 4 3 130 130 130 1 3 4 3 130 130 130 5" : "3 4 3 2 1 3 4 3 2 5");
        check_tokens(t, "z<unk>", SLM_TOKENIZE_SPECIAL, bytes ? "3 130 2" : "3 2 2"); /* written is not the same as unknown */
        check_tokens(t, "", 0, "");
        slm_detokenizer state = {0};
        char text[16];
        ck_assert_uint_eq(tokenizer_stream(t, &state, 5, text, sizeof text), 2);
        ck_assert_str_eq(text, "aa");
        tokenizer_free(t);
    }
}
END_TEST

/* Charsmaps that are wrong in any way are refused or have no effect. */
START_TEST(hostile_charsmaps)
{
    static const char *const tokens[] = {"<pad>", "</s>", "<unk>", "a", "b"};
    static const float scores[] = {0, 0, 0, -1, -1};
    static const int32_t kinds[] = {3, 3, 2, 1, 1};
    uint64_t seed = test_seed();
    for (int round = 0; round < 300; round++) {
        uint8_t map[2048];
        uint32_t length = test_random(&seed) % sizeof map, units = round % 3 ? length / 8 * 4 : test_random(&seed) % 4096;
        for (uint32_t i = 0; i < length; i++)
            map[i] = (uint8_t)test_random(&seed);
        for (uint32_t i = 0; i + 4 <= units && i + 8 <= length; i += 4) { /* plausible units: the label of every second one is 'a' or 'b' */
            uint32_t unit = test_random(&seed) % 600 << 10 | test_random(&seed) % 2 << 8 | (i % 8 ? 'a' + i / 8 % 2 : 0);
            memcpy(map + 4 + i, &unit, 4);
        }
        if (length >= 4)
            memcpy(map, &units, 4);
        struct gguf_build *b = gguf_build_new();
        gguf_put_string(b, "tokenizer.ggml.model", "t5");
        gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, 5);
        gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, 5);
        gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, 5);
        gguf_put_array(b, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, map, length);
        size_t count;
        struct tokenizer *t;
        slm_error err = {.message = ""};
        slm_token ids[1024];
        bool whole = length >= 4 && units && units % 4 == 0 && units < length - 4;
        slm_status status = tokenizer_open_build(b, &t, &err);
        if (status != (whole ? SLM_OK : SLM_FORMAT) || (!whole && !strstr(err.message, "precompiled_charsmap")))
            ck_abort_msg("round %d: %u bytes, %u of units: status %d \"%s\"", round, length, units, (int)status, err.message);
        if (t && tokenizer_encode(t, "abab ab\xff", 8, 0, ids, 1024, &count, &err))
            ck_abort_msg("%s", err.message);
        tokenizer_free(t);
    }
}
END_TEST

START_TEST(wrong_scores)
{
    static const char *const tokens[] = {"<pad>", "</s>", "<unk>", "a"};
    static const uint32_t wrong[] = {0x7fc00000, 0x7f800000, 0xff800000};
    for (size_t i = 0; i < 3; i++) {
        float scores[4] = {0, 0, 0, 0};
        memcpy(&scores[3], &wrong[i], 4);
        struct gguf_build *b = gguf_build_new();
        gguf_put_string(b, "tokenizer.ggml.model", "t5");
        gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, 4);
        gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, 4);
        struct tokenizer *t;
        slm_error err = {.message = ""};
        ck_assert_int_eq(tokenizer_open_build(b, &t, &err), SLM_FORMAT);
        ck_assert_msg(strstr(err.message, "that of token 3 is not a finite number") != NULL, "%s", err.message);
    }
}
END_TEST

/* ------------------------------------------- what a file says of its tokens */

/* Byte-level, of few tokens: keys may name any of them. */
static const char *const few[] = {"a", "b", "c", "<|im_end|>", "<end_of_turn>", "</s>", "<|end|>", "<|return|>", "<|call|>", "[X]", "<mask>", "\xc4\xa0",
                                  ("\xc4\xa0" "a")};
static struct gguf_build *few_tokens(const int32_t *kinds, const char *pre)
{
    static const char *const merges[] = {"\xc4\xa0 a"};
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "tokenizer.ggml.model", "gpt2");
    if (pre)
        gguf_put_string(b, "tokenizer.ggml.pre", pre);
    gguf_put_strings(b, "tokenizer.ggml.tokens", few, sizeof few / sizeof few[0]);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, sizeof few / sizeof few[0]);
    gguf_put_strings(b, "tokenizer.ggml.merges", merges, 1);
    return b;
}

static void check_ends(const struct tokenizer *t, const char *want)
{
    for (slm_token id = 0; want[id]; id++)
        ck_assert_msg(tokenizer_is_end(t, id) == (want[id] == 'x'), "token %d \"%s\"", (int)id, few[id]);
}

START_TEST(end_tokens)
{
    static const int32_t kinds[] = {1, 1, 1, 4, 3, 1, 3, 1, 1, 3, 3, 1, 1}, harmony[] = {1, 1, 1, 1, 1, 4, 3, 3, 3, 3, 3, 1, 1};
    static const int32_t list[] = {0, 9, 99, -1};
    struct gguf_build *b = few_tokens(kinds, "gpt-2");
    gguf_put_u32(b, "tokenizer.ggml.eos_token_id", 1);
    gguf_put_u32(b, "tokenizer.ggml.eot_token_id", 2);
    gguf_put_array(b, "tokenizer.ggml.eos_token_ids", GGUF_I32, list, 4);
    struct tokenizer *t = tokenizer_of_build(b);
    check_ends(t, "xxxxx..xxx..."); /* "</s>" is not a control token; <|end|> ends parts beside <|return|> and <|call|> */
    check_tokens(t, "<|im_end|>a", SLM_TOKENIZE_SPECIAL, "3 0");
    check_tokens(t, "a<|im_end|>", 0, "0"); /* a control token now, whatever the file says; and the rest is not in the vocabulary */
    char text[16];
    ck_assert_uint_eq(tokenizer_bytes(t, 3, false, text, sizeof text), 0);
    check_tokens(t, "ab", SLM_TOKENIZE_EOS | SLM_TOKENIZE_BOS, "0 1");
    tokenizer_free(t);
    b = few_tokens(harmony, NULL);
    gguf_put_u32(b, "tokenizer.ggml.eom_token_id", 12);
    gguf_put_u32(b, "tokenizer.ggml.eos_token_id", 4000000000u);
    gguf_put_u32(b, "tokenizer.ggml.bos_token_id", 2);
    gguf_put_bool(b, "tokenizer.ggml.add_bos_token", true);
    gguf_put_bool(b, "tokenizer.ggml.add_eos_token", true);
    t = tokenizer_of_build(b);
    check_ends(t, "...x...xx...x");
    ck_assert(tokenizer_guesses_splitter(t));
    check_tokens(t, "ab", SLM_TOKENIZE_EOS | SLM_TOKENIZE_BOS, "2 0 1"); /* there is no EOS */
    tokenizer_free(t);
    b = few_tokens(harmony, "gpt-2");
    gguf_put_u32(b, "tokenizer.ggml.eos_token_id", 4);
    gguf_put_bool(b, "tokenizer.ggml.add_eos_token", true);
    t = tokenizer_of_build(b);
    ck_assert(!tokenizer_guesses_splitter(t) && !tokenizer_adds_bos(t));
    check_tokens(t, "ab", SLM_TOKENIZE_EOS | SLM_TOKENIZE_BOS, "0 1 4");
    check_tokens(t, "", SLM_TOKENIZE_EOS, "4");
    tokenizer_free(t);
}
END_TEST

START_TEST(white_space_beside_tokens)
{
    static const int32_t kinds[] = {1, 1, 1, 3, 3, 4, 3, 3, 3, 3, 3, 1, 1};
    static const struct {
        const char *name, *arch, *pre, *text, *ids;
    } cases[] = {
        {"m", "a", "gpt-2", "a <mask> a", "0 11 10 12"}, {"m", "a", "jina-v2-de", "a \n <mask> a", "0 10 12"},
        {"m", "nomic-bert-moe", "gpt-2", " <mask><mask>  <mask>", "10 10 10"}, {"my Phi-3 mini", "a", "gpt-2", "a <mask> \na", "0 11 10 0"},
        {"PHI3", "a", "gpt-2", "</s> a", "5 0"}, {"phi-4", "a", "gpt-2", "</s> a", "5 12"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gguf_build *b = few_tokens(kinds, cases[i].pre);
        gguf_put_string(b, "general.name", cases[i].name);
        gguf_put_string(b, "general.architecture", cases[i].arch);
        struct tokenizer *t = tokenizer_of_build(b);
        check_tokens(t, cases[i].text, SLM_TOKENIZE_SPECIAL, cases[i].ids);
        tokenizer_free(t);
    }
}
END_TEST

/* A quadratic step would take minutes here. */
START_TEST(long_texts)
{
    static const char *const repeated[] = {"a", " ", "ab", "!", "1", "\xf0\x9f\x98\x80", "\xe6\xbc\xa2", "\xff", "a ", " \n", "\xcc\x81", "B", "z"};
    struct vocab_build *v = vocab_build_random(_i ? "t5" : "bert", NULL, 11, _i == 2);
    v->charsmap = v->joins_spaces = _i == 1;
    struct tokenizer *t = vocab_build_tokenizer(v);
    size_t length = 1 << 18, count;
    char *text = malloc(length);
    ck_assert_ptr_nonnull(text);
    for (size_t k = 0; k < sizeof repeated / sizeof repeated[0]; k++) {
        size_t n = strlen(repeated[k]);
        for (size_t i = 0; i < length; i++)
            text[i] = repeated[k][i % n];
        slm_token *tokens = encode(t, text, length / n * n, 0, &count);
        ck_assert_uint_le(count, 2 * length);
        free(tokens);
    }
    free(text);
    tokenizer_free(t);
    vocab_build_free(v);
}
END_TEST

Suite *suite_vocab_families(void)
{
    Suite *suite = suite_create("vocab_families");
    TCase *tcase = tcase_create("vocab_families");
    tcase_add_test(tcase, wordpiece);
    tcase_add_test(tcase, wordpiece_keys);
    tcase_add_test(tcase, unigram);
    tcase_add_test(tcase, unigram_unknown);
    tcase_add_test(tcase, hostile_charsmaps);
    tcase_add_test(tcase, wrong_scores);
    tcase_add_test(tcase, end_tokens);
    tcase_add_test(tcase, white_space_beside_tokens);
    tcase_add_loop_test(tcase, long_texts, 0, 3);
    suite_add_tcase(suite, tcase);
    return suite;
}
