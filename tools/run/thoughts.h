/* thoughts.h - tells the thoughts of a thinking model from its answer while the text comes in. */
#ifndef RUN_THOUGHTS_H
#define RUN_THOUGHTS_H

#include <stdbool.h>
#include <stddef.h>

enum thoughts_state { THOUGHTS_BEGIN, THOUGHTS_INSIDE, THOUGHTS_AFTER, THOUGHTS_OVER };

/* Thoughts stand at the beginning of a text, between marks such as <think> and </think>; later marks are text. Start with all zero bytes,
 * or with state THOUGHTS_OVER to take everything for the answer. */
struct thoughts {
    enum thoughts_state state;
    size_t mark;            /* which pair */
    size_t at;              /* bytes of the text that have been told apart */
    bool begun;             /* inside: the line breaks at the beginning are behind */
};

/* For a prompt that ends by opening the thoughts: the text to come begins inside them. */
void thoughts_start(struct thoughts *thoughts, const char *prompt, size_t length);

/* The next piece of the text whose first `length` bytes are known, *piece bytes from its start and *thought or not: returns its size, 0 if
 * there is none yet. What may be the beginning of a mark is held back unless it is the `end` of the text. Line breaks at the edges of
 * the thoughts belong to no piece. */
size_t thoughts_next(struct thoughts *thoughts, const char *text, size_t length, bool end, size_t *piece, bool *thought);

/* Whether a text is one of the marks. */
bool thoughts_is_mark(const char *text, size_t length);

#endif
