/* Attributes, items and slices. Names that begin with an underscore, and the methods that change a list or dict, are refused as in
 * Jinja2's immutable sandbox: what they give is undefined, and fails when it is used. */
#include "eval.h"

static bool missing(struct chat *c, struct value v, struct value name, struct value *out)
{
    struct buffer b = {0};
    struct value text;
    if (!print_repr(c, &b, name) || !buffer_value(c, &b, &text))
        return false;
    return undefined_new(c, out, "'%s%s' has no attribute %.*s", type_name(v), v.kind == NONE ? "" : " object", SHORT(text));
}

static bool forbidden(struct chat *c, struct value v, struct value name, struct value *out)
{
    return undefined_new(c, out, "access to attribute '%.*s' of '%s' object is unsafe", SHORT(name), type_name(v));
}

static bool bind(struct chat *c, struct value self, const struct function *f, struct value *out)
{
    struct method *m = chat_alloc(c, sizeof *m);
    if (!m)
        return false;
    *m = (struct method){self, f};
    *out = (struct value){.kind = METHOD, .as.method = m};
    return true;
}

static bool changes(struct value v, struct value name)
{
    static const char *const of_lists[] = {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove", NULL};
    static const char *const of_dicts[] = {"clear", "pop", "popitem", "setdefault", "update", NULL};
    const char *const *names = v.kind == LIST ? of_lists : v.kind == DICT ? of_dicts : NULL;
    for (; names && *names; names++)
        if (string_is(name, *names))
            return true;
    return false;
}

static const struct function *methods_of(struct value v)
{
    switch (v.kind) {
    case STRING:
        return chat_string_methods;
    case DICT:
        return chat_dict_methods;
    case LIST:
        return chat_list_methods;
    case TUPLE:
    case RANGE:
        return chat_tuple_methods;
    case LOOP:
        return chat_loop_methods;
    case CYCLER:
        return chat_cycler_methods;
    default:
        return NULL;
    }
}

bool get_own(struct chat *c, struct value v, struct value name, struct value *out, bool *found)
{
    *found = true;
    if (changes(v, name))
        return forbidden(c, v, name, out);
    const struct function *table = methods_of(v), *f = table ? find_function(table, name) : NULL;
    if (!f && v.kind == STRING)
        f = find_function(chat_string_classes, name);
    if (f)
        return bind(c, v, f, out);
    if (v.kind == NAMESPACE) {
        const struct value *value = dict_get(c, v.as.dict, name);
        *found = value != NULL;
        if (value)
            *out = *value;
        return !c->status;
    }
    if (v.kind == LOOP)
        return loop_attribute(c, v, name, out, found);
    if (v.kind == RANGE && (string_is(name, "start") || string_is(name, "stop") || string_is(name, "step"))) {
        const struct range *r = v.as.range;
        *out = int_value(string_is(name, "start") ? r->start : string_is(name, "stop") ? r->stop : r->step);
        return true;
    }
    if (v.kind == CYCLER && string_is(name, "current")) {
        *out = v.as.list->items[v.as.list->next];
        return true;
    }
    if (v.kind == MACRO)
        return macro_attribute(c, v.as.macro, name, out, found);
    if (v.kind == TUPLE && v.as.list->name) { /* of groupby */
        *found = string_is(name, "grouper") || string_is(name, "list");
        *out = v.as.list->items[string_is(name, "list")];
        return true;
    }
    *found = false;
    return true;
}

bool get_attribute(struct chat *c, struct value v, struct value name, struct value *out)
{
    bool found;
    if (v.kind == UNDEFINED)
        return undefined_fail(c, v);
    if (!get_own(c, v, name, out, &found))
        return false;
    if (found)
        return true;
    if (v.kind == DICT) {
        const struct value *value = dict_get(c, v.as.dict, name);
        if (c->status)
            return false;
        if (value)
            return *out = *value, true;
    }
    if (name.as.string->length > 1 && memcmp(name.as.string->data, "__", 2) == 0)
        return forbidden(c, v, name, out);
    return missing(c, v, name, out);
}

/* The index-th item, counted from the end if negative. */
static bool sequence_item(struct chat *c, struct value v, int64_t index, struct value *out, bool *found)
{
    size_t length;
    if (!value_length(c, v, &length))
        return false;
    if (index < 0)
        index += (int64_t)length;
    *found = index >= 0 && (uint64_t)index < length;
    if (!*found)
        return true;
    if (v.kind == STRING) {
        size_t at = char_offset(c, v, (size_t)index);
        const struct string *s = v.as.string;
        return string_ref(c, s->data + at, char_length(s->data, s->length, at), out);
    }
    *out = v.kind == RANGE ? int_value(range_item(v.as.range, (size_t)index)) : v.as.list->items[index];
    return true;
}

bool get_item(struct chat *c, struct value v, struct value key, struct value *out)
{
    bool found = false;
    if (v.kind == UNDEFINED)
        return undefined_fail(c, v);
    if (v.kind == DICT && !is_unhashable(key)) {
        const struct value *value = dict_get(c, v.as.dict, key);
        if (c->status)
            return false;
        if (value)
            return *out = *value, true;
    } else if ((is_list(v) || v.kind == STRING || v.kind == RANGE) && is_int(key)) {
        if (!sequence_item(c, v, int_of(key), out, &found))
            return false;
    }
    if (!found && key.kind == STRING && !get_own(c, v, key, out, &found))
        return false;
    return found || missing(c, v, key, out);
}

static bool get_part(struct chat *c, struct value v, struct value key, const struct value *otherwise, struct value *out)
{
    if (!get_item(c, v, key, out))
        return false;
    if (otherwise && out->kind == UNDEFINED)
        *out = *otherwise;
    return true;
}

bool get_path(struct chat *c, struct value v, struct value path, const struct value *otherwise, struct value *out)
{
    *out = v;
    if (path.kind != STRING)
        return get_part(c, v, path, otherwise, out);
    const char *s = path.as.string->data, *end = s + path.as.string->length;
    for (;;) {
        struct value part;
        bool overflow;
        const char *point = memchr(s, '.', (size_t)(end - s));
        size_t length = (size_t)((point ? point : end) - s);
        if (!chat_work(c, 1 + length / 16))
            return false;
        if (int_parse(s, length, false, 10, &part.as.integer, &overflow))
            part = int_value(part.as.integer);
        else if (!string_ref(c, s, length, &part))
            return false;
        if (!get_part(c, *out, part, otherwise, out))
            return false;
        if (!point)
            return true;
        s = point + 1;
    }
}

/* A slice's part: none, or an integer cut to what int64 arithmetic bears. */
static bool slice_part(struct chat *c, struct value v, int64_t default_value, int64_t *out)
{
    if (v.kind != NONE && !is_int(v))
        return v.kind == UNDEFINED ? undefined_fail(c, v) : chat_fail(c, "slice indices must be integers or None");
    int64_t i = v.kind == NONE ? default_value : int_of(v);
    *out = i > INT64_MAX / 4 ? INT64_MAX / 4 : i < INT64_MIN / 4 ? INT64_MIN / 4 : i;
    return true;
}

static int64_t clamp(int64_t i, int64_t length, int64_t low, int64_t high)
{
    if (i < 0)
        i += length;
    return i < low ? low : i > high ? high : i;
}

static bool slice_string(struct chat *c, struct value v, int64_t start, int64_t step, size_t count, struct value *out)
{
    const struct string *s = v.as.string;
    struct buffer b = {0};
    struct list *chars;
    if (count == 0)
        return string_text(c, "", out);
    if (step == 1) {
        size_t from = char_offset(c, v, (size_t)start), to = char_offset(c, v, (size_t)start + count);
        return string_ref(c, s->data + from, to - from, out);
    }
    if (!value_items(c, v, false, &chars))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!buffer_string(c, &b, chars->items[start + (int64_t)i * step]))
            return false;
    return buffer_value(c, &b, out);
}

