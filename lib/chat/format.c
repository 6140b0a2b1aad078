/* "%s" % values and "{}".format(values), as Python's. */
#include "eval.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct spec {
    uint32_t fill;
    char align;                     /* < > = ^, or 0 for the kind's own */
    char sign;                      /* + or space, or 0 */
    bool alternate;
    char comma;                     /* between groups of three digits: , or _ or 0 */
    bool plain_sign;                /* a sign was asked for, if only - */
    bool zeros;                     /* numbers are filled behind their sign */
    int64_t width, precision;       /* precision -1: none */
    char type;                      /* 0: none */
};

enum { WIDTH_MAX = 1 << 20 };

/* Puts text of a number or string into its field; `sign` bytes of it stay in front of zeros. */
static bool put(struct chat *c, struct buffer *b, const struct spec *s, const char *text, size_t length, size_t sign, char align)
{
    struct value v;
    if (!string_ref(c, text, length, &v))
        return false;
    int64_t chars = (int64_t)string_chars(c, v), space = s->width > chars ? s->width - chars : 0;
    align = s->align ? s->align : align;
    int64_t left = align == '<' ? 0 : align == '^' ? space / 2 : space;
    if (align == '=' && !buffer_add(c, b, text, sign))
        return false;
    for (int64_t i = 0; i < left; i++)
        if (!buffer_char(c, b, s->fill))
            return false;
    if (!buffer_add(c, b, text + (align == '=' ? sign : 0), length - (align == '=' ? sign : 0)))
        return false;
    for (int64_t i = left; i < space; i++)
        if (!buffer_char(c, b, s->fill))
            return false;
    return true;
}

static bool put_string(struct chat *c, struct buffer *b, const struct spec *s, struct value v)
{
    size_t length = v.as.string->length;
    if (s->precision >= 0 && (uint64_t)s->precision < string_chars(c, v))
        length = char_offset(c, v, (size_t)s->precision);
    return put(c, b, s, v.as.string->data, length, 0, '<');
}

/* The parts of a number into its field, with commas between groups of the digits before the point, and of the zeros that fill. */
static bool put_number(struct chat *c, struct buffer *b, const struct spec *s, bool negative, const char *prefix, const char *digits)
{
    struct buffer text = {0};
    const char *const every = s->type && strchr("xX", s->type) ? "0123456789abcdefABCDEF" : "0123456789";
    const size_t whole = strspn(digits, every), group = s->type && strchr("boxX", s->type) ? 4 : 3;
    const bool zeros = s->zeros || (s->align == '=' && s->fill == '0');
    if (!buffer_text(c, &text, negative ? "-" : s->sign == '+' ? "+" : s->sign ? " " : "") || !buffer_text(c, &text, prefix))
        return false;
    const size_t sign = text.length, others = sign + strlen(digits + whole);
    size_t count = whole;
    while (s->comma && zeros && whole && others + count + (count - 1) / group < (uint64_t)s->width)
        count++;
    for (size_t left = count; left > 0; left--)
        if ((s->comma && left < count && left % group == 0 && !buffer_add(c, &text, &s->comma, 1)) ||
            !buffer_add(c, &text, left > whole ? "0" : &digits[whole - left], 1))
            return false;
    return buffer_text(c, &text, digits + whole) && put(c, b, s, text.data, text.length, sign, s->zeros ? '=' : '>');
}

/* What differs from %g in a format without type: there is a digit behind the point, and an exponent where that makes one too many. */
static void general_real(double size, int precision, bool alternate, char digits[REAL_TEXT + 2])
{
    const bool small = digits[0] == '0' && size != 0;
    if (strpbrk(digits, "ein"))
        return;
    if (small || (int)strspn(digits, "0123456789") < (precision ? precision : 1)) {
        strcat(digits, strchr(digits, '.') ? "" : ".0");
        return;
    }
    real_format(size, 'e', precision ? precision - 1 : 0, alternate, digits);
    char *exponent = strchr(digits, 'e'), *end = exponent;
    while (!alternate && strchr(digits, '.') && (end[-1] == '0' || end[-1] == '.'))
        if (*--end == '.')
            break;
    memmove(end, exponent, strlen(exponent) + 1);
}

