/* Statements. */
#include "eval.h"

static bool assign(struct eval *e, const struct node *target, struct value value);

static bool unpack(struct eval *e, const struct node *target, struct value value)
{
    struct list *items;
    size_t count = 0;
    for (const struct node *n = target->a; n; n = n->next)
        count++;
    if (!value_items(e->c, value, false, &items))
        return false;
    if (items->count < count)
        return chat_fail(e->c, "not enough values to unpack (expected %zu, got %zu)", count, items->count);
    if (items->count > count)
        return chat_fail(e->c, "too many values to unpack (expected %zu)", count);
    size_t i = 0;
    for (const struct node *n = target->a; n; n = n->next)
        if (!assign(e, n, items->items[i++]))
            return false;
    return true;
}

static bool assign(struct eval *e, const struct node *target, struct value value)
{
    if (target->kind == NODE_TUPLE)
        return unpack(e, target, value);
    if (target->kind == NODE_NAME)
        return scope_set(e, e->scope, target->name, value);
    struct value object;
    const struct node name = {.kind = NODE_NAME, .position = target->position, .name = target->name};
    if (!eval_expression(e, &name, &object))
        return false;
    if (object.kind != NAMESPACE)
        return chat_fail(e->c, "cannot assign attribute on non-namespace object");
    return dict_set(e->c, object.as.dict, target->value, value);
}

bool put_text(struct eval *e, struct buffer *b, struct value v)
{
    return (!e->escape || escape_html(e->c, v, &v)) && print_str(e->c, b, v);
}

enum flow exec_to_string(struct eval *e, const struct node *body, struct scope *scope, struct value *out)
{
    struct buffer text = {0}, *outer_out = e->out;
    struct scope *outer_scope = e->scope;
    e->out = &text;
    e->scope = scope;
    enum flow flow = exec_body(e, body);
    if (flow == FLOW_NEXT && !buffer_value(e->c, &text, out))
        flow = FLOW_FAILED;
    if (flow == FLOW_NEXT)
        out->markup = e->escape;
    e->out = outer_out;
    e->scope = outer_scope;
    return flow;
}

/* ---- loops */

static bool filtered_items(struct eval *e, const struct node *n, struct value iterable, struct scope *scope, struct list **items)
{
    struct value kept;
    if (!value_items(e->c, iterable, false, items) || !n->c)
        return !e->c->status;
    if (!list_new(e->c, LIST, 0, &kept))
        return false;
    for (size_t i = 0; i < (*items)->count; i++) {
        struct value yes;
        if (!scope_new(e, scope, &e->scope) || !assign(e, n->a, (*items)->items[i]) || !eval_expression(e, n->c, &yes) ||
            (is_true(yes) && !list_add(e->c, kept, (*items)->items[i])))
            return false;
    }
    e->scope = scope;
    *items = kept.as.list;
    return true;
}

static enum flow loop_turns(struct eval *e, const struct node *n, struct loop *loop, const struct name *name)
{
    struct value self = {.kind = LOOP, .as.loop = loop};
    enum flow flow = FLOW_NEXT;
    for (; loop->index < loop->items->count && flow != FLOW_BREAK; loop->index++) {
        e->c->position = n->position;
        if (!chat_work(e->c, 1) || !scope_new(e, loop->scope, &e->scope) || !scope_set(e, e->scope, name, self) ||
            !assign(e, n->a, loop->items->items[loop->index]) || (flow = exec_body(e, n->d)) == FLOW_FAILED)
            return FLOW_FAILED;
        loop->finished |= flow == FLOW_NEXT;
    }
    return FLOW_NEXT;
}

bool loop_run(struct eval *e, const struct node *n, struct value iterable, struct scope *scope, size_t depth, enum flow *flow)
{
    struct scope *outer = e->scope;
    struct value text;
    struct loop *loop = chat_alloc(e->c, sizeof *loop);
    const struct name *name = NULL;
    if (!loop || !string_text(e->c, "loop", &text) || !(name = parse_name(e->parser, text)))
        return false;
    *loop = (struct loop){.node = n, .scope = scope, .depth = depth};
    e->scope = scope;
    *flow = FLOW_FAILED;
    if (filtered_items(e, n, iterable, scope, &loop->items)) {
        *flow = loop_turns(e, n, loop, name);
        if (*flow == FLOW_NEXT && !loop->finished && n->e && scope_new(e, scope, &e->scope))
            *flow = exec_body(e, n->e);
    }
    e->scope = outer;
    return *flow != FLOW_FAILED;
}

void loop_place(const struct loop *loop, size_t *index, size_t *length)
{
    *index = loop->index + 1;
    *length = loop->items->count;
}

