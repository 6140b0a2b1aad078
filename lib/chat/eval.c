/* Expressions. */
#include "eval.h"

bool eval_enter(struct eval *e)
{
    return ++e->depth <= CHAT_DEPTH_MAX ||
           chat_fail_as(e->c, SLM_LIMIT, "evaluation is nested more than %d deep (does a macro call itself without end?)", CHAT_DEPTH_MAX);
}

/* ---- names */

bool scope_new(struct eval *e, struct scope *parent, struct scope **out)
{
    struct scope *s = chat_alloc(e->c, sizeof *s);
    if (!s)
        return false;
    *s = (struct scope){.parent = parent};
    *out = s;
    return true;
}

static struct value *find(struct chat *c, const struct scope *scope, const struct name *name)
{
    struct binding *b = scope->bindings;
    uint64_t passed = 0;
    for (; b && b->name != name; b = b->next)
        passed++;
    chat_work(c, passed / 16);
    return b ? &b->value : NULL;
}

bool scope_set(struct eval *e, struct scope *scope, const struct name *name, struct value value)
{
    struct value *old = find(e->c, scope, name);
    if (old)
        return *old = value, true;
    struct binding *b = chat_alloc(e->c, sizeof *b);
    if (!b)
        return false;
    *b = (struct binding){scope->bindings, name, value};
    scope->bindings = b;
    return true;
}

static bool eval_name(struct eval *e, const struct name *name, struct value *out)
{
    const struct value *v;
    for (const struct scope *s = e->scope; s; s = s->parent)
        if ((v = find(e->c, s, name)))
            return *out = *v, true;
    v = dict_get(e->c, e->variables, name->text);
    if (v || e->c->status)
        return v ? *out = *v, true : false;
    const struct function *f = find_function(chat_globals, name->text);
    if (f) {
        *out = (struct value){.kind = FUNCTION, .as.function = f};
        return true;
    }
    return undefined_new(e->c, out, "'%.*s' is undefined", SHORT(name->text));
}

/* ---- literals */

static bool eval_list(struct eval *e, const struct node *n, enum kind kind, struct value *out)
{
    struct value item;
    if (!list_new(e->c, kind, 0, out))
        return false;
    for (n = n->a; n; n = n->next)
        if (!eval_expression(e, n, &item) || !list_add(e->c, *out, item))
            return false;
    return true;
}

static bool eval_dict(struct eval *e, const struct node *n, struct value *out)
{
    struct value key, value;
    if (!dict_new(e->c, DICT, out))
        return false;
    for (n = n->a; n; n = n->next)
        if (!eval_expression(e, n->a, &key) || !eval_expression(e, n->b, &value) || !dict_set(e->c, out->as.dict, key, value))
            return false;
    return true;
}

static bool eval_concat(struct eval *e, const struct node *n, struct value *out)
{
    struct value item;
    struct buffer b = {0};
    for (n = n->a; n; n = n->next)
        if (!eval_expression(e, n, &item) || !put_text(e, &b, item))
            return false;
    return buffer_value(e->c, &b, out) && (out->markup = e->escape, true);
}

/* ---- operators */

static bool eval_unary(struct eval *e, const struct node *n, struct value *out)
{
    struct value v;
    if (!eval_expression(e, n->a, &v))
        return false;
    e->c->position = n->position;
    if (n->op == '!') {
        *out = bool_value(!is_true(v));
        return true;
    }
    if (v.kind == UNDEFINED)
        return undefined_fail(e->c, v);
    if (!is_number(v))
        return chat_fail(e->c, "bad operand type for unary %c: '%s'", (char)n->op, type_name(v));
    if (v.kind == FLOAT)
        *out = float_value(n->op == '-' ? -v.as.real : v.as.real);
    else if (int_of(v) == INT64_MIN)
        return overflow_fail(e->c);
    else
        *out = int_value(n->op == '-' ? -int_of(v) : int_of(v));
    return true;
}

