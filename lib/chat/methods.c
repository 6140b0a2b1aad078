/* The methods of strings, but for those of methods_class.c. */
#include "eval.h"

static bool string_argument(struct call *call, int index, struct value *out)
{
    *out = call->arg[index];
    if (out->kind == UNDEFINED)
        return undefined_fail(call->c, *out);
    return out->kind == STRING || chat_fail(call->c, "%s() needs a str, not %s", call->function_name, type_name(*out));
}

static bool part(struct call *call, size_t from, size_t to, struct value *out)
{
    return string_ref(call->c, call->self.as.string->data + from, to - from, out);
}

/* ---- case and ends */

static bool run_upper(struct call *call, struct value *out)
{
    return upper_case(call->c, call->self, out);
}

static bool run_lower(struct call *call, struct value *out)
{
    return lower_case(call->c, call->self, out);
}

static bool run_capitalize(struct call *call, struct value *out)
{
    return capitalize(call->c, call->self, out);
}

static bool run_title(struct call *call, struct value *out)
{
    return title_runs(call->c, call->self, out);
}

static bool run_casefold(struct call *call, struct value *out)
{
    return casefold(call->c, call->self, out);
}

static bool run_swapcase(struct call *call, struct value *out)
{
    const struct string *s = call->self.as.string;
    struct buffer b = {0};
    for (size_t i = 0, n; i < s->length; i += n) {
        struct value ch;
        n = char_length(s->data, s->length, i);
        enum unicode_class class = letter_case(char_at(s->data, s->length, i));
        if (!part(call, i, i + n, &ch) || (class == UNICODE_LU && !lower_case(call->c, ch, &ch)) ||
            (class == UNICODE_LL && !upper_case(call->c, ch, &ch)) || !buffer_string(call->c, &b, ch))
            return false;
    }
    return buffer_value(call->c, &b, out);
}

static bool run_strip(struct call *call, struct value *out)
{
    return strip(call->c, call->self, call_argument(call, 0), true, true, out);
}

static bool run_lstrip(struct call *call, struct value *out)
{
    return strip(call->c, call->self, call_argument(call, 0), true, false, out);
}

static bool run_rstrip(struct call *call, struct value *out)
{
    return strip(call->c, call->self, call_argument(call, 0), false, true, out);
}

static bool has_prefix(struct chat *c, const struct string *s, const struct string *p)
{
    return p->length <= s->length && chat_work(c, p->length / 64) && memcmp(s->data, p->data, p->length) == 0;
}

static bool has_suffix(struct chat *c, const struct string *s, const struct string *p)
{
    return p->length <= s->length && chat_work(c, p->length / 64) && memcmp(s->data + s->length - p->length, p->data, p->length) == 0;
}

static bool run_removeprefix(struct call *call, struct value *out)
{
    struct value p;
    if (!string_argument(call, 0, &p))
        return false;
    size_t cut = has_prefix(call->c, call->self.as.string, p.as.string) ? p.as.string->length : 0;
    return part(call, cut, call->self.as.string->length, out);
}

static bool run_removesuffix(struct call *call, struct value *out)
{
    struct value p;
    if (!string_argument(call, 0, &p))
        return false;
    size_t cut = has_suffix(call->c, call->self.as.string, p.as.string) ? p.as.string->length : 0;
    return part(call, 0, call->self.as.string->length - cut, out);
}

/* ---- finding */

/* What find_last may cost: it looks at every byte. */
static bool last_work(struct chat *c, size_t length, const struct string *needle)
{
    return chat_work(c, length / 4 + (uint64_t)length * needle->length / 512);
}

static const char *find_last(const char *s, size_t length, const struct string *needle)
{
    for (size_t i = length < needle->length ? 0 : length - needle->length + 1; i-- > 0;)
        if (memcmp(s + i, needle->data, needle->length) == 0)
            return s + i;
    return NULL;
}

/* The byte offsets of the optional start and end arguments, as of a slice. `inside`: start is not behind the end of the text. */
static bool window(struct call *call, size_t *from, size_t *to, bool *inside)
{
    int64_t chars = (int64_t)string_chars(call->c, call->self), start, end;
    if (!call_int_or_none(call, 1, 0, &start) || !call_int_or_none(call, 2, chars, &end))
        return false;
    start = start < 0 ? (start + chars < 0 ? 0 : start + chars) : start;
    end = end < 0 ? (end + chars < 0 ? 0 : end + chars) : end > chars ? chars : end;
    *inside = start <= chars && start <= end;
    *from = char_offset(call->c, call->self, (size_t)(start > chars ? chars : start));
    *to = *inside ? char_offset(call->c, call->self, (size_t)end) : *from;
    return chat_work(call->c, call->self.as.string->length / 64);
}

