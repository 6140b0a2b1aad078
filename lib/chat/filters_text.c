/* Filters of strings. What is not a string is printed first, as in Jinja2. */
#include "eval.h"

static bool string_argument(struct call *call, int index, const char *default_text, struct value *out)
{
    if (!call->given[index])
        return string_text(call->c, default_text, out);
    *out = call->arg[index];
    return out->kind == STRING || chat_fail(call->c, "%s needs a string, not %s", call->function_name, type_name(*out));
}

static bool run_upper(struct call *call, struct value *out)
{
    struct value text;
    return to_string(call->c, call->self, &text) && upper_case(call->c, text, out);
}

static bool run_lower(struct call *call, struct value *out)
{
    struct value text;
    return to_string(call->c, call->self, &text) && lower_case(call->c, text, out);
}

static bool run_capitalize(struct call *call, struct value *out)
{
    struct value text;
    return to_string(call->c, call->self, &text) && capitalize(call->c, text, out);
}

static bool run_title(struct call *call, struct value *out)
{
    struct value text;
    return to_string(call->c, call->self, &text) && title_words(call->c, text, out);
}

static bool run_trim(struct call *call, struct value *out)
{
    struct value text;
    return to_string(call->c, call->self, &text) && strip(call->c, text, call_argument(call, 0), true, true, out);
}

static bool run_string(struct call *call, struct value *out)
{
    return to_string(call->c, call->self, out);
}

static bool run_replace(struct call *call, struct value *out)
{
    struct value text, old, new;
    int64_t count;
    return call_int_or_none(call, 2, -1, &count) && to_string(call->c, call->self, &text) && to_string(call->c, call->arg[0], &old) &&
           to_string(call->c, call->arg[1], &new) && replace_text(call->c, text, old, new, count, out);
}

static bool run_escape(struct call *call, struct value *out)
{
    return escape_html(call->c, call->self, out);
}

static bool run_forceescape(struct call *call, struct value *out)
{
    call->self.markup = false;
    return escape_html(call->c, call->self, out);
}

static bool run_safe(struct call *call, struct value *out)
{
    if (!to_string(call->c, call->self, out))
        return false;
    out->markup = true;
    return true;
}

static bool run_center(struct call *call, struct value *out)
{
    struct value text;
    struct buffer b = {0};
    int64_t width;
    if (!call_int(call, 0, 80, &width) || !to_string(call->c, call->self, &text))
        return false;
    int64_t chars = (int64_t)string_chars(call->c, text), pad = width > chars ? width - chars : 0, left = pad / 2 + (pad & width & 1);
    return buffer_fill(call->c, &b, ' ', (size_t)left) && buffer_string(call->c, &b, text) &&
           buffer_fill(call->c, &b, ' ', (size_t)(pad - left)) && buffer_value(call->c, &b, out);
}

static bool run_indent(struct call *call, struct value *out)
{
    struct chat *c = call->c;
    struct value text = call->self, lines, indent;
    struct buffer b = {0}, spaces = {0};
    int64_t width = 4;
    bool first = call_flag(call, 1), blank = call_flag(call, 2);
    if (text.kind == UNDEFINED)
        return undefined_fail(c, text);
    if (text.kind != STRING)
        return chat_fail(c, "indent needs a string, not %s", type_name(text));
    bool textual = call->given[0] && call->arg[0].kind == STRING;
    if (textual)
        indent = call->arg[0];
    else if (!call_int(call, 0, 4, &width) || (width > 0 && !buffer_fill(c, &spaces, ' ', (size_t)width)) ||
             !buffer_value(c, &spaces, &indent))
        return false;
    if (!split_lines(c, text, false, &lines))
        return false;
    /* Jinja2 adds a line end before it splits: a text that ends in one, and an empty text, have an empty last line */
    const struct string *s = text.as.string;
    struct value empty, last;
    if (!string_text(c, "", &empty) || !string_ref(c, s->data + (s->length ? char_before(s->data, s->length) : 0), s->length ? 1 : 0, &last))
        return false;
    struct value tail;
    if (s->length == 0 || !split_lines(c, last, false, &tail) || tail.as.list->count == 0 || tail.as.list->items[0].as.string->length == 0)
        if (!list_add(c, lines, empty))
            return false;
    for (size_t i = 0; i < lines.as.list->count; i++) {
        struct value line = lines.as.list->items[i];
        bool indented = i == 0 ? first : blank || line.as.string->length > 0;
        if ((i && !buffer_text(c, &b, "\n")) || (indented && !buffer_string(c, &b, indent)) || !buffer_string(c, &b, line))
            return false;
    }
    return buffer_value(c, &b, out);
}

