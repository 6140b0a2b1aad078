/* unicode.h - UTF-8, the classes of characters, their case and their base. */
#ifndef SLM_UNICODE_H
#define SLM_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* The general categories that splitters tell apart; every code point has one. M, N, P and S hold all their subcategories, CONTROL all
 * of C but those that no character has. */
enum unicode_class {
    UNICODE_CONTROL, UNICODE_LU, UNICODE_LL, UNICODE_LT, UNICODE_LM, UNICODE_LO, UNICODE_M, UNICODE_N, UNICODE_P, UNICODE_S,
    UNICODE_SPACE, /* the property White_Space, whatever the category */
    UNICODE_UNASSIGNED
};

enum unicode_class unicode_class(uint32_t code_point);

/* The letter in the other case; itself if it has none, or none that is a single character (but U+0130 becomes i). */
uint32_t unicode_upper(uint32_t code_point);
uint32_t unicode_lower(uint32_t code_point);

/* The first character of the canonical decomposition, which is a letter without its accents; itself if there is none. */
uint32_t unicode_base(uint32_t code_point);

/* Looks at the UTF-8 character at the start of text (length >= 1). Its length, with *code_point set, if it is well-formed; 0 if
 * the text ends inside of it; -n if the first n bytes (1 to 3) can't begin a character. */
int utf8_decode(const char *text, size_t length, uint32_t *code_point);

/* Writes the character's 1 to 4 bytes, returns their number. */
int utf8_encode(uint32_t code_point, char *bytes);

#endif
