/* compare.h - whether one file of results is faster than another. */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* How much faster b is than a: the ratio of speeds, and the interval that holds the true one with 95 % confidence. */
struct ratio {
    double ratio, low, high;
    bool known;                 /* false: fewer than two samples on a side, so that nothing tells the noise; only `ratio` is set */
};

/* From the times of the same work. Their logarithms are compared, by Welch's t-test. If `paired`, a[i] and b[i] were taken in turns
 * (and there are as many of each): the mean of the differences is tested instead, and what slows both of a pair drops out. */
struct ratio compare_times(const double *a, size_t a_count, const double *b, size_t b_count, bool paired);

/* The interval, wider by what else may have changed b's speed: by factors between `slowest` and `fastest`, which 1 lies between. */
struct ratio compare_widen(struct ratio r, double slowest, double fastest);

/* Compares two files that slm-bench has written with -o json or jsonl, test by test. Where a file holds a test several times, each
 * time counts as one sample, its median; else the repetitions do. Returns the exit code; failures have been reported. */
int compare_files(FILE *out, const char *a, const char *b);

#endif
