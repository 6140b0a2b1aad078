/* Tests: what stands behind "is". */
#include "eval.h"

static bool yes(struct value *out, bool b)
{
    *out = bool_value(b);
    return true;
}

/* A test that looks at the kind of the value alone. */
#define KIND_TEST(name, expression)                                            \
    static bool run_##name(struct call *call, struct value *out)               \
    {                                                                          \
        struct value v = call->self;                                           \
        return yes(out, expression);                                           \
    }
KIND_TEST(defined, v.kind != UNDEFINED)
KIND_TEST(undefined, v.kind == UNDEFINED)
KIND_TEST(none, v.kind == NONE)
KIND_TEST(boolean, v.kind == BOOL)
KIND_TEST(true, v.kind == BOOL && v.as.boolean)
KIND_TEST(false, v.kind == BOOL && !v.as.boolean)
KIND_TEST(integer, v.kind == INT || v.kind == LARGE)
KIND_TEST(float, v.kind == FLOAT)
KIND_TEST(number, is_number(v) || v.kind == LARGE)
KIND_TEST(string, v.kind == STRING)
KIND_TEST(mapping, v.kind == DICT)
KIND_TEST(sequence, v.kind == STRING || is_list(v) || v.kind == DICT || v.kind == RANGE || v.kind == UNDEFINED)
KIND_TEST(iterable, v.kind == STRING || v.kind == UNDEFINED || (v.kind >= LIST && v.kind <= ITERATOR) || v.kind == LOOP)
KIND_TEST(callable, (v.kind >= MACRO && v.kind <= JOINER) || v.kind == UNDEFINED)
KIND_TEST(escaped, v.kind == STRING && v.markup)

static bool modulo(struct call *call, struct value divisor, int64_t rest, struct value *out)
{
    struct value r;
    bool equal;
    return operate(call->c, '%', call->self, divisor, &r) && value_equal(call->c, r, int_value(rest), &equal) && yes(out, equal);
}

static bool run_odd(struct call *call, struct value *out)
{
    return modulo(call, int_value(2), 1, out);
}

static bool run_even(struct call *call, struct value *out)
{
    return modulo(call, int_value(2), 0, out);
}

static bool run_divisibleby(struct call *call, struct value *out)
{
    return modulo(call, call->arg[0], 0, out);
}

static bool run_eq(struct call *call, struct value *out)
{
    bool equal;
    return value_equal(call->c, call->self, call->arg[0], &equal) && yes(out, equal);
}

static bool run_ne(struct call *call, struct value *out)
{
    bool equal;
    return value_equal(call->c, call->self, call->arg[0], &equal) && yes(out, !equal);
}

static bool run_lt(struct call *call, struct value *out)
{
    bool less;
    return value_less(call->c, call->self, call->arg[0], "<", &less) && yes(out, less);
}

static bool run_gt(struct call *call, struct value *out)
{
    bool less;
    return value_less(call->c, call->arg[0], call->self, ">", &less) && yes(out, less);
}

static bool run_le(struct call *call, struct value *out)
{
    bool less;
    return value_less(call->c, call->arg[0], call->self, "<=", &less) && yes(out, !less);
}

static bool run_ge(struct call *call, struct value *out)
{
    bool less;
    return value_less(call->c, call->self, call->arg[0], ">=", &less) && yes(out, !less);
}

static bool run_in(struct call *call, struct value *out)
{
    bool found;
    return value_in(call->c, call->self, call->arg[0], &found) && yes(out, found);
}

/* Identity: equal plain values are one, others are the same object. */
static bool run_sameas(struct call *call, struct value *out)
{
    struct value v = call->self, w = call->arg[0];
    bool equal;
    if (v.kind != w.kind)
        return yes(out, false);
    if (v.kind <= STRING)
        return value_equal(call->c, v, w, &equal) && yes(out, equal);
    return yes(out, v.as.list == w.as.list);
}

/* Whether there are letters with case and all of them have this one. */
static bool all_letters(struct call *call, enum unicode_class class, struct value *out)
{
    struct value text;
    bool any = false;
    if (!to_string(call->c, call->self, &text) || !chat_work(call->c, text.as.string->length / 16))
        return false;
    const struct string *s = text.as.string;
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i)) {
        enum unicode_class found = letter_case(char_at(s->data, s->length, i));
        if (found == UNICODE_LT || (found != class && (found == UNICODE_LL || found == UNICODE_LU)))
            return yes(out, false);
        any |= found == class;
    }
    return yes(out, any);
}

static bool run_lower(struct call *call, struct value *out)
{
    return all_letters(call, UNICODE_LL, out);
}

static bool run_upper(struct call *call, struct value *out)
{
    return all_letters(call, UNICODE_LU, out);
}

/* Anything can be asked for as a name, if it could be a key of a dict. */
static bool name_of(struct call *call)
{
    struct value names;
    return dict_new(call->c, DICT, &names) && (dict_get(call->c, names.as.dict, call->self), !call->c->status);
}

static bool run_filter(struct call *call, struct value *out)
{
    return name_of(call) && yes(out, call->self.kind == STRING && filter_known(call->self));
}

static bool run_test(struct call *call, struct value *out)
{
    return name_of(call) && yes(out, call->self.kind == STRING && test_known(call->self));
}

const struct function chat_tests[] = {
    {"defined", "", run_defined}, {"undefined", "", run_undefined}, {"none", "", run_none}, {"boolean", "", run_boolean},
    {"true", "", run_true}, {"false", "", run_false}, {"integer", "", run_integer}, {"float", "", run_float}, {"number", "", run_number},
    {"string", "", run_string}, {"mapping", "", run_mapping}, {"sequence", "", run_sequence}, {"iterable", "", run_iterable},
    {"callable", "", run_callable}, {"escaped", "", run_escaped}, {"odd", "", run_odd}, {"even", "", run_even},
    {"divisibleby", "num", run_divisibleby}, {"eq", "other", run_eq}, {"equalto", "other", run_eq}, {"==", "other", run_eq},
    {"ne", "other", run_ne}, {"!=", "other", run_ne}, {"lt", "other", run_lt}, {"lessthan", "other", run_lt}, {"<", "other", run_lt},
    {"gt", "other", run_gt}, {"greaterthan", "other", run_gt}, {">", "other", run_gt}, {"le", "other", run_le}, {"<=", "other", run_le},
    {"ge", "other", run_ge}, {">=", "other", run_ge}, {"in", "seq", run_in}, {"sameas", "other", run_sameas}, {"lower", "", run_lower},
    {"upper", "", run_upper}, {"filter", "", run_filter}, {"test", "", run_test}, {0},
};