static bool put_real(struct chat *c, struct buffer *b, const struct spec *s, double d)
{
    char digits[REAL_TEXT + 2], kind = s->type ? s->type : 'g';
    bool percent = kind == '%';
    double size = percent ? fabs(d) * 100 : fabs(d);
    if (!s->type && s->precision < 0) {
        real_repr(size, digits);
    } else {
        int precision = s->precision < 0 ? 6 : (int)s->precision;
        if (precision > 100)
            return chat_fail(c, "a precision of more than 100 digits");
        real_format(size, percent || kind == 'F' ? 'f' : kind == 'n' ? 'g' : kind, precision, s->alternate, digits);
        if (percent)
            strcat(digits, "%");
        if (!s->type)
            general_real(size, precision, s->alternate, digits);
    }
    return put_number(c, b, s, signbit(d) && !isnan(d), "", digits);
}

static bool put_int(struct chat *c, struct buffer *b, const struct spec *s, int64_t i)
{
    char digits[80], *to = digits + sizeof digits;
    uint64_t size = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    unsigned base = s->type == 'x' || s->type == 'X' ? 16 : s->type == 'o' ? 8 : s->type == 'b' ? 2 : 10;
    const char *letters = s->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    if (s->type == 'c') {
        struct buffer one = {0};
        if (i < 0 || i > 0x10ffff)
            return chat_fail(c, "%%c arg not in range(0x110000)");
        return buffer_char(c, &one, i < 0 || i > 0x10ffff ? 0xfffd : (uint32_t)i) && put(c, b, s, one.data, one.length, 0, '>');
    }
    *--to = 0;
    do
        *--to = letters[size % base];
    while (size /= base);
    while (s->precision > 0 && to > digits && digits + sizeof digits - 1 - to < s->precision)
        *--to = '0';
    return put_number(c, b, s, i < 0, !s->alternate || base == 10 ? "" : base == 8 ? "0o" : base == 2 ? "0b" : s->type == 'X' ? "0X" : "0x", to);
}

/* str(v), repr(v) or ascii(v). */
static bool convert(struct chat *c, struct buffer *b, char type, struct value v)
{
    struct buffer repr = {0};
    char escape[16];
    if (type == 's')
        return print_str(c, b, v);
    if (type == 'r')
        return print_repr(c, b, v);
    if (!print_repr(c, &repr, v))
        return false;
    for (size_t i = 0, n; i < repr.length; i += n) {
        const uint32_t code_point = char_at(repr.data, repr.length, i);
        n = char_length(repr.data, repr.length, i);
        if (code_point >= 0x80)
            snprintf(escape, sizeof escape, code_point < 0x100 ? "\\x%02" PRIx32 : code_point < 0x10000 ? "\\u%04" PRIx32 : "\\U%08" PRIx32, code_point);
        if (code_point >= 0x80 ? !buffer_text(c, b, escape) : !buffer_add(c, b, repr.data + i, n))
            return false;
    }
    return true;
}

/* ---- %: %[(name)][flags][width][.precision]type */

struct percent {
    struct chat *c;
    struct value values;
    size_t next;
};

static bool next_value(struct percent *p, struct value *out)
{
    if (p->values.kind != TUPLE) {
        *out = p->values;
        return p->next++ == 0 || chat_fail(p->c, "not enough arguments for format string");
    }
    if (p->next >= p->values.as.list->count)
        return chat_fail(p->c, "not enough arguments for format string");
    *out = p->values.as.list->items[p->next++];
    return true;
}

static bool read_size(struct percent *p, const char **at, const char *end, int64_t *out)
{
    struct value v;
    if (*at < end && **at == '*') {
        ++*at;
        if (!next_value(p, &v))
            return false;
        if (!is_int(v))
            return chat_fail(p->c, "* wants int");
        *out = int_of(v);
    } else {
        for (*out = 0; *at < end && **at >= '0' && **at <= '9' && *out <= WIDTH_MAX; ++*at)
            *out = 10 * *out + (**at - '0');
    }
    return *out <= WIDTH_MAX || chat_fail_as(p->c, SLM_LIMIT, "a field of more than %d characters", WIDTH_MAX);
}

