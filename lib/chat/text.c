/* What string filters and string methods share: case, stripping, replacing, lines. */
#include "eval.h"

#include "../tokenizer/unicode.h"

bool upper_case(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i)) {
        uint32_t code_point = char_at(s->data, s->length, i);
        if (code_point == 0xdf ? !buffer_text(c, &b, "SS") : !buffer_char(c, &b, unicode_upper(code_point)))
            return false;
    }
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

bool lower_case(struct chat *c, struct value v, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i))
        if (!buffer_char(c, &b, unicode_lower(char_at(s->data, s->length, i))))
            return false;
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

bool title_case(struct chat *c, struct value v, bool words, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    bool start = true;
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i)) {
        uint32_t code_point = char_at(s->data, s->length, i);
        if (!buffer_char(c, &b, start ? unicode_upper(code_point) : unicode_lower(code_point)))
            return false;
        start = words && (char_is_space(code_point) || (code_point < 0x80 && code_point && strchr("-({[<", (int)code_point)));
    }
    return chat_work(c, s->length / 16) && buffer_value(c, &b, out);
}

bool fold_case(struct chat *c, struct value v, bool case_sensitive, struct value *out)
{
    *out = v;
    return v.kind != STRING || case_sensitive || lower_case(c, v, out);
}

static bool in_set(const struct string *s, size_t at, size_t end, const struct value *chars)
{
    if (!chars)
        return char_is_space(char_at(s->data, end, at));
    return memmem(chars->as.string->data, chars->as.string->length, s->data + at, char_length(s->data, end, at)) != NULL;
}

bool strip(struct chat *c, struct value v, const struct value *chars, bool left, bool right, struct value *out)
{
    const struct string *s = v.as.string;
    size_t from = 0, to = s->length;
    if (chars && chars->kind == NONE)
        chars = NULL;
    if (chars && chars->kind != STRING)
        return chat_fail(c, "strip arg must be None or str");
    while (left && from < to && in_set(s, from, to, chars))
        from += char_length(s->data, to, from);
    while (right && to > from && in_set(s, char_before(s->data, to), to, chars))
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
    for (const char *found; count != 0 && (found = memmem(s->data + done, s->length - done, o->data, o->length)); count--) {
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
