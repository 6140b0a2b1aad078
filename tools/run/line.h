/* line.h - what a person types on the terminal. */
#ifndef RUN_LINE_H
#define RUN_LINE_H

#include "text.h"

/* Gets the terminal ready: with libedit, lines can be edited and called back. False after a failure that has been reported. */
bool line_open(void);
void line_close(void);

enum line { LINE_TEXT, LINE_INTERRUPTED, LINE_END };

/* Reads a question into *text, without a line break at its end: a line, or more if it ends in a backslash or if three quotation marks stand
 * before the first line and after the last. The end of the input is the end of a text that has begun; LINE_END comes at a fresh line. After
 * LINE_INTERRUPTED (any signal) what was typed is gone. */
enum line line_read(struct text *text);

#endif