static bool convert_percent(struct percent *p, struct buffer *b, struct spec *s, struct value v)
{
    struct buffer text = {0};
    if (strchr("sra", s->type)) {
        return convert(p->c, &text, s->type, v) && buffer_value(p->c, &text, &v) &&
               (s->align = s->align ? s->align : '>', put_string(p->c, b, s, v));
    }
    if (s->type == 'c' && v.kind == STRING && string_chars(p->c, v) == 1)
        return s->align = s->align ? s->align : '>', s->precision = -1, put_string(p->c, b, s, v);
    if (v.kind == UNDEFINED)
        return undefined_fail(p->c, v);
    if (!is_number(v) || (v.kind == FLOAT && strchr("xXoc", s->type)))
        return chat_fail(p->c, "%%%c format: a number is required, not %s", s->type, type_name(v));
    if (strchr("eEfFgG", s->type))
        return put_real(p->c, b, s, real_of(v));
    if (v.kind == FLOAT && !(fabs(v.as.real) < 9.2e18))
        return chat_fail(p->c, "cannot convert a float to an integer of 64 bits");
    if (s->type == 'i' || s->type == 'u')
        s->type = 'd';
    return put_int(p->c, b, s, v.kind == FLOAT ? (int64_t)v.as.real : int_of(v));
}

static bool one_percent(struct percent *p, struct buffer *b, const char **at, const char *end)
{
    struct spec s = {.fill = ' ', .precision = -1};
    struct value v = {.kind = NONE};
    bool named = false;
    if (*at < end && **at == '(') {
        const char *close = memchr(*at, ')', (size_t)(end - *at));
        struct value name;
        if (!close)
            return chat_fail(p->c, "incomplete format key");
        if (p->values.kind != DICT)
            return chat_fail(p->c, "format requires a mapping");
        if (!string_ref(p->c, *at + 1, (size_t)(close - *at - 1), &name))
            return false;
        const struct value *found = dict_get(p->c, p->values.as.dict, name);
        if (!found)
            return chat_fail(p->c, "the format's key '%.*s' is not there", SHORT(name));
        v = *found;
        named = true;
        *at = close + 1;
    }
    bool zero = false;
    for (; *at < end && **at && strchr("-+ #0", **at); ++*at) {
        zero |= **at == '0';
        s.alternate |= **at == '#';
        if (**at == '-')
            s.align = '<';
        else if (**at == '+' || (**at == ' ' && !s.sign))
            s.sign = **at;
    }
    if (!read_size(p, at, end, &s.width))
        return false;
    if (*at < end && **at == '.' && (++*at, !read_size(p, at, end, &s.precision)))
        return false;
    if (*at < end && (**at == 'h' || **at == 'l' || **at == 'L'))
        ++*at;
    if (*at == end)
        return chat_fail(p->c, "incomplete format");
    s.type = *(*at)++;
    if (s.type == '%')
        return buffer_text(p->c, b, "%");
    if (!s.type || !strchr("diouxXeEfFgGcrsa", s.type))
        return chat_fail(p->c, "unsupported format character '%c'", s.type);
    if (zero && !s.align && !strchr("srac", s.type)) {
        s.fill = '0';
        s.zeros = true;
    }
    return (named || next_value(p, &v)) && convert_percent(p, b, &s, v);
}

bool format_percent(struct chat *c, struct value format, struct value values, struct value *out)
{
    struct percent p = {c, values, 0};
    struct buffer b = {0};
    const char *at = format.as.string->data, *end = at + format.as.string->length;
    while (at < end) {
        const char *mark = memchr(at, '%', (size_t)(end - at));
        if (!chat_work(c, 1) || !buffer_add(c, &b, at, (size_t)((mark ? mark : end) - at)))
            return false;
        at = mark ? mark + 1 : end;
        if (mark && (!one_percent(&p, &b, &at, end) || !chat_work(c, (uint64_t)(at - mark) / 16)))
            return false;
    }
    bool left = values.kind == TUPLE ? p.next < values.as.list->count : p.next == 0 && values.kind != DICT && values.kind != LIST && values.kind != UNDEFINED;
    return left ? chat_fail(c, "not all arguments converted during string formatting") : buffer_value(c, &b, out);
}

