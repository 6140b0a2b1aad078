/* The splitters against PCRE2 running the patterns that the models publish. */
#include "../lib/tokenizer/split.h"
#include "../lib/tokenizer/unicode.h"
#include "tests.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WS "\\p{White_Space}" /* \s, which PCRE2 reads a little differently */
#define SUFFIX "'(?:[sdmt]|ll|ve|re)"
#define SUFFIX_ANY_CASE "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])"
#define SPACES WS "*[\\r\\n]+|" WS "+(?!\\P{White_Space})|" WS "+"
#define GPT2 SUFFIX "| ?\\p{L}+| ?\\p{N}+| ?[^" WS "\\p{L}\\p{N}]+|" WS "+(?!\\P{White_Space})|" WS "+"
#define WORDS(letters, digits, symbols, newlines)                                                                                    \
    SUFFIX_ANY_CASE "|[^\\r\\n\\p{L}\\p{N}]?" letters "+|\\p{N}" digits "|" symbols "|" WS "*" newlines "|" WS "+(?!\\P{White_Space})|" WS "+"
#define LLAMA3(digits) WORDS("\\p{L}", digits, " ?[^" WS "\\p{L}\\p{N}]+[\\r\\n]*", "[\\r\\n]+")
#define CASED(upper, lower, digits, suffix)                                                                                         \
    "[^\\r\\n\\p{L}\\p{N}]?" upper "*" lower "+" suffix "|[^\\r\\n\\p{L}\\p{N}]?" upper "+" lower "*" suffix                          \
    "|\\p{N}" digits "| ?[^" WS "\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES
/* letters, case of A-Z and a-z alone */
#define ASCII_CASED(letters, digits, suffix) CASED("(?:(?![a-z])" letters ")", "(?:(?![A-Z])" letters ")", digits, suffix)
#define DEEPSEEK3(symbols, spaces)                                                                                                  \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|(?:~|[^\\r\\n\\p{L}\\p{P}\\p{S}])?[\\p{L}\\p{M}]+| ?(?:(?!~)[\\p{P}\\p{S}])+" symbols "|" spaces
#define KANA_OR_HAN "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+"
#define BLOOM " ?[^(" WS "|.,!?\xe2\x80\xa6\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xe0\xa5\xa4\xdb\x94\xd8\x8c)]+"
/* without the white space, which the models' range from U+0800 and the comma's from U+3000 hold too */
#define CJK "(?:(?!" WS ")[\\x{4e00}-\\x{9fa5}\\x{800}-\\x{4e00}\\x{ac00}-\\x{d7ff}])+"
/* the cased letters but those of newer or other alphabets */
#define DEEPSEEK_LETTERS                                                                                                            \
    WS "?(?:(?![\\x{560}-\\x{588}\\x{10c7}\\x{10cd}\\x{10d0}-\\x{10ff}\\x{1c80}-\\x{1c88}\\x{2d00}-\\x{2d2d}\\x{a790}-\\x{a7fa}"      \
    "\\x{ab30}-\\x{ab68}\\x{10570}-\\x{105bc}\\x{16e40}-\\x{16e7f}\\x{1d400}-\\x{1d7cb}\\x{1df00}-\\x{1df1e}])[\\p{Lu}\\p{Ll}\\p{Lt}])+"

