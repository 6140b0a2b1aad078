/* What string filters and string methods share: case, stripping, replacing, lines. */
#include "eval.h"

struct case_special {
    uint32_t from;
    char to[8];
};

struct char_range {
    uint32_t first, last;
};
#include "letters_table.h"

/* The text that a code point becomes where it is special, or NULL. */
static const char *special(uint32_t code_point, const struct case_special *table, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table[middle].from < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && table[low].from == code_point ? table[low].to : NULL;
}

static bool put_upper(struct chat *c, struct buffer *b, uint32_t code_point)
{
    const char *text = special(code_point, special_upper, sizeof special_upper / sizeof *special_upper);
    return text ? buffer_text(c, b, text) : buffer_char(c, b, unicode_upper(code_point));
}

static bool put_title(struct chat *c, struct buffer *b, uint32_t code_point)
{
    const char *text = special(code_point, special_title, sizeof special_title / sizeof *special_title);
    return text ? buffer_text(c, b, text) : buffer_char(c, b, unicode_upper(code_point));
}

static const struct char_range *find_range(uint32_t code_point, const struct char_range *ranges, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].last < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ranges[low].first <= code_point ? &ranges[low] : NULL;
}
#define RANGE_OF(code_point, ranges) find_range(code_point, ranges, sizeof(ranges) / sizeof *(ranges))
#define IN(code_point, ranges) (RANGE_OF(code_point, ranges) != NULL)

enum unicode_class letter_case(uint32_t code_point)
{
    enum unicode_class class = unicode_class(code_point);
    if (class == UNICODE_LU || class == UNICODE_LL || class == UNICODE_LT || code_point < 0x80)
        return class;
    return IN(code_point, lower_marks) ? UNICODE_LL : IN(code_point, upper_marks) ? UNICODE_LU : UNICODE_UNASSIGNED;
}

enum digit_kind digit_kind(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point >= '0' && code_point <= '9' ? DIGIT_DECIMAL : DIGIT_NONE;
    if (unicode_class(code_point) != UNICODE_N)
        return IN(code_point, numbers) ? DIGIT_NUMBER : DIGIT_NONE;
    return IN(code_point, decimals) ? DIGIT_DECIMAL : IN(code_point, digits) ? DIGIT_DIGIT : DIGIT_NUMBER;
}

int digit_value(uint32_t code_point)
{
    const struct char_range *range = code_point < 0x80 ? NULL : RANGE_OF(code_point, decimals);
    return range ? (int)((code_point - range->first) % 10) : -1; /* a range has the ten digits, or these several times */
}

bool is_word(uint32_t code_point)
{
    enum unicode_class class = unicode_class(code_point);
    return code_point == '_' || (class >= UNICODE_LU && class <= UNICODE_LO) || class == UNICODE_N;
}

static bool has_case(uint32_t code_point)
{
    enum unicode_class class = letter_case(code_point);
    return class == UNICODE_LU || class == UNICODE_LL || class == UNICODE_LT;
}

/* Whether case passes over it: marks, modifiers, and what stands inside of words. */
static bool no_case(uint32_t code_point)
{
    static const uint32_t inside[] = {'\'', '.', ':', '^', '`', 0xa8, 0xad, 0xaf, 0xb4, 0xb7, 0xb8, 0x2018, 0x2019, 0x2024, 0x2027};
    enum unicode_class class = unicode_class(code_point);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (inside[i] == code_point)
            return true;
    return class == UNICODE_M || class == UNICODE_LM;
}

/* Whether the letter at `at` is behind a letter of its word, and before none. */
static bool ends_word(const char *s, size_t length, size_t at)
{
    size_t before = at, behind = at + char_length(s, length, at);
    do {
        if (before == 0)
            return false;
        before = char_before(s, before);
    } while (no_case(char_at(s, length, before)));
    while (behind < length && no_case(char_at(s, length, behind)))
        behind += char_length(s, length, behind);
    return has_case(char_at(s, length, before)) && (behind == length || !has_case(char_at(s, length, behind)));
}

/* The character at `at` of the text s, which is the word's surroundings: a sigma is another one at the end of a word. */
static bool put_lower(struct chat *c, struct buffer *b, const char *s, size_t length, size_t at)
{
    uint32_t code_point = char_at(s, length, at);
    if (code_point == 0x130)
        return buffer_text(c, b, "i\xcc\x87");
    if (code_point == 0x3a3 && (!chat_work(c, length / 64) || ends_word(s, length, at)))
        return buffer_char(c, b, 0x3c2);
    return buffer_char(c, b, unicode_lower(code_point));
}

bool upper_case(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i))
        if (!put_upper(c, &b, char_at(s->data, s->length, i)))
            return false;
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

bool lower_case(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i))
        if (!put_lower(c, &b, s->data, s->length, i))
            return false;
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

/* What stays alike between spellings: lower case, and a little more. */
bool casefold(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i)) {
        uint32_t code_point = char_at(s->data, s->length, i);
        const char *text = special(code_point, special_fold, sizeof special_fold / sizeof *special_fold);
        if (text ? !buffer_text(c, &b, text) : !buffer_char(c, &b, unicode_lower(code_point)))
            return false;
    }
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

bool capitalize(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i))
        if (i ? !put_lower(c, &b, s->data, s->length, i) : !put_title(c, &b, char_at(s->data, s->length, i)))
            return false;
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

