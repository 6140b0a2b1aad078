/* Statements: text, {{ }} and the blocks of {% %}. */
#include "ast.h"

static struct node *parse_body(struct parser *p, const char *const *ends);

/* Fails if the expressions up to here use an unknown filter or test, except directly in an if: there it must not be used. */
static bool check_known(struct parser *p)
{
    const struct node *n = p->unknown;
    p->unknown = NULL;
    if (!n || p->soft)
        return true;
    p->chat->position = n->position;
    return chat_fail(p->chat, "there is no %s named '%.*s'", n->kind == NODE_TEST ? "test" : "filter", SHORT(n->name->text));
}

static bool end_tag(struct parser *p)
{
    if (p->at->kind != TOKEN_BLOCK_END)
        return parse_unexpected(p, "%}");
    p->at++;
    return check_known(p);
}

/* The body up to one of `ends` (a list closed by NULL), whose name is then the current token. A colon may stand before it, for those who
 * write Python. `soft`: of an if. False after a recorded failure. */
static bool parse_until(struct parser *p, const char *const *ends, bool soft, struct node **body)
{
    skip_op(p, ':');
    if (!end_tag(p) || !parse_enter(p))
        return false;
    bool outer = p->soft;
    p->soft = soft;
    *body = parse_body(p, ends);
    p->soft = outer;
    p->depth--;
    return !p->chat->status;
}

/* The body of a block that ends in {% end %}. */
static bool parse_block(struct parser *p, const char *end, struct node **body)
{
    const char *const ends[] = {end, NULL};
    if (!parse_until(p, ends, false, body))
        return false;
    p->at++;
    return end_tag(p);
}

/* ---- targets of assignments */

/* A name that is assigned to before a macro's body reads it is not special there. */
static void note_assigned(struct parser *p, const struct name *name)
{
    static const struct {
        const char *text;
        unsigned special;
    } specials[] = {{"caller", MACRO_CALLER}, {"kwargs", MACRO_KWARGS}, {"varargs", MACRO_VARARGS}};
    for (int i = 0; i < 3; i++)
        if (string_is(name->text, specials[i].text))
            p->assigned |= specials[i].special;
}

static bool check_target(struct parser *p, const struct node *n)
{
    if (n && n->kind == NODE_NAME) {
        note_assigned(p, n->name);
        p->chat->position = n->position;
        return !p->fors || !string_is(n->name->text, "loop") || chat_fail(p->chat, "'loop' can't be assigned to in a for");
    }
    if (!n)
        return false;
    if (n->kind == NODE_TUPLE && n->a) {
        for (const struct node *item = n->a; item; item = item->next)
            if (!check_target(p, item))
                return false;
        return true;
    }
    p->chat->position = n->position;
    return chat_fail(p->chat, "this can't be assigned to");
}

static struct node *parse_target(struct parser *p)
{
    unsigned specials = p->specials;
    struct node *n = parse_tuple(p, true, false, false);
    p->specials = specials;
    return check_target(p, n) ? n : NULL;
}

static struct node *parse_set_target(struct parser *p)
{
    if (p->at->kind != TOKEN_NAME || p->at[1].kind != TOKEN_OPERATOR || p->at[1].op != '.')
        return parse_target(p);
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
    bool outer = p->soft, more = true;
    p->soft = true;
    while (more) {
        struct node *n = *place = node_new(p, NODE_IF);
        if (!n || !(n->a = parse_tuple(p, false, false, false)) || !parse_until(p, ends, true, &n->b))
            return NULL;
        n->op = n != first;
        place = &n->c;
        more = skip_word(p, "elif");
    }
    if (skip_word(p, "else") && !parse_until(p, ends + 2, true, place))
        return NULL;
    p->at++;
    p->soft = outer;
    return end_tag(p) ? first : NULL;
}

