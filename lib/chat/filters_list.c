/* Filters of lists, dicts and anything. */
#include "eval.h"

static bool iterator_of(struct call *call, struct value list, struct value *out)
{
    (void)call;
    list.kind = ITERATOR;
    list.as.list->name = "generator";
    *out = list;
    return true;
}

/* ---- ends and counts */

static bool run_length(struct call *call, struct value *out)
{
    size_t length;
    if (!value_length(call->c, call->self, &length))
        return false;
    *out = int_value((int64_t)length);
    return true;
}

static bool run_first(struct call *call, struct value *out)
{
    struct list *items;
    struct value v = call->self;
    if (v.kind == ITERATOR) {
        if (v.as.list->next == v.as.list->count)
            return undefined_new(call->c, out, "No first item, sequence was empty.");
        *out = v.as.list->items[v.as.list->next++];
        return true;
    }
    if (!value_items(call->c, v, false, &items))
        return false;
    if (items->count == 0)
        return undefined_new(call->c, out, "No first item, sequence was empty.");
    *out = items->items[0];
    return true;
}

static bool run_last(struct call *call, struct value *out)
{
    struct list *items;
    if (call->self.kind == ITERATOR)
        return chat_fail(call->c, "'%s' object is not reversible", type_name(call->self));
    if (!value_items(call->c, call->self, false, &items))
        return false;
    if (items->count == 0)
        return undefined_new(call->c, out, "No last item, sequence was empty.");
    *out = items->items[items->count - 1];
    return true;
}

static bool run_list(struct call *call, struct value *out)
{
    *out = (struct value){.kind = LIST};
    return value_items(call->c, call->self, true, &out->as.list);
}

static bool run_reverse(struct call *call, struct value *out)
{
    struct value list = {.kind = LIST};
    if (!value_items(call->c, call->self, true, &list.as.list))
        return false;
    struct list *l = list.as.list;
    for (size_t i = 0; i < l->count / 2; i++) {
        struct value swap = l->items[i];
        l->items[i] = l->items[l->count - 1 - i];
        l->items[l->count - 1 - i] = swap;
    }
    if (call->self.kind != STRING)
        return call->self.kind == ITERATOR ? (*out = list, true) : iterator_of(call, list, out);
    struct buffer b = {0};
    for (size_t i = 0; i < l->count; i++)
        if (!buffer_string(call->c, &b, l->items[i]))
            return false;
    return buffer_value(call->c, &b, out);
}

static const struct value *not_none(const struct value *v)
{
    return v && v->kind != NONE ? v : NULL;
}

/* An item, or, where there is a path that is not none, what it leads to from there. */
static bool item_at(struct chat *c, struct value item, const struct value *path, struct value *out)
{
    *out = item;
    return !not_none(path) || get_path(c, item, *path, NULL, out);
}

static bool run_join(struct call *call, struct value *out)
{
    struct list *items;
    struct buffer b = {0};
    struct value separator = {.kind = UNDEFINED}, item;
    if (!value_items(call->c, call->self, false, &items) || (call->given[0] && !to_string(call->c, call->arg[0], &separator)))
        return false;
    for (size_t i = 0; i < items->count; i++) {
        if ((i && call->given[0] && !buffer_string(call->c, &b, separator)) ||
            !item_at(call->c, items->items[i], call_argument(call, 1), &item) || !chat_work(call->c, 1) || !print_str(call->c, &b, item))
            return false;
    }
    return buffer_value(call->c, &b, out);
}

/* ---- order */

/* A stable merge of two sorted halves; keys and items move together. */
static bool merge(struct chat *c, struct value *items, struct value *keys, size_t half, size_t count, struct value *spare, bool reverse)
{
    struct value *old_items = spare, *old_keys = spare + count;
    memcpy(old_items, items, count * sizeof *items);
    memcpy(old_keys, keys, count * sizeof *keys);
    for (size_t i = 0, j = half, k = 0; k < count; k++) {
        bool second = i == half;
        if (i < half && j < count && !(reverse ? value_less(c, old_keys[i], old_keys[j], "<", &second)
                                               : value_less(c, old_keys[j], old_keys[i], "<", &second)))
            return false;
        size_t from = second ? j++ : i++;
        items[k] = old_items[from];
        keys[k] = old_keys[from];
    }
    return true;
}

