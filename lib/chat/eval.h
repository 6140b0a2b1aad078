/* eval.h - running the tree of a template. */
#ifndef SLM_CHAT_EVAL_H
#define SLM_CHAT_EVAL_H

#include "ast.h"
#include "print.h"

#include "../tokenizer/unicode.h"

struct binding {
    struct binding *next;
    const struct name *name;
    struct value value;
};

/* Where names are looked up: a loop's turn, a macro's call, a block; then its surroundings. */
struct scope {
    struct scope *parent;
    struct binding *bindings;
};

struct eval {
    struct chat *c;
    struct parser *parser;          /* for names */
    struct dict *variables;         /* the render's */
    struct scope *root;             /* of the template itself */
    struct scope *scope;
    struct buffer *out;
    bool escape;                    /* inside of autoescape: what is printed is escaped, and what is kept is markup */
    int depth;
};

struct macro {
    const struct node *node;
    struct scope *scope;            /* around its definition */
    bool escape;                    /* there */
};

struct loop {
    const struct node *node;
    struct scope *scope;            /* around the loop */
    struct list *items;
    size_t index, depth;
    bool finished;                  /* a turn came to its end, without break or continue: else is left out, as in Jinja2 */
    struct value changed;           /* a tuple, what changed() was called with last; UNDEFINED at first */
};

/* The evaluated arguments of a call. */
struct arguments {
    struct value *items;
    size_t count;
    struct dict_entry *keywords;    /* name, value */
    size_t keyword_count;
};

enum { PARAMETERS_MAX = 6 };

/* What a built-in function sees: its parameters' values in the order of function->parameters. */
struct call {
    struct chat *c;
    const char *function_name;      /* for messages */
    struct eval *eval;
    struct value self;              /* what a filter or test is applied to, what a method belongs to */
    struct value arg[PARAMETERS_MAX];
    bool given[PARAMETERS_MAX];
    struct arguments rest;          /* where the parameters end in * */
};

/* parameters: names in order, with ? behind those that may be left out; a last * takes all others, by position and by name;
 * a first / says that names do not count. */
struct function {
    const char *name, *parameters;
    bool (*run)(struct call *call, struct value *out);
};

/* The tables, each closed by an entry without a name. */
extern const struct function chat_list_filters[], chat_number_filters[], chat_text_filters[], chat_tests[], chat_globals[];
extern const struct function chat_string_methods[], chat_string_classes[], chat_dict_methods[], chat_tuple_methods[],
    chat_list_methods[], chat_loop_methods[], chat_cycler_methods[];

/* False after a recorded failure, as everywhere. */
bool eval_expression(struct eval *e, const struct node *n, struct value *out);
enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAILED };
enum flow exec_body(struct eval *e, const struct node *n);
/* A value as text behind what is in b, escaped if that is in force. */
bool put_text(struct eval *e, struct buffer *b, struct value v);
/* Runs statements in a scope of its own, into a string. */
enum flow exec_to_string(struct eval *e, const struct node *body, struct scope *scope, struct value *out);
bool scope_new(struct eval *e, struct scope *parent, struct scope **out);
bool scope_set(struct eval *e, struct scope *scope, const struct name *name, struct value value);
bool loop_run(struct eval *e, const struct node *n, struct value iterable, struct scope *scope, size_t depth, enum flow *flow);
bool loop_attribute(struct chat *c, struct value loop, struct value name, struct value *out, bool *found);
bool eval_enter(struct eval *e);

/* Calls. */
bool call_value(struct eval *e, struct value callee, struct arguments *args, struct value *out);
bool call_filter(struct eval *e, struct value name, struct value self, const struct arguments *args, struct value *out);
bool call_test(struct eval *e, struct value name, struct value self, const struct arguments *args, bool *out);
/* An argument, NULL where it is left out; whether one is given and true. */
const struct value *call_argument(const struct call *call, int index);
bool call_flag(const struct call *call, int index);
/* An integer argument, `default_value` where it is left out, or none. */
bool call_int(struct call *call, int index, int64_t default_value, int64_t *out);
bool call_int_or_none(struct call *call, int index, int64_t default_value, int64_t *out);
bool eval_arguments(struct eval *e, const struct node *chain, struct arguments *args);
/* The keyword argument of that name, or NULL. */
const struct dict_entry *find_keyword(struct chat *c, const struct arguments *args, const char *name, size_t length);
const struct function *find_function(const struct function *table, struct value name);
bool macro_attribute(struct chat *c, const struct macro *m, struct value name, struct value *out, bool *found);
bool macro_call(struct eval *e, struct value callee, struct arguments *args, struct value *out);
struct value macro_name(const struct macro *m);
void loop_place(const struct loop *loop, size_t *index, size_t *length);

/* a.name and a[key] as Jinja2 looks them up; what is not there is undefined. A path is "a.b.0": where a part of it is undefined, it is
 * `otherwise`, if that is not NULL. */
bool get_attribute(struct chat *c, struct value v, struct value name, struct value *out);
bool get_item(struct chat *c, struct value v, struct value key, struct value *out);
/* Python's getattr: methods, a namespace's fields, but no keys of a dict. */
bool get_own(struct chat *c, struct value v, struct value name, struct value *out, bool *found);
bool get_path(struct chat *c, struct value v, struct value path, const struct value *otherwise, struct value *out);
/* v[start:stop:step]; parts that are none are left out. */
bool get_slice(struct chat *c, struct value v, struct value start, struct value stop, struct value step, struct value *out);

bool operate(struct chat *c, unsigned op, struct value v, struct value w, struct value *out);
bool escape_html(struct chat *c, struct value v, struct value *out);

/* "%s" % values, "{}".format(...). */
bool format_percent(struct chat *c, struct value format, struct value values, struct value *out);
bool format_braces(struct call *call, struct value format, struct value *out);

/* Strings in small letters where case does not matter. */
bool fold_case(struct chat *c, struct value v, bool case_sensitive, struct value *out);
bool upper_case(struct chat *c, struct value v, struct value *out);
bool lower_case(struct chat *c, struct value v, struct value *out);
bool casefold(struct chat *c, struct value v, struct value *out);
/* UNICODE_LU, _LL or _LT of what has case, something else of what has none. */
enum unicode_class letter_case(uint32_t code_point);
/* What is a number in text: 7, a small raised 7, a half. Each of these counts as the ones behind it too. */
enum digit_kind { DIGIT_NONE, DIGIT_NUMBER, DIGIT_DIGIT, DIGIT_DECIMAL };
enum digit_kind digit_kind(uint32_t code_point);
int digit_value(uint32_t code_point); /* of a decimal digit beyond ASCII, else -1 */
bool is_word(uint32_t code_point); /* \w of Python's regular expressions */
/* One line of text in lines of at most `width` characters, which is positive. */
bool wrap_line(struct chat *c, struct buffer *b, struct value line, int64_t width, bool break_words, bool hyphens, struct value separator);
/* The first letter large, the others small: of the text; of each run of letters (str.title); of each word (the filter title). */
bool capitalize(struct chat *c, struct value v, struct value *out);
bool title_runs(struct chat *c, struct value v, struct value *out);
bool title_words(struct chat *c, struct value v, struct value *out);
/* Without the characters of `chars` (NULL: white space) at its ends. */
bool strip(struct chat *c, struct value v, const struct value *chars, bool left, bool right, struct value *out);
bool replace_text(struct chat *c, struct value v, struct value old, struct value new, int64_t count, struct value *out);
bool split_lines(struct chat *c, struct value v, bool keep_ends, struct value *out);

#endif