static bool run_truncate(struct call *call, struct value *out)
{
    struct chat *c = call->c;
    struct value text = call->self, end, head;
    struct buffer b = {0};
    int64_t length, leeway;
    size_t items;
    if (!call_int(call, 0, 255, &length) || !call_int_or_none(call, 3, 5, &leeway) || !string_argument(call, 2, "...", &end))
        return false;
    const int64_t chars = (int64_t)string_chars(c, end);
    if (length < chars || leeway < 0)
        return chat_fail(c, "truncate: the length must be at least that of the end, the leeway positive");
    if (!value_length(c, text, &items))
        return false;
    if ((int64_t)items - length <= leeway)
        return *out = text, true;
    if (text.kind != STRING)
        return chat_fail(c, "truncate needs a string, not %s", type_name(text));
    size_t cut = char_offset(c, text, (size_t)(length - chars));
    if (!call_flag(call, 1)) {
        const char *space = memrchr(text.as.string->data, ' ', cut);
        cut = space ? (size_t)(space - text.as.string->data) : cut;
    }
    return string_ref(c, text.as.string->data, cut, &head) && buffer_string(c, &b, head) && buffer_string(c, &b, end) &&
           buffer_value(c, &b, out);
}

static bool run_wordcount(struct call *call, struct value *out)
{
    struct value text;
    int64_t words = 0;
    bool inside = false;
    if (!to_string(call->c, call->self, &text))
        return false;
    const struct string *s = text.as.string;
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i)) {
        bool word = is_word(char_at(s->data, s->length, i));
        words += word && !inside;
        inside = word;
    }
    *out = int_value(words);
    return chat_work(call->c, s->length / 16);
}

static bool run_wordwrap(struct call *call, struct value *out)
{
    struct value text, lines, separator;
    struct buffer b = {0};
    int64_t width;
    if (call->self.kind == UNDEFINED)
        return undefined_fail(call->c, call->self);
    if (call->self.kind != STRING)
        return chat_fail(call->c, "wordwrap needs a string, not %s", type_name(call->self));
    text = call->self;
    if (!call_int(call, 0, 79, &width) || !string_argument(call, 2, "\n", &separator) || !split_lines(call->c, text, false, &lines))
        return false;
    if (width <= 0)
        return chat_fail(call->c, "invalid width %lld (must be > 0)", (long long)width);
    for (size_t i = 0; i < lines.as.list->count; i++)
        if ((i && !buffer_string(call->c, &b, separator)) ||
            !wrap_line(call->c, &b, lines.as.list->items[i], width, !call->given[1] || is_true(call->arg[1]),
                        !call->given[3] || is_true(call->arg[3]), separator))
            return false;
    return buffer_value(call->c, &b, out);
}

/* Without <tags> and <!-- comments -->, white space as single spaces, the five entities as characters. */
static bool run_striptags(struct call *call, struct value *out)
{
    static const char *const entities[] = {"&lt;", "<", "&gt;", ">", "&#34;", "\"", "&quot;", "\"", "&#39;", "'", "&amp;", "&"};
    struct value text, from, to;
    struct buffer b = {0};
    bool space = false;
    if (!to_string(call->c, call->self, &text))
        return false;
    const char *s = text.as.string->data, *end = s + text.as.string->length;
    while (s < end) {
        bool comment = end - s >= 4 && memcmp(s, "<!--", 4) == 0;
        const char *close = *s != '<' ? NULL : comment ? memmem(s, (size_t)(end - s), "-->", 3) : memchr(s, '>', (size_t)(end - s));
        if (!chat_work(call->c, *s == '<' ? (uint64_t)((close ? close : end) - s) / 64 + 1 : 1))
            return false;
        if (close) {
            s = close + (comment ? 3 : 1);
            continue;
        }
        size_t n = char_length(s, (size_t)(end - s), 0);
        if (char_is_space(char_at(s, (size_t)(end - s), 0)))
            space = true;
        else if ((space && b.length && !buffer_text(call->c, &b, " ")) || !buffer_add(call->c, &b, s, n))
            return false;
        else
            space = false;
        s += n;
    }
    if (!buffer_value(call->c, &b, out))
        return false;
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i += 2)
        if (!string_text(call->c, entities[i], &from) || !string_text(call->c, entities[i + 1], &to) ||
            !replace_text(call->c, *out, from, to, -1, out))
            return false;
    return true;
}