static bool sort_part(struct chat *c, struct value *items, struct value *keys, size_t count, struct value *spare, bool reverse)
{
    size_t half = count / 2;
    return count < 2 || (sort_part(c, items, keys, half, spare, reverse) &&
                         sort_part(c, items + half, keys + half, count - half, spare, reverse) &&
                         merge(c, items, keys, half, count, spare, reverse));
}

/* Sorts the items, stably, by their keys (parallel to the items). */
static bool sort_items(struct chat *c, struct value *items, struct value *keys, size_t count, bool reverse)
{
    struct value *spare = chat_alloc(c, 2 * count * sizeof *spare);
    return spare && sort_part(c, items, keys, count, spare, reverse);
}

/* What an item is compared by: itself or its attribute. */
static bool item_key(struct chat *c, struct value item, const struct value *attribute, bool case_sensitive, struct value *out)
{
    return item_at(c, item, attribute, out) && fold_case(c, *out, case_sensitive, out);
}

/* What an item is sorted by: a list, as several attributes may be given, separated by commas. */
static bool sort_key(struct chat *c, struct value item, const struct value *attribute, bool case_sensitive, struct value *out)
{
    struct value path, part;
    if (!list_new(c, LIST, 1, out))
        return false;
    if (!attribute || attribute->kind != STRING)
        return item_key(c, item, attribute, case_sensitive, &part) && list_add(c, *out, part);
    const char *s = attribute->as.string->data, *end = s + attribute->as.string->length;
    for (;;) {
        const char *comma = memchr(s, ',', (size_t)(end - s));
        if (!string_ref(c, s, (size_t)((comma ? comma : end) - s), &path) || !item_key(c, item, &path, case_sensitive, &part) ||
            !list_add(c, *out, part))
            return false;
        if (!comma)
            return true;
        s = comma + 1;
    }
}

typedef bool key_fn(struct chat *c, struct value item, const struct value *attribute, bool case_sensitive, struct value *out);

static bool keys_of(struct chat *c, const struct list *items, key_fn *key, const struct value *attribute, bool case_sensitive,
                    struct value **keys)
{
    *keys = chat_alloc(c, items->count * sizeof **keys);
    if (!*keys)
        return false;
    for (size_t i = 0; i < items->count; i++)
        if (!chat_work(c, 1) || !key(c, items->items[i], attribute, case_sensitive, &(*keys)[i]))
            return false;
    return true;
}

static bool run_sort(struct call *call, struct value *out)
{
    struct value *keys;
    int64_t reverse;
    *out = (struct value){.kind = LIST};
    return value_items(call->c, call->self, true, &out->as.list) && call_int(call, 0, 0, &reverse) &&
           keys_of(call->c, out->as.list, sort_key, call_argument(call, 2), call_flag(call, 1), &keys) &&
           sort_items(call->c, out->as.list->items, keys, out->as.list->count, reverse);
}

static bool run_dictsort(struct call *call, struct value *out)
{
    struct chat *c = call->c;
    bool by_value = call->given[1] && string_is(call->arg[1], "value");
    if (call->given[1] && !by_value && !string_is(call->arg[1], "key"))
        return chat_fail(c, "You can only sort by either \"key\" or \"value\"");
    if (call->self.kind != DICT)
        return call->self.kind == UNDEFINED ? undefined_fail(c, call->self) : chat_fail(c, "dictsort needs a dict");
    const struct dict *d = call->self.as.dict;
    struct value *keys = chat_alloc(c, d->count * sizeof *keys), pair;
    int64_t reverse;
    if (!keys || !call_int(call, 2, 0, &reverse) || !list_new(c, LIST, d->count, out))
        return false;
    for (size_t i = 0; i < d->count; i++)
        if (!tuple_pair(c, d->entries[i].key, d->entries[i].value, &pair) || !list_add(c, *out, pair) ||
            !fold_case(c, by_value ? d->entries[i].value : d->entries[i].key, call_flag(call, 0), &keys[i]))
            return false;
    return sort_items(c, out->as.list->items, keys, d->count, reverse);
}