/* ---- braces: {field!conversion:spec} */

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static bool read_spec(struct chat *c, const char *at, const char *end, struct spec *s)
{
    *s = (struct spec){.fill = ' ', .precision = -1};
    size_t first = at < end ? char_length(at, (size_t)(end - at), 0) : 0;
    bool filled = false;
    if (at + first < end && strchr("<>=^", at[first]) && at[first]) {
        s->fill = char_at(at, (size_t)(end - at), 0);
        s->align = at[first];
        filled = true;
        at += first + 1;
    } else if (at < end && strchr("<>=^", *at) && *at) {
        s->align = *at++;
    }
    if (at < end && (*at == '+' || *at == '-' || *at == ' ')) {
        s->sign = *at == '-' ? 0 : *at;
        s->plain_sign = true;
        at++;
    }
    s->alternate = at < end && *at == '#' && at++;
    if (at < end && *at == '0') {
        at++;
        s->fill = filled ? s->fill : '0';
        s->zeros = !s->align;
    }
    for (; at < end && *at >= '0' && *at <= '9' && s->width <= WIDTH_MAX; at++)
        s->width = 10 * s->width + (*at - '0');
    s->comma = at < end && (*at == ',' || *at == '_') ? *at++ : 0;
    if (at < end && *at == '.') {
        at++;
        for (s->precision = 0; at < end && *at >= '0' && *at <= '9' && s->precision <= WIDTH_MAX; at++)
            s->precision = 10 * s->precision + (*at - '0');
    }
    if (s->width > WIDTH_MAX || s->precision > WIDTH_MAX)
        return chat_fail_as(c, SLM_LIMIT, "a field of more than %d characters", WIDTH_MAX);
    s->type = at < end ? *at++ : 0;
    return at == end || chat_fail(c, "invalid format specifier");
}

static bool put_value(struct chat *c, struct buffer *b, struct spec *s, struct value v, bool has_spec)
{
    struct value text;
    if (v.kind == STRING || !has_spec || (!is_number(v) && v.kind != UNDEFINED)) {
        if (has_spec && v.kind != STRING)
            return chat_fail(c, "unsupported format string passed to %s.__format__", type_name(v));
        if (s->type && s->type != 's')
            return chat_fail(c, "unknown format code '%c' for object of type 'str'", s->type);
        if (has_spec && (s->plain_sign || s->comma || s->alternate || s->align == '='))
            return chat_fail(c, "a format of numbers for a string");
        return to_string(c, v, &text) && put_string(c, b, s, text);
    }
    if (v.kind == UNDEFINED)
        return undefined_fail(c, v);
    if (s->precision >= 0 && v.kind != FLOAT && !(s->type && strchr("eEfFgG%", s->type)))
        return chat_fail(c, "Precision not allowed in integer format specifier");
    if (s->comma && s->type && strchr(s->comma == ',' ? "bcoxXn" : "cn", s->type))
        return chat_fail(c, "Cannot specify '%c' with '%c'.", s->comma, s->type);
    bool real = v.kind == FLOAT || (s->type && strchr("eEfFgG%", s->type));
    if (s->type && !strchr(v.kind == FLOAT ? "eEfFgGn%" : "bcdoxXneEfFgG%", s->type))
        return chat_fail(c, "unknown format code '%c' for object of type '%s'", s->type, type_name(v));
    if (s->type == 'c' && (s->plain_sign || s->alternate))
        return chat_fail(c, "Sign and # not allowed with integer format specifier 'c'");
    return real ? put_real(c, b, s, real_of(v)) : put_int(c, b, s, int_of(v));
}

