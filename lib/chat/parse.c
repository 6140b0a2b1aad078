/* Expressions, what binds tightest: signs, primaries with their attributes, calls, filters and tests. The operators that join these are
 * in parse_operators.c. */
#include "ast.h"

/* ---- tokens and nodes */

struct node *node_new(struct parser *p, enum node_kind kind)
{
    struct node *n = chat_alloc(p->chat, sizeof *n);
    if (n)
        *n = (struct node){.kind = kind, .position = p->at->position};
    return n;
}

/* Every nested construct passes here and counts p->depth down again when it is read. */
bool parse_enter(struct parser *p)
{
    p->chat->position = p->at->position;
    return ++p->depth <= CHAT_NESTING_MAX || chat_fail_as(p->chat, SLM_LIMIT, "nested more than %d deep", CHAT_NESTING_MAX);
}

void *parse_unexpected(struct parser *p, const char *expected)
{
    const struct token *t = p->at;
    p->chat->position = t->position;
    if (t->kind == TOKEN_BAD)
        chat_fail(p->chat, "%.*s", SHORT(t->value));
    else if (t->kind == TOKEN_END)
        chat_fail(p->chat, "the template ends where %s is expected", expected);
    else if (t->kind == TOKEN_NAME)
        chat_fail(p->chat, "'%.*s' where %s is expected", (int)(t->value.as.string->length < 60 ? t->value.as.string->length : 60),
                  t->value.as.string->data, expected);
    else if (t->kind == TOKEN_OPERATOR)
        chat_fail(p->chat, "'%c%.1s' where %s is expected", (char)(t->op & 0xff), (char[2]){(char)(t->op >> 8), 0}, expected);
    else
        chat_fail(p->chat, "%s is expected here", expected);
    return NULL;
}

bool at_op(const struct parser *p, unsigned op)
{
    return p->at->kind == TOKEN_OPERATOR && p->at->op == op;
}

bool at_word(const struct parser *p, const char *word)
{
    return p->at->kind == TOKEN_NAME && string_is(p->at->value, word);
}

bool skip_op(struct parser *p, unsigned op)
{
    bool there = at_op(p, op);
    p->at += there;
    return there;
}

bool skip_word(struct parser *p, const char *word)
{
    bool there = at_word(p, word);
    p->at += there;
    return there;
}

bool expect_op(struct parser *p, unsigned op)
{
    char text[] = {'\'', (char)(op & 0xff), '\'', 0};
    return skip_op(p, op) || parse_unexpected(p, text);
}

struct name *parse_name(struct parser *p, struct value text)
{
    const struct string *s = text.as.string;
    unsigned hash = 0;
    for (size_t i = 0; i < s->length; i++)
        hash = 31 * hash + (unsigned char)s->data[i];
    struct name **slot = &p->names[hash % NAME_SLOTS];
    uint64_t passed = 0;
    for (struct name *n = *slot; n; n = n->next, passed++)
        if (n->text.as.string->length == s->length && memcmp(n->text.as.string->data, s->data, s->length) == 0)
            return n;
    chat_work(p->chat, passed / 16);
    struct name *n = chat_alloc(p->chat, sizeof *n);
    if (!n)
        return NULL;
    *n = (struct name){.next = *slot, .text = text};
    return *slot = n;
}

struct name *expect_name(struct parser *p)
{
    if (p->at->kind != TOKEN_NAME)
        return parse_unexpected(p, "a name");
    return parse_name(p, p->at++->value);
}

/* ---- primaries */

static struct node *parse_constant(struct parser *p, struct value value)
{
    struct node *n = node_new(p, NODE_CONST);
    if (n)
        n->value = value;
    p->at++;
    return n;
}

/* MACRO_... if the name here is one of those. */
static unsigned special_name(const struct parser *p)
{
    return at_word(p, "caller") ? MACRO_CALLER : at_word(p, "kwargs") ? MACRO_KWARGS : at_word(p, "varargs") ? MACRO_VARARGS : 0;
}

