/* value.h - the values of chat templates. All live in one arena, which is freed at the end of a render: nothing is freed before,
 * values are passed by value and share what they point to. Strings, lists and dicts never change once a template can see them
 * (templates can't call the methods that would), so substrings share bytes and dict views are plain lists. */
#ifndef SLM_CHAT_VALUE_H
#define SLM_CHAT_VALUE_H

#include "../mem.h"

/* What a render may use; beyond it fails with SLM_LIMIT. */
enum {
    CHAT_MEMORY_MAX = 256 << 20,    /* bytes in the arena */
    CHAT_STEPS_MAX = 8 << 20,       /* evaluated nodes, items passed over and units of 64 bytes handled */
    CHAT_OUTPUT_MAX = 64 << 20,     /* bytes of one text */
    CHAT_DEPTH_MAX = 800,           /* evaluations inside evaluations */
    CHAT_NESTING_MAX = 200,         /* lists inside lists, brackets inside brackets, blocks inside blocks */
    CHAT_RANGE_MAX = 100000,        /* Jinja2's own limit */
};

struct tokenizer;

/* What every function here works with: the arena, the budget, and where the template is for messages. */
struct chat {
    mem mem;
    struct chunk *chunks;
    char *free, *end;               /* what is left of the newest chunk */
    size_t bytes;
    uint64_t steps;
    uint64_t seed;                  /* of the hashes of dicts */
    const char *source;             /* the template, line ends as \n */
    size_t source_length;
    uint32_t position;              /* in it: what is evaluated */
    const struct tokenizer *guard;  /* see template.h */
    const char *now;                /* "YYYY-MM-DDTHH:MM:SS", or NULL for the clock */
    slm_error *err;
    slm_status status;              /* of the first failure */
};

