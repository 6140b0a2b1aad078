/* Templates into tokens: text between {{ }}, {% %} and {# #}, with the white space around them as the signs - and + say. */
#include "ast.h"
#include "print.h"

#include "../tokenizer/unicode.h"

struct lexer {
    struct chat *c;
    const char *s;
    size_t length, at;
    struct token *tokens;
    size_t count, capacity;
    char open[CHAT_NESTING_MAX];    /* brackets not closed yet */
    size_t depth;
};

static bool add(struct lexer *l, enum token_kind kind, size_t position, unsigned op, struct value value)
{
    if (l->count == l->capacity) {
        size_t size = sizeof *l->tokens, capacity = l->capacity ? 2 * l->capacity : 256;
        struct token *grown = chat_grow(l->c, l->tokens, l->count * size, l->capacity * size, capacity * size);
        if (!grown)
            return false;
        l->tokens = grown;
        l->capacity = capacity;
    }
    l->tokens[l->count++] = (struct token){kind, (uint32_t)position, op, value};
    return true;
}

/* Ends the tokens with a bad one. */
static bool lex_fail(struct lexer *l, size_t position, const char *what)
{
    struct value text;
    (void)(string_text(l->c, what, &text) && add(l, TOKEN_BAD, position, 0, text));
    return false;
}

static bool starts(const struct lexer *l, size_t at, const char *text)
{
    size_t length = strlen(text);
    return l->length - at >= length && memcmp(l->s + at, text, length) == 0;
}

static size_t skip_spaces(const struct lexer *l, size_t at)
{
    while (at < l->length && char_is_space(char_at(l->s, l->length, at)))
        at += char_length(l->s, l->length, at);
    return at;
}

/* Adds the text up to `end`, where a tag with that sign begins. Without a sign, blanks between the line's start and a tag that is not
 * a variable go away. */
static bool add_text(struct lexer *l, size_t start, size_t end, char sign, bool variable)
{
    struct value text;
    if (sign == '-') {
        while (end > start && char_is_space(char_at(l->s, end, char_before(l->s, end))))
            end = char_before(l->s, end);
    } else if (sign != '+' && !variable) {
        size_t blank = end;
        while (blank > start && l->s[blank - 1] != '\n' && char_is_space(char_at(l->s, end, char_before(l->s, blank))))
            blank = char_before(l->s, blank);
        if (blank == 0 || l->s[blank - 1] == '\n')
            end = blank;
    }
    return end == start || (string_ref(l->c, l->s + start, end - start, &text) && add(l, TOKEN_TEXT, start, 0, text));
}

/* Length of "-%}" with the white space after it, of "+%}", or of "%}" with a line end; 0 if none of them stands here. */
static size_t closing(const struct lexer *l, size_t at, const char *end)
{
    size_t sign = at < l->length && (l->s[at] == '-' || l->s[at] == '+');
    if (at >= l->length || !starts(l, at + sign, end))
        return 0;
    if (sign && l->s[at] == '-')
        return skip_spaces(l, at + 3) - at;
    if (sign)
        return 3;
    return at + 2 < l->length && l->s[at + 2] == '\n' ? 3 : 2;
}

static char sign_at(const struct lexer *l, size_t at)
{
    return at < l->length && (l->s[at] == '-' || l->s[at] == '+') ? l->s[at] : 0;
}

static bool lex_comment(struct lexer *l, size_t start)
{
    size_t at = start + 2 + (sign_at(l, start + 2) != 0);
    l->at = at;
    if (at == l->length) /* the last thing in a template: Jinja2 lets it pass */
        return true;
    for (; at < l->length; at++) {
        size_t length = closing(l, at, "#}");
        if (length) {
            l->at = at + length;
            return true;
        }
    }
    return lex_fail(l, start, "a comment has no end: #} is missing");
}

/* True if {% raw %} stands here; then its text is read too. */
static bool lex_raw(struct lexer *l, size_t start, bool *raw)
{
    size_t at = skip_spaces(l, start + 2 + (sign_at(l, start + 2) != 0));
    *raw = starts(l, at, "raw");
    at = *raw ? skip_spaces(l, at + 3) : at;
    *raw = *raw && (starts(l, at, "%}") || starts(l, at, "-%}"));
    if (!*raw)
        return true;
    size_t text = l->s[at] == '-' ? skip_spaces(l, at + 3) : at + 2;
    l->at = text;
    if (text == l->length) /* here too */
        return true;
    for (at = text; at < l->length; at++) {
        if (!starts(l, at, "{%"))
            continue;
        size_t end = skip_spaces(l, at + 2 + (sign_at(l, at + 2) != 0));
        if (!starts(l, end, "endraw"))
            continue;
        end = skip_spaces(l, end + 6);
        size_t length = closing(l, end, "%}");
        if (length) {
            l->at = end + length;
            return add_text(l, text, at, sign_at(l, at + 2), false);
        }
    }
    return lex_fail(l, start, "{% raw %} has no end: {% endraw %} is missing");
}

