/* The methods of dicts, lists, tuples and ranges that do not change them. */
#include "eval.h"

static bool run_get(struct call *call, struct value *out)
{
    const struct value *value = dict_get(call->c, call->self.as.dict, call->arg[0]);
    *out = value ? *value : call->given[1] ? call->arg[1] : none_value();
    return !call->c->status;
}

/* What of an entry a view shows. */
enum part { KEYS, VALUES, ITEMS };

static bool view(struct call *call, enum part part, const char *name, struct value *out)
{
    const struct dict *d = call->self.as.dict;
    if (!list_new(call->c, VIEW, d->count, out))
        return false;
    out->as.list->name = name;
    for (size_t i = 0; i < d->count; i++) {
        struct value item = part == KEYS ? d->entries[i].key : d->entries[i].value;
        if ((part == ITEMS && !tuple_pair(call->c, d->entries[i].key, d->entries[i].value, &item)) || !list_add(call->c, *out, item))
            return false;
    }
    return true;
}

static bool run_keys(struct call *call, struct value *out)
{
    return view(call, KEYS, "dict_keys", out);
}

static bool run_values(struct call *call, struct value *out)
{
    return view(call, VALUES, "dict_values", out);
}

static bool run_items(struct call *call, struct value *out)
{
    return view(call, ITEMS, "dict_items", out);
}

static bool run_copy(struct call *call, struct value *out)
{
    *out = call->self; /* they never change, so one is as good as two */
    return true;
}

const struct function chat_dict_methods[] = {
    {"get", "/key default?", run_get}, {"keys", "", run_keys}, {"values", "", run_values}, {"items", "", run_items}, {"copy", "", run_copy}, {0},
};

static bool run_index(struct call *call, struct value *out)
{
    struct list *l;
    int64_t start, stop;
    if (!value_items(call->c, call->self, false, &l) || !call_int(call, 1, 0, &start) || !call_int(call, 2, (int64_t)l->count, &stop))
        return false;
    start = start < 0 ? start + (int64_t)l->count : start;
    stop = stop < 0 ? stop + (int64_t)l->count : stop;
    for (int64_t i = start < 0 ? 0 : start; i < stop && i < (int64_t)l->count; i++) {
        bool equal;
        if (!chat_work(call->c, 1) || !value_equal(call->c, l->items[i], call->arg[0], &equal))
            return false;
        if (equal)
            return *out = int_value(i), true;
    }
    return chat_fail(call->c, "the value is not in the %s", type_name(call->self));
}

static bool run_count(struct call *call, struct value *out)
{
    struct list *l;
    int64_t count = 0;
    if (!value_items(call->c, call->self, false, &l))
        return false;
    for (size_t i = 0; i < l->count; i++) {
        bool equal;
        if (!chat_work(call->c, 1) || !value_equal(call->c, l->items[i], call->arg[0], &equal))
            return false;
        count += equal;
    }
    *out = int_value(count);
    return true;
}

const struct function chat_list_methods[] = {{"index", "/value start? stop?", run_index}, {"count", "/value", run_count}, {"copy", "", run_copy}, {0}};
const struct function chat_tuple_methods[] = {{"index", "/value start? stop?", run_index}, {"count", "/value", run_count}, {0}};