static bool eval_binary(struct eval *e, const struct node *n, struct value *out)
{
    struct value right;
    if (!eval_expression(e, n->a, out))
        return false;
    if (n->op == '&' || n->op == '|') {
        return is_true(*out) == (n->op == '|') || eval_expression(e, n->b, out);
    }
    if (!eval_expression(e, n->b, &right))
        return false;
    e->c->position = n->position;
    return operate(e->c, n->op, *out, right, out);
}

static bool compare(struct chat *c, unsigned op, struct value v, struct value w, bool *out)
{
    bool ok, invert = op == OP('!', '=') || op == OP('!', 'i');
    const char text[] = {(char)(op & 0xff), (char)(op >> 8), 0};
    bool nan = (v.kind == FLOAT && v.as.real != v.as.real) || (w.kind == FLOAT && w.as.real != w.as.real);
    if (op == OP('=', '=') || op == OP('!', '=')) {
        ok = value_equal(c, v, w, out);
    } else if (op == 'i' || op == OP('!', 'i')) {
        ok = value_in(c, v, w, out);
    } else {
        bool swap = op == '>' || op == OP('<', '=');
        ok = swap ? value_less(c, w, v, text, out) : value_less(c, v, w, text, out);
        invert = (op >> 8) == '=';
    }
    *out = *out != invert;
    if (nan && (op >> 8) == '=' && op != OP('!', '=') && is_number(v) && is_number(w))
        *out = false;
    return ok;
}

static bool eval_compare(struct eval *e, const struct node *n, struct value *out)
{
    struct value left, right;
    bool result = true;
    if (!eval_expression(e, n->a, &left))
        return false;
    for (const struct node *operand = n->b; operand && result; operand = operand->next) {
        if (!eval_expression(e, operand->a, &right))
            return false;
        e->c->position = operand->position;
        if (!compare(e->c, operand->op, left, right, &result))
            return false;
        left = right;
    }
    *out = bool_value(result);
    return true;
}

static bool eval_choice(struct eval *e, const struct node *n, struct value *out)
{
    struct value condition;
    if (!eval_expression(e, n->a, &condition))
        return false;
    if (is_true(condition) || n->c)
        return eval_expression(e, is_true(condition) ? n->b : n->c, out);
    return undefined_new(e->c, out, "the inline if-expression evaluated to false and no else section was defined");
}

/* ---- what follows a primary */

static bool eval_optional(struct eval *e, const struct node *n, struct value *out)
{
    *out = none_value();
    return !n || eval_expression(e, n, out);
}

static bool eval_item(struct eval *e, const struct node *n, struct value *out)
{
    struct value object, key, stop, step;
    if (!eval_expression(e, n->a, &object))
        return false;
    if (n->b->kind == NODE_SLICE) {
        if (!eval_optional(e, n->b->a, &key) || !eval_optional(e, n->b->b, &stop) || !eval_optional(e, n->b->c, &step))
            return false;
        e->c->position = n->position;
        return get_slice(e->c, object, key, stop, step, out);
    }
    if (!eval_expression(e, n->b, &key))
        return false;
    e->c->position = n->position;
    return get_item(e->c, object, key, out);
}

static bool spread(struct eval *e, const struct node *n, struct value positional, struct value keywords)
{
    struct value v;
    struct list *items;
    if (!eval_expression(e, n->a, &v))
        return false;
    if (n->op == 1) {
        if (!value_items(e->c, v, false, &items))
            return false;
        for (size_t i = 0; i < items->count; i++)
            if (!list_add(e->c, positional, items->items[i]))
                return false;
        return true;
    }
    if (v.kind != DICT)
        return chat_fail(e->c, "argument after ** must be a mapping, not %s", type_name(v));
    for (size_t i = 0; i < v.as.dict->count; i++)
        if (v.as.dict->entries[i].key.kind != STRING)
            return chat_fail(e->c, "keywords must be strings");
        else if (dict_get(e->c, keywords.as.dict, v.as.dict->entries[i].key))
            return chat_fail(e->c, "multiple values for keyword argument '%.*s'", SHORT(v.as.dict->entries[i].key));
        else if (!dict_set(e->c, keywords.as.dict, v.as.dict->entries[i].key, v.as.dict->entries[i].value))
            return false;
    return true;
}