static bool quote(struct chat *c, struct buffer *b, struct value v, bool slash)
{
    struct value text;
    if (!to_string(c, v, &text) || !chat_work(c, text.as.string->length / 16))
        return false;
    for (size_t i = 0; i < text.as.string->length; i++) {
        unsigned char ch = (unsigned char)text.as.string->data[i];
        bool plain = (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z' && ch < 0x80) || (ch && strchr("_.-~", ch)) ||
                     (slash && ch == '/');
        const char code[] = {'%', "0123456789ABCDEF"[ch >> 4], "0123456789ABCDEF"[ch & 15]};
        bool plus = ch == ' ' && !slash; /* in a form's fields */
        if (!buffer_add(c, b, plain ? (const char *)&ch : plus ? "+" : code, plain || plus ? 1 : 3))
            return false;
    }
    return true;
}

static bool run_urlencode(struct call *call, struct value *out)
{
    struct buffer b = {0};
    struct list *items;
    struct value v = call->self;
    if (v.kind < LIST || v.kind > ITERATOR)
        return quote(call->c, &b, v, true) && buffer_value(call->c, &b, out);
    if (v.kind != DICT && !value_items(call->c, v, false, &items))
        return false;
    size_t count = v.kind == DICT ? v.as.dict->count : items->count;
    for (size_t i = 0; i < count; i++) {
        struct list *pair = v.kind == DICT ? NULL : is_list(items->items[i]) && items->items[i].as.list->count == 2 ? items->items[i].as.list : NULL;
        if (v.kind != DICT && !pair)
            return chat_fail(call->c, "urlencode needs pairs");
        if ((i && !buffer_text(call->c, &b, "&")) || !quote(call->c, &b, pair ? pair->items[0] : v.as.dict->entries[i].key, false) ||
            !buffer_text(call->c, &b, "=") || !quote(call->c, &b, pair ? pair->items[1] : v.as.dict->entries[i].value, false))
            return false;
    }
    return buffer_value(call->c, &b, out);
}

static bool attribute_name(struct value name)
{
    if (name.kind != STRING)
        return false;
    const struct string *s = name.as.string;
    for (size_t i = 0; i < s->length; i++)
        if (s->data[i] == 0 || strchr(" \t\n\r\f\v/>=", s->data[i]))
            return false;
    return true;
}

static bool run_xmlattr(struct call *call, struct value *out)
{
    struct buffer b = {0};
    bool autospace = !call->given[0] || is_true(call->arg[0]);
    if (call->self.kind != DICT)
        return chat_fail(call->c, "xmlattr needs a dict");
    for (size_t i = 0; i < call->self.as.dict->count; i++) {
        const struct dict_entry *entry = &call->self.as.dict->entries[i];
        struct value key, value;
        if (entry->value.kind == NONE || entry->value.kind == UNDEFINED)
            continue;
        if (!attribute_name(entry->key))
            return chat_fail(call->c, "xmlattr: a name must be a string without white space, /, > and =");
        if (((b.length || autospace) && !buffer_text(call->c, &b, " ")) || !escape_html(call->c, entry->key, &key) ||
            !escape_html(call->c, entry->value, &value) || !buffer_string(call->c, &b, key) || !buffer_text(call->c, &b, "=\"") ||
            !buffer_string(call->c, &b, value) || !buffer_text(call->c, &b, "\""))
            return false;
    }
    return buffer_value(call->c, &b, out);
}

/* "%s"|format(values, ...) or with names. */
static bool run_format(struct call *call, struct value *out)
{
    struct value text, values;
    const struct arguments *args = &call->rest;
    if (args->count && args->keyword_count)
        return chat_fail(call->c, "can't handle positional and keyword arguments at the same time");
    if (!to_string(call->c, call->self, &text))
        return false;
    if (args->keyword_count ? !dict_new(call->c, DICT, &values) : !list_new(call->c, TUPLE, args->count, &values))
        return false;
    for (size_t i = 0; i < args->keyword_count; i++)
        if (!dict_set(call->c, values.as.dict, args->keywords[i].key, args->keywords[i].value))
            return false;
    for (size_t i = 0; i < args->count; i++)
        if (!list_add(call->c, values, args->items[i]))
            return false;
    return format_percent(call->c, text, values, out);
}

const struct function chat_text_filters[] = {
    {"capitalize", "", run_capitalize}, {"center", "width?", run_center}, {"e", "", run_escape}, {"escape", "", run_escape},
    {"forceescape", "", run_forceescape}, {"format", "*", run_format}, {"indent", "width? first? blank?", run_indent},
    {"lower", "", run_lower}, {"replace", "old new count?", run_replace}, {"safe", "", run_safe}, {"string", "", run_string},
    {"striptags", "", run_striptags}, {"title", "", run_title}, {"trim", "chars?", run_trim},
    {"truncate", "length? killwords? end? leeway?", run_truncate}, {"upper", "", run_upper}, {"urlencode", "", run_urlencode},
    {"wordcount", "", run_wordcount}, {"wordwrap", "width? break_long_words? wrapstring? break_on_hyphens?", run_wordwrap},
    {"xmlattr", "autospace?", run_xmlattr}, {0},
};
