/* Expressions, from the loosest binding down: inline if, or, and, not, comparisons, + -, ~, * / // %, **. What they join is in parse.c. */
#include "ast.h"

/* At the operator, where the node stands: that is nearer to what fails than where a long chain begins. */
static struct node *binary(struct parser *p, unsigned op, struct node *left, struct node *(*operand)(struct parser *p))
{
    struct node *n = node_new(p, NODE_BINARY);
    if (!n)
        return NULL;
    p->at++;
    n->op = op;
    n->a = left;
    n->b = operand(p);
    return n->b ? n : NULL;
}

/* Operators that bind to the left make the tree deeper with each: they count as nested too. */
static bool chain(struct parser *p, int *links)
{
    ++*links;
    return parse_enter(p);
}

/* The one of these that stands here, or 0; & is the word and, | the word or. */
static unsigned operator_at(const struct parser *p, const unsigned ops[4])
{
    for (int i = 0; i < 4 && ops[i]; i++)
        if (ops[i] == '&' ? at_word(p, "and") : ops[i] == '|' ? at_word(p, "or") : at_op(p, ops[i]))
            return ops[i];
    return 0;
}

/* Operands with any of these operators between them, bound to the left. */
static struct node *parse_chain(struct parser *p, const unsigned ops[4], struct node *(*operand)(struct parser *p))
{
    int links = 0;
    unsigned op;
    struct node *n = operand(p);
    const uint32_t start = n ? n->position : 0;
    while (n && (op = operator_at(p, ops)) && chain(p, &links))
        n = binary(p, op, n, operand);
    if (n && links == 1)
        n->position = start; /* a single one stands where Jinja2 places it */
    p->depth -= links;
    return p->chat->status ? NULL : n;
}

static struct node *parse_power(struct parser *p)
{
    return parse_chain(p, (unsigned[4]){OP('*', '*')}, parse_unary);
}

static struct node *parse_product(struct parser *p)
{
    return parse_chain(p, (unsigned[4]){'*', '/', OP('/', '/'), '%'}, parse_power);
}

static struct node *parse_concat(struct parser *p)
{
    struct node *n = parse_product(p);
    if (!n || !at_op(p, '~'))
        return n;
    struct node *concat = node_new(p, NODE_CONCAT);
    if (!concat)
        return NULL;
    concat->a = n;
    while (skip_op(p, '~')) {
        if (!(n->next = parse_product(p)))
            return NULL;
        n = n->next;
    }
    return concat;
}

static struct node *parse_sum(struct parser *p)
{
    return parse_chain(p, (unsigned[4]){'+', '-'}, parse_concat);
}

static struct node *parse_operand(struct parser *p)
{
    static const unsigned ops[] = {OP('=', '='), OP('!', '='), '<', OP('<', '='), '>', OP('>', '=')};
    struct node *n = node_new(p, NODE_OPERAND);
    if (!n)
        return NULL;
    for (size_t i = 0; !n->op && i < sizeof ops / sizeof *ops; i++)
        if (skip_op(p, ops[i]))
            n->op = ops[i];
    if (!n->op && skip_word(p, "in"))
        n->op = 'i';
    else if (!n->op)
        n->op = OP('!', 'i'), p->at += 2;
    return (n->a = parse_sum(p)) ? n : NULL;
}

static bool at_comparison(const struct parser *p)
{
    if (p->at->kind == TOKEN_OPERATOR)
        return p->at->op == '<' || p->at->op == '>' || (p->at->op >> 8) == '=';
    return at_word(p, "in") || (at_word(p, "not") && p->at[1].kind == TOKEN_NAME && string_is(p->at[1].value, "in"));
}

static struct node *parse_compare(struct parser *p)
{
    struct node *n = parse_sum(p);
    if (!n || !at_comparison(p))
        return n;
    struct node *compare = node_new(p, NODE_COMPARE);
    if (!compare)
        return NULL;
    compare->position = n->position;
    compare->a = n;
    for (struct node **tail = &compare->b; at_comparison(p); tail = &(*tail)->next)
        if (!(*tail = parse_operand(p)))
            return NULL;
    return compare;
}

static struct node *parse_not(struct parser *p)
{
    if (!at_word(p, "not"))
        return parse_compare(p);
    struct node *n = node_new(p, NODE_UNARY);
    if (!n || !parse_enter(p))
        return NULL;
    p->at++;
    n->op = '!';
    n->a = parse_not(p);
    p->depth--;
    return n->a ? n : NULL;
}

static struct node *parse_and(struct parser *p)
{
    return parse_chain(p, (unsigned[4]){'&'}, parse_not);
}

struct node *parse_or(struct parser *p)
{
    return parse_chain(p, (unsigned[4]){'|'}, parse_and);
}

struct node *parse_expression(struct parser *p)
{
    int links = 0;
    const struct node *unknown = p->unknown;
    if (!parse_enter(p))
        return NULL;
    struct node *n = parse_or(p);
    while (n && at_word(p, "if") && chain(p, &links)) {
        struct node *choice = node_new(p, NODE_CHOICE);
        if (!choice)
            return NULL;
        p->at++;
        choice->b = n;
        if (!(choice->a = parse_or(p)) || (skip_word(p, "else") && !(choice->c = parse_expression(p))))
            return NULL;
        n = choice;
        p->unknown = unknown; /* what has a condition fails only when it is used */
    }
    p->depth -= links + 1;
    return p->chat->status ? NULL : n;
}
