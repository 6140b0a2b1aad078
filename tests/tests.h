/* tests.h - what every suite includes. */
#ifndef SLM_TESTS_H
#define SLM_TESTS_H

#include "slm.h"

#include <check.h>
#undef fail /* an old macro of Check; lib/status.h has a function of that name */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A build with sanitizers is slow, and its frames are large. */
#ifdef __has_feature /* clang */
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

/* Every suite, from the file names. */
#define SUITE(name) Suite *suite_##name(void);
#include "suites.def"
#undef SUITE

/* Path of a file in ../shared, or NULL where it is absent; the suite then calls skip(). Static storage, valid until the next
 * call. */
const char *shared_path(const char *name);

/* Counts a test as skipped, by name: prints "SKIP name (reason)" to stdout. Return from the test afterwards: one test skips
 * once at most. */
void skip(const char *test, const char *reason);

/* For main: the count of skipped tests. */
void skip_init(void);
int skip_count(void);

/* Whole file in memory (free it with free), NUL-terminated; NULL if it can't be read. */
void *read_file(const char *path, size_t *size);

/* Fails the test if it can't. */
void write_file(const char *path, const void *bytes, size_t size);

/* A fixture, for tcase_add_checked_fixture: each test has this empty folder, which is removed with all in it. */
extern char test_folder[64];
void test_folder_make(void);
void test_folder_remove(void);

/* An allocator that counts and, where a test says so, fails. */
struct heap {
    long left;              /* allocations until all fail; negative: none does */
    long live;              /* blocks not freed */
    size_t calls;
    size_t bytes, largest;  /* asked for */
};
slm_allocator heap_allocator(struct heap *heap);

/* The one comparator for numbers: relative RMS error of got against want, sqrt(sum (got-want)^2 / sum want^2). NaN if either has
 * one. Check it as `!(err <= limit)` so that NaN fails. */
double relative_rms(const float *got, const float *want, size_t n);

/* Deterministic random numbers for tests: a seed printed on failure reproduces them. SLM_TEST_SEED overrides the default. */
uint64_t test_seed(void);
uint32_t test_random(uint64_t *state);
float test_uniform(uint64_t *state, float low, float high);

#endif