/* Both record the first failure, with line and column of `position`, and return false. */
bool chat_fail(struct chat *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool chat_fail_as(struct chat *c, slm_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Memory until the end of the render, aligned to 16 bytes; NULL after a recorded failure. Growing keeps the first `used` bytes. */
void *chat_alloc(struct chat *c, size_t size);
void *chat_grow(struct chat *c, void *ptr, size_t used, size_t old_size, size_t new_size);
void chat_free_all(struct chat *c);

/* Counts work that grows with the data, also what may run long without taking memory. False if there has been too much. */
bool chat_work(struct chat *c, uint64_t steps);

enum kind {
    UNDEFINED, NONE, BOOL, INT, FLOAT,
    LARGE,                          /* an integer of more than 64 bits, from JSON: its text, to print and compare, not to compute with */
    STRING, LIST, TUPLE, DICT, RANGE,
    VIEW,                           /* keys(), values(), items() of a dict: a list that has no index */
    ITERATOR,                       /* what map, select, reverse... give: can be passed over once */
    NAMESPACE, MACRO, FUNCTION, METHOD, LOOP, JOINER, CYCLER
};

struct value {
    enum kind kind;
    bool markup;                    /* of a STRING: escaped already */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct string *string;      /* STRING, LARGE */
        struct list *list;          /* LIST, TUPLE, VIEW, ITERATOR, CYCLER, JOINER (one item: the separator) */
        struct dict *dict;          /* DICT, NAMESPACE */
        struct range *range;
        const char *undefined;      /* what using it fails with */
        struct macro *macro;
        struct loop *loop;
        const struct function *function;
        struct method *method;
    } as;
};

struct string {
    const char *data;               /* not NUL-terminated */
    size_t length;
    size_t chars;                   /* code points; SIZE_MAX until counted. A byte that is not UTF-8 counts as one */
};

struct list {
    struct value *items;
    size_t count, capacity;
    size_t next;                    /* ITERATOR, CYCLER: what comes next; JOINER: 1 after the first call */
    const char *name;               /* of a VIEW or ITERATOR in Python: "dict_items" */
};

struct dict_entry {
    struct value key, value;
};

/* In the order of insertion. */
struct dict {
    struct dict_entry *entries;
    size_t count, capacity;
    uint32_t *slots;                /* hash table of indexes + 1; NULL while there are few entries */
    size_t slot_mask;
};

struct range {
    int64_t start, stop, step;
    size_t count;
};

/* The item at an index below count. The product alone may not fit. */
static inline int64_t range_item(const struct range *r, size_t index)
{
    return (int64_t)((uint64_t)r->start + index * (uint64_t)r->step);
}

/* A function of a value: "abc".strip, message.get. */
struct method {
    struct value self;
    const struct function *function;
};

static inline struct value none_value(void) { return (struct value){.kind = NONE}; }
static inline struct value bool_value(bool b) { return (struct value){.kind = BOOL, .as.boolean = b}; }
static inline struct value int_value(int64_t i) { return (struct value){.kind = INT, .as.integer = i}; }
static inline struct value float_value(double d) { return (struct value){.kind = FLOAT, .as.real = d}; }
static inline bool is_int(struct value v) { return v.kind == INT || v.kind == BOOL; }
static inline bool is_number(struct value v) { return v.kind == INT || v.kind == BOOL || v.kind == FLOAT; }
static inline bool is_list(struct value v) { return v.kind == LIST || v.kind == TUPLE; }
static inline bool is_unhashable(struct value v) { return v.kind == LIST || v.kind == DICT || v.kind == VIEW; }

/* An integer's or a truth value's number; any number's as a double. */
static inline int64_t int_of(struct value v) { return v.kind == BOOL ? v.as.boolean : v.as.integer; }
static inline double real_of(struct value v) { return v.kind == FLOAT ? v.as.real : (double)int_of(v); }

/* Strings. The data is used in place. False after a recorded failure, as everywhere below. */
bool string_ref(struct chat *c, const char *data, size_t length, struct value *out);
bool string_text(struct chat *c, const char *text, struct value *out); /* a literal */
bool string_guard(struct chat *c, struct value *string); /* what somebody said: gets guards where c->guard needs them */
bool string_is(struct value v, const char *text);
/* The first bytes of a string, for "%.*s" in a message. */
#define SHORT(v) (int)((v).as.string->length < 80 ? (v).as.string->length : 80), (v).as.string->data
size_t string_chars(struct chat *c, struct value v);
/* Bytes of the character at `at`, and where the one before it begins. */
size_t char_length(const char *data, size_t length, size_t at);
size_t char_before(const char *data, size_t at);
/* The code point at `at`, or the byte plus 0xdc00 where it is not UTF-8. */
uint32_t char_at(const char *data, size_t length, size_t at);
bool char_is_space(uint32_t code_point); /* Python's str.isspace */
bool char_is_printable(uint32_t code_point);
/* Byte offset of the index-th character, index at most string_chars. */
size_t char_offset(struct chat *c, struct value v, size_t index);
/* Where the part, which is not empty, first stands in the text, or NULL. */
const char *text_find(struct chat *c, const char *text, size_t length, const struct string *part);

/* A text that grows. */
struct buffer {
    char *data;
    size_t length, capacity;
};
bool buffer_add(struct chat *c, struct buffer *b, const char *data, size_t length);
bool buffer_text(struct chat *c, struct buffer *b, const char *text);
bool buffer_string(struct chat *c, struct buffer *b, struct value string);
bool buffer_fill(struct chat *c, struct buffer *b, char byte, size_t count);
bool buffer_char(struct chat *c, struct buffer *b, uint32_t code_point);
bool buffer_value(struct chat *c, struct buffer *b, struct value *out); /* the text as a string, in place */

bool undefined_new(struct chat *c, struct value *out, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Records what using an undefined value fails with. */
bool undefined_fail(struct chat *c, struct value v);
bool overflow_fail(struct chat *c); /* of an integer beyond 64 bits */

/* Lists of the given kind. */
bool list_new(struct chat *c, enum kind kind, size_t capacity, struct value *out);
bool list_add(struct chat *c, struct value list, struct value item);
bool tuple_pair(struct chat *c, struct value a, struct value b, struct value *out);

bool dict_new(struct chat *c, enum kind kind, struct value *out);
bool dict_set(struct chat *c, struct dict *d, struct value key, struct value value);
/* NULL where there is none; fails, with NULL, if the key can't be one. */
struct value *dict_get(struct chat *c, const struct dict *d, struct value key);

bool is_true(struct value v);
/* Python's ==; and whether v stands before w, which fails for what has no order. */
bool value_equal(struct chat *c, struct value v, struct value w, bool *equal);
bool value_less(struct chat *c, struct value v, struct value w, const char *operator, bool *less);
bool value_in(struct chat *c, struct value item, struct value container, bool *found);
const char *type_name(struct value v);

/* The number of items; fails for what has no length. */
bool value_length(struct chat *c, struct value v, size_t *length);
/* The items as a list that the caller may change if `fresh`. A string gives its characters, a dict its keys, an iterator what is left. */
bool value_items(struct chat *c, struct value v, bool fresh, struct list **items);

#endif