/* Byte offset of the first or last occurrence of the argument in the window, or -1. */
static bool locate(struct call *call, bool last, int64_t *at)
{
    struct value needle;
    size_t from, to;
    bool inside;
    if (!string_argument(call, 0, &needle) || !window(call, &from, &to, &inside))
        return false;
    const char *s = call->self.as.string->data;
    const struct string *n = needle.as.string;
    *at = -1;
    if (!inside || n->length > to - from)
        return true;
    if (!last) {
        const char *found = n->length ? text_find(call->c, s + from, to - from, n) : s + from;
        *at = found ? found - s : -1;
        return !call->c->status;
    }
    if (!last_work(call->c, to - from, n))
        return false;
    const char *found = find_last(s + from, to - from, n);
    *at = found ? found - s : -1;
    return true;
}

static bool position(struct call *call, bool last, bool must, struct value *out)
{
    int64_t at, chars = 0;
    if (!locate(call, last, &at))
        return false;
    if (at < 0 && must)
        return chat_fail(call->c, "substring not found");
    const struct string *s = call->self.as.string;
    for (size_t i = 0; at > 0 && i < (size_t)at; i += char_length(s->data, s->length, i))
        chars++;
    *out = int_value(at < 0 ? -1 : chars);
    return true;
}

static bool run_find(struct call *call, struct value *out)
{
    return position(call, false, false, out);
}

static bool run_rfind(struct call *call, struct value *out)
{
    return position(call, true, false, out);
}

static bool run_index(struct call *call, struct value *out)
{
    return position(call, false, true, out);
}

static bool run_rindex(struct call *call, struct value *out)
{
    return position(call, true, true, out);
}

static bool run_count(struct call *call, struct value *out)
{
    struct value needle;
    size_t from, to;
    bool inside;
    int64_t count = 0;
    if (!string_argument(call, 0, &needle) || !window(call, &from, &to, &inside))
        return false;
    const char *s = call->self.as.string->data, *at = s + from;
    const struct string *n = needle.as.string;
    if (n->length == 0) {
        struct value text;
        if (!part(call, from, to, &text))
            return false;
        *out = int_value(inside ? (int64_t)string_chars(call->c, text) + 1 : 0);
        return true;
    }
    while (inside && !call->c->status && (at = text_find(call->c, at, (size_t)(s + to - at), n))) {
        count++;
        at += n->length;
    }
    *out = int_value(count);
    return !call->c->status;
}

/* startswith and endswith: one text or a tuple of texts, in the window. */
static bool at_end(struct call *call, bool suffix, struct value *out)
{
    size_t from, to;
    bool inside, found = false;
    struct value one[1] = {call->arg[0]};
    struct list single = {.items = one, .count = 1}, *texts = call->arg[0].kind == TUPLE ? call->arg[0].as.list : &single;
    if (!window(call, &from, &to, &inside))
        return false;
    struct string s = {call->self.as.string->data + from, to - from, SIZE_MAX};
    for (size_t i = 0; i < texts->count; i++) {
        struct value text = texts->items[i];
        if (text.kind == UNDEFINED)
            return undefined_fail(call->c, text);
        if (text.kind != STRING)
            return chat_fail(call->c, "%s first arg must be str or a tuple of str, not %s", call->function_name, type_name(text));
        if (!chat_work(call->c, 1))
            return false;
        found = found || (inside && (suffix ? has_suffix(call->c, &s, text.as.string) : has_prefix(call->c, &s, text.as.string)));
    }
    *out = bool_value(found);
    return !call->c->status;
}

static bool run_startswith(struct call *call, struct value *out)
{
    return at_end(call, false, out);
}

static bool run_endswith(struct call *call, struct value *out)
{
    return at_end(call, true, out);
}

/* ---- parting and joining */

static bool split_spaces(struct call *call, int64_t max, bool right, struct value list)
{
    const struct string *s = call->self.as.string;
    struct value rest = call->self, word;
    while (true) {
        if (!strip(call->c, rest, NULL, !right, right, &rest))
            return false;
        if (rest.as.string->length == 0)
            return true;
        s = rest.as.string;
        size_t at = right ? s->length : 0;
        if (max-- == 0) /* the rest stays as it is, but for the spaces at its outer end */
            return strip(call->c, rest, NULL, !right, right, &rest) && list_add(call->c, list, rest);
        if (right)
            while (at > 0 && !char_is_space(char_at(s->data, s->length, char_before(s->data, at))))
                at = char_before(s->data, at);
        else
            while (at < s->length && !char_is_space(char_at(s->data, s->length, at)))
                at += char_length(s->data, s->length, at);
        size_t from = right ? at : 0, to = right ? s->length : at;
        if (!chat_work(call->c, (to - from) / 16) || !string_ref(call->c, s->data + from, to - from, &word) || !list_add(call->c, list, word) ||
            !string_ref(call->c, right ? s->data : s->data + at, right ? at : s->length - at, &rest))
            return false;
    }
}

