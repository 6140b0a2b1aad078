/* splitters.c - the splitters of the models, one table row each. Patterns are shown as the models publish them. */
#include "split.h"

#include <string.h>

/* Steps that many patterns share. */
#define ONE(want, deny) {want, deny, 1, 1}
#define MAYBE(want, deny) {want, deny, 0, 1}
#define MANY(want, deny) {want, deny, 1, SPLIT_MANY}
#define ANY_OF(want, deny) {want, deny, 0, SPLIT_MANY}
#define REPEAT(want, low, high) {want, 0, low, high}
#define RULE(...) {.steps = {__VA_ARGS__}}

#define SPACES_BEFORE_TEXT {.steps = {MANY(IS_SPACE, 0)}, .end = SPLIT_NOT_BEFORE_TEXT} /* \s+(?!\S) */
#define SPACES RULE(MANY(IS_SPACE, 0))                                                  /* \s+ */
#define SPACES_TO_NEWLINE RULE(ANY_OF(IS_SPACE, 0), MANY(IS_NEWLINE, 0))                /* \s*[\r\n]+ */
#define SYMBOLS_AND(after) RULE(MAYBE(IS_BLANK, 0), MANY(IS_ANY, IS_SPACE | IS_L | IS_N), ANY_OF(after, 0))

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static const struct split_pass gpt2 = {{
    {.suffix = SPLIT_SUFFIX},
    RULE(MAYBE(IS_BLANK, 0), MANY(IS_L, 0)),
    RULE(MAYBE(IS_BLANK, 0), MANY(IS_N, 0)),
    RULE(MAYBE(IS_BLANK, 0), MANY(IS_ANY, IS_SPACE | IS_L | IS_N)),
    SPACES_BEFORE_TEXT,
    SPACES,
}};

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * letters: \p{L}, and what else makes words; digits: the most that stand together; after: what follows symbols; newlines: the most that
 * end white space. */
#define WORD_RULES(letters, digits, symbols, newlines) {{                      \
    {.suffix = SPLIT_SUFFIX_ANY_CASE},                                         \
    RULE(MAYBE(IS_ANY, IS_NEWLINE | IS_L | IS_N), MANY(letters, 0)),           \
    RULE(REPEAT(IS_N, 1, digits)),                                             \
    symbols,                                                                   \
    RULE(ANY_OF(IS_SPACE, 0), REPEAT(IS_NEWLINE, 1, newlines)),                \
    SPACES_BEFORE_TEXT,                                                        \
    SPACES,                                                                    \
}}
static const struct split_pass llama3 = WORD_RULES(IS_L, 3, SYMBOLS_AND(IS_NEWLINE), SPLIT_MANY);
static const struct split_pass qwen2 = WORD_RULES(IS_L, 1, SYMBOLS_AND(IS_NEWLINE), SPLIT_MANY);
/* the letters [\p{L}\p{M}], which symbols are not */
static const struct split_pass qwen35 = WORD_RULES(IS_L | IS_M, 1, RULE(MAYBE(IS_BLANK, 0), MANY(IS_ANY, IS_SPACE | IS_L | IS_M | IS_N),
                                                                        ANY_OF(IS_NEWLINE, 0)), SPLIT_MANY);
/* \s*[\r\n] */
static const struct split_pass bailing = WORD_RULES(IS_L, 1, SYMBOLS_AND(IS_NEWLINE), 1);
/* the symbols  ?[^\s\p{L}\p{N}\r\n]+ */
static const struct split_pass seed_coder = WORD_RULES(IS_L, 1, RULE(MAYBE(IS_BLANK, 0), MANY(IS_ANY, IS_SPACE | IS_L | IS_N)), SPLIT_MANY);

/* [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?
 * [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+
 * letters: what makes words; of them `small` begins no word in which others follow, `large` ends none. */
