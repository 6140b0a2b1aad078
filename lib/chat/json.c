/* JSON, as Python's json module writes and reads it. */
#include "print.h"

#include "../tokenizer/unicode.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- writing */

static bool write_at(struct chat *c, struct buffer *b, struct value v, const struct json_options *o, int depth);

static bool write_escape(struct chat *c, struct buffer *b, uint32_t code_point)
{
    static const char *const letters = "btn?fr"; /* of the controls 8 to 13 */
    char text[16];
    if (code_point == '"' || code_point == '\\')
        snprintf(text, sizeof text, "\\%c", (char)code_point);
    else if (code_point >= 8 && code_point <= 13 && code_point != 11)
        snprintf(text, sizeof text, "\\%c", letters[code_point - 8]);
    else if (code_point < 0x10000)
        snprintf(text, sizeof text, "\\u%04x", code_point);
    else
        snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xd800 + ((code_point - 0x10000) >> 10), 0xdc00 + ((code_point - 0x10000) & 0x3ff));
    return buffer_text(c, b, text);
}

static bool write_string(struct chat *c, struct buffer *b, struct value v, bool ascii)
{
    const char *s = v.as.string->data;
    size_t length = v.as.string->length, done = 0;
    if (!buffer_add(c, b, "\"", 1) || !chat_work(c, length / 16))
        return false;
    for (size_t i = 0, n; i < length; i += n) {
        uint32_t code_point = char_at(s, length, i);
        n = char_length(s, length, i);
        if (code_point >= 0x20 && code_point != '"' && code_point != '\\' && (!ascii || code_point < 0x7f))
            continue;
        if (!buffer_add(c, b, s + done, i - done) || !write_escape(c, b, code_point))
            return false;
        done = i + n;
    }
    return buffer_add(c, b, s + done, length - done) && buffer_add(c, b, "\"", 1);
}

static bool write_real(struct chat *c, struct buffer *b, double d)
{
    char text[REAL_TEXT];
    if (!chat_work(c, REAL_WORK))
        return false;
    real_repr(d, text);
    return buffer_text(c, b, isnan(d) ? "NaN" : isinf(d) ? (d < 0 ? "-Infinity" : "Infinity") : text);
}

static bool new_line(struct chat *c, struct buffer *b, const struct json_options *o, int depth)
{
    if (!o->indent)
        return true;
    if (!buffer_add(c, b, "\n", 1))
        return false;
    while (depth-- > 0)
        if (!buffer_add(c, b, o->indent, o->indent_length))
            return false;
    return true;
}

static bool write_list(struct chat *c, struct buffer *b, const struct list *list, const struct json_options *o, int depth)
{
    if (list->count == 0)
        return buffer_text(c, b, "[]");
    if (!buffer_text(c, b, "["))
        return false;
    for (size_t i = 0; i < list->count; i++)
        if ((i && !buffer_string(c, b, o->item_separator)) || !new_line(c, b, o, depth + 1) ||
            !write_at(c, b, list->items[i], o, depth + 1))
            return false;
    return new_line(c, b, o, depth) && buffer_text(c, b, "]");
}

/* Numbers and constants become strings. */
static bool write_key(struct chat *c, struct buffer *b, struct value key, const struct json_options *o)
{
    struct buffer text = {0};
    struct value string = key;
    if (key.kind != STRING && key.kind != NONE && !is_number(key))
        return chat_fail(c, "keys must be str, int, float, bool or None, not %s", type_name(key));
    if (key.kind != STRING && (!write_at(c, &text, key, o, 0) || !buffer_value(c, &text, &string)))
        return false;
    return write_string(c, b, string, o->ascii);
}

/* The entries in the order of their keys: a merge sort of a copy. */
static bool sort_entries(struct chat *c, struct dict_entry *e, struct dict_entry *spare, size_t count)
{
    if (count < 2)
        return true;
    size_t half = count / 2, i = 0, j = half, k = 0;
    if (!sort_entries(c, e, spare, half) || !sort_entries(c, e + half, spare, count - half))
        return false;
    memcpy(spare, e, count * sizeof *e);
    while (k < count) {
        bool second = i == half;
        if (i < half && j < count && !value_less(c, spare[j].key, spare[i].key, "<", &second))
            return false;
        e[k++] = second ? spare[j++] : spare[i++];
    }
    return true;
}