bool eval_arguments(struct eval *e, const struct node *n, struct arguments *args)
{
    struct value positional, keywords, v;
    *args = (struct arguments){0};
    if (!n)
        return true;
    if (!list_new(e->c, LIST, 0, &positional) || !dict_new(e->c, DICT, &keywords))
        return false;
    for (; n; n = n->next) {
        if (n->kind == NODE_SPREAD) {
            if (!spread(e, n, positional, keywords))
                return false;
        } else if (!eval_expression(e, n->kind == NODE_KEYWORD ? n->a : n, &v)) {
            return false;
        } else if (n->kind == NODE_KEYWORD ? !dict_set(e->c, keywords.as.dict, n->name->text, v) : !list_add(e->c, positional, v)) {
            return false;
        }
    }
    args->items = positional.as.list->items;
    args->count = positional.as.list->count;
    args->keyword_count = keywords.as.dict->count;
    args->keywords = keywords.as.dict->entries;
    return true;
}

static bool eval_call(struct eval *e, const struct node *n, struct value *out)
{
    struct value callee;
    struct arguments args;
    if (!eval_expression(e, n->a, &callee) || !eval_arguments(e, n->b, &args))
        return false;
    e->c->position = n->position;
    return call_value(e, callee, &args, out);
}

static bool eval_filter(struct eval *e, const struct node *n, struct value *out)
{
    struct value v;
    struct arguments args;
    if (!eval_expression(e, n->a, &v) || !eval_arguments(e, n->b, &args))
        return false;
    e->c->position = n->position;
    return call_filter(e, n->name->text, v, &args, out);
}

static bool eval_test(struct eval *e, const struct node *n, struct value *out)
{
    struct value v, argument;
    struct arguments args;
    bool yes;
    if (!eval_expression(e, n->a, &v))
        return false;
    if (n->op) { /* a single argument without parentheses */
        if (!eval_expression(e, n->b, &argument))
            return false;
        args = (struct arguments){.items = &argument, .count = 1};
    } else if (!eval_arguments(e, n->b, &args)) {
        return false;
    }
    e->c->position = n->position;
    if (!call_test(e, n->name->text, v, &args, &yes))
        return false;
    *out = bool_value(yes);
    return true;
}

static bool eval_node(struct eval *e, const struct node *n, struct value *out)
{
    switch (n->kind) {
    case NODE_CONST:
        *out = n->value;
        return true;
    case NODE_NAME:
        return eval_name(e, n->name, out);
    case NODE_LIST:
        return eval_list(e, n, LIST, out);
    case NODE_TUPLE:
        return eval_list(e, n, TUPLE, out);
    case NODE_DICT:
        return eval_dict(e, n, out);
    case NODE_ATTRIBUTE:
        if (!eval_expression(e, n->a, out))
            return false;
        e->c->position = n->position;
        return get_attribute(e->c, *out, n->name->text, out);
    case NODE_ITEM:
        return eval_item(e, n, out);
    case NODE_CALL:
        return eval_call(e, n, out);
    case NODE_FILTER:
        return eval_filter(e, n, out);
    case NODE_TEST:
        return eval_test(e, n, out);
    case NODE_UNARY:
        return eval_unary(e, n, out);
    case NODE_BINARY:
        return eval_binary(e, n, out);
    case NODE_COMPARE:
        return eval_compare(e, n, out);
    case NODE_CONCAT:
        return eval_concat(e, n, out);
    case NODE_CHOICE:
        return eval_choice(e, n, out);
    default: /* a slice in a tuple of indexes */
        return chat_fail(e->c, "a slice can't stand here");
    }
}

bool eval_expression(struct eval *e, const struct node *n, struct value *out)
{
    e->c->position = n->position;
    if (!eval_enter(e) || !chat_work(e->c, 1) || !eval_node(e, n, out))
        return false;
    e->depth--;
    return true;
}
