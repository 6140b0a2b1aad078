/* Calls: the arguments of built-in functions, and macros. */
#include "eval.h"

struct value macro_name(const struct macro *m)
{
    return m->node->op & MACRO_ANONYMOUS ? none_value() : m->node->name->text;
}

bool macro_attribute(struct chat *c, const struct macro *m, struct value name, struct value *out, bool *found)
{
    unsigned special = string_is(name, "caller") ? MACRO_CALLER : string_is(name, "catch_kwargs") ? MACRO_KWARGS
                       : string_is(name, "catch_varargs") ? MACRO_VARARGS : 0;
    *found = true;
    if (special)
        return *out = bool_value(m->node->op & special), true;
    if (string_is(name, "name"))
        return *out = macro_name(m), true;
    *found = string_is(name, "arguments");
    if (*found && !list_new(c, TUPLE, 0, out))
        return false;
    for (const struct node *p = m->node->a; *found && p; p = p->next)
        if (!list_add(c, *out, p->name->text))
            return false;
    return true;
}

const struct function *find_function(const struct function *table, struct value name)
{
    for (; table->name; table++)
        if (string_is(name, table->name))
            return table;
    return NULL;
}

static const struct function *find_filter(struct value name)
{
    static const struct function *const tables[] = {chat_list_filters, chat_number_filters, chat_text_filters};
    const struct function *f = NULL;
    for (int i = 0; i < 3 && !f; i++)
        f = find_function(tables[i], name);
    return f;
}

bool filter_known(struct value name)
{
    return find_filter(name);
}

bool test_known(struct value name)
{
    return find_function(chat_tests, name);
}

/* ---- built-in functions */

const struct value *call_argument(const struct call *call, int index)
{
    return call->given[index] ? &call->arg[index] : NULL;
}

bool call_flag(const struct call *call, int index)
{
    return call->given[index] && is_true(call->arg[index]);
}

bool call_int(struct call *call, int index, int64_t default_value, int64_t *out)
{
    struct value v = call->arg[index];
    *out = default_value;
    if (!call->given[index])
        return true;
    if (v.kind == UNDEFINED)
        return undefined_fail(call->c, v);
    if (!is_int(v))
        return chat_fail(call->c, "%s() needs an integer, not %s", call->function_name, type_name(v));
    *out = int_of(v);
    return true;
}

bool call_int_or_none(struct call *call, int index, int64_t default_value, int64_t *out)
{
    *out = default_value;
    return call->arg[index].kind == NONE || call_int(call, index, default_value, out);
}

/* The parameter that begins at *text; moves *text behind it. */
struct parameter {
    const char *name;
    size_t length;
    bool optional;
};

static bool next_parameter(const char **text, struct parameter *p)
{
    *text += strspn(*text, " ");
    p->name = *text;
    p->length = strcspn(*text, " ?");
    p->optional = p->name[p->length] == '?';
    *text += p->length + p->optional;
    return p->length > 0 && p->name[0] != '*';
}

const struct dict_entry *find_keyword(struct chat *c, const struct arguments *args, const char *name, size_t length)
{
    chat_work(c, args->keyword_count / 8);
    for (size_t i = 0; i < args->keyword_count; i++) {
        const struct string *key = args->keywords[i].key.as.string;
        if (key->length == length && memcmp(key->data, name, length) == 0)
            return &args->keywords[i];
    }
    return NULL;
}

