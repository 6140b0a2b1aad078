/* Filters that make or change numbers. */
#include "eval.h"

#include <math.h>

static bool run_abs(struct call *call, struct value *out)
{
    struct value v = call->self;
    if (!is_number(v))
        return v.kind == UNDEFINED ? undefined_fail(call->c, v) : chat_fail(call->c, "bad operand type for abs(): '%s'", type_name(v));
    if (v.kind == FLOAT)
        *out = float_value(fabs(v.as.real));
    else if (int_of(v) == INT64_MIN)
        return overflow_fail(call->c);
    else
        *out = int_value(int_of(v) < 0 ? -int_of(v) : int_of(v));
    return true;
}

static bool run_round(struct call *call, struct value *out)
{
    struct value v = call->self;
    char text[REAL_TEXT];
    int64_t precision;
    bool common = !call->given[1] || string_is(call->arg[1], "common"), ceiling = call->given[1] && string_is(call->arg[1], "ceil");
    if (!call_int(call, 0, 0, &precision))
        return false;
    if (!common && !ceiling && !string_is(call->arg[1], "floor"))
        return chat_fail(call->c, "method must be common, ceil or floor");
    if (!is_number(v))
        return v.kind == UNDEFINED ? undefined_fail(call->c, v) : chat_fail(call->c, "type %s doesn't define __round__ method", type_name(v));
    double d = real_of(v), scale = pow(10, (double)precision);
    if (common && is_int(v) && precision >= 0)
        *out = int_value(int_of(v));
    else if (!isfinite(d) || (common && precision > 100))
        *out = v;
    else if (!common)
        *out = float_value(((ceiling ? ceil(d * scale) : floor(d * scale)) + 0.0) / scale); /* a sum is never -0 */
    else if (precision < 0) {
        d = rint(d * scale) / scale;
        *out = is_int(v) && fabs(d) < 9e18 ? int_value((int64_t)d) : float_value(d);
    } else {
        real_format(d, 'f', (int)precision, false, text);
        bool negative = text[0] == '-';
        if (!real_parse(call->c, text + negative, strlen(text) - negative, &d))
            return false;
        *out = float_value(negative ? -d : d);
    }
    return true;
}

static bool run_int(struct call *call, struct value *out)
{
    struct value v = call->self;
    int64_t base, integer;
    double d;
    if (!call_int_or_none(call, 1, 10, &base))
        return false;
    *out = call->given[0] ? call->arg[0] : int_value(0);
    if (v.kind == UNDEFINED)
        return undefined_fail(call->c, v);
    if (is_int(v))
        return *out = int_value(int_of(v)), true;
    if (v.kind == LARGE)
        return *out = v, true;
    if (v.kind == STRING && base >= 0 && base <= 36 && base != 1 && text_to_int(call->c, v, (int)base, &integer))
        return *out = int_value(integer), true;
    if (call->c->status || (v.kind == STRING && !text_to_real(call->c, v, &d)))
        return !call->c->status;
    if (v.kind == FLOAT)
        d = v.as.real;
    if (v.kind != FLOAT && v.kind != STRING)
        return true;
    if (isnan(d) || (isinf(d) && v.kind == STRING))
        return true;
    if (!(fabs(d) < 9.2e18))
        return chat_fail(call->c, "cannot convert a float to an integer of 64 bits");
    *out = int_value((int64_t)d);
    return true;
}

static bool run_float(struct call *call, struct value *out)
{
    struct value v = call->self;
    double d;
    *out = call->given[0] ? call->arg[0] : float_value(0);
    if (v.kind == UNDEFINED)
        return undefined_fail(call->c, v);
    if (is_number(v))
        *out = float_value(real_of(v));
    else if ((v.kind == STRING || v.kind == LARGE) && text_to_real(call->c, v, &d))
        *out = float_value(d);
    return !call->c->status;
}

/* "13 kB", "4.1 MB": bytes as people count them, in steps of 1000 or, `binary`, of 1024. */
static bool run_filesizeformat(struct call *call, struct value *out)
{
    static const char *const units[2][8] = {{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"},
                                            {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}};
    const bool binary = call_flag(call, 0);
    const double base = binary ? 1024 : 1000;
    struct buffer b = {0};
    char digits[REAL_TEXT];
    double d;
    if (call->self.kind == UNDEFINED)
        return undefined_fail(call->c, call->self);
    if (is_number(call->self))
        d = real_of(call->self);
    else if (call->self.kind != STRING || !text_to_real(call->c, call->self, &d))
        return call->c->status ? false : chat_fail(call->c, "filesizeformat needs a number, not %s", type_name(call->self));
    int unit = 0;
    double size = d / base;
    while (unit < 7 && size >= base) {
        size /= base;
        unit++;
    }
    if (!(d < base) && !isfinite(d))
        return chat_fail(call->c, "filesizeformat needs a finite number");
    real_format(d < base ? trunc(d) : size, 'f', d < base ? 0 : 1, false, digits);
    return buffer_text(call->c, &b, d == 1 ? "1" : digits) && buffer_text(call->c, &b, " ") &&
           buffer_text(call->c, &b, d == 1 ? "Byte" : d < base ? "Bytes" : units[binary][unit]) && buffer_value(call->c, &b, out);
}

const struct function chat_number_filters[] = {
    {"abs", "", run_abs}, {"filesizeformat", "binary?", run_filesizeformat}, {"float", "default?", run_float}, {"int", "default? base?", run_int},
    {"round", "precision? method?", run_round}, {0},
};
