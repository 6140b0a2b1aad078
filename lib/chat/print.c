/* str and repr of values. */
#include "print.h"

#include "eval.h"

#include <inttypes.h>
#include <stdio.h>

static bool repr_at(struct chat *c, struct buffer *b, struct value v, int depth);

static bool repr_char(struct chat *c, struct buffer *b, uint32_t code_point, char quote)
{
    char text[16];
    if (code_point == (unsigned char)quote || code_point == '\\')
        snprintf(text, sizeof text, "\\%c", (char)code_point);
    else if (code_point == '\n' || code_point == '\r' || code_point == '\t')
        snprintf(text, sizeof text, "\\%c", code_point == '\n' ? 'n' : code_point == '\r' ? 'r' : 't');
    else if (char_is_printable(code_point))
        return buffer_char(c, b, code_point);
    else
        snprintf(text, sizeof text, code_point < 0x100 ? "\\x%02x" : code_point < 0x10000 ? "\\u%04x" : "\\U%08x", code_point);
    return buffer_text(c, b, text);
}

static bool repr_string(struct chat *c, struct buffer *b, struct value v)
{
    const struct string *s = v.as.string;
    char quote = s->length && memchr(s->data, '\'', s->length) && !memchr(s->data, '"', s->length) ? '"' : '\'';
    if (v.markup && !buffer_text(c, b, "Markup("))
        return false;
    if (!chat_work(c, s->length / 8) || !buffer_add(c, b, &quote, 1))
        return false;
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i))
        if (!repr_char(c, b, char_at(s->data, s->length, i), quote))
            return false;
    return buffer_add(c, b, &quote, 1) && (!v.markup || buffer_text(c, b, ")"));
}

static bool repr_list(struct chat *c, struct buffer *b, const struct list *list, const char *open, const char *close, int depth)
{
    if (!buffer_text(c, b, open))
        return false;
    for (size_t i = 0; i < list->count; i++)
        if ((i && !buffer_text(c, b, ", ")) || !repr_at(c, b, list->items[i], depth + 1))
            return false;
    return buffer_text(c, b, close);
}

static bool repr_dict(struct chat *c, struct buffer *b, const struct dict *d, int depth)
{
    if (!buffer_text(c, b, "{"))
        return false;
    for (size_t i = 0; i < d->count; i++)
        if ((i && !buffer_text(c, b, ", ")) || !repr_at(c, b, d->entries[i].key, depth + 1) || !buffer_text(c, b, ": ") ||
            !repr_at(c, b, d->entries[i].value, depth + 1))
            return false;
    return buffer_text(c, b, "}");
}

static bool repr_plain(struct chat *c, struct buffer *b, struct value v)
{
    char text[REAL_TEXT];
    switch (v.kind) {
    case NONE:
        return buffer_text(c, b, "None");
    case BOOL:
        return buffer_text(c, b, v.as.boolean ? "True" : "False");
    case INT:
        snprintf(text, sizeof text, "%" PRId64, v.as.integer);
        break;
    case FLOAT:
        if (!chat_work(c, REAL_WORK))
            return false;
        real_repr(v.as.real, text);
        break;
    case RANGE:
        snprintf(text, sizeof text, "range(%" PRId64 ", %" PRId64, v.as.range->start, v.as.range->stop);
        if (v.as.range->step != 1)
            snprintf(text + strlen(text), sizeof text - strlen(text), ", %" PRId64, v.as.range->step);
        strcat(text, ")");
        break;
    case MACRO:
        if (macro_name(v.as.macro).kind == NONE)
            return buffer_text(c, b, "<Macro anonymous>");
        snprintf(text, sizeof text, "<Macro '%.*s'>", SHORT(macro_name(v.as.macro)));
        break;
    case LOOP: {
        size_t index, length;
        loop_place(v.as.loop, &index, &length);
        snprintf(text, sizeof text, "<LoopContext %zu/%zu>", index, length);
        break;
    }
    default:
        snprintf(text, sizeof text, "<%s object>", type_name(v));
    }
    return buffer_text(c, b, text);
}

static bool repr_at(struct chat *c, struct buffer *b, struct value v, int depth)
{
    if (depth > CHAT_NESTING_MAX)
        return chat_fail_as(c, SLM_LIMIT, "values are nested more than %d deep", CHAT_NESTING_MAX);
    if (!chat_work(c, 1))
        return false;
    switch (v.kind) {
    case UNDEFINED:
        return buffer_text(c, b, "Undefined");
    case LARGE:
        return buffer_string(c, b, v);
    case STRING:
        return repr_string(c, b, v);
    case LIST:
        return repr_list(c, b, v.as.list, "[", "]", depth);
    case TUPLE:
        return repr_list(c, b, v.as.list, "(", v.as.list->count == 1 ? ",)" : ")", depth);
    case VIEW:
        return buffer_text(c, b, v.as.list->name) && repr_list(c, b, v.as.list, "([", "])", depth);
    case DICT:
        return repr_dict(c, b, v.as.dict, depth);
    case NAMESPACE:
        return buffer_text(c, b, "<Namespace ") && repr_dict(c, b, v.as.dict, depth) && buffer_text(c, b, ">");
    default:
        return repr_plain(c, b, v);
    }
}

bool print_repr(struct chat *c, struct buffer *b, struct value v)
{
    return repr_at(c, b, v, 0);
}

bool print_str(struct chat *c, struct buffer *b, struct value v)
{
    if (v.kind == STRING)
        return buffer_string(c, b, v);
    if (v.kind == UNDEFINED)
        return true;
    return repr_at(c, b, v, 0);
}

bool to_string(struct chat *c, struct value v, struct value *out)
{
    struct buffer b = {0};
    if (v.kind == STRING) {
        *out = v;
        return true;
    }
    return print_str(c, &b, v) && buffer_value(c, &b, out);
}