static bool call_function(struct eval *e, const struct function *f, struct value self, const struct arguments *args, struct value *out)
{
    static const struct arguments none = {0};
    struct call call = {.c = e->c, .function_name = f->name, .eval = e, .self = self, .rest = args ? *args : none};
    const bool positional = f->parameters[0] == '/';
    const char *text = f->parameters + positional;
    struct parameter p;
    size_t used = 0, count = 0;
    if (!args)
        args = &none;
    for (; next_parameter(&text, &p); count++) {
        if (call.rest.count > 0) {
            call.arg[count] = *call.rest.items++;
            call.rest.count--;
            call.given[count] = true;
        }
        const struct dict_entry *keyword = positional ? NULL : find_keyword(e->c, args, p.name, p.length);
        if (keyword && call.given[count])
            return chat_fail(e->c, "%s() got multiple values for argument '%.*s'", f->name, (int)p.length, p.name);
        if (keyword) {
            call.arg[count] = keyword->value;
            call.given[count] = true;
            used++;
        }
        if (!call.given[count] && !p.optional)
            return chat_fail(e->c, "%s() misses its argument '%.*s'", f->name, (int)p.length, p.name);
    }
    if (p.name[0] != '*' && call.rest.count > 0)
        return chat_fail(e->c, "%s() takes at most %zu arguments (%zu given)", f->name, count, args->count);
    if (p.name[0] != '*' && used < args->keyword_count)
        return chat_fail(e->c, "%s() got an unexpected keyword argument", f->name);
    if (!eval_enter(e) || !f->run(&call, out))
        return false;
    e->depth--;
    return true;
}

static bool unknown(struct eval *e, const char *what, struct value name)
{
    return chat_fail(e->c, "there is no %s named '%.*s'", what, SHORT(name));
}

bool call_filter(struct eval *e, struct value name, struct value self, const struct arguments *args, struct value *out)
{
    if (name.kind != STRING)
        return chat_fail(e->c, "a filter's name must be a string, not %s", type_name(name));
    const struct function *f = find_filter(name);
    return f ? call_function(e, f, self, args, out) : unknown(e, "filter", name);
}

bool call_test(struct eval *e, struct value name, struct value self, const struct arguments *args, bool *out)
{
    struct value result;
    if (name.kind != STRING)
        return chat_fail(e->c, "a test's name must be a string, not %s", type_name(name));
    const struct function *f = find_function(chat_tests, name);
    if (!f)
        return unknown(e, "test", name);
    if (!call_function(e, f, self, args, &result))
        return false;
    *out = is_true(result);
    return true;
}

/* ---- macros */

/* The value of a keyword argument, which is marked as used, or NULL. */
static const struct value *take_keyword(struct chat *c, const struct arguments *args, struct value name, bool *used)
{
    const struct dict_entry *keyword = find_keyword(c, args, name.as.string->data, name.as.string->length);
    if (keyword)
        used[keyword - args->keywords] = true;
    return keyword ? &keyword->value : NULL;
}

static bool set_special(struct eval *e, struct scope *scope, const char *name, struct value value)
{
    struct value text;
    const struct name *n = string_text(e->c, name, &text) ? parse_name(e->parser, text) : NULL;
    return n && scope_set(e, scope, n, value);
}

static bool bind_parameter(struct eval *e, const struct node *p, struct arguments *args, size_t index, bool *used)
{
    struct value value;
    const struct value *keyword = index < args->count ? NULL : take_keyword(e->c, args, p->name->text, used);
    if (index < args->count)
        value = args->items[index];
    else if (keyword)
        value = *keyword;
    else if (p->a ? !eval_expression(e, p->a, &value)
                  : !undefined_new(e->c, &value, "parameter '%.*s' was not provided", SHORT(p->name->text)))
        return false;
    return scope_set(e, e->scope, p->name, value);
}

