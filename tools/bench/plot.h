/* plot.h - a picture of results: throughput against what was varied, with the limit. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "result.h"

#include <stdio.h>

/* Writes an SVG: one panel for prefills and one for tests that generate, a line for each series of results that differ only in what
 * is on the x axis (the first of depth, batch, threads, sequences and prompt length that varies), and dashed in the same colour the
 * speed that the limits allow. */
void plot_svg(FILE *f, const struct result *results, int count);

#endif
