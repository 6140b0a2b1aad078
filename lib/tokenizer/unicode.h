/* unicode.h - UTF-8 and the classes of characters. */
#ifndef SLM_UNICODE_H
#define SLM_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* The general categories that splitters tell apart; every code point has one. M, N, P and S hold all their subcategories. */
enum unicode_class {
    UNICODE_OTHER, UNICODE_LU, UNICODE_LL, UNICODE_LT, UNICODE_LM, UNICODE_LO, UNICODE_M, UNICODE_N, UNICODE_P, UNICODE_S,
    UNICODE_SPACE /* the property White_Space, whatever the category */
};

enum unicode_class unicode_class(uint32_t code_point);

/* Looks at the UTF-8 character at the start of text (length >= 1). Its length, with *code_point set, if it is well-formed; 0 if
 * the text ends inside of it; -n if the first n bytes (1 to 3) can't begin a character. */
int utf8_decode(const char *text, size_t length, uint32_t *code_point);

/* Writes the character's 1 to 4 bytes, returns their number. */
int utf8_encode(uint32_t code_point, char *bytes);

#endif
