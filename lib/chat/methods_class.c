/* The methods that ask what kinds of characters a string has: str.isdigit and its kin. */
#include "eval.h"

static bool is_letter(uint32_t code_point)
{
    enum unicode_class class = unicode_class(code_point);
    return class >= UNICODE_LU && class <= UNICODE_LO;
}

static bool is_number_sign(uint32_t code_point)
{
    return digit_kind(code_point) >= DIGIT_NUMBER;
}

static bool is_digit(uint32_t code_point)
{
    return digit_kind(code_point) >= DIGIT_DIGIT;
}

static bool is_decimal(uint32_t code_point)
{
    return digit_kind(code_point) == DIGIT_DECIMAL;
}

static bool is_letter_or_digit(uint32_t code_point)
{
    return is_letter(code_point) || is_number_sign(code_point);
}

static bool is_name_part(uint32_t code_point)
{
    enum unicode_class class = unicode_class(code_point);
    return code_point == '_' || (class >= UNICODE_LU && class <= UNICODE_M) || is_decimal(code_point);
}

static bool is_ascii(uint32_t code_point)
{
    return code_point < 0x80;
}

static bool all(struct call *call, bool (*is)(uint32_t), bool empty, struct value *out)
{
    const struct string *s = call->self.as.string;
    bool yes = s->length > 0 || empty;
    for (size_t i = 0; yes && i < s->length; i += char_length(s->data, s->length, i))
        yes = is(char_at(s->data, s->length, i));
    *out = bool_value(yes);
    return chat_work(call->c, s->length / 16);
}

static bool run_isdigit(struct call *call, struct value *out)
{
    return all(call, is_digit, false, out);
}

static bool run_isdecimal(struct call *call, struct value *out)
{
    return all(call, is_decimal, false, out);
}

static bool run_isnumeric(struct call *call, struct value *out)
{
    return all(call, is_number_sign, false, out);
}

static bool run_isalpha(struct call *call, struct value *out)
{
    return all(call, is_letter, false, out);
}

static bool run_isalnum(struct call *call, struct value *out)
{
    return all(call, is_letter_or_digit, false, out);
}

static bool run_isprintable(struct call *call, struct value *out)
{
    return all(call, char_is_printable, true, out);
}

static bool run_isidentifier(struct call *call, struct value *out)
{
    const struct string *s = call->self.as.string;
    uint32_t first = s->length ? char_at(s->data, s->length, 0) : 0;
    if (!all(call, is_name_part, false, out))
        return false;
    *out = bool_value(out->as.boolean && (is_letter(first) || first == '_'));
    return true;
}

/* Large letters only behind what has no case, small ones only behind letters, and some of them. */
static bool run_istitle(struct call *call, struct value *out)
{
    const struct string *s = call->self.as.string;
    bool yes = true, any = false, inside = false;
    for (size_t i = 0; yes && i < s->length; i += char_length(s->data, s->length, i)) {
        enum unicode_class class = letter_case(char_at(s->data, s->length, i));
        bool large = class == UNICODE_LU || class == UNICODE_LT, small = class == UNICODE_LL;
        yes = !(large && inside) && !(small && !inside);
        inside = large || small;
        any |= inside;
    }
    *out = bool_value(yes && any);
    return chat_work(call->c, s->length / 16);
}

static bool run_isspace(struct call *call, struct value *out)
{
    return all(call, char_is_space, false, out);
}

static bool run_isascii(struct call *call, struct value *out)
{
    return all(call, is_ascii, true, out);
}

static bool run_test(struct call *call, const char *name, struct value *out)
{
    struct value text;
    bool yes;
    if (!string_text(call->c, name, &text) || !call_test(call->eval, text, call->self, NULL, &yes))
        return false;
    *out = bool_value(yes);
    return true;
}

static bool run_isupper(struct call *call, struct value *out)
{
    return run_test(call, "upper", out);
}

static bool run_islower(struct call *call, struct value *out)
{
    return run_test(call, "lower", out);
}

const struct function chat_string_classes[] = {
    {"isdigit", "", run_isdigit}, {"isdecimal", "", run_isdecimal}, {"isnumeric", "", run_isnumeric}, {"isalpha", "", run_isalpha},
    {"isalnum", "", run_isalnum}, {"isspace", "", run_isspace}, {"isascii", "", run_isascii}, {"isupper", "", run_isupper},
    {"islower", "", run_islower}, {"istitle", "", run_istitle}, {"isprintable", "", run_isprintable},
    {"isidentifier", "", run_isidentifier}, {0},
};