static struct node *parse_variable(struct parser *p)
{
    if (at_word(p, "true") || at_word(p, "True"))
        return parse_constant(p, bool_value(true));
    if (at_word(p, "false") || at_word(p, "False"))
        return parse_constant(p, bool_value(false));
    if (at_word(p, "none") || at_word(p, "None"))
        return parse_constant(p, none_value());
    p->specials |= special_name(p) & ~p->assigned;
    struct node *n = node_new(p, NODE_NAME);
    return n && (n->name = expect_name(p)) ? n : NULL;
}

/* Strings that follow each other are one. */
static struct node *parse_string(struct parser *p)
{
    struct buffer b = {0};
    struct node *n = parse_constant(p, p->at->value);
    if (!n || p->at->kind != TOKEN_STRING)
        return n;
    if (!buffer_string(p->chat, &b, n->value))
        return NULL;
    while (p->at->kind == TOKEN_STRING)
        if (!buffer_string(p->chat, &b, p->at++->value))
            return NULL;
    return buffer_value(p->chat, &b, &n->value) ? n : NULL;
}

static struct node *parse_pair(struct parser *p)
{
    struct node *n = node_new(p, NODE_PAIR);
    return n && (n->a = parse_expression(p)) && expect_op(p, ':') && (n->b = parse_expression(p)) ? n : NULL;
}

/* [..] and {..}, at the opening bracket. A comma may follow the last item. */
static struct node *parse_bracket(struct parser *p, enum node_kind kind, unsigned close)
{
    struct node *n = node_new(p, kind);
    if (!n || !parse_enter(p))
        return NULL;
    p->at++;
    for (struct node **tail = &n->a; !skip_op(p, close); tail = &(*tail)->next) {
        if (n->a && !expect_op(p, ','))
            return NULL;
        if (n->a && skip_op(p, close))
            break;
        *tail = kind == NODE_DICT ? parse_pair(p) : parse_expression(p);
        if (!*tail)
            return NULL;
    }
    p->depth--;
    return n;
}

static struct node *parse_primary(struct parser *p)
{
    struct node *n;
    switch (p->at->kind) {
    case TOKEN_NAME:
        return parse_variable(p);
    case TOKEN_STRING:
        return parse_string(p);
    case TOKEN_NUMBER:
        return parse_constant(p, p->at->value);
    default:
        break;
    }
    if (at_op(p, '['))
        return parse_bracket(p, NODE_LIST, ']');
    if (at_op(p, '{'))
        return parse_bracket(p, NODE_DICT, '}');
    if (!at_op(p, '('))
        return parse_unexpected(p, "an expression");
    if (!parse_enter(p))
        return NULL;
    p->at++;
    n = parse_tuple(p, false, true, true);
    p->depth--;
    return n && expect_op(p, ')') ? n : NULL;
}

/* What ends a tuple: the end of the tag, a closing parenthesis. */
static bool tuple_ends(const struct parser *p)
{
    return p->at->kind == TOKEN_VARIABLE_END || p->at->kind == TOKEN_BLOCK_END || at_op(p, ')');
}

/* One expression, or a tuple if commas follow. targets: of an assignment, so primaries only. choices: with inline if. */
struct node *parse_tuple(struct parser *p, bool targets, bool choices, bool parentheses)
{
    struct node *tuple = node_new(p, NODE_TUPLE);
    bool comma = false;
    if (!tuple)
        return NULL;
    for (struct node **tail = &tuple->a;; tail = &(*tail)->next) {
        if (tuple->a && !expect_op(p, ','))
            return NULL;
        if (tuple_ends(p))
            break;
        *tail = targets ? parse_primary(p) : choices ? parse_expression(p) : parse_or(p);
        if (!*tail)
            return NULL;
        if (!at_op(p, ','))
            break;
        comma = true;
    }
    if (comma)
        return tuple;
    if (!tuple->a && !parentheses)
        return parse_unexpected(p, "an expression");
    return tuple->a ? tuple->a : tuple;
}

