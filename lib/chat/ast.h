/* ast.h - a template as tokens, then as a tree. The grammar and the treatment of white space are Jinja2's, with trim_blocks and
 * lstrip_blocks on, as Hugging Face sets them. */
#ifndef SLM_CHAT_AST_H
#define SLM_CHAT_AST_H

#include "value.h"

enum token_kind {
    TOKEN_TEXT, TOKEN_VARIABLE, TOKEN_VARIABLE_END, TOKEN_BLOCK, TOKEN_BLOCK_END, TOKEN_NAME, TOKEN_STRING, TOKEN_NUMBER, TOKEN_OPERATOR,
    TOKEN_BAD,                      /* what can't be read: what stands before it may be wrong too, and is looked at first */
    TOKEN_END
};

/* An operator of one or two characters as a number. */
#define OP(first, second) ((unsigned)(first) | (unsigned)(second) << 8)

struct token {
    enum token_kind kind;
    uint32_t position;              /* in the source */
    unsigned op;                    /* of an operator: OP(...) */
    struct value value;             /* of a name (a string), a text, a string or a number; of TOKEN_BAD: what is wrong */
};

/* The tokens of c->source up to the first bad one, then TOKEN_END, which stands where the one before it begins, as Jinja2 says it. */
bool chat_lex(struct chat *c, struct token **tokens);

/* A name, once for each spelling: names are compared by address. */
struct name {
    struct name *next;
    struct value text;
    bool block;         /* a block has this name */
};

enum node_kind {
    /* expressions */
    NODE_CONST,         /* value */
    NODE_NAME,          /* name */
    NODE_LIST,          /* a: items, linked by next */
    NODE_TUPLE,         /* a: items */
    NODE_DICT,          /* a: pairs */
    NODE_PAIR,          /* a: key, b: value */
    NODE_ATTRIBUTE,     /* a . name */
    NODE_ITEM,          /* a [ b ] */
    NODE_SLICE,         /* a : b : c, each may be NULL; as an index only */
    NODE_CALL,          /* a ( b: arguments ) */
    NODE_KEYWORD,       /* an argument: name = a */
    NODE_SPREAD,        /* an argument: *a or, with op 2, **a */
    NODE_FILTER,        /* a | name ( b ); a is NULL where a block's text is filtered */
    NODE_TEST,          /* a is name ( b ); op 1: b is a single argument */
    NODE_UNARY,         /* op a: '-', '+', '!' for not */
    NODE_BINARY,        /* a op b; '&' is and, '|' is or */
    NODE_COMPARE,       /* a, then b: NODE_OPERANDs */
    NODE_OPERAND,       /* op a; 'i' is in, '!i' is not in */
    NODE_CONCAT,        /* a: items, joined by ~ */
    NODE_CHOICE,        /* b if a else c; c may be NULL */
    /* statements, linked by next */
    NODE_TEXT,          /* value */
    NODE_OUTPUT,        /* a: expressions, one after the other */
    NODE_IF,            /* a: condition, b: body, c: else; op 1: of an elif, which is its if's c */
    NODE_FOR,           /* a: target, b: iterable, c: filter or NULL, d: body, e: else; op 1: recursive */
    NODE_SET,           /* a: target, b: expression */
    NODE_SET_BLOCK,     /* a: target, b: filters or NULL, d: body */
    NODE_FIELD,         /* a target: name . value (a string), of a namespace */
    NODE_MACRO,         /* name, a: parameters, d: body; op: MACRO_... */
    NODE_PARAMETER,     /* name, a: default or NULL */
    NODE_CALL_BLOCK,    /* b: the call, NULL for generation; c: NODE_MACRO of the caller */
    NODE_FILTER_BLOCK,  /* a: filters, d: body */
    NODE_SCOPE,         /* with. a: NODE_SETs, d: body */
    NODE_ESCAPE,        /* autoescape. a: condition, d: body */
    NODE_INNER_BLOCK,   /* block. d: body; op: BLOCK_... */
    NODE_LOAD,          /* include, import, from, extends */
    NODE_BREAK,
    NODE_CONTINUE,
};

/* Names that a macro's body uses; of a call block. */
enum { MACRO_CALLER = 1, MACRO_KWARGS = 2, MACRO_VARARGS = 4, MACRO_ANONYMOUS = 8 };
enum { BLOCK_SCOPED = 1, BLOCK_REQUIRED = 2 };

struct node {
    enum node_kind kind;
    uint32_t position;
    unsigned op;
    const struct name *name;
    struct node *a, *b, *c, *d, *e, *next;
    struct value value;
};

enum { NAME_SLOTS = 512 };

struct parser {
    struct chat *chat;
    const struct token *at;
    struct name *names[NAME_SLOTS]; /* by hash */
    unsigned specials;              /* MACRO_... read since the innermost macro began, but not those that were assigned to before */
    unsigned assigned;              /* MACRO_... assigned to since then */
    int depth;
    int loops;                      /* around the place, inside the innermost macro */
    int fors;                       /* around the place, in all */
    bool soft;                      /* directly in an if: unknown filters and tests fail only when they are used */
    const struct node *unknown;     /* the first unknown filter or test that the tag at hand uses without condition */
};

/* The tree of c->source (NULL for an empty one). The names of the variables that a render sets are interned with parse_name. */
bool chat_parse(struct parser *p, struct node **out);
struct name *parse_name(struct parser *p, struct value text);

/* Whether there is a filter or test of that name. */
bool filter_known(struct value name);
bool test_known(struct value name);

/* What parse.c and parse_operators.c (expressions) and parse_block.c (statements) share. All return NULL or false after a recorded
 * failure. */
struct node *parse_expression(struct parser *p);
struct node *parse_or(struct parser *p); /* without inline if */
struct node *parse_tuple(struct parser *p, bool targets, bool choices, bool parentheses);
struct node *parse_unary(struct parser *p);
struct node *parse_filters(struct parser *p, struct node *operand, bool inside);
struct node *node_new(struct parser *p, enum node_kind kind);
bool parse_enter(struct parser *p);
void *parse_unexpected(struct parser *p, const char *expected);
bool at_op(const struct parser *p, unsigned op);
bool at_word(const struct parser *p, const char *word);
bool skip_op(struct parser *p, unsigned op);
bool skip_word(struct parser *p, const char *word);
bool expect_op(struct parser *p, unsigned op);
struct name *expect_name(struct parser *p);

#endif
