/* print.h - values as text, as Python prints them, and text as numbers. */
#ifndef SLM_CHAT_PRINT_H
#define SLM_CHAT_PRINT_H

#include "value.h"

/* str(v) and repr(v), added to a buffer; str(v) as a string value. */
bool print_str(struct chat *c, struct buffer *b, struct value v);
bool print_repr(struct chat *c, struct buffer *b, struct value v);
bool to_string(struct chat *c, struct value v, struct value *out);

enum {
    REAL_TEXT = 512,
    REAL_WORK = 64,     /* steps that a real_repr counts as */
};
/* Python's repr of a double: the shortest digits that read back the same. */
void real_repr(double d, char text[REAL_TEXT]);
/* printf's e, f or g with a precision up to 100, with a point whatever the locale. */
void real_format(double d, char kind, int precision, bool alternate, char text[REAL_TEXT]);
/* Reads all of a decimal number (digits, point, exponent; no sign, no spaces). */
bool real_parse(struct chat *c, const char *text, size_t length, double *out);
/* Reads digits in a base from 2 to 36; false if there is something else or they exceed 64 bits (then *overflow). */
bool int_parse(const char *text, size_t length, bool negative, int base, int64_t *out, bool *overflow);
/* float(text), int(text, base): spaces around and a sign and underscores between digits are allowed. False if it is none. */
bool text_to_real(struct chat *c, struct value text, double *out);
bool text_to_int(struct chat *c, struct value text, int base, int64_t *out);

/* As json.dumps of Python. */
struct json_options {
    bool ascii, sort_keys;
    const char *indent;             /* one level's spaces; NULL: all on one line */
    size_t indent_length;
    struct value item_separator, key_separator;
};
bool json_write(struct chat *c, struct buffer *b, struct value v, const struct json_options *o);

/* Reads a whole text. Texts in it that stand `said_from` or more lists and objects deep are what people say: they get guards, see
 * string_guard. The reader is here and not a library's because it makes values in the arena, keeps integers apart from floating point (1
 * and 1.0 print differently) and orders of keys, and libslm has no dependency that all its hosts would pay for. */
bool json_read(struct chat *c, const char *text, size_t length, int said_from, struct value *out);

#endif