static struct node *parse_for(struct parser *p)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    struct node *n = node_new(p, NODE_FOR);
    p->fors++;
    if (!n || !(n->a = parse_target(p)))
        return NULL;
    if (!skip_word(p, "in"))
        return parse_unexpected(p, "'in'");
    if (!(n->b = parse_tuple(p, false, false, false)) || (skip_word(p, "if") && !(n->c = parse_expression(p))))
        return NULL;
    n->op = skip_word(p, "recursive");
    p->loops++;
    bool ok = parse_until(p, ends, false, &n->d);
    p->loops--;
    if (!ok || (skip_word(p, "else") && !parse_until(p, ends + 1, false, &n->e)))
        return NULL;
    p->fors--;
    p->at++;
    return end_tag(p) ? n : NULL;
}

static struct node *parse_set(struct parser *p)
{
    struct node *n = node_new(p, NODE_SET);
    if (!n || !(n->a = parse_set_target(p)))
        return NULL;
    if (skip_op(p, '='))
        return (n->b = parse_tuple(p, false, true, false)) && end_tag(p) ? n : NULL;
    n->kind = NODE_SET_BLOCK;
    bool outer = p->soft;
    p->soft = false;
    n->b = parse_filters(p, NULL, false);
    bool ok = !p->chat->status && parse_block(p, "endset", &n->d);
    p->soft = outer;
    return ok ? n : NULL;
}