#define CASED_RULES(letters, small, large, digits, after) {{                   \
    {.steps = {MAYBE(IS_ANY, IS_NEWLINE | IS_L | IS_N), ANY_OF(letters, small), MANY(letters, large)}, .suffix = after}, \
    {.steps = {MAYBE(IS_ANY, IS_NEWLINE | IS_L | IS_N), MANY(letters, small), ANY_OF(letters, large)}, .suffix = after}, \
    RULE(REPEAT(IS_N, 1, digits)),                                             \
    SYMBOLS_AND(IS_NEWLINE | IS_SLASH),                                        \
    SPACES_TO_NEWLINE,                                                         \
    SPACES_BEFORE_TEXT,                                                        \
    SPACES,                                                                    \
}}
/* As these models' files of the GGUF world are read only A-Z and a-z have case, and marks are no letters; with youtu no letter has. */
static const struct split_pass youtu = CASED_RULES(IS_L | IS_M, 0, 0, 1, SPLIT_SUFFIX_ANY_CASE);
static const struct split_pass tekken = CASED_RULES(IS_L, IS_ASCII_LOWER, IS_ASCII_UPPER, 1, SPLIT_NO_SUFFIX);
static const struct split_pass gpt4o = CASED_RULES(IS_L, IS_ASCII_LOWER, IS_ASCII_UPPER, 3, SPLIT_SUFFIX_ANY_CASE);
static const struct split_pass granite_embedding = CASED_RULES(IS_L | IS_M, IS_ASCII_LOWER, IS_ASCII_UPPER, 3, SPLIT_SUFFIX_ANY_CASE);

/*  ?[^(\s|.,!?…。，、।۔،)]+ */
static const struct split_pass bloom = {{RULE(MAYBE(IS_BLANK, 0), MANY(IS_ANY, IS_SPACE | IS_SET1))}};
static const struct split_range bloom_ranges[] = {
    {0x21, 0x21, IS_SET1}, {0x28, 0x29, IS_SET1}, {0x2c, 0x2c, IS_SET1}, {0x2e, 0x2e, IS_SET1}, {0x3f, 0x3f, IS_SET1},
    {0x7c, 0x7c, IS_SET1}, {0x60c, 0x60c, IS_SET1}, {0x6d4, 0x6d4, IS_SET1}, {0x964, 0x964, IS_SET1}, {0x2026, 0x2026, IS_SET1},
    {0x3001, 0x3002, IS_SET1}, {0xff0c, 0xff0c, IS_SET1}, {0, 0, 0}
};

/* single steps of sequences */
static const struct split_pass digit = {{RULE(ONE(IS_N, 0))}};                  /* \p{N} */
static const struct split_pass digits = {{RULE(MANY(IS_N, 0))}};                /* \p{N}+ */
static const struct split_pass newline = {{RULE(ONE(IS_NEWLINE, 0))}};          /* [\r\n] */
static const struct split_pass three_digits = {{RULE(REPEAT(IS_N, 1, 3))}};     /* \p{N}{1,3} */
static const struct split_pass three_ascii_digits = {{RULE(REPEAT(IS_ASCII_DIGIT, 3, 3))}};     /* [0-9][0-9][0-9] */
static const struct split_pass set1 = {{RULE(MANY(IS_SET1, 0))}};
/* [\p{P}\$\+<=>\^~\|`]+ and the same without the backtick */
static const struct split_pass punctuation = {{RULE(MANY(IS_P | IS_ASCII_SYMBOL, 0))}};
static const struct split_pass punctuation_but_backtick = {{RULE(MANY(IS_P | IS_ASCII_SYMBOL, IS_BACKTICK))}};

/* [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * As these files are read ~ (set 2) is neither in \p{P} nor in \p{S}. */
#define DEEPSEEK3_WORDS                                                                 \
    RULE(ONE(IS_ASCII_PUNCT, 0), MANY(IS_ASCII_UPPER | IS_ASCII_LOWER, 0)),             \
    RULE(MAYBE(IS_ANY, IS_NEWLINE | IS_L | IS_P | IS_S), MANY(IS_L | IS_M, 0)),         \
    RULE(ONE(IS_SET2, 0), MANY(IS_L | IS_M, 0))