static bool extreme(struct call *call, bool largest, struct value *out)
{
    struct list *items;
    struct value *keys;
    if (!value_items(call->c, call->self, false, &items) ||
        !keys_of(call->c, items, item_key, call_argument(call, 1), call_flag(call, 0), &keys))
        return false;
    if (items->count == 0)
        return undefined_new(call->c, out, "No aggregated item, sequence was empty.");
    size_t best = 0;
    for (size_t i = 1; i < items->count; i++) {
        bool better;
        if (!(largest ? value_less(call->c, keys[best], keys[i], ">", &better) : value_less(call->c, keys[i], keys[best], "<", &better)))
            return false;
        if (better)
            best = i;
    }
    *out = items->items[best];
    return true;
}

static bool run_min(struct call *call, struct value *out)
{
    return extreme(call, false, out);
}

static bool run_max(struct call *call, struct value *out)
{
    return extreme(call, true, out);
}

static bool run_unique(struct call *call, struct value *out)
{
    struct list *items;
    struct value *keys, seen, list;
    if (!value_items(call->c, call->self, false, &items) ||
        !keys_of(call->c, items, item_key, call_argument(call, 1), call_flag(call, 0), &keys) ||
        !dict_new(call->c, DICT, &seen) || !list_new(call->c, LIST, 0, &list))
        return false;
    for (size_t i = 0; i < items->count; i++) {
        bool known = dict_get(call->c, seen.as.dict, keys[i]) != NULL;
        if (call->c->status || (!known && (!dict_set(call->c, seen.as.dict, keys[i], none_value()) || !list_add(call->c, list, items->items[i]))))
            return false;
    }
    return iterator_of(call, list, out);
}

/* Groups of items with equal attributes, in the order of these: tuples that also have the names grouper and list. */
static bool run_groupby(struct call *call, struct value *out)
{
    struct chat *c = call->c;
    struct value sorted = {.kind = LIST}, *keys, group, members = {0};
    const struct value *otherwise = not_none(call_argument(call, 1));
    bool sensitive = call_flag(call, 2), equal = false;
    if (!value_items(c, call->self, true, &sorted.as.list) || !list_new(c, LIST, 0, out))
        return false;
    struct list *items = sorted.as.list;
    keys = chat_alloc(c, items->count * sizeof *keys);
    for (size_t i = 0; keys && i < items->count; i++) {
        if (!get_path(c, items->items[i], call->arg[0], otherwise, &keys[i]) || !fold_case(c, keys[i], sensitive, &keys[i]))
            return false;
    }
    if (!keys || !sort_items(c, items->items, keys, items->count, false))
        return false;
    for (size_t i = 0; i < items->count; i++) {
        if (i && !value_equal(c, keys[i - 1], keys[i], &equal))
            return false;
        if (!equal) {
            struct value name;
            if (!get_path(c, items->items[i], call->arg[0], otherwise, &name) || !list_new(c, LIST, 0, &members))
                return false;
            if (!tuple_pair(c, name, members, &group) || !list_add(c, *out, group))
                return false;
            group.as.list->name = "group";
        }
        if (!list_add(c, members, items->items[i]))
            return false;
    }
    return true;
}

/* ---- parts */

static bool run_batch(struct call *call, struct value *out)
{
    struct list *items;
    struct value list, part = {0};
    int64_t size;
    if (!call_int_or_none(call, 0, INT64_MAX, &size) || !value_items(call->c, call->self, false, &items) || !list_new(call->c, LIST, 0, &list))
        return false;
    if (size < 1)
        size = 1;
    for (size_t i = 0; i < items->count; i++) {
        if (i % (uint64_t)size == 0 && (!list_new(call->c, LIST, 0, &part) || !list_add(call->c, list, part)))
            return false;
        if (!list_add(call->c, part, items->items[i]))
            return false;
    }
    while (items->count && call->given[1] && call->arg[1].kind != NONE && part.as.list->count < (uint64_t)size)
        if (!list_add(call->c, part, call->arg[1]))
            return false;
    return iterator_of(call, list, out);
}

static bool run_slice(struct call *call, struct value *out)
{
    struct list *items;
    struct value list, part;
    int64_t slices;
    if (!call_int(call, 0, 0, &slices) || !value_items(call->c, call->self, false, &items) || !list_new(call->c, LIST, 0, &list))
        return false;
    if (slices == 0)
        return chat_fail(call->c, "integer division or modulo by zero");
    for (int64_t i = 0, at = 0, count = (int64_t)items->count; i < slices; i++) {
        int64_t end = at + count / slices + (i < count % slices);
        if (!list_new(call->c, LIST, 0, &part) || !list_add(call->c, list, part))
            return false;
        for (; at < end; at++)
            if (!list_add(call->c, part, items->items[at]))
                return false;
        if (call->given[1] && call->arg[1].kind != NONE && i >= count % slices && !list_add(call->c, part, call->arg[1]))
            return false;
    }
    return iterator_of(call, list, out);
}