static bool is_digit(const struct lexer *l, size_t at)
{
    return at < l->length && l->s[at] >= '0' && l->s[at] <= '9';
}

/* Where the digits that begin at `at` end; single underscores may stand between them. */
static size_t skip_digits(const struct lexer *l, size_t at)
{
    while (is_digit(l, at) || (at < l->length && l->s[at] == '_' && is_digit(l, at - 1) && is_digit(l, at + 1)))
        at++;
    return at;
}

static bool lex_number(struct lexer *l)
{
    size_t start = l->at, end = skip_digits(l, start), fraction = end, exponent;
    char digits[REAL_TEXT];
    int base = 10;
    bool real = false, overflow;
    if (start == 0 || l->s[start - 1] != '.') {
        if (end < l->length && l->s[end] == '.' && is_digit(l, end + 1))
            fraction = skip_digits(l, end + 1);
        exponent = fraction;
        if (exponent < l->length && (l->s[exponent] | 0x20) == 'e') {
            exponent++;
            if (exponent < l->length && (l->s[exponent] == '+' || l->s[exponent] == '-'))
                exponent++;
        }
        real = fraction > end || is_digit(l, exponent);
        if (real)
            end = exponent > fraction && is_digit(l, exponent) ? skip_digits(l, exponent) : fraction;
    }
    if (!real && l->s[start] == '0') {
        char letter = start + 2 < l->length ? (char)(l->s[start + 1] | 0x20) : 0;
        base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
        end = start + (base != 10 ? 2 : 1);
        while (end < l->length && (base == 10 ? l->s[end] == '0' : (l->s[end] >= '0' && l->s[end] <= '9') ||
                                   ((l->s[end] | 0x20) >= 'a' && (l->s[end] | 0x20) <= 'f')))
            end++;
    }
    size_t count = 0;
    for (size_t i = start + (base != 10 ? 2 : 0); i < end && count + 1 < sizeof digits; i++)
        if (l->s[i] != '_')
            digits[count++] = l->s[i];
    struct value value = float_value(0);
    l->at = end;
    if (real ? !real_parse(l->c, digits, count, &value.as.real) : !int_parse(digits, count, false, base, &value.as.integer, &overflow))
        return lex_fail(l, start, "a number can't be read, or does not fit in 64 bits");
    value.kind = real ? FLOAT : INT;
    return add(l, TOKEN_NUMBER, start, 0, value);
}

/* An escape of Python's: \n, \x41, \u00e9, \U0001f642, \101. An unknown one stays as it is. `at` is behind the backslash. */
static bool lex_escape(struct lexer *l, struct buffer *b, size_t end, size_t *at)
{
    static const char letters[] = "abfnrtv\\'\"", meanings[] = "\a\b\f\n\r\t\v\\'\"";
    char ch = l->s[*at];
    const char *letter = ch ? strchr(letters, ch) : NULL;
    size_t digits = ch == 'x' ? 2 : ch == 'u' ? 4 : ch == 'U' ? 8 : 0;
    int64_t code;
    bool overflow;
    if (letter)
        return ++*at, buffer_add(l->c, b, &meanings[letter - letters], 1);
    if (ch == '\n')
        return ++*at, true;
    if (digits) {
        if (end - *at - 1 < digits || !int_parse(l->s + *at + 1, digits, false, 16, &code, &overflow) || code > 0x10ffff)
            return lex_fail(l, *at - 1, "an escape in a string lacks hexadecimal digits");
        *at += 1 + digits;
        return buffer_char(l->c, b, code >= 0xd800 && code < 0xe000 ? 0xfffd : (uint32_t)code);
    }
    if (ch == 'N')
        return lex_fail(l, *at - 1, "characters by name (\\N{...}) are not supported in strings");
    if (ch >= '0' && ch <= '7') {
        for (code = 0, digits = 0; digits < 3 && *at < end && l->s[*at] >= '0' && l->s[*at] <= '7'; digits++)
            code = 8 * code + (l->s[(*at)++] - '0');
        return buffer_char(l->c, b, (uint32_t)code);
    }
    return buffer_add(l->c, b, "\\", 1);
}

static bool lex_string(struct lexer *l)
{
    size_t start = l->at, end = start + 1;
    bool escapes = false;
    struct value value;
    for (; end < l->length && l->s[end] != l->s[start]; end++)
        if (l->s[end] == '\\') {
            escapes = true;
            end++;
        }
    if (end >= l->length)
        return lex_fail(l, start, "a string has no end: its closing quote is missing");
    l->at = end + 1;
    if (!escapes)
        return string_ref(l->c, l->s + start + 1, end - start - 1, &value) && add(l, TOKEN_STRING, start, 0, value);
    struct buffer b = {0};
    for (size_t i = start + 1; i < end;) {
        size_t plain = i;
        while (i < end && l->s[i] != '\\')
            i++;
        if (!buffer_add(l->c, &b, l->s + plain, i - plain) || (i < end && (i++, !lex_escape(l, &b, end, &i))))
            return false;
    }
    return buffer_value(l->c, &b, &value) && add(l, TOKEN_STRING, start, 0, value);
}

