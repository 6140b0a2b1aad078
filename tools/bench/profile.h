/* profile.h - where the time of a test went. */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include "result.h"

#include <stdbool.h>
#include <stdio.h>

/* Whether the result has a profile. */
bool profiled(const struct result *result);

/* A table, with the test's name above. */
void profile_table(FILE *f, const struct result *result, const char *test);

/* The member "profile" of the result's JSON object: an object for each part. */
void profile_json(FILE *f, const struct result *result);

#endif
