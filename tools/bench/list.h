/* list.h - options that take several numbers. */
#ifndef BENCH_LIST_H
#define BENCH_LIST_H

#include <stdbool.h>
#include <stddef.h>

enum { LIST_MAX = 256 };

struct list {
    int values[LIST_MAX];
    int count;
};

/* Appends the numbers of `text`: a list ("1,2,4") of numbers and ranges ("1-8", "1-8+2", "1-64*2"), each from `least` to `most`. If it
 * is malformed returns false and says why, one line, in `problem`. */
bool list_parse(struct list *list, const char *text, int least, int most, char *problem, size_t room);

#endif