static const struct split_pass deepseek3 = {{
    DEEPSEEK3_WORDS,
    RULE(MAYBE(IS_BLANK, 0), MANY(IS_P | IS_S, IS_SET2), ANY_OF(IS_NEWLINE, 0)),
    SPACES_TO_NEWLINE,
    SPACES_BEFORE_TEXT,
    SPACES,
}};
/* [一-龥぀-ゟ゠-ヿ]+ */
static const struct split_range deepseek3_ranges[] = {{'~', '~', IS_SET2}, {0x3040, 0x30ff, IS_SET1}, {0x4e00, 0x9fa5, IS_SET1}, {0, 0, 0}};

/* the same with its last two alternatives and symbols alone: | ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+ */
static const struct split_pass spark = {{
    DEEPSEEK3_WORDS,
    RULE(MAYBE(IS_BLANK, 0), MANY(IS_P | IS_S, IS_SET2)),
    RULE(ONE(IS_NEWLINE, 0)),
    SPACES_BEFORE_TEXT,
    SPACES,
}};

/* [가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+ */
static const struct split_pass youtu_scripts = {{RULE(MANY(IS_SET1, 0)), RULE(MANY(IS_SET2, 0)), RULE(MANY(IS_SET3, 0)), RULE(MANY(IS_SET4, 0))}};
static const struct split_range youtu_ranges[] = {
    {0x2014, 0x2014, IS_SET2}, {0x2018, 0x2019, IS_SET2}, {0x201c, 0x201d, IS_SET2}, {0x2026, 0x2026, IS_SET2}, {0x3001, 0x303f, IS_SET2},
    {0x3040, 0x30ff, IS_SET4}, {0x3105, 0x312f, IS_SET3}, {0x3131, 0x318e, IS_SET1}, {0x4e00, 0x9fa5, IS_SET4}, {0xac00, 0xd7a3, IS_SET1},
    {0xfe30, 0xfe4f, IS_SET2}, {0xff01, 0xff01, IS_SET2}, {0xff0c, 0xff0c, IS_SET2}, {0xff1a, 0xff1b, IS_SET2}, {0, 0, 0}
};

/* [^\n]+|[\n]+ */
static const struct split_pass lines = {{RULE(MANY(IS_ANY, IS_SET1)), RULE(MANY(IS_SET1, 0))}};
static const struct split_range line_feed[] = {{'\n', '\n', IS_SET1}, {0, 0, 0}};

/* \s?[A-Za-zµÀ-ÖØ-öø-ƺ...]+, \s?[!-/:-~！-／：-～‘-‟　-。]+, \s+$, [一-龥ࠀ-一가-\ud7ff]+: sets 1, 2 and 3;
 * white space is in none, as these files are read */
