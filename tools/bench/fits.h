/* fits.h - which models fit into a memory, and how fast they could be there. */
#ifndef BENCH_FITS_H
#define BENCH_FITS_H

#include "options.h"

/* "8GiB", "8G", "500MB", "123456789": bytes. False if it is none of these, or 0. */
bool fits_parse(const char *text, uint64_t *bytes);

/* Prints for every shape and type of the options (none given: all shapes, the usual types) the memory it takes, the longest context
 * that fits, and the speeds that the limits, measured here, allow. Returns the exit code. */
int fits_print(FILE *f, const struct options *options);

#endif