static bool run_items(struct call *call, struct value *out)
{
    struct value list, pair;
    if (!list_new(call->c, LIST, 0, &list))
        return false;
    if (call->self.kind != DICT && call->self.kind != UNDEFINED)
        return chat_fail(call->c, "Can only get item pairs from a mapping.");
    for (size_t i = 0; call->self.kind == DICT && i < call->self.as.dict->count; i++) {
        const struct dict_entry *entry = &call->self.as.dict->entries[i];
        if (!tuple_pair(call->c, entry->key, entry->value, &pair) || !list_add(call->c, list, pair))
            return false;
    }
    return iterator_of(call, list, out);
}

/* ---- each item */

/* The arguments behind the first one. */
static struct arguments behind_first(const struct arguments *args)
{
    struct arguments rest = *args;
    if (rest.count > 0) {
        rest.items++;
        rest.count--;
    }
    return rest;
}

static bool run_map(struct call *call, struct value *out)
{
    struct list *items;
    struct value list;
    const struct dict_entry *given = find_keyword(call->c, &call->rest, "default", 7);
    const struct value *otherwise = given ? not_none(&given->value) : NULL;
    const struct dict_entry *attribute = call->rest.count == 0 ? find_keyword(call->c, &call->rest, "attribute", 9) : NULL;
    if (!list_new(call->c, LIST, 0, &list))
        return false;
    if (!is_true(call->self))
        return iterator_of(call, list, out);
    if (!attribute && call->rest.count == 0)
        return chat_fail(call->c, "map requires a filter argument");
    if (attribute && call->rest.keyword_count > 1 + (size_t)(given != NULL))
        return chat_fail(call->c, "map takes attribute and default, and no other keyword argument");
    if (!value_items(call->c, call->self, false, &items))
        return false;
    struct arguments args = behind_first(&call->rest);
    for (size_t i = 0; i < items->count; i++) {
        struct value item;
        if (attribute ? !get_path(call->c, items->items[i], attribute->value, otherwise, &item)
                      : !call_filter(call->eval, call->rest.items[0], items->items[i], &args, &item))
            return false;
        if (!list_add(call->c, list, item))
            return false;
    }
    return iterator_of(call, list, out);
}

/* The items, or those whose attribute (the first argument), that pass a test (the next argument), or are true without one. */
static bool choose(struct call *call, bool by_attribute, bool wanted, struct value *out)
{
    struct list *items;
    struct value list, path = none_value();
    struct arguments args = call->rest;
    if (!list_new(call->c, LIST, 0, &list))
        return false;
    if (!is_true(call->self))
        return iterator_of(call, list, out);
    if (by_attribute && args.count == 0)
        return chat_fail(call->c, "Missing parameter for attribute name");
    if (by_attribute) {
        path = args.items[0];
        args = behind_first(&args);
    }
    if (!value_items(call->c, call->self, false, &items))
        return false;
    struct arguments test_args = behind_first(&args);
    for (size_t i = 0; i < items->count; i++) {
        struct value v = items->items[i];
        bool passes;
        if (by_attribute && !get_path(call->c, v, path, NULL, &v))
            return false;
        passes = is_true(v);
        if (args.count > 0 && !call_test(call->eval, args.items[0], v, &test_args, &passes))
            return false;
        if (!chat_work(call->c, 1) || (passes == wanted && !list_add(call->c, list, items->items[i])))
            return false;
    }
    return iterator_of(call, list, out);
}

static bool run_select(struct call *call, struct value *out)
{
    return choose(call, false, true, out);
}

static bool run_reject(struct call *call, struct value *out)
{
    return choose(call, false, false, out);
}

static bool run_selectattr(struct call *call, struct value *out)
{
    return choose(call, true, true, out);
}

static bool run_rejectattr(struct call *call, struct value *out)
{
    return choose(call, true, false, out);
}