/* A name that can be given to something. */
static const struct name *expect_free_name(struct parser *p)
{
    static const char *const taken[] = {"true", "True", "false", "False", "none", "None"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (at_word(p, taken[i]))
            return parse_unexpected(p, "a name that can be assigned to");
    return expect_name(p);
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
        if (!n || !(n->name = expect_free_name(p)))
            return false;
        for (const struct node *other = macro->a; other != n; other = other->next)
            if (!chat_work(p->chat, 1))
                return false;
            else if (other->name == n->name)
                return p->at--, parse_unexpected(p, "a parameter that is not there yet");
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
    unsigned outer = p->specials, assigned = p->assigned, parameters = 0;
    bool optional_caller = true;
    int loops = p->loops;
    p->assigned = 0;
    for (const struct node *n = macro->a; n; n = n->next) {
        note_assigned(p, n->name);
        if (string_is(n->name->text, "caller"))
            optional_caller = n->a;
    }
    parameters = p->assigned;
    p->specials = p->assigned = 0;
    p->loops = 0;
    bool ok = parse_block(p, end, &macro->d);
    if (ok && !optional_caller && (p->specials & MACRO_CALLER)) {
        p->chat->position = macro->position;
        return chat_fail(p->chat, "the parameter 'caller' must be left out or have a default");
    }
    macro->op = p->specials & ~parameters;
    assigned |= parameters;
    p->specials = outer | (p->specials & ~assigned);
    p->assigned |= assigned;
    p->loops = loops;
    return ok;
}

static struct node *parse_macro(struct parser *p)
{
    struct node *n = node_new(p, NODE_MACRO);
    return n && (n->name = expect_free_name(p)) && parse_parameters(p, n) && parse_macro_body(p, "endmacro", n) ? n : NULL;
}

/* A block whose body is a macro without a name, called "caller". */
static struct node *call_block_new(struct parser *p)
{
    struct value caller;
    struct node *n = node_new(p, NODE_CALL_BLOCK);
    if (!n || !(n->c = node_new(p, NODE_MACRO)) || !string_text(p->chat, "caller", &caller) || !(n->c->name = parse_name(p, caller)))
        return NULL;
    return n;
}

static struct node *parse_caller(struct parser *p, const char *end, struct node *n)
{
    if (!parse_macro_body(p, end, n->c))
        return NULL;
    n->c->op |= MACRO_ANONYMOUS;
    return n;
}

static struct node *parse_call_block(struct parser *p)
{
    struct node *n = call_block_new(p);
    if (!n || (at_op(p, '(') && !parse_parameters(p, n->c)) || !(n->b = parse_expression(p)))
        return NULL;
    if (n->b->kind != NODE_CALL)
        return parse_unexpected(p, "a call in front of this");
    return parse_caller(p, "endcall", n);
}

static struct node *parse_filter_block(struct parser *p)
{
    struct node *n = node_new(p, NODE_FILTER_BLOCK);
    bool outer = p->soft;
    p->soft = false;
    bool ok = n && (n->a = parse_filters(p, NULL, true)) && parse_block(p, "endfilter", &n->d);
    p->soft = outer;
    return ok ? n : NULL;
}

static struct node *parse_with(struct parser *p)
{
    struct node *n = node_new(p, NODE_SCOPE);
    if (!n)
        return NULL;
    int fors = p->fors;
    p->fors = 0; /* here, 'loop' can be a name */
    for (struct node **tail = &n->a; p->at->kind != TOKEN_BLOCK_END; tail = &(*tail)->next) {
        if (n->a && !expect_op(p, ','))
            return NULL;
        struct node *set = *tail = node_new(p, NODE_SET);
        if (!set || !(set->a = parse_target(p)) || !expect_op(p, '=') || !(set->b = parse_expression(p)))
            return NULL;
    }
    p->fors = fors;
    return parse_block(p, "endwith", &n->d) ? n : NULL;
}

/* What a model is trained to generate is marked by this block, which changes nothing of the text. Jinja2 is told to run it as the body of
 * a call. */
static struct node *parse_generation(struct parser *p)
{
    struct node *n = call_block_new(p);
    return n ? parse_caller(p, "endgeneration", n) : NULL;
}

static struct node *parse_print(struct parser *p)
{
    struct node *n = node_new(p, NODE_OUTPUT);
    if (!n)
        return NULL;
    for (struct node **tail = &n->a; p->at->kind != TOKEN_BLOCK_END; tail = &(*tail)->next)
        if ((n->a && !expect_op(p, ',')) || !(*tail = parse_expression(p)))
            return NULL;
    return end_tag(p) ? n : NULL;
}

static struct node *parse_autoescape(struct parser *p)
{
    struct node *n = node_new(p, NODE_ESCAPE);
    return n && (n->a = parse_expression(p)) && parse_block(p, "endautoescape", &n->d) ? n : NULL;
}

/* {% block name scoped required %}...{% endblock name %}: as nothing extends a chat template, its body is run in place. */
static struct node *parse_inner_block(struct parser *p)
{
    static const char *const ends[] = {"endblock", NULL};
    struct node *n = node_new(p, NODE_INNER_BLOCK);
    struct name *name = n ? expect_name(p) : NULL;
    if (!name)
        return NULL;
    if (name->block)
        return p->at--, parse_unexpected(p, "a block's name that is not taken");
    name->block = true;
    n->op = skip_word(p, "scoped") ? BLOCK_SCOPED : 0;
    n->op |= skip_word(p, "required") ? BLOCK_REQUIRED : 0;
    int loops = p->loops;
    p->loops = 0;
    bool ok = parse_until(p, ends, false, &n->d);
    p->loops = loops;
    if (!ok)
        return NULL;
    p->at++;
    if (p->at->kind == TOKEN_NAME && parse_name(p, p->at->value) == name)
        p->at++;
    return end_tag(p) ? n : NULL;
}

/* Tags that need other templates, of which there are none: they fail when they are run. */
static struct node *parse_load(struct parser *p)
{
    struct node *n = node_new(p, NODE_LOAD);
    if (!n || !parse_expression(p))
        return NULL;
    while (p->at->kind == TOKEN_NAME || at_op(p, ','))
        p->at++;
    return end_tag(p) ? n : NULL;
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
        {"continue", parse_continue}, {"print", parse_print}, {"autoescape", parse_autoescape}, {"block", parse_inner_block},
        {"include", parse_load}, {"import", parse_load}, {"from", parse_load}, {"extends", parse_load},
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
    if (!n || !(n->a = parse_tuple(p, false, true, false)))
        return NULL;
    if (p->at->kind != TOKEN_VARIABLE_END)
        return parse_unexpected(p, "}}");
    p->at++;
    return check_known(p) ? n : NULL;
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
        } else if (p->at->kind == TOKEN_TEXT) {
            *tail = node_new(p, NODE_TEXT);
            if (*tail)
                (*tail)->value = p->at++->value;
        } else {
            return parse_unexpected(p, "text or a tag");
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