static bool split_text(struct call *call, const struct string *separator, int64_t max, bool right, struct value list)
{
    const char *s = call->self.as.string->data, *end = s + call->self.as.string->length, *found;
    struct value piece;
    if (right && !last_work(call->c, (size_t)(end - s), separator))
        return false;
    while (max-- != 0 && (found = right ? find_last(s, (size_t)(end - s), separator)
                                        : text_find(call->c, s, (size_t)(end - s), separator))) {
        const char *from = right ? found + separator->length : s, *to = right ? end : found;
        if (!string_ref(call->c, from, (size_t)(to - from), &piece) || !list_add(call->c, list, piece))
            return false;
        if (right)
            end = found;
        else
            s = found + separator->length;
    }
    return string_ref(call->c, s, (size_t)(end - s), &piece) && list_add(call->c, list, piece);
}

static bool split(struct call *call, bool right, struct value *out)
{
    int64_t max;
    struct value separator = call->given[0] ? call->arg[0] : none_value();
    if (!call_int(call, 1, -1, &max) || !list_new(call->c, LIST, 0, out) ||
        (separator.kind != NONE && !string_argument(call, 0, &separator)))
        return false;
    if (separator.kind == STRING && separator.as.string->length == 0)
        return chat_fail(call->c, "empty separator");
    if (!(separator.kind == NONE ? split_spaces(call, max, right, *out) : split_text(call, separator.as.string, max, right, *out)))
        return false;
    struct list *l = out->as.list;
    for (size_t i = 0; right && i < l->count / 2; i++) {
        struct value swap = l->items[i];
        l->items[i] = l->items[l->count - 1 - i];
        l->items[l->count - 1 - i] = swap;
    }
    return true;
}

static bool run_split(struct call *call, struct value *out)
{
    return split(call, false, out);
}

static bool run_rsplit(struct call *call, struct value *out)
{
    return split(call, true, out);
}

static bool run_splitlines(struct call *call, struct value *out)
{
    return split_lines(call->c, call->self, call->given[0] && is_true(call->arg[0]), out);
}

static bool partition(struct call *call, bool right, struct value *out)
{
    const struct string *s = call->self.as.string;
    struct value separator, parts[3];
    if (!string_argument(call, 0, &separator) || !list_new(call->c, TUPLE, 3, out))
        return false;
    const struct string *p = separator.as.string;
    if (p->length == 0)
        return chat_fail(call->c, "empty separator");
    if (right && !last_work(call->c, s->length, p))
        return false;
    const char *found = right ? find_last(s->data, s->length, p) : text_find(call->c, s->data, s->length, p);
    size_t at = found ? (size_t)(found - s->data) : right ? 0 : s->length, behind = found ? at + p->length : at;
    if (!part(call, 0, at, &parts[0]) || !part(call, at, behind, &parts[1]) ||
        !part(call, behind, s->length, &parts[2]))
        return false;
    for (int i = 0; i < 3; i++)
        if (!list_add(call->c, *out, parts[i]))
            return false;
    return true;
}

static bool run_partition(struct call *call, struct value *out)
{
    return partition(call, false, out);
}

static bool run_rpartition(struct call *call, struct value *out)
{
    return partition(call, true, out);
}

static bool run_join(struct call *call, struct value *out)
{
    struct list *items;
    struct buffer b = {0};
    if (!value_items(call->c, call->arg[0], false, &items))
        return false;
    for (size_t i = 0; i < items->count; i++) {
        if (items->items[i].kind == UNDEFINED)
            return undefined_fail(call->c, items->items[i]);
        if (items->items[i].kind != STRING)
            return chat_fail(call->c, "sequence item %zu: expected str instance, %s found", i, type_name(items->items[i]));
        if ((i && !buffer_string(call->c, &b, call->self)) || !buffer_string(call->c, &b, items->items[i]) || !chat_work(call->c, 1))
            return false;
    }
    return buffer_value(call->c, &b, out);
}

static bool run_replace(struct call *call, struct value *out)
{
    struct value old, new;
    int64_t count;
    return string_argument(call, 0, &old) && string_argument(call, 1, &new) && call_int(call, 2, -1, &count) &&
           replace_text(call->c, call->self, old, new, count, out);
}

static bool run_format(struct call *call, struct value *out)
{
    return format_braces(call, call->self, out);
}