static bool write_dict(struct chat *c, struct buffer *b, const struct dict *d, const struct json_options *o, int depth)
{
    if (d->count == 0)
        return buffer_text(c, b, "{}");
    struct dict_entry *entries = d->entries;
    if (o->sort_keys) {
        entries = chat_alloc(c, 2 * d->count * sizeof *entries);
        if (!entries)
            return false;
        memcpy(entries, d->entries, d->count * sizeof *entries);
        if (!sort_entries(c, entries, entries + d->count, d->count))
            return false;
    }
    if (!buffer_text(c, b, "{"))
        return false;
    for (size_t i = 0; i < d->count; i++)
        if ((i && !buffer_string(c, b, o->item_separator)) || !new_line(c, b, o, depth + 1) ||
            !write_key(c, b, entries[i].key, o) || !buffer_string(c, b, o->key_separator) ||
            !write_at(c, b, entries[i].value, o, depth + 1))
            return false;
    return new_line(c, b, o, depth) && buffer_text(c, b, "}");
}

static bool write_at(struct chat *c, struct buffer *b, struct value v, const struct json_options *o, int depth)
{
    char text[32];
    if (depth > CHAT_NESTING_MAX)
        return chat_fail_as(c, SLM_LIMIT, "values are nested more than %d deep", CHAT_NESTING_MAX);
    if (!chat_work(c, 1))
        return false;
    switch (v.kind) {
    case NONE:
        return buffer_text(c, b, "null");
    case BOOL:
        return buffer_text(c, b, v.as.boolean ? "true" : "false");
    case INT:
        snprintf(text, sizeof text, "%" PRId64, v.as.integer);
        return buffer_text(c, b, text);
    case FLOAT:
        return write_real(c, b, v.as.real);
    case LARGE:
        return buffer_string(c, b, v);
    case STRING:
        return write_string(c, b, v, o->ascii);
    case LIST:
    case TUPLE:
        return write_list(c, b, v.as.list, o, depth);
    case DICT:
        return write_dict(c, b, v.as.dict, o, depth);
    default:
        return chat_fail(c, "Object of type %s is not JSON serializable", type_name(v));
    }
}

bool json_write(struct chat *c, struct buffer *b, struct value v, const struct json_options *o)
{
    return write_at(c, b, v, o, 0);
}

/* ---- reading */

struct reader {
    struct chat *c;
    const char *text;
    size_t length, at;
    int said_from;              /* see json_read */
};

static bool read_value(struct reader *r, int depth, struct value *out);

static bool bad(struct reader *r, const char *what)
{
    return chat_fail(r->c, "JSON, byte %zu: %s", r->at, what);
}

static char peek(struct reader *r)
{
    while (r->at < r->length && r->text[r->at] && strchr(" \t\r\n", r->text[r->at]))
        r->at++;
    return r->at < r->length ? r->text[r->at] : 0;
}

static bool read_hex(struct reader *r, uint32_t *out)
{
    int64_t code;
    bool overflow;
    if (r->length - r->at < 4 || !int_parse(r->text + r->at, 4, false, 16, &code, &overflow))
        return bad(r, "four hexadecimal digits must follow \\u");
    r->at += 4;
    *out = (uint32_t)code;
    return true;
}

