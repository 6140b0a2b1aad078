#include "list.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool complain(char *problem, size_t room, const char *format, ...) __attribute__((__format__(__printf__, 3, 4)));

static bool complain(char *problem, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem, room, format, args);
    va_end(args);
    return false;
}

/* A decimal number without a sign; moves *at behind it. */
static bool number(const char **at, int *value)
{
    if (**at < '0' || **at > '9')
        return false;
    char *end;
    errno = 0;
    long n = strtol(*at, &end, 10);
    if (errno || n > INT_MAX)
        return false;
    *at = end;
    *value = (int)n;
    return true;
}

bool list_parse(struct list *list, const char *text, int least, int most, char *problem, size_t room)
{
    for (const char *at = text;; at++) {
        int first, last, step = 1;
        char op = '+';
        if (!number(&at, &first))
            return complain(problem, room, "'%s': expected a number, a list (1,2,4) or a range (1-8, 1-8+2, 1-64*2)", text);
        last = first;
        if (*at == '-') {
            at++;
            if (!number(&at, &last))
                return complain(problem, room, "'%s': expected a number after '-'", text);
            if (*at == '+' || *at == '*') {
                op = *at++;
                if (!number(&at, &step))
                    return complain(problem, room, "'%s': expected a number after '%c'", text, op);
            }
            if (last < first)
                return complain(problem, room, "'%s': the range ends before it begins", text);
            if (op == '+' ? step < 1 : step < 2 || first < 1)
                return complain(problem, room, "'%s': this range never ends", text);
        }
        for (long long n = first; n <= last; n = op == '+' ? n + step : n * step) {
            if (n < least || n > most)
                return complain(problem, room, "'%s': must be from %d to %d", text, least, most);
            if (list->count == LIST_MAX)
                return complain(problem, room, "'%s': more than %d values", text, LIST_MAX);
            list->values[list->count++] = (int)n;
        }
        if (*at != ',')
            return *at ? complain(problem, room, "'%s': '%c' is not expected here", text, *at) : true;
    }
}
