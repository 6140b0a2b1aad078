/* print.h - results as a table, JSON or CSV. */
#ifndef BENCH_PRINT_H
#define BENCH_PRINT_H

#include "options.h"
#include "result.h"

#include <stdio.h>

/* Prints results one by one, as they come; set all but `printed`. */
struct printer {
    FILE *file;
    enum output_format format;
    bool show_batch, show_ubatch, show_cache, show_isa, show_seq, show_latency; /* columns that a table needs only if they vary */
    int printed;            /* so far */
};
void print_result(struct printer *printer, const struct result *result);
void print_footer(struct printer *printer, const struct result *results, int count);

#endif
