/* split.c - runs a splitter's rules over text. splitters.c holds the rules. */
#include "split.h"

#include "unicode.h"

#define NO_MATCH SIZE_MAX

struct scan {
    const struct splitter *splitter;
    const char *text;
    const uint32_t *properties;     /* of the character that starts at each byte; 0 inside of a character */
    split_word_fn *word;
    void *arg;
    uint32_t starts[SPLIT_PASSES];  /* of each pass: what a character that starts a word is one of */
};

static uint32_t ascii_properties(uint32_t c)
{
    uint32_t bits = IS_ANY | 1u << unicode_class(c);
    if (c == ' ')
        bits |= IS_BLANK;
    if (c == '\r' || c == '\n')
        bits |= IS_NEWLINE;
    if (c >= 'A' && c <= 'Z')
        bits |= IS_ASCII_UPPER;
    if (c >= 'a' && c <= 'z')
        bits |= IS_ASCII_LOWER;
    if (c >= '0' && c <= '9')
        bits |= IS_ASCII_DIGIT;
    if (bits & (IS_P | IS_S))
        bits |= IS_ASCII_PUNCT;
    if (bits & IS_S)
        bits |= IS_ASCII_SYMBOL;
    if (c == '`')
        bits |= IS_BACKTICK;
    if (c == '/')
        bits |= IS_SLASH;
    return bits;
}

static uint32_t range_sets(const struct split_range *ranges, uint32_t c)
{
    uint32_t sets = 0;
    for (const struct split_range *r = ranges; r && r->set && r->first <= c; r++)
        if (c <= r->last)
            sets |= r->set;
    return sets;
}

static void find_properties(const struct splitter *splitter, const char *text, size_t length, uint32_t *properties)
{
    uint32_t ascii[128];
    for (uint32_t c = 0; c < 128; c++)
        ascii[c] = ascii_properties(c) | range_sets(splitter->ranges, c);
    for (size_t i = 0; i < length;) {
        uint8_t byte = (uint8_t)text[i];
        if (byte < 128) {
            properties[i++] = ascii[byte];
            continue;
        }
        uint32_t c;
        int size = utf8_decode(text + i, length - i, &c);
        if (size <= 0) {
            properties[i++] = IS_ANY | IS_S; /* as U+FFFD, which would take its place */
            continue;
        }
        properties[i++] = IS_ANY | 1u << unicode_class(c) | range_sets(splitter->ranges, c);
        while (--size)
            properties[i++] = 0;
    }
}

static size_t next_char(const struct scan *s, size_t pos, size_t end)
{
    do
        pos++;
    while (pos < end && !s->properties[pos]);
    return pos;
}

static size_t previous_char(const struct scan *s, size_t pos)
{
    do
        pos--;
    while (!s->properties[pos]);
    return pos;
}

/* Length of 's 't 're 've 'm 'll 'd at the position, or 0. */
static size_t suffix_length(const struct scan *s, size_t pos, size_t end, bool any_case)
{
    static const char suffixes[][3] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (pos >= end || s->text[pos] != '\'')
        return 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t n = 0;
        for (; suffixes[i][n] && pos + 1 + n < end; n++) {
            char c = s->text[pos + 1 + n];
            if (any_case && c >= 'A' && c <= 'Z')
                c = (char)(c + ('a' - 'A'));
            if (c != suffixes[i][n])
                break;
        }
        if (!suffixes[i][n])
            return 1 + n;
    }
    return 0;
}

/* End of the rule's match from its step `i` on, or NO_MATCH. */
static size_t match(const struct scan *s, const struct split_rule *rule, int i, size_t pos, size_t end)
{
    if (i == SPLIT_STEPS || !rule->steps[i].max) {
        if (rule->end == SPLIT_NOT_BEFORE_TEXT && pos < end && !(s->properties[pos] & IS_SPACE))
            return NO_MATCH;
        if (rule->end == SPLIT_AT_END && pos < end)
            return NO_MATCH;
        size_t suffix = rule->suffix ? suffix_length(s, pos, end, rule->suffix == SPLIT_SUFFIX_ANY_CASE) : 0;
        return i == 0 && !suffix ? NO_MATCH : pos + suffix;
    }
    const struct split_step *step = &rule->steps[i];
    size_t count = 0, at = pos;
    while (at < end && (count < step->max || step->max == SPLIT_MANY) && (s->properties[at] & step->want) &&
           !(s->properties[at] & step->deny)) {
        at = next_char(s, at, end);
        count++;
    }
    for (;; count--, at = previous_char(s, at)) { /* greedy, then one less */
        if (count < step->min)
            return NO_MATCH;
        size_t stop = match(s, rule, i + 1, at, end);
        if (stop != NO_MATCH || count == 0)
            return stop;
    }
}

/* Properties that a word's first character has one of: passes that look for few characters skip the others. */
static uint32_t starts_of(const struct split_pass *pass)
{
    uint32_t starts = 0;
    for (const struct split_rule *rule = pass->rules; rule < pass->rules + SPLIT_RULES; rule++) {
        starts |= rule->suffix && !rule->steps[0].max ? IS_P : 0; /* its apostrophe */
        for (int i = 0; i < SPLIT_STEPS && rule->steps[i].max; i++) {
            starts |= rule->steps[i].want;
            if (rule->steps[i].min)
                break;
        }
    }
    return starts;
}

static size_t match_any(const struct scan *s, const struct split_pass *pass, size_t pos, size_t end)
{
    for (int i = 0; i < SPLIT_RULES && (pass->rules[i].steps[0].max || pass->rules[i].suffix); i++) {
        size_t stop = match(s, &pass->rules[i], 0, pos, end);
        if (stop != NO_MATCH && stop > pos)
            return stop;
    }
    return NO_MATCH;
}

static slm_status run_pass(const struct scan *s, const struct split_pass *const *pass, size_t start, size_t end)
{
    if (!*pass)
        return s->word(s->arg, start, end);
    uint32_t starts = s->starts[pass - s->splitter->passes];
    size_t unmatched = start;
    for (size_t pos = start; pos < end;) {
        size_t stop = s->properties[pos] & starts ? match_any(s, *pass, pos, end) : NO_MATCH;
        if (stop == NO_MATCH) {
            pos = next_char(s, pos, end);
            continue;
        }
        if (unmatched < pos)
            TRY(run_pass(s, pass + 1, unmatched, pos));
        TRY(run_pass(s, pass + 1, pos, stop));
        unmatched = pos = stop;
    }
    return unmatched < end ? run_pass(s, pass + 1, unmatched, end) : SLM_OK;
}

slm_status split_text(const mem *m, const struct splitter *splitter, const char *text, size_t length, split_word_fn *word, void *arg,
                      slm_error *err)
{
    uint32_t *properties = mem_alloc(m, length, sizeof *properties);
    if (!properties)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory splitting %zu bytes of text; pass it in parts", length);
    find_properties(splitter, text, length, properties);
    struct scan scan = {splitter, text, properties, word, arg, {0}};
    for (int i = 0; splitter->passes[i]; i++)
        scan.starts[i] = starts_of(splitter->passes[i]);
    slm_status status = run_pass(&scan, splitter->passes, 0, length);
    mem_free(m, properties);
    return status;
}