static bool run_format_map(struct call *call, struct value *out)
{
    if (call->arg[0].kind != DICT)
        return chat_fail(call->c, "format_map() needs a dict, not %s", type_name(call->arg[0]));
    const struct dict *d = call->arg[0].as.dict;
    for (size_t i = 0; i < d->count; i++)
        if (d->entries[i].key.kind != STRING)
            return chat_fail(call->c, "format_map() needs names as keys");
    call->rest = (struct arguments){.keywords = d->entries, .keyword_count = d->count};
    return format_braces(call, call->self, out);
}

/* ---- padding */

static bool run_expandtabs(struct call *call, struct value *out)
{
    const struct string *s = call->self.as.string;
    struct buffer b = {0};
    int64_t size, column = 0;
    if (!call_int(call, 0, 8, &size))
        return false;
    for (size_t i = 0, n; i < s->length; i += n) {
        n = char_length(s->data, s->length, i);
        int64_t spaces = size > 0 ? size - column % size : 0;
        if (s->data[i] == '\t' ? !buffer_fill(call->c, &b, ' ', (size_t)spaces) : !buffer_add(call->c, &b, s->data + i, n))
            return false;
        column = s->data[i] == '\n' || s->data[i] == '\r' ? 0 : column + (s->data[i] == '\t' ? spaces : 1);
    }
    return chat_work(call->c, s->length / 16) && buffer_value(call->c, &b, out);
}

static bool pad(struct call *call, int side, struct value *out)
{
    struct chat *c = call->c;
    struct buffer b = {0};
    struct value text = call->self, fill;
    int64_t width, chars = (int64_t)string_chars(call->c, text);
    if (!call_int(call, 0, 0, &width) || !string_text(c, " ", &fill) || (call->given[1] && !string_argument(call, 1, &fill)))
        return false;
    if (string_chars(c, fill) != 1)
        return chat_fail(c, "The fill character must be exactly one character long");
    int64_t count = width > chars ? width - chars : 0, left = side < 0 ? count : side > 0 ? 0 : count / 2 + (count & width & 1);
    for (int64_t i = 0; i < left; i++)
        if (!buffer_string(c, &b, fill))
            return false;
    if (!buffer_string(c, &b, text))
        return false;
    for (int64_t i = left; i < count; i++)
        if (!buffer_string(c, &b, fill))
            return false;
    return chat_work(c, (uint64_t)count / 16) && buffer_value(c, &b, out);
}

static bool run_center(struct call *call, struct value *out)
{
    return pad(call, 0, out);
}

static bool run_ljust(struct call *call, struct value *out)
{
    return pad(call, 1, out);
}

static bool run_rjust(struct call *call, struct value *out)
{
    return pad(call, -1, out);
}

static bool run_zfill(struct call *call, struct value *out)
{
    const struct string *s = call->self.as.string;
    struct buffer b = {0};
    int64_t width, chars = (int64_t)string_chars(call->c, call->self);
    size_t sign = s->length > 0 && (s->data[0] == '-' || s->data[0] == '+');
    return call_int(call, 0, 0, &width) && buffer_add(call->c, &b, s->data, sign) &&
           buffer_fill(call->c, &b, '0', width > chars ? (size_t)(width - chars) : 0) &&
           buffer_add(call->c, &b, s->data + sign, s->length - sign) && buffer_value(call->c, &b, out);
}

const struct function chat_string_methods[] = {
    {"upper", "", run_upper}, {"lower", "", run_lower}, {"capitalize", "", run_capitalize}, {"title", "", run_title},
    {"swapcase", "", run_swapcase}, {"casefold", "", run_casefold}, {"strip", "/chars?", run_strip}, {"lstrip", "/chars?", run_lstrip},
    {"rstrip", "/chars?", run_rstrip}, {"removeprefix", "/prefix", run_removeprefix}, {"removesuffix", "/suffix", run_removesuffix},
    {"find", "/sub start? end?", run_find}, {"rfind", "/sub start? end?", run_rfind}, {"index", "/sub start? end?", run_index},
    {"rindex", "/sub start? end?", run_rindex}, {"count", "/sub start? end?", run_count},
    {"startswith", "/prefix start? end?", run_startswith}, {"endswith", "/suffix start? end?", run_endswith},
    {"split", "sep? maxsplit?", run_split}, {"rsplit", "sep? maxsplit?", run_rsplit}, {"splitlines", "keepends?", run_splitlines},
    {"partition", "/sep", run_partition}, {"rpartition", "/sep", run_rpartition}, {"join", "/iterable", run_join},
    {"replace", "/old new count?", run_replace}, {"format", "*", run_format}, {"center", "/width fillchar?", run_center},
    {"ljust", "/width fillchar?", run_ljust}, {"rjust", "/width fillchar?", run_rjust}, {"zfill", "/width", run_zfill},
    {"expandtabs", "tabsize?", run_expandtabs}, {"format_map", "/mapping", run_format_map}, {0},
};