bool loop_attribute(struct chat *c, struct value v, struct value name, struct value *out, bool *found)
{
    const struct loop *loop = v.as.loop;
    int64_t index = (int64_t)loop->index, count = (int64_t)loop->items->count;
    const struct {
        const char *name;
        struct value value;
    } plain[] = {
        {"index0", int_value(index)}, {"index", int_value(index + 1)}, {"first", bool_value(index == 0)},
        {"last", bool_value(index + 1 == count)}, {"length", int_value(count)}, {"revindex", int_value(count - index)},
        {"revindex0", int_value(count - index - 1)}, {"depth0", int_value((int64_t)loop->depth)},
        {"depth", int_value((int64_t)loop->depth + 1)},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (string_is(name, plain[i].name))
            return *out = plain[i].value, true;
    if (string_is(name, "previtem")) {
        if (index == 0)
            return undefined_new(c, out, "there is no previous item");
        *out = loop->items->items[index - 1];
        return true;
    }
    if (string_is(name, "nextitem")) {
        if (index + 1 >= count)
            return undefined_new(c, out, "there is no next item");
        *out = loop->items->items[index + 1];
        return true;
    }
    *found = false;
    return true;
}

static bool run_cycle(struct call *call, struct value *out)
{
    if (call->rest.count == 0)
        return chat_fail(call->c, "no items for cycling given");
    *out = call->rest.items[call->self.as.loop->index % call->rest.count];
    return true;
}

static bool run_changed(struct call *call, struct value *out)
{
    struct loop *loop = call->self.as.loop;
    struct value now;
    bool equal = false;
    if (!list_new(call->c, TUPLE, call->rest.count, &now))
        return false;
    for (size_t i = 0; i < call->rest.count; i++)
        if (!list_add(call->c, now, call->rest.items[i]))
            return false;
    if (loop->changed.kind == TUPLE && !value_equal(call->c, loop->changed, now, &equal))
        return false;
    loop->changed = now;
    *out = bool_value(!equal);
    return true;
}

const struct function chat_loop_methods[] = {{"cycle", "*", run_cycle}, {"changed", "*", run_changed}, {0}};

static enum flow exec_for(struct eval *e, const struct node *n)
{
    struct value iterable;
    enum flow flow;
    if (!eval_expression(e, n->b, &iterable))
        return FLOW_FAILED;
    e->c->position = n->position;
    return loop_run(e, n, iterable, e->scope, 0, &flow) ? flow : FLOW_FAILED;
}

/* ---- the others */

/* Applies a chain of filters whose innermost operand is missing: the text of the block. */
static bool filter_text(struct eval *e, const struct node *n, struct value text, struct value *out)
{
    struct arguments args;
    *out = text;
    if (!n)
        return true;
    if (!eval_enter(e) || !filter_text(e, n->a, text, out) || !eval_arguments(e, n->b, &args))
        return false;
    e->depth--;
    e->c->position = n->position;
    return call_filter(e, n->name->text, *out, &args, out);
}

/* A break or continue leaves the block without what it has come to. */
static enum flow exec_set_block(struct eval *e, const struct node *n)
{
    struct scope *scope;
    struct value text;
    enum flow flow = scope_new(e, e->scope, &scope) ? exec_to_string(e, n->d, scope, &text) : FLOW_FAILED;
    if (flow != FLOW_NEXT)
        return flow;
    return filter_text(e, n->b, text, &text) && assign(e, n->a, text) ? FLOW_NEXT : FLOW_FAILED;
}

/* What filter and call blocks give must be a text. */
static bool put_block(struct eval *e, const struct node *n, struct value text)
{
    e->c->position = n->position;
    return text.kind == STRING ? buffer_string(e->c, e->out, text) : chat_fail(e->c, "the block gives a %s, not a text", type_name(text));
}

static enum flow exec_filter_block(struct eval *e, const struct node *n)
{
    struct scope *scope;
    struct value text;
    enum flow flow = scope_new(e, e->scope, &scope) ? exec_to_string(e, n->d, scope, &text) : FLOW_FAILED;
    if (flow != FLOW_NEXT)
        return flow;
    return filter_text(e, n->a, text, &text) && put_block(e, n, text) ? FLOW_NEXT : FLOW_FAILED;
}

static bool macro_new(struct eval *e, const struct node *n, struct value *out)
{
    struct macro *m = chat_alloc(e->c, sizeof *m);
    if (!m)
        return false;
    *m = (struct macro){n, e->scope, e->escape};
    *out = (struct value){.kind = MACRO, .as.macro = m};
    return true;
}

static bool exec_call_block(struct eval *e, const struct node *n)
{
    struct value callee, caller, text;
    struct arguments args = {0};
    if (!macro_new(e, n->c, &caller))
        return false;
    if (!n->b)
        return macro_call(e, caller, &args, &text) && put_block(e, n, text);
    if (!eval_expression(e, n->b->a, &callee) || !eval_arguments(e, n->b->b, &args))
        return false;
    struct dict_entry *keywords = chat_alloc(e->c, (args.keyword_count + 1) * sizeof *keywords);
    if (!keywords)
        return false;
    if (args.keyword_count)
        memcpy(keywords, args.keywords, args.keyword_count * sizeof *keywords);
    keywords[args.keyword_count++] = (struct dict_entry){n->c->name->text, caller};
    args.keywords = keywords;
    e->c->position = n->position;
    return call_value(e, callee, &args, &text) && put_block(e, n, text);
}

static enum flow exec_scope(struct eval *e, const struct node *n)
{
    struct scope *outer = e->scope, *scope;
    enum flow flow = FLOW_FAILED;
    if (!scope_new(e, outer, &scope))
        return FLOW_FAILED;
    for (const struct node *set = n->a; set; set = set->next) { /* the values do not see each other */
        struct value value;
        if (!eval_expression(e, set->b, &value))
            return FLOW_FAILED;
        e->scope = scope;
        bool ok = assign(e, set->a, value);
        e->scope = outer;
        if (!ok)
            return FLOW_FAILED;
    }
    e->scope = scope;
    flow = exec_body(e, n->d);
    e->scope = outer;
    return flow;
}

static enum flow exec_escape(struct eval *e, const struct node *n)
{
    struct scope *outer = e->scope, *scope;
    struct value condition;
    bool escape = e->escape;
    if (!scope_new(e, outer, &scope) || !eval_expression(e, n->a, &condition))
        return FLOW_FAILED;
    e->scope = scope;
    e->escape = is_true(condition);
    enum flow flow = exec_body(e, n->d);
    e->escape = escape;
    e->scope = outer;
    return flow;
}

/* A block sees the names of the template, and those around it only if it is scoped. */
static enum flow exec_inner_block(struct eval *e, const struct node *n)
{
    struct scope *outer = e->scope;
    if (n->op & BLOCK_REQUIRED) {
        chat_fail(e->c, "a required block needs a template that extends this one");
        return FLOW_FAILED;
    }
    enum flow flow = scope_new(e, n->op & BLOCK_SCOPED ? outer : e->root, &e->scope) ? exec_body(e, n->d) : FLOW_FAILED;
    e->scope = outer;
    return flow;
}

static enum flow exec_if(struct eval *e, const struct node *n)
{
    struct value condition;
    for (;; n = n->c) {
        if (!eval_expression(e, n->a, &condition))
            return FLOW_FAILED;
        if (is_true(condition))
            return exec_body(e, n->b);
        if (!n->c || n->c->kind != NODE_IF || !n->c->op)
            return exec_body(e, n->c);
    }
}

static enum flow exec_node(struct eval *e, const struct node *n)
{
    struct value v;
    bool ok = false;
    switch (n->kind) {
    case NODE_TEXT:
        ok = buffer_string(e->c, e->out, n->value);
        break;
    case NODE_OUTPUT:
        ok = true;
        for (const struct node *a = n->a; ok && a; a = a->next)
            ok = eval_expression(e, a, &v) && put_text(e, e->out, v);
        break;
    case NODE_IF:
        return exec_if(e, n);
    case NODE_FOR:
        return exec_for(e, n);
    case NODE_SET:
        ok = eval_expression(e, n->b, &v) && assign(e, n->a, v);
        break;
    case NODE_SET_BLOCK:
        return exec_set_block(e, n);
    case NODE_MACRO:
        ok = macro_new(e, n, &v) && scope_set(e, e->scope, n->name, v);
        break;
    case NODE_CALL_BLOCK:
        ok = exec_call_block(e, n);
        break;
    case NODE_FILTER_BLOCK:
        return exec_filter_block(e, n);
    case NODE_SCOPE:
        return exec_scope(e, n);
    case NODE_ESCAPE:
        return exec_escape(e, n);
    case NODE_INNER_BLOCK:
        return exec_inner_block(e, n);
    case NODE_LOAD:
        chat_fail(e->c, "other templates can't be loaded: a chat template is a single one");
        break;
    case NODE_BREAK:
        return FLOW_BREAK;
    case NODE_CONTINUE:
        return FLOW_CONTINUE;
    default:
        chat_fail(e->c, "this can't be run");
    }
    return ok ? FLOW_NEXT : FLOW_FAILED;
}

enum flow exec_body(struct eval *e, const struct node *n)
{
    enum flow flow = FLOW_NEXT;
    if (!eval_enter(e))
        return FLOW_FAILED;
    for (; n && flow == FLOW_NEXT; n = n->next) {
        e->c->position = n->position;
        flow = chat_work(e->c, 1) ? exec_node(e, n) : FLOW_FAILED;
    }
    e->depth--;
    return flow;
}