static const struct split_pass deepseek_letters = {{RULE(MAYBE(IS_SPACE, 0), MANY(IS_SET1, 0))}};
static const struct split_pass deepseek_symbols = {{RULE(MAYBE(IS_SPACE, 0), MANY(IS_SET2, 0))}};
static const struct split_pass last_spaces = {{{.steps = {MANY(IS_SPACE, 0)}, .end = SPLIT_AT_END}}};
static const struct split_pass cjk = {{RULE(MANY(IS_SET3, IS_SPACE))}};
static const struct split_range deepseek_ranges[] = {
    {0x21, 0x2f, IS_SET2}, {0x3a, 0x7e, IS_SET2}, {0x41, 0x5a, IS_SET1}, {0x61, 0x7a, IS_SET1}, {0xb5, 0xb5, IS_SET1},
    {0xc0, 0xd6, IS_SET1}, {0xd8, 0xf6, IS_SET1}, {0xf8, 0x1ba, IS_SET1}, {0x1bc, 0x1bf, IS_SET1}, {0x1c4, 0x293, IS_SET1},
    {0x295, 0x2af, IS_SET1}, {0x370, 0x373, IS_SET1}, {0x376, 0x377, IS_SET1}, {0x37b, 0x37d, IS_SET1},
    {0x37f, 0x37f, IS_SET1}, {0x386, 0x386, IS_SET1}, {0x388, 0x38a, IS_SET1}, {0x38c, 0x38c, IS_SET1},
    {0x38e, 0x3a1, IS_SET1}, {0x3a3, 0x3f5, IS_SET1}, {0x3f7, 0x481, IS_SET1}, {0x48a, 0x52f, IS_SET1},
    {0x531, 0x556, IS_SET1}, {0x800, 0x9fa5, IS_SET3}, {0x10a0, 0x10c5, IS_SET1}, {0x13a0, 0x13f5, IS_SET1},
    {0x13f8, 0x13fd, IS_SET1}, {0x1c90, 0x1cba, IS_SET1}, {0x1cbd, 0x1cbf, IS_SET1}, {0x1d00, 0x1d2b, IS_SET1},
    {0x1d6b, 0x1d77, IS_SET1}, {0x1d79, 0x1d9a, IS_SET1}, {0x1e00, 0x1f15, IS_SET1}, {0x1f18, 0x1f1d, IS_SET1},
    {0x1f20, 0x1f45, IS_SET1}, {0x1f48, 0x1f4d, IS_SET1}, {0x1f50, 0x1f57, IS_SET1}, {0x1f59, 0x1f59, IS_SET1},
    {0x1f5b, 0x1f5b, IS_SET1}, {0x1f5d, 0x1f5d, IS_SET1}, {0x1f5f, 0x1f7d, IS_SET1},
    {0x1f80, 0x1fb4, IS_SET1}, {0x1fb6, 0x1fbc, IS_SET1}, {0x1fbe, 0x1fbe, IS_SET1}, {0x1fc2, 0x1fc4, IS_SET1},
    {0x1fc6, 0x1fcc, IS_SET1}, {0x1fd0, 0x1fd3, IS_SET1},
    {0x1fd6, 0x1fdb, IS_SET1}, {0x1fe0, 0x1fec, IS_SET1}, {0x1ff2, 0x1ff4, IS_SET1}, {0x1ff6, 0x1ffc, IS_SET1},
    {0x2018, 0x201f, IS_SET2}, {0x2102, 0x2102, IS_SET1}, {0x2107, 0x2107, IS_SET1}, {0x210a, 0x2113, IS_SET1},
    {0x2115, 0x2115, IS_SET1}, {0x2119, 0x211d, IS_SET1}, {0x2124, 0x2124, IS_SET1}, {0x2126, 0x2126, IS_SET1},
    {0x2128, 0x2128, IS_SET1}, {0x212a, 0x212d, IS_SET1}, {0x212f, 0x2134, IS_SET1}, {0x2139, 0x2139, IS_SET1},
    {0x213c, 0x213f, IS_SET1}, {0x2145, 0x2149, IS_SET1}, {0x214e, 0x214e, IS_SET1}, {0x2183, 0x2184, IS_SET1},
    {0x2c00, 0x2c7b, IS_SET1}, {0x2c7e, 0x2ce4, IS_SET1}, {0x2ceb, 0x2cee, IS_SET1}, {0x2cf2, 0x2cf3, IS_SET1},
    {0x3001, 0x3002, IS_SET2}, {0xa640, 0xa66d, IS_SET1}, {0xa680, 0xa69b, IS_SET1}, {0xa722, 0xa76f, IS_SET1},
    {0xa771, 0xa787, IS_SET1}, {0xa78b, 0xa78e, IS_SET1}, {0xab70, 0xabbf, IS_SET1}, {0xac00, 0xd7ff, IS_SET3},
    {0xfb00, 0xfb06, IS_SET1}, {0xfb13, 0xfb17, IS_SET1}, {0xff01, 0xff0f, IS_SET2}, {0xff1a, 0xff5e, IS_SET2},
    {0xff21, 0xff3a, IS_SET1}, {0xff41, 0xff5a, IS_SET1}, {0x10400, 0x1044f, IS_SET1}, {0x104b0, 0x104d3, IS_SET1},
    {0x104d8, 0x104fb, IS_SET1}, {0x10c80, 0x10cb2, IS_SET1}, {0x10cc0, 0x10cf2, IS_SET1}, {0x118a0, 0x118df, IS_SET1},
    {0x1e900, 0x1e943, IS_SET1}, {0, 0, 0}
};
/* \s?\p{L}+, \s?\p{P}+; set 3 as above */
static const struct split_pass spaced_letters = {{RULE(MAYBE(IS_SPACE, 0), MANY(IS_L, 0))}};
static const struct split_pass spaced_punctuation = {{RULE(MAYBE(IS_SPACE, 0), MANY(IS_P, 0))}};

