/* The operators of expressions, as Python's: integers of 64 bits, which fail instead of wrapping around. */
#include "eval.h"

#include <math.h>

static bool unsupported(struct chat *c, unsigned op, struct value v, struct value w)
{
    const char text[] = {(char)(op & 0xff), (char)(op >> 8), 0};
    if (v.kind == UNDEFINED || w.kind == UNDEFINED)
        return undefined_fail(c, v.kind == UNDEFINED ? v : w);
    if (v.kind == LARGE || w.kind == LARGE)
        return overflow_fail(c);
    if (op == '+' && v.kind == STRING)
        return chat_fail(c, "can only concatenate str (not \"%s\") to str", type_name(w));
    return chat_fail(c, "unsupported operand type(s) for %s: '%s' and '%s'", text, type_name(v), type_name(w));
}

static bool int_power(int64_t base, int64_t exponent, int64_t *out)
{
    *out = 1;
    while (exponent > 0) {
        if ((exponent & 1) && __builtin_mul_overflow(*out, base, out))
            return false;
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base))
            return false;
    }
    return true;
}

static bool operate_ints(struct chat *c, unsigned op, int64_t a, int64_t b, struct value *out)
{
    int64_t r = 0;
    bool overflow = false;
    switch (op) {
    case '+':
        overflow = __builtin_add_overflow(a, b, &r);
        break;
    case '-':
        overflow = __builtin_sub_overflow(a, b, &r);
        break;
    case '*':
        overflow = __builtin_mul_overflow(a, b, &r);
        break;
    case OP('*', '*'):
        overflow = !int_power(a, b, &r);
        break;
    case OP('/', '/'):
    case '%':
        if (b == 0)
            return chat_fail(c, "integer division or modulo by zero");
        overflow = a == INT64_MIN && b == -1;
        if (!overflow) {
            bool down = a % b != 0 && (a < 0) != (b < 0); /* towards minus infinity */
            r = op == '%' ? a % b + (down ? b : 0) : a / b - down;
        }
        break;
    }
    *out = int_value(r);
    return !overflow || overflow_fail(c);
}

static bool operate_reals(struct chat *c, unsigned op, double a, double b, struct value *out)
{
    double r = 0;
    if ((op == '/' || op == OP('/', '/') || op == '%') && b == 0)
        return chat_fail(c, "float division by zero");
    switch (op) {
    case '+':
        r = a + b;
        break;
    case '-':
        r = a - b;
        break;
    case '*':
        r = a * b;
        break;
    case '/':
        r = a / b;
        break;
    case OP('*', '*'):
        if (a == 0 && b < 0)
            return chat_fail(c, "0.0 cannot be raised to a negative power");
        if (a < 0 && b != floor(b))
            return chat_fail(c, "complex numbers are not supported");
        r = pow(a, b);
        if (isinf(r) && !isinf(a) && !isinf(b))
            return chat_fail(c, "the result of ** is too large");
        break;
    default: {
        if (!chat_work(c, 16)) /* fmod takes a step for each bit between them */
            return false;
        double rest = fmod(a, b);
        if (rest != 0 && (rest < 0) != (b < 0))
            rest += b;
        r = op == '%' ? (rest != 0 ? rest : copysign(0.0, b)) : (a - rest) / b;
        if (op != '%' && r != 0) {
            double whole = floor(r);
            r = r - whole > 0.5 ? whole + 1 : whole;
        } else if (op != '%') {
            r = copysign(0.0, a / b);
        }
    }
    }
    *out = float_value(r);
    return true;
}

static bool repeat(struct chat *c, struct value v, int64_t count, struct value *out)
{
    if (count < 0)
        count = 0;
    if (v.kind == STRING) {
        const struct string *s = v.as.string;
        struct buffer b = {0};
        if (s->length && count > CHAT_OUTPUT_MAX / (int64_t)s->length)
            return chat_fail_as(c, SLM_LIMIT, "a string repeated to more than %d MiB", CHAT_OUTPUT_MAX >> 20);
        for (; s->length && count > 0; count--)
            if (!buffer_string(c, &b, v))
                return false;
        return buffer_value(c, &b, out);
    }
    if (!list_new(c, v.kind, 0, out))
        return false;
    for (; v.as.list->count && count > 0; count--)
        for (size_t i = 0; i < v.as.list->count; i++)
            if (!list_add(c, *out, v.as.list->items[i]))
                return false;
    return true;
}

static bool join_lists(struct chat *c, struct value v, struct value w, struct value *out)
{
    if (!list_new(c, v.kind, v.as.list->count + w.as.list->count, out))
        return false;
    for (size_t i = 0; i < v.as.list->count; i++)
        if (!list_add(c, *out, v.as.list->items[i]))
            return false;
    for (size_t i = 0; i < w.as.list->count; i++)
        if (!list_add(c, *out, w.as.list->items[i]))
            return false;
    return true;
}

/* Escaped text stays escaped: what is added to it is escaped first. */
static bool join_strings(struct chat *c, struct value v, struct value w, struct value *out)
{
    struct buffer b = {0};
    bool markup = v.markup || w.markup;
    if ((markup && (!escape_html(c, v, &v) || !escape_html(c, w, &w))) || !buffer_string(c, &b, v) || !buffer_string(c, &b, w) ||
        !buffer_value(c, &b, out))
        return false;
    out->markup = markup;
    return true;
}

bool operate(struct chat *c, unsigned op, struct value v, struct value w, struct value *out)
{
    if (is_number(v) && is_number(w)) {
        bool ints = is_int(v) && is_int(w) && op != '/' && !(op == OP('*', '*') && int_of(w) < 0);
        if (op == '/' && w.kind != FLOAT && int_of(w) == 0)
            return chat_fail(c, "division by zero");
        return ints ? operate_ints(c, op, int_of(v), int_of(w), out) : operate_reals(c, op, real_of(v), real_of(w), out);
    }
    if (op == '+' && v.kind == STRING && w.kind == STRING)
        return join_strings(c, v, w, out);
    if (op == '+' && v.kind == w.kind && is_list(v))
        return join_lists(c, v, w, out);
    if (op == '*' && (v.kind == STRING || is_list(v)) && is_int(w))
        return repeat(c, v, int_of(w), out);
    if (op == '*' && (w.kind == STRING || is_list(w)) && is_int(v))
        return repeat(c, w, int_of(v), out);
    if (op == '%' && v.kind == STRING)
        return format_percent(c, v, w, out);
    return unsupported(c, op, v, w);
}