/* Each run of letters begins with a large one. */
bool title_runs(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    bool inside = false;
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i)) {
        uint32_t code_point = char_at(s->data, s->length, i);
        if (inside ? !put_lower(c, &b, s->data, s->length, i) : !put_title(c, &b, code_point))
            return false;
        inside = has_case(code_point);
    }
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

static bool parts_words(uint32_t code_point)
{
    return char_is_space(code_point) || (code_point && code_point < 0x80 && strchr("-({[<", (int)code_point));
}

/* The same between white space, hyphens and opening brackets, where Jinja2's filter parts words. */
bool title_words(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    for (size_t i = 0, end; i < s->length; i = end) {
        bool parts = parts_words(char_at(s->data, s->length, i));
        for (end = i; end < s->length && parts_words(char_at(s->data, s->length, end)) == parts;)
            end += char_length(s->data, s->length, end);
        const size_t rest = i + char_length(s->data, s->length, i);
        if (!put_upper(c, &b, char_at(s->data, s->length, i)))
            return false;
        for (size_t j = rest; j < end; j += char_length(s->data, end, j))
            if (!put_lower(c, &b, s->data + rest, end - rest, j - rest))
                return false;
    }
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

bool fold_case(struct chat *c, struct value v, bool case_sensitive, struct value *out)
{
    *out = v;
    return v.kind != STRING || case_sensitive || lower_case(c, v, out);
}

static bool in_set(struct chat *c, const struct string *s, size_t at, size_t end, const struct value *chars)
{
    if (!chars)
        return char_is_space(char_at(s->data, end, at));
    const struct string *set = chars->as.string;
    return chat_work(c, set->length / 64) && memmem(set->data, set->length, s->data + at, char_length(s->data, end, at));
}

bool strip(struct chat *c, struct value v, const struct value *chars, bool left, bool right, struct value *out)
{
    const struct string *s = v.as.string;
    size_t from = 0, to = s->length;
    if (chars && chars->kind == NONE)
        chars = NULL;
    if (chars && chars->kind != STRING)
        return chat_fail(c, "strip arg must be None or str");
    while (left && from < to && in_set(c, s, from, to, chars))
        from += char_length(s->data, to, from);
    while (right && to > from && in_set(c, s, char_before(s->data, to), to, chars))
        to = char_before(s->data, to);
    return chat_work(c, (s->length - (to - from)) / 8) && string_ref(c, s->data + from, to - from, out);
}

bool replace_text(struct chat *c, struct value v, struct value old, struct value new, int64_t count, struct value *out)
{
    const struct string *s = v.as.string, *o = old.as.string;
    struct buffer b = {0};
    size_t done = 0, at = 0;
    if (o->length == 0) { /* before each character and at the end */
        for (; count != 0; count--) {
            size_t n = at < s->length ? char_length(s->data, s->length, at) : 0;
            if (!chat_work(c, 1) || !buffer_string(c, &b, new) || !buffer_add(c, &b, s->data + at, n))
                return false;
            if (n == 0)
                return buffer_value(c, &b, out);
            at += n;
        }
        return buffer_add(c, &b, s->data + at, s->length - at) && buffer_value(c, &b, out);
    }
    for (const char *found; count != 0 && (found = text_find(c, s->data + done, s->length - done, o)); count--) {
        at = (size_t)(found - s->data);
        if (!chat_work(c, 1) || !buffer_add(c, &b, s->data + done, at - done) || !buffer_string(c, &b, new))
            return false;
        done = at + o->length;
    }
    return buffer_add(c, &b, s->data + done, s->length - done) && buffer_value(c, &b, out);
}

/* Bytes of the line end at `at`, of those that Python's splitlines knows; 0 if there is none. */
static size_t line_end(const struct string *s, size_t at)
{
    unsigned char ch = (unsigned char)s->data[at];
    if (ch == '\r')
        return at + 1 < s->length && s->data[at + 1] == '\n' ? 2 : 1;
    if (ch < 0x80)
        return (ch >= 10 && ch <= 12) || (ch >= 0x1c && ch <= 0x1e);
    uint32_t code_point = char_at(s->data, s->length, at);
    return code_point == 0x85 ? 2 : code_point == 0x2028 || code_point == 0x2029 ? 3 : 0;
}

bool split_lines(struct chat *c, struct value v, bool keep_ends, struct value *out)
{
    const struct string *s = v.as.string;
    struct value line;
    size_t start = 0;
    if (!list_new(c, LIST, 0, out) || !chat_work(c, s->length / 16))
        return false;
    for (size_t i = 0, end; i < s->length; i += end ? end : 1) {
        end = line_end(s, i);
        if (!end)
            continue;
        if (!string_ref(c, s->data + start, i - start + (keep_ends ? end : 0), &line) || !list_add(c, *out, line))
            return false;
        start = i + end;
    }
    return start == s->length || (string_ref(c, s->data + start, s->length - start, &line) && list_add(c, *out, line));
}

bool escape_html(struct chat *c, struct value v, struct value *out)
{
    static const char marks[] = "&<>\"'";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    struct value text;
    struct buffer b = {0};
    if (v.kind == STRING && v.markup)
        return *out = v, true;
    if (!to_string(c, v, &text) || !chat_work(c, text.as.string->length / 16))
        return false;
    for (size_t i = 0; i < text.as.string->length; i++) {
        const char *ch = &text.as.string->data[i], *mark = *ch ? strchr(marks, *ch) : NULL;
        if (mark ? !buffer_text(c, &b, names[mark - marks]) : !buffer_add(c, &b, ch, 1))
            return false;
    }
    if (!buffer_value(c, &b, out))
        return false;
    out->markup = true;
    return true;
}