static bool is_name_char(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point == '_' || (code_point >= '0' && code_point <= '9') ||
               ((code_point | 0x20) >= 'a' && (code_point | 0x20) <= 'z');
    enum unicode_class class = unicode_class(code_point);
    return class >= UNICODE_LU && class <= UNICODE_N;
}

static bool lex_name(struct lexer *l)
{
    struct value value;
    size_t start = l->at;
    while (l->at < l->length && is_name_char(char_at(l->s, l->length, l->at)))
        l->at += char_length(l->s, l->length, l->at);
    return string_ref(l->c, l->s + start, l->at - start, &value) && add(l, TOKEN_NAME, start, 0, value);
}

static bool lex_operator(struct lexer *l)
{
    static const char *const doubles[] = {"//", "**", "==", "!=", ">=", "<="};
    size_t start = l->at;
    unsigned op = 0;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        if (starts(l, start, doubles[i]))
            op = OP(doubles[i][0], doubles[i][1]);
    char ch = l->s[start];
    if (!op && (!ch || !strchr("+-/*%~[](){}><=.:|,;", ch)))
        return lex_fail(l, start, "a character that means nothing here");
    l->at += op ? 2 : 1;
    op = op ? op : OP(ch, 0);
    if (ch == '(' || ch == '[' || ch == '{') {
        if (l->depth == sizeof l->open)
            return lex_fail(l, start, "too many brackets inside brackets");
        l->open[l->depth++] = ch;
    } else if (ch == ')' || ch == ']' || ch == '}') {
        char open = ch == ')' ? '(' : ch == ']' ? '[' : '{';
        if (l->depth == 0 || l->open[--l->depth] != open)
            return lex_fail(l, start, "a closing bracket without its opening one");
    }
    return add(l, TOKEN_OPERATOR, start, op, none_value());
}

/* What stands between the opening of a tag and its end. */
static bool lex_tag(struct lexer *l, size_t start, bool variable)
{
    const char *end = variable ? "}}" : "%}";
    if (!add(l, variable ? TOKEN_VARIABLE : TOKEN_BLOCK, start, 0, none_value()))
        return false;
    l->at = start + 2 + (sign_at(l, start + 2) != 0);
    l->depth = 0;
    while ((l->at = skip_spaces(l, l->at)) < l->length) {
        size_t length = l->depth || (variable && l->s[l->at] == '+') ? 0 : closing(l, l->at, end);
        if (length) {
            bool line = variable && l->s[l->at] != '-'; /* a variable keeps the line end behind it */
            size_t at = l->at;
            l->at += line ? 2 : length;
            return add(l, variable ? TOKEN_VARIABLE_END : TOKEN_BLOCK_END, at, 0, none_value());
        }
        char ch = l->s[l->at];
        bool ok = ch == '"' || ch == '\'' ? lex_string(l)
                  : is_digit(l, l->at) ? lex_number(l)
                  : is_name_char(char_at(l->s, l->length, l->at)) ? lex_name(l) : lex_operator(l);
        if (!ok)
            return false;
    }
    return lex_fail(l, l->tokens[l->count - 1].position, variable ? "{{ has no end: }} is missing" : "{% has no end: %} is missing");
}

/* A text and the tag behind it. */
static bool lex_part(struct lexer *l)
{
    size_t start = l->at, tag = start;
    while (tag < l->length && !(l->s[tag] == '{' && tag + 1 < l->length && strchr("{%#", l->s[tag + 1]) && l->s[tag + 1]))
        tag++;
    bool variable = tag < l->length && l->s[tag + 1] == '{', raw = false;
    if (!add_text(l, start, tag, tag < l->length ? sign_at(l, tag + 2) : '+', variable))
        return false;
    l->at = tag;
    if (tag == l->length)
        return true;
    if (l->s[tag + 1] == '#')
        return lex_comment(l, tag);
    return variable ? lex_tag(l, tag, true) : lex_raw(l, tag, &raw) && (raw || lex_tag(l, tag, false));
}

bool chat_lex(struct chat *c, struct token **tokens)
{
    struct lexer l = {.c = c, .s = c->source, .length = c->source_length};
    while (l.at < l.length && lex_part(&l))
        continue;
    const size_t end = l.count ? l.tokens[l.count - 1].position : 0;
    if (c->status || !add(&l, TOKEN_END, end, 0, none_value()))
        return false;
    *tokens = l.tokens;
    return true;
}