/* ---- what follows a primary */

static struct node *parse_index(struct parser *p)
{
    struct node *n = at_op(p, ':') ? NULL : parse_expression(p);
    if (!at_op(p, ':'))
        return n;
    if (p->chat->status)
        return NULL;
    struct node *slice = node_new(p, NODE_SLICE);
    if (!slice)
        return NULL;
    struct node **const parts[] = {&slice->b, &slice->c};
    slice->a = n;
    for (int i = 0; i < 2 && skip_op(p, ':'); i++)
        if (!at_op(p, ':') && !at_op(p, ']') && !at_op(p, ',') && !(*parts[i] = parse_expression(p)))
            return NULL;
    return slice;
}

static struct node *parse_subscript(struct parser *p, struct node *object)
{
    struct node *n = node_new(p, NODE_ITEM);
    if (!n || !parse_enter(p))
        return NULL;
    n->a = object;
    p->at++;
    n->b = at_op(p, ']') ? node_new(p, NODE_TUPLE) : parse_index(p);
    if (n->b && at_op(p, ',')) {
        struct node *tuple = node_new(p, NODE_TUPLE);
        if (!tuple)
            return NULL;
        tuple->a = n->b;
        n->b = tuple;
        for (struct node **tail = &tuple->a->next; skip_op(p, ','); tail = &(*tail)->next)
            if (!(*tail = parse_index(p)))
                return NULL;
    }
    p->depth--;
    return n->b && expect_op(p, ']') ? n : NULL;
}

static struct node *parse_attribute(struct parser *p, struct node *object)
{
    p->at++;
    struct node *n = node_new(p, p->at->kind == TOKEN_NUMBER ? NODE_ITEM : NODE_ATTRIBUTE);
    if (!n)
        return NULL;
    n->a = object;
    if (p->at->kind == TOKEN_NUMBER && p->at->value.kind == INT)
        return (n->b = parse_constant(p, p->at->value)) ? n : NULL;
    return (n->name = expect_name(p)) ? n : NULL;
}

/* One argument: a value, name=value, *list or **dict, of which the kinds stand in this order, the last two once. */
static struct node *parse_argument(struct parser *p, const struct node *first, int *order)
{
    unsigned spread = at_op(p, '*') ? 1 : at_op(p, OP('*', '*')) ? 2 : 0;
    bool keyword = p->at->kind == TOKEN_NAME && p->at[1].kind == TOKEN_OPERATOR && p->at[1].op == '=';
    int kind = spread == 2 ? 3 : spread == 1 ? 2 : keyword ? 1 : 0;
    if ((kind < *order && !(kind == 1 && *order == 2)) || (spread && kind == *order))
        return parse_unexpected(p, "a keyword argument");
    if (kind > *order)
        *order = kind;
    if (kind == 0)
        return parse_expression(p);
    struct node *n = node_new(p, spread ? NODE_SPREAD : NODE_KEYWORD);
    if (!n || (keyword && !(n->name = expect_name(p))))
        return NULL;
    for (const struct node *other = first; keyword && other; other = other->next)
        if (!chat_work(p->chat, 1))
            return NULL;
        else if (other->kind == NODE_KEYWORD && other->name == n->name)
            return p->at--, parse_unexpected(p, "an argument that is not there yet");
    n->op = spread;
    p->at++;
    return (n->a = parse_expression(p)) ? n : NULL;
}

/* (arguments), at the parenthesis, into call->b. */
static struct node *parse_arguments(struct parser *p, struct node *call)
{
    int order = 0;
    if (!parse_enter(p))
        return NULL;
    p->at++;
    for (struct node **tail = &call->b; !skip_op(p, ')'); tail = &(*tail)->next) {
        if (call->b && !expect_op(p, ','))
            return NULL;
        if (call->b && skip_op(p, ')'))
            break;
        if (!(*tail = parse_argument(p, call->b, &order)))
            return NULL;
    }
    p->depth--;
    return call;
}