static bool read_escape(struct reader *r, struct buffer *b)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    uint32_t code, low;
    char ch = r->at < r->length ? r->text[r->at++] : 0;
    const char *letter = ch ? strchr(letters, ch) : NULL;
    if (letter)
        return buffer_add(r->c, b, &meanings[letter - letters], 1);
    if (ch != 'u')
        return bad(r, "an unknown escape in a string");
    if (!read_hex(r, &code))
        return false;
    size_t after = r->at;
    if (code >= 0xd800 && code < 0xdc00 && r->length - r->at >= 6 && r->text[r->at] == '\\' && r->text[r->at + 1] == 'u') {
        r->at += 2;
        if (!read_hex(r, &low))
            return false;
        if (low >= 0xdc00 && low < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
            r->at = after;
    }
    return buffer_char(r->c, b, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
}

static bool read_string(struct reader *r, int depth, struct value *out)
{
    struct buffer b = {0};
    size_t start = ++r->at;
    for (;;) {
        if (r->at >= r->length)
            return bad(r, "a string has no end");
        unsigned char ch = (unsigned char)r->text[r->at];
        if (ch < 0x20)
            return bad(r, "a control character in a string");
        if (ch == '"' || ch == '\\') {
            if (!buffer_add(r->c, &b, r->text + start, r->at - start))
                return false;
            r->at++;
            if (ch == '"')
                return buffer_value(r->c, &b, out) && (depth < r->said_from || string_guard(r->c, out));
            if (!read_escape(r, &b))
                return false;
            start = r->at;
        } else {
            r->at++;
        }
    }
}

static bool read_word(struct reader *r, const char *word)
{
    size_t length = strlen(word);
    if (r->length - r->at < length || memcmp(r->text + r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

static size_t read_digits(struct reader *r)
{
    size_t start = r->at;
    while (r->at < r->length && r->text[r->at] >= '0' && r->text[r->at] <= '9')
        r->at++;
    return r->at - start;
}

static bool read_number(struct reader *r, struct value *out)
{
    bool negative = read_word(r, "-"), real = false, overflow;
    size_t start = r->at, digits = read_digits(r);
    int64_t integer;
    double d;
    if (digits == 0 && read_word(r, "Infinity")) {
        *out = float_value(negative ? -(double)INFINITY : (double)INFINITY);
        return true;
    }
    if (digits == 0 || (digits > 1 && r->text[start] == '0'))
        return bad(r, "a value is expected here");
    if (r->at < r->length && r->text[r->at] == '.') {
        r->at++;
        real = true;
        if (read_digits(r) == 0)
            return bad(r, "digits must follow the point");
    }
    if (r->at < r->length && (r->text[r->at] == 'e' || r->text[r->at] == 'E')) {
        r->at++;
        real = true;
        if (!read_word(r, "-"))
            read_word(r, "+");
        if (read_digits(r) == 0)
            return bad(r, "digits must follow the e");
    }
    if (!real && int_parse(r->text + start, r->at - start, negative, 10, &integer, &overflow)) {
        *out = int_value(integer);
        return true;
    }
    if (!real) {
        if (!string_ref(r->c, r->text + start - negative, r->at - start + negative, out))
            return false;
        out->kind = LARGE;
        return true;
    }
    if (!real_parse(r->c, r->text + start, r->at - start, &d))
        return bad(r, "a number can't be read");
    *out = float_value(negative ? -d : d);
    return true;
}

static bool read_list(struct reader *r, int depth, struct value *out)
{
    struct value item;
    r->at++;
    if (!list_new(r->c, LIST, 0, out))
        return false;
    if (peek(r) == ']')
        return r->at++, true;
    for (;;) {
        if (!read_value(r, depth + 1, &item) || !list_add(r->c, *out, item))
            return false;
        char ch = peek(r);
        if (ch != ',' && ch != ']')
            return bad(r, "a comma or ] is expected here");
        r->at++;
        if (ch == ']')
            return true;
    }
}

static bool read_dict(struct reader *r, int depth, struct value *out)
{
    struct value key, value;
    r->at++;
    if (!dict_new(r->c, DICT, out))
        return false;
    if (peek(r) == '}')
        return r->at++, true;
    for (;;) {
        if (peek(r) != '"')
            return bad(r, "a key in quotes is expected here");
        if (!read_string(r, depth + 1, &key))
            return false;
        if (peek(r) != ':')
            return bad(r, "a colon is expected here");
        r->at++;
        if (!read_value(r, depth + 1, &value) || !dict_set(r->c, out->as.dict, key, value))
            return false;
        char ch = peek(r);
        if (ch != ',' && ch != '}')
            return bad(r, "a comma or } is expected here");
        r->at++;
        if (ch == '}')
            return true;
    }
}

static bool read_value(struct reader *r, int depth, struct value *out)
{
    if (depth > CHAT_NESTING_MAX)
        return chat_fail_as(r->c, SLM_LIMIT, "JSON, byte %zu: nested more than %d deep", r->at, CHAT_NESTING_MAX);
    switch (peek(r)) {
    case '{':
        return read_dict(r, depth, out);
    case '[':
        return read_list(r, depth, out);
    case '"':
        return read_string(r, depth, out);
    default:
        *out = none_value();
        if (read_word(r, "null"))
            return true;
        *out = bool_value(true);
        if (read_word(r, "true"))
            return true;
        *out = bool_value(false);
        if (read_word(r, "false"))
            return true;
        *out = float_value((double)NAN);
        return read_word(r, "NaN") || read_number(r, out);
    }
}

bool json_read(struct chat *c, const char *text, size_t length, int said_from, struct value *out)
{
    struct reader r = {c, text, length, 0, said_from};
    return read_value(&r, 0, out) && (peek(&r) == 0 && r.at == length ? true : bad(&r, "there is something after the value"));
}
