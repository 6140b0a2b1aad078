/* Numbers as text and back. The C library's functions follow the host's locale, so the decimal point is put right here. */
#include "eval.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The digits and the exponent of d, as d.ddd e exponent, with `precision` digits. */
static int digits_of(double d, int precision, char digits[32])
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", precision - 1, d);
    int count = 0;
    const char *at = text;
    for (; *at && *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            digits[count++] = *at;
    digits[count] = 0;
    return *at ? atoi(at + 1) : 0;
}

static bool reads_back(double d, int precision)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", precision - 1, d);
    return strtod(text, NULL) == d;
}

void real_repr(double d, char text[REAL_TEXT])
{
    if (!isfinite(d)) {
        strcpy(text, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    char digits[32], *out = text;
    int precision = fabs(d) < DBL_MIN ? 1 : DBL_DIG; /* zeros at the end are cut below */
    while (precision < 17 && !reads_back(d, precision))
        precision++;
    int exponent = digits_of(fabs(d), precision, digits), count = (int)strlen(digits);
    while (count > 1 && digits[count - 1] == '0')
        digits[--count] = 0;
    if (signbit(d))
        *out++ = '-';
    if (exponent < -4 || exponent >= 16) {
        out += sprintf(out, "%c%s%s", digits[0], count > 1 ? "." : "", digits + 1);
        sprintf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        sprintf(out, "0.%.*s%s", -exponent - 1, "0000", digits);
    } else {
        for (int i = 0; i <= exponent; i++)
            *out++ = i < count ? digits[i] : '0';
        sprintf(out, ".%s", exponent + 1 < count ? digits + exponent + 1 : "0");
    }
}

void real_format(double d, char kind, int precision, bool alternate, char text[REAL_TEXT])
{
    char format[8] = {'%'};
    char *at = format + 1;
    if (alternate)
        *at++ = '#';
    *at++ = '.';
    *at++ = '*';
    *at++ = kind;
    *at = 0;
    if (!isfinite(d)) {
        strcpy(text, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    snprintf(text, REAL_TEXT, format, precision > 100 ? 100 : precision, d);
    char *to = text; /* the locale's point may have several bytes */
    for (const char *from = text; *from; from++) {
        if (strchr("0123456789+-eE", *from))
            *to++ = *from;
        else if (to > text && to[-1] != '.')
            *to++ = '.';
    }
    *to = 0;
}

bool real_parse(struct chat *c, const char *text, size_t length, double *out)
{
    char half[16], *end;
    snprintf(half, sizeof half, "%.1f", 0.5);
    size_t point = strlen(half) - 2; /* bytes of the locale's point, between 0 and 5 */
    char *copy = chat_alloc(c, length + point + 1), *to = copy;
    if (!copy)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.') {
            memcpy(to, half + 1, point);
            to += point;
        } else if (strchr("0123456789+-eE", text[i]) && text[i]) {
            *to++ = text[i];
        } else {
            return false;
        }
    }
    *to = 0;
    *out = strtod(copy, &end);
    return length > 0 && end == to;
}

bool int_parse(const char *text, size_t length, bool negative, int base, int64_t *out, bool *overflow)
{
    int64_t value = 0;
    *overflow = false;
    for (size_t i = 0; i < length; i++) {
        char ch = text[i];
        int digit = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'z' ? ch - 'a' + 10 : ch >= 'A' && ch <= 'Z' ? ch - 'A' + 10 : 99;
        if (digit >= base)
            return false;
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, (int64_t)(negative ? -digit : digit), &value)) {
            *overflow = true;
            return false;
        }
    }
    *out = value;
    return length > 0;
}

/* Without spaces around, its sign, and single underscores between digits; the digits of all scripts as ASCII. */
static bool bare_number(struct chat *c, struct value text, bool *negative, const char **start, size_t *length)
{
    const char *s = text.as.string->data;
    size_t from = 0, to = text.as.string->length;
    if (!chat_work(c, to / 16))
        return false;
    while (from < to && char_is_space(char_at(s, to, from)))
        from += char_length(s, to, from);
    while (to > from && char_is_space(char_at(s, to, char_before(s, to))))
        to = char_before(s, to);
    *negative = from < to && s[from] == '-';
    if (from < to && (s[from] == '-' || s[from] == '+'))
        from++;
    char *copy = chat_alloc(c, to - from + 1);
    if (!copy)
        return false;
    *length = 0;
    for (size_t i = from; i < to; i += char_length(s, to, i)) {
        const int digit = digit_value(char_at(s, to, i));
        if (digit >= 0)
            copy[(*length)++] = (char)('0' + digit);
        else if (s[i] != '_')
            copy[(*length)++] = s[i];
        else if (i == from || i + 1 == to || s[i - 1] == '_' || s[i - 1] == '.' || s[i + 1] == '.')
            return false;
    }
    *start = copy;
    return *length > 0;
}

static bool same_word(const char *text, size_t length, const char *word)
{
    if (length != strlen(word))
        return false;
    for (size_t i = 0; i < length; i++)
        if ((text[i] | 0x20) != word[i])
            return false;
    return true;
}

bool text_to_real(struct chat *c, struct value text, double *out)
{
    bool negative;
    const char *s;
    size_t length;
    if (!bare_number(c, text, &negative, &s, &length))
        return false;
    if (same_word(s, length, "inf") || same_word(s, length, "infinity"))
        *out = (double)INFINITY;
    else if (same_word(s, length, "nan"))
        *out = (double)NAN;
    else if (s[0] == '+' || s[0] == '-' || !real_parse(c, s, length, out))
        return false;
    if (negative)
        *out = -*out;
    return true;
}

bool text_to_int(struct chat *c, struct value text, int base, int64_t *out)
{
    bool negative, overflow;
    const char *s;
    size_t length;
    if (!bare_number(c, text, &negative, &s, &length))
        return false;
    int prefix = length > 2 && s[0] == '0' ? ((s[1] | 0x20) == 'x' ? 16 : (s[1] | 0x20) == 'o' ? 8 : (s[1] | 0x20) == 'b' ? 2 : 0) : 0;
    if (prefix && (base == prefix || base == 0)) {
        s += 2;
        length -= 2;
        base = prefix;
    }
    if (!int_parse(s, length, negative, base ? base : 10, out, &overflow)) {
        if (overflow)
            chat_fail(c, "the integer %.*s does not fit in 64 bits", length < 40 ? (int)length : 40, s);
        return false;
    }
    return true;
}
