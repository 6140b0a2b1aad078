/* Lists, dicts, and what Python says of values: truth, equality, order, membership. */
#include "value.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- undefined */

bool undefined_new(struct chat *c, struct value *out, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t size = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    char *copy = chat_alloc(c, size + 1);
    if (!copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = 0;
    *out = (struct value){.kind = UNDEFINED, .as.undefined = copy};
    return true;
}

bool undefined_fail(struct chat *c, struct value v)
{
    return chat_fail(c, "%s", v.as.undefined);
}

bool overflow_fail(struct chat *c)
{
    return chat_fail(c, "an integer does not fit in 64 bits");
}

/* ---- lists */

bool list_new(struct chat *c, enum kind kind, size_t capacity, struct value *out)
{
    struct list *list = chat_alloc(c, sizeof *list);
    if (!list || capacity > CHAT_MEMORY_MAX / sizeof *list->items)
        return list && chat_fail_as(c, SLM_LIMIT, "a list of %zu items is too long", capacity);
    *list = (struct list){.capacity = capacity, .name = kind == ITERATOR ? "generator" : NULL};
    list->items = capacity ? chat_alloc(c, capacity * sizeof *list->items) : NULL;
    *out = (struct value){.kind = kind, .as.list = list};
    return list->items || !capacity;
}

bool list_add(struct chat *c, struct value v, struct value item)
{
    struct list *list = v.as.list;
    if (list->count == list->capacity) {
        size_t size = sizeof *list->items, capacity = list->capacity ? 2 * list->capacity : 8;
        struct value *grown = chat_grow(c, list->items, list->count * size, list->capacity * size, capacity * size);
        if (!grown)
            return false;
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return chat_work(c, 1);
}

bool tuple_pair(struct chat *c, struct value a, struct value b, struct value *out)
{
    return list_new(c, TUPLE, 2, out) && list_add(c, *out, a) && list_add(c, *out, b);
}

/* ---- dicts */

enum { FEW = 8 };           /* entries that are searched one by one */

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

/* Seeded, so that keys from a stranger can't be made to collide. Numbers that are equal hash alike, whatever their kind. */
static bool hash_of(struct chat *c, struct value v, int depth, uint64_t *hash)
{
    uint64_t h = c->seed, word;
    if (is_unhashable(v))
        return chat_fail(c, "unhashable type: '%s'", type_name(v));
    switch (v.kind) {
    case NONE:
    case UNDEFINED:
        break;
    case BOOL:
    case INT:
        h = mix(h ^ (uint64_t)int_of(v));
        break;
    case FLOAT:
        if (v.as.real >= -9e18 && v.as.real <= 9e18 && v.as.real == (double)(int64_t)v.as.real)
            word = (uint64_t)(int64_t)v.as.real;
        else
            memcpy(&word, &v.as.real, sizeof word);
        h = mix(h ^ word);
        break;
    case LARGE:
    case STRING:
        if (!chat_work(c, v.as.string->length / 64))
            return false;
        for (size_t i = 0; i < v.as.string->length; i += 8) {
            size_t left = v.as.string->length - i;
            word = 0;
            memcpy(&word, v.as.string->data + i, left < 8 ? left : 8);
            h = mix(h ^ word);
        }
        h = mix(h ^ v.as.string->length);
        break;
    case TUPLE:
        for (size_t i = 0; i < v.as.list->count; i++) {
            if (depth > CHAT_NESTING_MAX || !chat_work(c, 1))
                return chat_fail_as(c, SLM_LIMIT, "values are nested more than %d deep", CHAT_NESTING_MAX);
            if (!hash_of(c, v.as.list->items[i], depth + 1, &word))
                return false;
            h = mix(h ^ word);
        }
        break;
    default:
        memcpy(&word, &v.as, sizeof word);
        h = mix(h ^ word);
    }
    *hash = h;
    return true;
}

bool dict_new(struct chat *c, enum kind kind, struct value *out)
{
    struct dict *d = chat_alloc(c, sizeof *d);
    if (!d)
        return false;
    *d = (struct dict){0};
    *out = (struct value){.kind = kind, .as.dict = d};
    return true;
}

/* Index of the key's entry, or count; *slot is where the table has or would have it. */
static bool dict_find(struct chat *c, const struct dict *d, struct value key, size_t *index, size_t *slot)
{
    uint64_t hash;
    bool equal;
    if (!hash_of(c, key, 0, &hash))
        return false;
    if (!d->slots) {
        for (*index = 0; *index < d->count; ++*index) {
            if (!value_equal(c, d->entries[*index].key, key, &equal))
                return false;
            if (equal)
                break;
        }
        return true;
    }
    for (*slot = hash & d->slot_mask; d->slots[*slot]; *slot = (*slot + 1) & d->slot_mask) {
        *index = d->slots[*slot] - 1;
        if (!chat_work(c, 1) || !value_equal(c, d->entries[*index].key, key, &equal))
            return false;
        if (equal)
            return true;
    }
    *index = d->count;
    return true;
}

static bool dict_rehash(struct chat *c, struct dict *d)
{
    size_t slots = 4 * d->capacity;
    d->slots = chat_alloc(c, slots * sizeof *d->slots);
    if (!d->slots)
        return false;
    memset(d->slots, 0, slots * sizeof *d->slots);
    d->slot_mask = slots - 1;
    for (size_t i = 0; i < d->count; i++) {
        uint64_t hash;
        if (!hash_of(c, d->entries[i].key, 0, &hash))
            return false;
        size_t slot = hash & d->slot_mask;
        while (d->slots[slot])
            slot = (slot + 1) & d->slot_mask;
        d->slots[slot] = (uint32_t)i + 1;
    }
    return true;
}

bool dict_set(struct chat *c, struct dict *d, struct value key, struct value value)
{
    size_t index, slot = 0;
    if (!chat_work(c, 1) || !dict_find(c, d, key, &index, &slot))
        return false;
    if (index < d->count) {
        d->entries[index].value = value;
        return true;
    }
    if (d->count == d->capacity) {
        size_t size = sizeof *d->entries, capacity = d->capacity ? 2 * d->capacity : FEW;
        struct dict_entry *grown = chat_grow(c, d->entries, d->count * size, d->capacity * size, capacity * size);
        if (!grown)
            return false;
        d->entries = grown;
        d->capacity = capacity;
        d->entries[d->count++] = (struct dict_entry){key, value};
        return capacity <= FEW || dict_rehash(c, d);
    }
    d->entries[d->count++] = (struct dict_entry){key, value};
    if (d->slots)
        d->slots[slot] = (uint32_t)d->count;
    return true;
}

struct value *dict_get(struct chat *c, const struct dict *d, struct value key)
{
    size_t index, slot;
    return dict_find(c, d, key, &index, &slot) && index < d->count ? &d->entries[index].value : NULL;
}

/* ---- truth, equality, order */

bool is_true(struct value v)
{
    switch (v.kind) {
    case UNDEFINED:
    case NONE:
        return false;
    case BOOL:
        return v.as.boolean;
    case INT:
        return v.as.integer != 0;
    case FLOAT:
        return v.as.real != 0;
    case STRING:
        return v.as.string->length > 0;
    case LIST:
    case TUPLE:
    case VIEW:
        return v.as.list->count > 0;
    case DICT:
        return v.as.dict->count > 0;
    case RANGE:
        return v.as.range->count > 0;
    default:
        return true;
    }
}

static bool equal_at(struct chat *c, struct value v, struct value w, int depth, bool *equal);

static bool equal_items(struct chat *c, const struct list *a, const struct list *b, int depth, bool *equal)
{
    *equal = a->count == b->count;
    for (size_t i = 0; *equal && i < a->count; i++)
        if (!equal_at(c, a->items[i], b->items[i], depth + 1, equal))
            return false;
    return true;
}

static bool equal_dicts(struct chat *c, const struct dict *a, const struct dict *b, int depth, bool *equal)
{
    *equal = a->count == b->count;
    for (size_t i = 0; *equal && i < a->count; i++) {
        const struct value *other = dict_get(c, b, a->entries[i].key);
        *equal = other != NULL;
        if (c->status || (other && !equal_at(c, a->entries[i].value, *other, depth + 1, equal)))
            return false;
    }
    return true;
}

static bool equal_at(struct chat *c, struct value v, struct value w, int depth, bool *equal)
{
    if (depth > CHAT_NESTING_MAX)
        return chat_fail_as(c, SLM_LIMIT, "values are nested more than %d deep", CHAT_NESTING_MAX);
    if (is_number(v) && is_number(w)) {
        *equal = is_int(v) && is_int(w) ? int_of(v) == int_of(w) : real_of(v) == real_of(w);
        return true;
    }
    *equal = false;
    if (v.kind != w.kind)
        return true;
    if (!chat_work(c, 1))
        return false;
    switch (v.kind) {
    case UNDEFINED:
    case NONE:
        *equal = true;
        return true;
    case LARGE:
    case STRING:
        if (v.as.string->length != w.as.string->length)
            return true;
        *equal = v.as.string->data == w.as.string->data || memcmp(v.as.string->data, w.as.string->data, v.as.string->length) == 0;
        return chat_work(c, v.as.string->length / 64);
    case LIST:
    case TUPLE:
        return v.as.list == w.as.list ? *equal = true : equal_items(c, v.as.list, w.as.list, depth, equal);
    case DICT:
        return v.as.dict == w.as.dict ? *equal = true : equal_dicts(c, v.as.dict, w.as.dict, depth, equal);
    case RANGE:
        *equal = v.as.range->count == w.as.range->count &&
                 (v.as.range->count == 0 || (v.as.range->start == w.as.range->start &&
                                             (v.as.range->count == 1 || v.as.range->step == w.as.range->step)));
        return true;
    default:
        *equal = memcmp(&v.as, &w.as, sizeof v.as) == 0;
        return true;
    }
}

bool value_equal(struct chat *c, struct value v, struct value w, bool *equal)
{
    return equal_at(c, v, w, 0, equal);
}

/* By code point, which for UTF-8 is by byte. */
static bool string_less(struct value v, struct value w)
{
    const struct string *a = v.as.string, *b = w.as.string;
    int order = memcmp(a->data, b->data, a->length < b->length ? a->length : b->length);
    return order ? order < 0 : a->length < b->length;
}

bool value_less(struct chat *c, struct value v, struct value w, const char *operator, bool *less)
{
    if (!chat_work(c, 1))
        return false;
    if (v.kind == UNDEFINED || w.kind == UNDEFINED)
        return undefined_fail(c, v.kind == UNDEFINED ? v : w);
    if (is_number(v) && is_number(w)) {
        *less = is_int(v) && is_int(w) ? int_of(v) < int_of(w) : real_of(v) < real_of(w);
        return true;
    }
    if (v.kind == LARGE || w.kind == LARGE)
        return overflow_fail(c);
    if (v.kind == STRING && w.kind == STRING) {
        *less = string_less(v, w);
        return chat_work(c, v.as.string->length / 64);
    }
    if (v.kind != w.kind || !is_list(v))
        return chat_fail(c, "'%s' not supported between instances of '%s' and '%s'", operator, type_name(v), type_name(w));
    const struct list *a = v.as.list, *b = w.as.list;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        bool equal;
        if (!value_equal(c, a->items[i], b->items[i], &equal))
            return false;
        if (!equal) { /* lists within lists within lists: once down the first difference, so the depth is bounded by equality's */
            bool deeper = is_list(a->items[i]) && is_list(b->items[i]);
            if (deeper && !chat_work(c, 16))
                return false;
            return value_less(c, a->items[i], b->items[i], operator, less);
        }
    }
    *less = a->count < b->count;
    return true;
}

static bool contains_text(struct chat *c, struct value text, struct value part)
{
    const struct string *t = text.as.string, *p = part.as.string;
    return p->length == 0 || text_find(c, t->data, t->length, p);
}

bool value_in(struct chat *c, struct value item, struct value container, bool *found)
{
    struct list *items;
    switch (container.kind) {
    case STRING:
        if (item.kind == UNDEFINED)
            return undefined_fail(c, item);
        if (item.kind != STRING)
            return chat_fail(c, "'in <string>' requires string as left operand, not %s", type_name(item));
        *found = contains_text(c, container, item);
        return !c->status;
    case DICT:
        *found = dict_get(c, container.as.dict, item) != NULL;
        return !c->status;
    default:
        if (!value_items(c, container, false, &items))
            return false;
        *found = false;
        for (size_t i = 0; !*found && i < items->count; i++)
            if (!chat_work(c, 1) || !value_equal(c, items->items[i], item, found))
                return false;
        return true;
    }
}

const char *type_name(struct value v)
{
    static const char *const names[] = {"Undefined", "NoneType", "bool", "int", "float", "int", "str", "list", "tuple", "dict", "range", "view",
                                        "generator", "Namespace", "Macro", "function", "method", "LoopContext", "Joiner", "Cycler"};
    if ((v.kind == VIEW || v.kind == ITERATOR) && v.as.list->name)
        return v.as.list->name;
    return v.kind == STRING && v.markup ? "Markup" : names[v.kind];
}

bool value_length(struct chat *c, struct value v, size_t *length)
{
    switch (v.kind) {
    case UNDEFINED:
        *length = 0;
        return true;
    case STRING:
        *length = string_chars(c, v);
        return !c->status;
    case LIST:
    case TUPLE:
    case VIEW:
        *length = v.as.list->count;
        return true;
    case DICT:
        *length = v.as.dict->count;
        return true;
    case RANGE:
        *length = v.as.range->count;
        return true;
    default:
        return chat_fail(c, "object of type '%s' has no len()", type_name(v));
    }
}

static bool string_items(struct chat *c, struct value v, struct value list)
{
    const struct string *s = v.as.string;
    for (size_t i = 0, n; i < s->length; i += n) {
        struct value item;
        n = char_length(s->data, s->length, i);
        if (!string_ref(c, s->data + i, n, &item) || !list_add(c, list, item))
            return false;
    }
    return true;
}

bool value_items(struct chat *c, struct value v, bool fresh, struct list **items)
{
    struct value list;
    if (!fresh && (is_list(v) || v.kind == VIEW)) {
        *items = v.as.list;
        return true;
    }
    if (!list_new(c, LIST, 0, &list))
        return false;
    *items = list.as.list;
    switch (v.kind) {
    case UNDEFINED:
        return true;
    case STRING:
        return string_items(c, v, list);
    case LIST:
    case TUPLE:
    case VIEW:
    case ITERATOR:
        for (size_t i = v.kind == ITERATOR ? v.as.list->next : 0; i < v.as.list->count; i++)
            if (!list_add(c, list, v.as.list->items[i]))
                return false;
        if (v.kind == ITERATOR)
            v.as.list->next = v.as.list->count;
        return true;
    case DICT:
        for (size_t i = 0; i < v.as.dict->count; i++)
            if (!list_add(c, list, v.as.dict->entries[i].key))
                return false;
        return true;
    case RANGE:
        for (size_t i = 0; i < v.as.range->count; i++)
            if (!list_add(c, list, int_value(range_item(v.as.range, i))))
                return false;
        return true;
    default:
        return chat_fail(c, "'%s' object is not iterable", type_name(v));
    }
}