static struct node *parse_call(struct parser *p, struct node *callee)
{
    struct node *n = node_new(p, NODE_CALL);
    if (!n)
        return NULL;
    n->a = callee;
    return parse_arguments(p, n);
}

/* The name of a filter or test may have points. */
static const struct name *parse_dotted(struct parser *p)
{
    struct buffer b = {0};
    struct value text;
    const struct name *n = expect_name(p);
    while (n && at_op(p, '.')) {
        p->at++;
        if (!buffer_string(p->chat, &b, n->text) || !buffer_text(p->chat, &b, ".") || !(n = expect_name(p)) ||
            !buffer_string(p->chat, &b, n->text) || !buffer_value(p->chat, &b, &text) || !(n = parse_name(p, text)))
            return NULL;
        b = (struct buffer){0};
    }
    return n;
}

static struct node *parse_postfix(struct parser *p, struct node *n)
{
    while (n && p->at->kind == TOKEN_OPERATOR) {
        if (p->at->op == '.')
            n = parse_attribute(p, n);
        else if (p->at->op == '[')
            n = parse_subscript(p, n);
        else if (p->at->op == '(')
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

static void note_unknown(struct parser *p, const struct node *n, bool known)
{
    if (!known && !p->unknown)
        p->unknown = n;
}

/* Behind "is": [not] name, with arguments in parentheses or a single one without. */
static struct node *parse_test(struct parser *p, struct node *operand)
{
    p->at++;
    struct node *negation = at_word(p, "not") ? node_new(p, NODE_UNARY) : NULL;
    p->at += negation != NULL;
    struct node *n = node_new(p, NODE_TEST);
    if (!n || !(n->name = parse_dotted(p)))
        return NULL;
    note_unknown(p, n, test_known(n->name->text));
    n->a = operand;
    bool word = p->at->kind == TOKEN_NAME && !at_word(p, "else") && !at_word(p, "or") && !at_word(p, "and");
    if (at_op(p, '(')) {
        if (!parse_arguments(p, n))
            return NULL;
    } else if (word || p->at->kind == TOKEN_STRING || p->at->kind == TOKEN_NUMBER || at_op(p, '[') || at_op(p, '{')) {
        if (at_word(p, "is"))
            return parse_unexpected(p, "no second test behind the first");
        n->op = 1;
        if (!(n->b = parse_postfix(p, parse_primary(p))))
            return NULL;
    }
    if (!negation)
        return n;
    negation->op = '!';
    negation->a = n;
    return negation;
}

/* `inside`: a filter's name stands here, without the bar in front of it. */
struct node *parse_filters(struct parser *p, struct node *operand, bool inside)
{
    while (inside || at_op(p, '|')) {
        p->at += !inside;
        inside = false;
        struct node *n = node_new(p, NODE_FILTER);
        if (!n || !(n->name = parse_dotted(p)))
            return NULL;
        note_unknown(p, n, filter_known(n->name->text));
        n->a = operand;
        if (at_op(p, '(') && !parse_arguments(p, n))
            return NULL;
        operand = n;
    }
    return operand;
}

/* A primary with its sign, and the attributes, indexes and calls behind it. */
static struct node *parse_signed(struct parser *p)
{
    if (!at_op(p, '-') && !at_op(p, '+'))
        return parse_postfix(p, parse_primary(p));
    struct node *n = node_new(p, NODE_UNARY);
    if (!n || !parse_enter(p))
        return NULL;
    n->op = p->at++->op;
    if (!(n->a = parse_signed(p)))
        return NULL;
    p->depth--;
    return n;
}

/* The same with filters and tests. */
struct node *parse_unary(struct parser *p)
{
    struct node *n = parse_signed(p);
    while (n) {
        if (at_op(p, '|'))
            n = parse_filters(p, n, false);
        else if (at_word(p, "is"))
            n = parse_test(p, n);
        else if (at_op(p, '('))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}