/* What was not bound: caller, kwargs and varargs, if the body uses these names, else too much. */
static bool bind_rest(struct eval *e, const struct node *n, struct arguments *args, size_t parameters, bool *used)
{
    struct value caller_name, kwargs, varargs, caller;
    if (!string_text(e->c, "caller", &caller_name) || !dict_new(e->c, DICT, &kwargs) || !list_new(e->c, TUPLE, 0, &varargs))
        return false;
    if (n->op & MACRO_CALLER) {
        const struct value *given = take_keyword(e->c, args, caller_name, used);
        if (given)
            caller = *given;
        else if (!undefined_new(e->c, &caller, "No caller defined"))
            return false;
        if (!set_special(e, e->scope, "caller", caller))
            return false;
    }
    for (size_t i = 0; i < args->keyword_count; i++) {
        if (used[i])
            continue;
        if (!(n->op & MACRO_KWARGS))
            return chat_fail(e->c, "macro '%.*s' takes no keyword argument '%.*s'", SHORT(n->name->text),
                             SHORT(args->keywords[i].key));
        if (!dict_set(e->c, kwargs.as.dict, args->keywords[i].key, args->keywords[i].value))
            return false;
    }
    for (size_t i = parameters; i < args->count; i++)
        if (!(n->op & MACRO_VARARGS))
            return chat_fail(e->c, "macro '%.*s' takes not more than %zu argument(s)", SHORT(n->name->text), parameters);
        else if (!list_add(e->c, varargs, args->items[i]))
            return false;
    return (!(n->op & MACRO_KWARGS) || set_special(e, e->scope, "kwargs", kwargs)) &&
           (!(n->op & MACRO_VARARGS) || set_special(e, e->scope, "varargs", varargs));
}

bool macro_call(struct eval *e, struct value callee, struct arguments *args, struct value *out)
{
    const struct node *n = callee.as.macro->node;
    struct scope *outer = e->scope, *scope;
    const uint32_t position = e->c->position;
    size_t parameters = 0;
    bool *used = chat_alloc(e->c, args->keyword_count);
    if (!used || !scope_new(e, callee.as.macro->scope, &scope) || !eval_enter(e))
        return false;
    memset(used, 0, args->keyword_count);
    e->scope = scope;
    bool ok = true, escape = e->escape;
    e->escape = callee.as.macro->escape;
    for (const struct node *p = n->a; p && ok; p = p->next)
        ok = bind_parameter(e, p, args, parameters++, used);
    e->c->position = ok ? position : e->c->position;
    ok = ok && bind_rest(e, n, args, parameters, used) && exec_to_string(e, n->d, scope, out) == FLOW_NEXT;
    e->scope = outer;
    e->escape = escape;
    e->depth--;
    if (ok)
        out->markup = escape;
    return ok;
}

/* ---- anything */

/* loop(items) in a recursive loop. */
static bool loop_call(struct eval *e, const struct loop *loop, const struct arguments *args, struct value *out)
{
    struct buffer text = {0}, *outer = e->out;
    enum flow flow;
    if (!loop->node->op)
        return chat_fail(e->c, "loop() needs the word recursive at the loop");
    if (args->count != 1 || !eval_enter(e))
        return chat_fail(e->c, "loop() takes one argument");
    e->out = &text;
    bool ok = loop_run(e, loop->node, args->items[0], loop->scope, loop->depth + 1, &flow) && buffer_value(e->c, &text, out);
    e->out = outer;
    out->markup = ok && e->escape;
    e->depth--;
    return ok;
}

static bool joiner_call(struct eval *e, struct list *joiner, struct value *out)
{
    *out = joiner->items[0];
    return joiner->next++ > 0 || string_text(e->c, "", out);
}

bool call_value(struct eval *e, struct value callee, struct arguments *args, struct value *out)
{
    switch (callee.kind) {
    case UNDEFINED:
        return undefined_fail(e->c, callee);
    case MACRO:
        return macro_call(e, callee, args, out);
    case FUNCTION:
        return call_function(e, callee.as.function, none_value(), args, out);
    case METHOD:
        return call_function(e, callee.as.method->function, callee.as.method->self, args, out);
    case LOOP:
        return loop_call(e, callee.as.loop, args, out);
    case JOINER:
        return joiner_call(e, callee.as.list, out);
    default:
        return chat_fail(e->c, "'%s' object is not callable", type_name(callee));
    }
}