static const struct split_range deepseek_coder_ranges[] = {{0x800, 0x9fa5, IS_SET3}, {0xac00, 0xd7ff, IS_SET3}, {0, 0, 0}};

static const struct splitter splitters[] = {
    {.names = " llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano ", .passes = {&llama3},
     .whole_words = true, .adds_bos = true},
    {.names = " gpt-2 phi-2 mpt olmo jais jina-es jina-de jina-v2-es jina-v2-de jina-v1-en jina-v2-code roberta-bpe gigachat "
              "a.x-4.0 mellum modern-bert trillion granite-docling exaone4 ", .passes = {&gpt2}},
    {.names = " smollm starcoder refact granite command-r cohere2_moe codeshell exaone minerva-7b mellum2 ", .passes = {&digit, &gpt2}},
    {.names = " default ", .passes = {&punctuation_but_backtick, &gpt2, &digits, &three_ascii_digits}},
    {.names = " falcon ", .passes = {&punctuation, &gpt2, &three_ascii_digits}},
    {.names = " dbrx smaug-bpe chatglm-bpe glm4 ", .passes = {&llama3}},
    {.names = " qwen2 deepseek-r1-qwen stablelm2 megrez hunyuan solar-open grok-2 kormo openpangu f2llmv2 ", .passes = {&qwen2}},
    {.names = " qwen35 ", .passes = {&qwen35}},
    {.names = " tekken ", .passes = {&tekken}, .whole_words = true, .adds_bos = true},
    {.names = " gpt-4o llama4 kanana2 minimax-m2 talkie ", .passes = {&gpt4o}},
    {.names = " deepseek-llm ", .ranges = deepseek_ranges,
     .passes = {&newline, &deepseek_letters, &deepseek_symbols, &last_spaces, &cjk, &digits}},
    {.names = " deepseek-coder ", .passes = {&newline, &spaced_letters, &spaced_punctuation, &cjk, &digit},
     .ranges = deepseek_coder_ranges},
    {.names = " deepseek-v3 hunyuan-dense joyai-llm hy_v4 ", .passes = {&three_digits, &set1, &deepseek3}, .ranges = deepseek3_ranges},
    {.names = " minicpm5 ", .passes = {&three_digits, &llama3}, .whole_words = true},
    {.names = " bailingmoe bailingmoe2 llada-moe ", .passes = {&bailing}},
    {.names = " seed-coder ", .passes = {&seed_coder}},
    {.names = " bloom poro-chat gpt3-finnish ", .passes = {&bloom}, .ranges = bloom_ranges},
    {.names = " viking ", .passes = {&bloom, &digit}, .ranges = bloom_ranges},
    {.names = " youtu ", .passes = {&youtu_scripts, &youtu}, .ranges = youtu_ranges, .whole_words = true},
    {.names = " granite-embed-multi-97m ", .passes = {&granite_embedding}, .whole_words = true},
    {.names = " spark2_5 ", .passes = {&three_digits, &set1, &spark, &digit}, .ranges = deepseek3_ranges},
    {.names = " laguna ", .passes = {&lines, &qwen2}, .ranges = line_feed},
};

const struct splitter *splitter_at(size_t index)
{
    return index < sizeof splitters / sizeof splitters[0] ? &splitters[index] : NULL;
}

const struct splitter *splitter_find(const char *name, size_t length)
{
    for (size_t i = 0; length && i < sizeof splitters / sizeof splitters[0]; i++)
        for (const char *at = splitters[i].names; at[1]; at += strcspn(at + 1, " ") + 1)
            if (strcspn(at + 1, " ") == length && !memcmp(at + 1, name, length))
                return &splitters[i];
    return NULL;
}
