/* Statements: text, {{ }} and the blocks of {% %}. */
#include "ast.h"

static struct node *parse_body(struct parser *p, const char *const *ends);

static bool end_tag(struct parser *p)
{
    if (p->at->kind != TOKEN_BLOCK_END)
        return parse_unexpected(p, "%}");
    p->at++;
    return true;
}

/* The body up to one of `ends` (a list closed by NULL), whose name is then the current token. False after a recorded failure. */
static bool parse_until(struct parser *p, const char *const *ends, struct node **body)
{
    if (!end_tag(p) || !parse_enter(p))
        return false;
    *body = parse_body(p, ends);
    p->depth--;
    return !p->chat->status;
}

/* The body of a block that ends in {% end %}. */
static bool parse_block(struct parser *p, const char *end, struct node **body)
{
    const char *const ends[] = {end, NULL};
    if (!parse_until(p, ends, body))
        return false;
    p->at++;
    return end_tag(p);
}

/* ---- targets of assignments */

static bool check_target(struct parser *p, const struct node *n)
{
    if (!n || n->kind == NODE_NAME)
        return n;
    if (n->kind == NODE_TUPLE && n->a) {
        for (const struct node *item = n->a; item; item = item->next)
            if (!check_target(p, item))
                return false;
        return true;
    }
    p->chat->position = n->position;
    return chat_fail(p->chat, "this can't be assigned to");
}

static struct node *parse_target(struct parser *p, const char *end)
{
    struct node *n = parse_tuple(p, true, false, false, end);
    return check_target(p, n) ? n : NULL;
}

static struct node *parse_set_target(struct parser *p)
{
    if (p->at->kind != TOKEN_NAME || p->at[1].kind != TOKEN_OPERATOR || p->at[1].op != '.')
        return parse_target(p, NULL);
    struct node *n = node_new(p, NODE_FIELD);
    if (!n || !(n->name = expect_name(p)))
        return NULL;
    p->at++;
    const struct name *field = expect_name(p);
    if (!field)
        return NULL;
    n->value = field->text;
    return n;
}

/* ---- blocks, each from behind its name */

static struct node *parse_if(struct parser *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct node *first = NULL, **place = &first;
    for (;;) {
        struct node *n = *place = node_new(p, NODE_IF);
        if (!n || !(n->a = parse_tuple(p, false, false, false, NULL)) || !parse_until(p, ends, &n->b))
            return NULL;
        n->op = n != first;
        place = &n->c;
        if (skip_word(p, "elif"))
            continue;
        if (skip_word(p, "else"))
            return parse_block(p, "endif", place) ? first : NULL;
        p->at++;
        return end_tag(p) ? first : NULL;
    }
}

static struct node *parse_for(struct parser *p)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    struct node *n = node_new(p, NODE_FOR);
    if (!n || !(n->a = parse_target(p, "in")))
        return NULL;
    if (!skip_word(p, "in"))
        return parse_unexpected(p, "'in'");
    if (!(n->b = parse_tuple(p, false, false, false, "recursive")) || (skip_word(p, "if") && !(n->c = parse_expression(p))))
        return NULL;
    n->op = skip_word(p, "recursive");
    p->loops++;
    bool ok = parse_until(p, ends, &n->d);
    p->loops--;
    if (!ok)
        return NULL;
    if (skip_word(p, "else"))
        return parse_block(p, "endfor", &n->e) ? n : NULL;
    p->at++;
    return end_tag(p) ? n : NULL;
}

static struct node *parse_set(struct parser *p)
{
    struct node *n = node_new(p, NODE_SET);
    if (!n || !(n->a = parse_set_target(p)))
        return NULL;
    if (skip_op(p, '='))
        return (n->b = parse_tuple(p, false, true, false, NULL)) && end_tag(p) ? n : NULL;
    n->kind = NODE_SET_BLOCK;
    n->b = parse_filters(p, NULL, false);
    return !p->chat->status && parse_block(p, "endset", &n->d) ? n : NULL;
}

static bool parse_parameters(struct parser *p, struct node *macro)
{
    if (!expect_op(p, '('))
        return false;
    bool defaults = false;
    for (struct node **tail = &macro->a; !skip_op(p, ')'); tail = &(*tail)->next) {
        if (macro->a && !expect_op(p, ','))
            return false;
        struct node *n = *tail = node_new(p, NODE_PARAMETER);
        if (!n || !(n->name = expect_name(p)))
            return false;
        if (skip_op(p, '=')) {
            defaults = true;
            if (!(n->a = parse_expression(p)))
                return false;
        } else if (defaults) {
            return parse_unexpected(p, "a default (the parameter before has one)");
        }
    }
    return true;
}

/* The body of a macro or of a call block: names that are special in it are noted, and for the macros around it too. */
static bool parse_macro_body(struct parser *p, const char *end, struct node *macro)
{
    unsigned outer = p->specials;
    int loops = p->loops;
    p->specials = 0;
    p->loops = 0;
    bool ok = parse_block(p, end, &macro->d);
    macro->op = p->specials;
    p->specials |= outer;
    p->loops = loops;
    return ok;
}