static bool run_attr(struct call *call, struct value *out)
{
    struct value name = call->arg[0];
    bool found;
    if (call->self.kind == UNDEFINED)
        return undefined_fail(call->c, call->self);
    if (name.kind != STRING)
        return chat_fail(call->c, "attribute name must be string, not '%s'", type_name(name));
    if (!get_own(call->c, call->self, name, out, &found))
        return false;
    return found || undefined_new(call->c, out, "'%s object' has no attribute '%.*s'", type_name(call->self), SHORT(name));
}

static bool run_sum(struct call *call, struct value *out)
{
    struct list *items;
    struct value item;
    *out = call->given[1] ? call->arg[1] : int_value(0);
    if (out->kind == STRING)
        return chat_fail(call->c, "sum() can't sum strings [use ''.join(seq) instead]");
    if (!value_items(call->c, call->self, false, &items))
        return false;
    for (size_t i = 0; i < items->count; i++) {
        if (!item_at(call->c, items->items[i], call_argument(call, 0), &item) || !operate(call->c, '+', *out, item, out))
            return false;
    }
    return true;
}

/* ---- anything */

static bool run_default(struct call *call, struct value *out)
{
    bool missing = call->self.kind == UNDEFINED || (call_flag(call, 1) && !is_true(call->self));
    if (missing && !call->given[0])
        return string_text(call->c, "", out);
    *out = missing ? call->arg[0] : call->self;
    return true;
}

static bool run_pprint(struct call *call, struct value *out)
{
    struct buffer b = {0};
    return print_repr(call->c, &b, call->self) && buffer_value(call->c, &b, out);
}

/* separators=(",", ":"); without, those of json.dumps. */
static bool json_separators(struct call *call, struct json_options *o)
{
    const struct value *given = call_argument(call, 2);
    if (!given || given->kind == NONE)
        return string_text(call->c, o->indent ? "," : ", ", &o->item_separator) && string_text(call->c, ": ", &o->key_separator);
    struct list *parts;
    if (!value_items(call->c, *given, false, &parts))
        return false;
    if (parts->count != 2 || parts->items[0].kind != STRING || parts->items[1].kind != STRING)
        return chat_fail(call->c, "tojson: separators must be two strings");
    o->item_separator = parts->items[0];
    o->key_separator = parts->items[1];
    return true;
}

static bool run_tojson(struct call *call, struct value *out)
{
    struct json_options o = {.ascii = call_flag(call, 0), .sort_keys = call_flag(call, 3)};
    struct buffer b = {0}, spaces = {0};
    int64_t indent;
    if (call->given[1] && call->arg[1].kind == STRING) {
        o.indent = call->arg[1].as.string->data;
        o.indent_length = call->arg[1].as.string->length;
    } else if (call->given[1] && call->arg[1].kind != NONE) {
        if (!call_int(call, 1, 0, &indent) || (indent > 0 && !buffer_fill(call->c, &spaces, ' ', (size_t)indent)))
            return false;
        o.indent = spaces.data ? spaces.data : "";
        o.indent_length = spaces.length;
    }
    return json_separators(call, &o) && json_write(call->c, &b, call->self, &o) && buffer_value(call->c, &b, out);
}

const struct function chat_list_filters[] = {
    {"attr", "name", run_attr}, {"batch", "linecount fill_with?", run_batch}, {"count", "", run_length},
    {"d", "default_value? boolean?", run_default}, {"default", "default_value? boolean?", run_default},
    {"dictsort", "case_sensitive? by? reverse?", run_dictsort}, {"first", "", run_first},
    {"groupby", "attribute default? case_sensitive?", run_groupby}, {"items", "", run_items},
    {"join", "d? attribute?", run_join}, {"last", "", run_last}, {"length", "", run_length}, {"list", "", run_list}, {"map", "*", run_map},
    {"max", "case_sensitive? attribute?", run_max}, {"min", "case_sensitive? attribute?", run_min}, {"pprint", "", run_pprint},
    {"reject", "*", run_reject}, {"rejectattr", "*", run_rejectattr}, {"reverse", "", run_reverse},
    {"select", "*", run_select}, {"selectattr", "*", run_selectattr}, {"slice", "slices fill_with?", run_slice},
    {"sort", "reverse? case_sensitive? attribute?", run_sort}, {"sum", "attribute? start?", run_sum},
    {"tojson", "ensure_ascii? indent? separators? sort_keys?", run_tojson}, {"unique", "case_sensitive? attribute?", run_unique}, {0},
};