static const struct {
    const char *name;
    const char *patterns[7];
} published[] = {
    {"llama-bpe", {LLAMA3("{1,3}")}},
    {"gpt-2", {GPT2}},
    {"smollm", {"\\p{N}", GPT2}},
    {"default", {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {"falcon", {"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {"dbrx", {LLAMA3("{1,3}")}},
    {"qwen2", {LLAMA3("")}},
    {"qwen35", {WORDS("[\\p{L}\\p{M}]", "", " ?[^" WS "\\p{L}\\p{M}\\p{N}]+[\\r\\n]*", "[\\r\\n]+")}},
    {"tekken", {ASCII_CASED("\\p{L}", "", "")}},
    {"gpt-4o", {ASCII_CASED("\\p{L}", "{1,3}", "(?:" SUFFIX_ANY_CASE ")?")}},
    {"deepseek-llm", {"[\\r\\n]", DEEPSEEK_LETTERS, WS "?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3001}-\\x{3002}]+",
                      WS "+$(?!\\n)", CJK, "\\p{N}+"}},
    {"deepseek-coder", {"[\\r\\n]", WS "?\\p{L}+", WS "?\\p{P}+", CJK, "\\p{N}"}},
    {"deepseek-v3", {"\\p{N}{1,3}", KANA_OR_HAN, DEEPSEEK3("[\\r\\n]*", SPACES)}},
    {"minicpm5", {"\\p{N}{1,3}", LLAMA3("+")}},
    {"bailingmoe", {WORDS("\\p{L}", "", " ?[^" WS "\\p{L}\\p{N}]++[\\r\\n]*", "[\\r\\n]")}},
    {"seed-coder", {WORDS("\\p{L}", "{1}", " ?[^" WS "\\p{L}\\p{N}\\r\\n]+", "[\\r\\n]+")}},
    {"bloom", {BLOOM}},
    {"viking", {BLOOM, "\\p{N}"}},
    {"youtu", {"[\\x{ac00}-\\x{d7a3}\\x{3131}-\\x{318e}]+|[\\x{ff01}\\x{2026}\\x{201c}\\x{201d}\\x{2018}\\x{2019}\\x{2014}\\x{ff1a}\\x{ff1b}\\x{ff0c}"
               "\\x{3001}-\\x{303f}\\x{fe30}-\\x{fe4f}]+|[\\x{3105}-\\x{312f}]+|" KANA_OR_HAN,
               CASED("[\\p{L}\\p{M}]", "[\\p{L}\\p{M}]", "", "(?:" SUFFIX_ANY_CASE ")?")}},
    {"granite-embed-multi-97m", {ASCII_CASED("[\\p{L}\\p{M}]", "{1,3}", "(?:" SUFFIX_ANY_CASE ")?")}},
    {"spark2_5", {"\\p{N}{1,3}", KANA_OR_HAN, DEEPSEEK3("", "[\\r\\n]|" WS "+(?!\\P{White_Space})|" WS "+"), "\\p{N}"}},
    {"laguna", {"[^\\n]+|[\\n]+", LLAMA3("")}},
};
#define PUBLISHED (sizeof published / sizeof published[0])

/* In loops below a check is an `if`: Check notes the place of every ck_assert with a system call. */

/* Word ends in the order they come. */
struct ends {
    size_t at[4096], count;
};

static void put_end(struct ends *ends, size_t end)
{
    if (ends->count == sizeof ends->at / sizeof ends->at[0])
        ck_abort_msg("too many words");
    ends->at[ends->count++] = end;
}

static slm_status record_word(void *arg, size_t start, size_t end)
{
    struct ends *ends = arg;
    if (start >= end || start != (ends->count ? ends->at[ends->count - 1] : 0))
        ck_abort_msg("word %zu is [%zu, %zu)", ends->count, start, end);
    put_end(ends, end);
    return SLM_OK;
}

static pcre2_code *compile(const char *pattern)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &code,
                                   &offset, NULL);
    ck_assert_msg(re != NULL, "pattern %s: error %d at %zu", pattern, code, (size_t)offset);
    pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
    return re;
}

/* Each pass sees every word of the one before as a text of its own. */
static void oracle(pcre2_code *const *passes, const char *text, size_t start, size_t end, struct ends *ends)
{
    if (!*passes) {
        put_end(ends, end);
        return;
    }
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(*passes, NULL);
    size_t unmatched = start;
    while (pcre2_match(*passes, (PCRE2_SPTR)text + start, end - start, unmatched - start, 0, match, NULL) > 0) {
        const PCRE2_SIZE *found = pcre2_get_ovector_pointer(match);
        if (found[0] >= found[1])
            ck_abort_msg("empty match");
        if (unmatched < start + found[0])
            oracle(passes + 1, text, unmatched, start + found[0], ends);
        oracle(passes + 1, text, start + found[0], start + found[1], ends);
        unmatched = start + found[1];
    }
    if (unmatched < end)
        oracle(passes + 1, text, unmatched, end, ends);
    pcre2_match_data_free(match);
}

static void compare(const struct splitter *splitter, pcre2_code *const *passes, const char *text, size_t length)
{
    static struct ends got, want; /* too large for a stack */
    mem m;
    ck_assert_int_eq(mem_init(&m, NULL, NULL), SLM_OK);
    got.count = want.count = 0;
    ck_assert_int_eq(split_text(&m, splitter, text, length, record_word, &got, NULL), SLM_OK);
    if (length)
        oracle(passes, text, 0, length, &want);
    for (size_t i = 0; i < got.count || i < want.count; i++)
        if (i >= got.count || i >= want.count || got.at[i] != want.at[i])
            ck_abort_msg("%s: word %zu ends at %zu, not at %zu, of \"%.*s\" (seed %llu)", splitter->names, i,
                         i < got.count ? got.at[i] : 0, i < want.count ? want.at[i] : 0, (int)length, text, (unsigned long long)test_seed());
}

/* Whether it is assigned, or is not, in both PCRE2's version of Unicode and ours. */
static bool same_version(uint32_t code_point)
{
    static pcre2_code *unassigned;
    static pcre2_match_data *match;
    if (!unassigned) {
        unassigned = compile("\\p{Cn}");
        match = pcre2_match_data_create_from_pattern(unassigned, NULL);
    }
    char text[4];
    int length = utf8_encode(code_point, text);
    bool theirs = pcre2_match(unassigned, (PCRE2_SPTR)text, (size_t)length, 0, 0, match, NULL) > 0;
    return theirs == (unicode_class(code_point) == UNICODE_UNASSIGNED);
}

/* A character at an edge of the splitter's ranges, or inside of one. */
static uint32_t random_of_ranges(uint64_t *seed, const struct split_range *ranges)
{
    uint32_t count = 0;
    while (ranges[count].set)
        count++;
    const struct split_range *r = &ranges[test_random(seed) % count];
    uint32_t at[] = {r->first - 1, r->first, r->last, r->last + 1, r->first + test_random(seed) % (r->last - r->first + 1)};
    return at[test_random(seed) % 5];
}

static size_t random_text(uint64_t *seed, const struct split_range *ranges, char *text, size_t room)
{
    static const char *const parts[] = {" ", "  ", "   ", "\n", "\r\n", "\t", "'s", "'S", "'ll", "'Re", "'", "x", "ab", "AB", "aB", "Ab", "1", "12",
                                        "1234", "!", "?!", "/", "./", "`", "$", "<=", "\xc2\xa0", "\xe3\x80\x80", "\xc3\xa9", "\xcc\x81",
                                        "\xe6\xbc\xa2", "\xe3\x81\x82", "\xd9\xa3", "\xf0\x9f\x98\x80", "\xc7\x85", "\xe2\x80\x99", "\xed\x95\x9c",
                                        "'RE", "'lL", "'d", "n't", "'vE", "\r", "\r\r\n", "\n\n", " \r", "\v", "\f", "\x1c", "\xc2\x85",
                                        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\x8b", "\xe2\x80\x8d", "\xe2\x80\xaf", "\xef\xbb\xbf",
                                        "\xee\x80\x80", "\xef\xbf\xbf", "\xf3\xb0\x80\x80", "\xcd\xb8", "\xcc\x81\xcc\xa7", "e\xcc\x81",
                                        "\xe0\xa4\xbe", "\xe0\xa4\x95", "\xe0\xa5\xa4", "\xe0\xb8\x81", "\xd8\xa7", "\xd8\x8c", "\xd7\x90",
                                        "\xd0\xb6", "\xd0\x96", "\xce\xa9", "\xcf\x89", "\xe2\x85\xa7", "\xc2\xbd", "\xc2\xb2", "\xe3\x8a\xb7",
                                        "\xef\xbc\x91", "\xef\xbc\xa1", "\xef\xbc\x81", "\xef\xbc\x8c", "\xe2\x80\xa6", "\xe3\x80\x82",
                                        "\xe3\x84\x85", "\xe3\x84\xb1", "\xef\xb8\xb0", "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
                                        "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", "\xe2\x9d\xa4\xef\xb8\x8f", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
                                        "\xf0\x9d\x94\x84", "\xe2\x82\xac", "\xdb\x94", "(", "|", "12\xd9\xa3\x34"};
    size_t length = 0;
    for (uint32_t n = test_random(seed) % 24; n && length + 8 < room; n--) {
        if (test_random(seed) % 4) {
            const char *part = parts[test_random(seed) % (sizeof parts / sizeof parts[0])];
            memcpy(text + length, part, strlen(part));
            length += strlen(part);
        } else {
            static const uint32_t limits[] = {0x80, 0x800, 0x3000, 0x10000, 0x20000, 0x110000};
            uint32_t c = test_random(seed) % limits[test_random(seed) % 6];
            if (ranges && test_random(seed) % 2)
                c = random_of_ranges(seed, ranges);
            if (c >= 0xd800 && c < 0xe000)
                c -= 0x800;
            if (same_version(c))
                length += (size_t)utf8_encode(c, text + length);
        }
    }
    return length;
}

START_TEST(published_patterns)
{
    const struct splitter *splitter = splitter_find(published[_i].name, strlen(published[_i].name));
    ck_assert_ptr_nonnull(splitter);
    pcre2_code *passes[8] = {NULL};
    for (int i = 0; i < 7 && published[_i].patterns[i]; i++)
        passes[i] = compile(published[_i].patterns[i]);
    uint64_t seed = test_seed();
    for (int round = 0; round < 3000; round++) {
        char text[256];
        compare(splitter, passes, text, random_text(&seed, splitter->ranges, text, sizeof text));
    }
    size_t size;
    char *stress = read_file(shared_path("vocab/stress.txt"), &size);
    if (!stress)
        skip("published_patterns.stress", "../shared/vocab is absent");
    for (char *at = stress; at && at < stress + size;) {
        char *end = memchr(at, 0x1e, (size_t)(stress + size - at));
        end = end ? end : stress + size;
        compare(splitter, passes, at, (size_t)(end - at));
        at = end + 1;
    }
    free(stress);
    for (int i = 0; passes[i]; i++)
        pcre2_code_free(passes[i]);
}
END_TEST

START_TEST(every_splitter_has_a_pattern)
{
    size_t i = 0;
    for (const struct splitter *s; (s = splitter_at(i)); i++) {
        ck_assert_msg(i < PUBLISHED && splitter_find(published[i].name, strlen(published[i].name)) == s,
                      "the splitter%sneeds its pattern at place %zu of `published`", s->names, i);
    }
    ck_assert_uint_eq(i, PUBLISHED);
}
END_TEST

START_TEST(names)
{
    const char *same[][2] = {{"llama3", "llama-bpe"}, {"llama-v3", "llama-bpe"}, {"phi-2", "gpt-2"}, {"starcoder", "smollm"}, {"granite", "refact"},
                             {"chatglm-bpe", "dbrx"}, {"stablelm2", "qwen2"}, {"command-r", "smollm"}, {"olmo", "mpt"}, {"llama4", "gpt-4o"}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        ck_assert_ptr_nonnull(splitter_find(same[i][0], strlen(same[i][0])));
        ck_assert_ptr_eq(splitter_find(same[i][0], strlen(same[i][0])), splitter_find(same[i][1], strlen(same[i][1])));
    }
    const char *wrong[] = {"", " ", "llama", "gpt", "-2", "gpt-2 phi-2", " gpt-2", "gpt-22"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!splitter_find(wrong[i], strlen(wrong[i])), "\"%s\"", wrong[i]);
}
END_TEST

/* The table of docs/vocabularies.md has a row for each splitter, with its names in their order. */
START_TEST(documented)
{
    char *doc = read_file("docs/vocabularies.md", &(size_t){0});
    ck_assert_msg(doc != NULL, "docs/vocabularies.md is missing (run the tests from the top of the tree)");
    const struct splitter *s;
    for (size_t i = 0; (s = splitter_at(i)); i++) {
        char row[1024] = "\n|";
        for (const char *at = s->names; at[1]; at += strcspn(at + 1, " ") + 1)
            snprintf(row + strlen(row), sizeof row - strlen(row), "%s `%.*s`", at == s->names ? "" : ",", (int)strcspn(at + 1, " "), at + 1);
        strcat(row, " |");
        ck_assert_msg(strstr(doc, row) != NULL, "docs/vocabularies.md lacks:%s", row);
    }
    free(doc);
}
END_TEST

/* Every code point's class against PCRE2's own Unicode data, where it knows the character. */
START_TEST(classes)
{
    static const char *const groups = "(\\p{White_Space})|(\\p{Lu})|(\\p{Ll})|(\\p{Lt})|(\\p{Lm})|(\\p{Lo})|(\\p{M})|(\\p{N})|(\\p{P})|(\\p{S})|(\\p{Cn})|";
    static const enum unicode_class order[] = {UNICODE_SPACE, UNICODE_LU, UNICODE_LL, UNICODE_LT, UNICODE_LM, UNICODE_LO,
                                               UNICODE_M, UNICODE_N, UNICODE_P, UNICODE_S, UNICODE_UNASSIGNED};
    pcre2_code *re = compile(groups);
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(re, NULL);
    int newer = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char text[4];
        int length = utf8_encode(c, text);
        int group = pcre2_match(re, (PCRE2_SPTR)text, (size_t)length, 0, PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, match, NULL) - 1;
        enum unicode_class want = group >= 1 && group <= 11 ? order[group - 1] : UNICODE_CONTROL;
        if (unicode_class(c) != want && (group == 11 || unicode_class(c) == UNICODE_UNASSIGNED))
            newer++; /* one of the two knows a newer Unicode */
        else if (unicode_class(c) != want || group < 0)
            ck_abort_msg("U+%04X has class %d, not %d", c, (int)unicode_class(c), (int)want);
    }
    ck_assert_int_lt(newer, 6000);
    pcre2_match_data_free(match);
    pcre2_code_free(re);
}
END_TEST

/* What came with Unicode 15.0 and 15.1 is known, what comes later is not. */
START_TEST(version_of_classes)
{
    static const struct {
        uint32_t code_point;
        enum unicode_class class;
    } new[] = {{0xcf3, UNICODE_M}, {0x11f04, UNICODE_LO}, {0x11f50, UNICODE_N}, {0x11f45, UNICODE_P}, {0x1e4eb, UNICODE_LM}, {0x1e030, UNICODE_LM},
               {0x31350, UNICODE_LO}, {0x1fae8, UNICODE_S}, {0x2ebf0, UNICODE_LO}, {0x2ffc, UNICODE_S}, {0x31ef, UNICODE_S},
               {0x1c89, UNICODE_UNASSIGNED}, {0x10d40, UNICODE_UNASSIGNED}, {0x1ccf0, UNICODE_UNASSIGNED}};
    for (size_t i = 0; i < sizeof new / sizeof new[0]; i++)
        if (unicode_class(new[i].code_point) != new[i].class)
            ck_abort_msg("U+%04X has class %d", new[i].code_point, (int)unicode_class(new[i].code_point));
}
END_TEST

START_TEST(lower_case)
{
    static const uint32_t pairs[][2] = {{'A', 'a'}, {'z', 'z'}, {0xc9, 0xe9}, {0x130, 'i'}, {0x3a3, 0x3c3}, {0x416, 0x436}, {0x1c4, 0x1c6},
                                        {0x1e9e, 0xdf}, {0x10a0, 0x2d00}, {0x13a0, 0xab70}, {0x10400, 0x10428}, {0x4e00, 0x4e00}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (unicode_lower(pairs[i][0]) != pairs[i][1])
            ck_abort_msg("U+%04X becomes U+%04X", pairs[i][0], unicode_lower(pairs[i][0]));
}
END_TEST

START_TEST(utf8)
{
    for (uint32_t c = 0; c < 0x110000; c += c < 0x1000 ? 1 : 37) {
        char text[4];
        uint32_t back = 0;
        int size = utf8_encode(c, text);
        bool surrogate = c >= 0xd800 && c < 0xe000;
        if (utf8_decode(text, (size_t)size, &back) != (surrogate ? -1 : size) || (!surrogate && back != c))
            ck_abort_msg("U+%04X", c);
        for (int cut = 1; cut < size && !surrogate; cut++)
            if (utf8_decode(text, (size_t)cut, &back))
                ck_abort_msg("U+%04X cut after %d bytes", c, cut);
    }
    static const struct {
        const char *bytes;
        int result;
    } bad[] = {{"\x80", -1}, {"\xc0\xaf", -1}, {"\xc1\x80", -1}, {"\xe0\x80\x80", -1}, {"\xed\xa0\x80", -1}, {"\xf0\x80\x80\x80", -1},
               {"\xf4\x90\x80\x80", -1}, {"\xf5\x80\x80\x80", -1}, {"\xff", -1}, {"\xe2\x82x", -2}, {"\xf0\x9f\x98x", -3}, {"\xc3x", -1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t c;
        ck_assert_int_eq(utf8_decode(bad[i].bytes, strlen(bad[i].bytes), &c), bad[i].result);
    }
}
END_TEST

Suite *suite_split(void)
{
    Suite *suite = suite_create("split");
    TCase *tcase = tcase_create("split");
    tcase_add_loop_test(tcase, published_patterns, 0, (int)PUBLISHED);
    tcase_add_test(tcase, every_splitter_has_a_pattern);
    tcase_add_test(tcase, names);
    tcase_add_test(tcase, documented);
    tcase_add_test(tcase, classes);
    tcase_add_test(tcase, version_of_classes);
    tcase_add_test(tcase, lower_case);
    tcase_add_test(tcase, utf8);
    suite_add_tcase(suite, tcase);
    return suite;
}