static struct node *parse_macro(struct parser *p)
{
    struct node *n = node_new(p, NODE_MACRO);
    return n && (n->name = expect_name(p)) && parse_parameters(p, n) && parse_macro_body(p, "endmacro", n) ? n : NULL;
}

static struct node *parse_call_block(struct parser *p)
{
    struct value caller;
    struct node *n = node_new(p, NODE_CALL_BLOCK), *macro = node_new(p, NODE_MACRO);
    if (!n || !macro || !string_text(p->chat, "caller", &caller) || !(macro->name = parse_name(p, caller)))
        return NULL;
    n->c = macro;
    if ((at_op(p, '(') && !parse_parameters(p, macro)) || !(n->b = parse_expression(p)))
        return NULL;
    if (n->b->kind != NODE_CALL)
        return parse_unexpected(p, "a call in front of this");
    return parse_macro_body(p, "endcall", macro) ? n : NULL;
}

static struct node *parse_filter_block(struct parser *p)
{
    struct node *n = node_new(p, NODE_FILTER_BLOCK);
    return n && (n->a = parse_filters(p, NULL, true)) && parse_block(p, "endfilter", &n->d) ? n : NULL;
}

static struct node *parse_with(struct parser *p)
{
    struct node *n = node_new(p, NODE_SCOPE);
    if (!n)
        return NULL;
    for (struct node **tail = &n->a; p->at->kind != TOKEN_BLOCK_END; tail = &(*tail)->next) {
        if (n->a && !expect_op(p, ','))
            return NULL;
        struct node *set = *tail = node_new(p, NODE_SET);
        if (!set || !check_target(p, set->a = parse_primary(p)) || !expect_op(p, '=') || !(set->b = parse_expression(p)))
            return NULL;
    }
    return parse_block(p, "endwith", &n->d) ? n : NULL;
}

/* What a model is trained to generate is marked by this block, which changes nothing of the text. */
static struct node *parse_generation(struct parser *p)
{
    struct node *n = node_new(p, NODE_SCOPE);
    return n && parse_block(p, "endgeneration", &n->d) ? n : NULL;
}

static struct node *parse_jump(struct parser *p, enum node_kind kind)
{
    struct node *n = node_new(p, kind);
    p->chat->position = p->at->position;
    if (n && p->loops == 0)
        chat_fail(p->chat, "break and continue need a loop around them");
    return n && !p->chat->status && end_tag(p) ? n : NULL;
}

static struct node *parse_break(struct parser *p)
{
    return parse_jump(p, NODE_BREAK);
}

static struct node *parse_continue(struct parser *p)
{
    return parse_jump(p, NODE_CONTINUE);
}

static struct node *parse_statement(struct parser *p)
{
    static const struct {
        const char *word;
        struct node *(*parse)(struct parser *p);
    } statements[] = {
        {"if", parse_if}, {"for", parse_for}, {"set", parse_set}, {"macro", parse_macro}, {"call", parse_call_block},
        {"filter", parse_filter_block}, {"with", parse_with}, {"generation", parse_generation}, {"break", parse_break},
        {"continue", parse_continue},
    };
    uint32_t position = p->at->position;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (skip_word(p, statements[i].word)) {
            struct node *n = statements[i].parse(p);
            if (n)
                n->position = position;
            return n;
        }
    }
    return parse_unexpected(p, "a tag that is known");
}

static struct node *parse_output(struct parser *p)
{
    struct node *n = node_new(p, NODE_OUTPUT);
    p->at++;
    if (!n || !(n->a = parse_tuple(p, false, true, false, NULL)))
        return NULL;
    if (p->at->kind != TOKEN_VARIABLE_END)
        return parse_unexpected(p, "}}");
    p->at++;
    return n;
}

/* Statements up to a tag named in `ends`, or to the end of the template where that is NULL. NULL for no statement. */
static struct node *parse_body(struct parser *p, const char *const *ends)
{
    struct node *first = NULL;
    for (struct node **tail = &first;;) {
        if (p->at->kind == TOKEN_END) {
            while (ends && ends[1]) /* the last one is the block's own */
                ends++;
            return ends ? parse_unexpected(p, ends[0]) : first;
        }
        if (p->at->kind == TOKEN_BLOCK) {
            p->at++;
            for (int i = 0; ends && ends[i]; i++)
                if (at_word(p, ends[i]))
                    return first;
            *tail = parse_statement(p);
        } else if (p->at->kind == TOKEN_VARIABLE) {
            *tail = parse_output(p);
        } else {
            *tail = node_new(p, NODE_TEXT);
            if (*tail)
                (*tail)->value = p->at++->value;
        }
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
}

bool chat_parse(struct parser *p, struct node **out)
{
    struct token *tokens;
    if (!chat_lex(p->chat, &tokens))
        return false;
    p->at = tokens;
    *out = parse_body(p, NULL);
    return !p->chat->status;
}