/* The value of "0", "name", "", with .attributes and [items] behind. */
static bool field_value(struct call *call, const char *at, const char *end, size_t *next, struct value *out)
{
    struct chat *c = call->c;
    const char *stop = at;
    struct value key;
    int64_t index;
    bool overflow;
    while (stop < end && *stop != '.' && *stop != '[')
        stop++;
    if (at == stop || int_parse(at, (size_t)(stop - at), false, 10, &index, &overflow)) {
        if (at == stop ? *next == SIZE_MAX : *next > 0 && *next != SIZE_MAX)
            return chat_fail(c, "{} and {0} can't be mixed in a format");
        index = at == stop ? (int64_t)(*next)++ : (*next = SIZE_MAX, index);
        if (index >= (int64_t)call->rest.count)
            return chat_fail(c, "Replacement index %" PRId64 " out of range for positional args tuple", index);
        *out = call->rest.items[index];
    } else {
        const struct dict_entry *found = find_keyword(c, &call->rest, at, (size_t)(stop - at));
        if (!found)
            return chat_fail(c, "the format's field '%.*s' is not there", (int)(stop - at < 80 ? stop - at : 80), at);
        *out = found->value;
    }
    for (at = stop; at < end; at = stop) {
        bool bracket = *at++ == '[';
        for (stop = at; stop < end && (bracket ? *stop != ']' : *stop != '.' && *stop != '['); stop++)
            continue;
        if (bracket && int_parse(at, (size_t)(stop - at), false, 10, &index, &overflow))
            key = int_value(index);
        else if (!string_ref(c, at, (size_t)(stop - at), &key))
            return false;
        if (!(bracket ? get_item(c, *out, key, out) : get_attribute(c, *out, key, out)))
            return false;
        stop += bracket && stop < end;
    }
    return true;
}

static bool one_field(struct call *call, struct buffer *b, const char *at, const char *end, size_t *next)
{
    const char *stop = at, *spec_at;
    struct value v, text;
    struct buffer repr = {0};
    struct spec s;
    bool closed = true;
    while (stop < end && *stop != '!' && *stop != ':') {
        const char *close = *stop == '[' && closed ? memchr(stop, ']', (size_t)(end - stop)) : NULL;
        closed = closed && (*stop != '[' || close);
        stop = close ? close : stop + 1;
    }
    if (!field_value(call, at, stop, next, &v))
        return false;
    spec_at = stop;
    if (stop < end && *stop == '!') {
        if (end - stop < 2 || !strchr("rsa", stop[1]))
            return chat_fail(call->c, "unknown conversion specifier in a format string");
        if (!convert(call->c, &repr, stop[1], v) || !buffer_value(call->c, &repr, &text))
            return false;
        v = text;
        spec_at = stop + 2;
    }
    if (spec_at < end && *spec_at++ != ':')
        return chat_fail(call->c, "expected ':' after conversion specifier");
    return read_spec(call->c, spec_at, end, &s) && put_value(call->c, b, &s, v, spec_at < end);
}

bool format_braces(struct call *call, struct value format, struct value *out)
{
    struct buffer b = {0};
    size_t next = 0;
    const char *at = format.as.string->data, *end = at + format.as.string->length;
    while (at < end) {
        bool open = *at == '{', twice = end - at >= 2 && at[1] == at[0];
        const char *close = open && !twice ? memchr(at, '}', (size_t)(end - at)) : NULL;
        if (!chat_work(call->c, 1 + (close ? (uint64_t)(close - at) / 16 : 0)))
            return false;
        if (open && !twice) {
            if (!close)
                return chat_fail(call->c, "expected '}' before end of string");
            if (!one_field(call, &b, at + 1, close, &next))
                return false;
            at = close + 1;
        } else if (*at == '}' && !twice) {
            return chat_fail(call->c, "Single '}' encountered in format string");
        } else {
            if (!buffer_add(call->c, &b, at, 1))
                return false;
            at += open || *at == '}' ? 2 : 1;
        }
    }
    return buffer_value(call->c, &b, out);
}