static bool slice_range(struct chat *c, const struct range *old, int64_t from, int64_t to, int64_t by, size_t count, struct value *out)
{
    struct range *r = chat_alloc(c, sizeof *r);
    if (!r)
        return false;
    *out = (struct value){.kind = RANGE, .as.range = r};
    r->count = count;
    bool overflow = __builtin_mul_overflow(from, old->step, &r->start) || __builtin_add_overflow(r->start, old->start, &r->start) ||
                    __builtin_mul_overflow(to, old->step, &r->stop) || __builtin_add_overflow(r->stop, old->start, &r->stop) ||
                    __builtin_mul_overflow(old->step, by, &r->step);
    return !overflow || overflow_fail(c);
}

bool get_slice(struct chat *c, struct value v, struct value start, struct value stop, struct value step, struct value *out)
{
    size_t size;
    int64_t by, from, to;
    if (v.kind == UNDEFINED)
        return undefined_fail(c, v);
    if (v.kind != STRING && !is_list(v) && v.kind != RANGE)
        return chat_fail(c, "'%s' object can't be sliced", type_name(v));
    if (!value_length(c, v, &size) || !slice_part(c, step, 1, &by))
        return false;
    int64_t length = (int64_t)size;
    if (by == 0)
        return chat_fail(c, "slice step cannot be zero");
    if (!slice_part(c, start, by > 0 ? 0 : length - 1, &from) || !slice_part(c, stop, by > 0 ? length : -1, &to))
        return false;
    from = clamp(from, length, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
    if (stop.kind != NONE || by > 0)
        to = clamp(to, length, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
    size_t count = by > 0 ? (to > from ? (size_t)((to - from - 1) / by) + 1 : 0) : (from > to ? (size_t)((from - to - 1) / -by) + 1 : 0);
    if (v.kind == STRING)
        return slice_string(c, v, from, by, count, out);
    if (v.kind == RANGE) {
        return slice_range(c, v.as.range, from, to, by, count, out);
    }
    if (!list_new(c, v.kind, count, out))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!list_add(c, *out, v.as.list->items[from + (int64_t)i * by]))
            return false;
    return true;
}
