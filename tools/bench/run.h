/* run.h - runs one test. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "result.h"

#include <slm.h>
#include <stdbool.h>

struct test {
    const slm_model *model;
    slm_limits *limits;     /* of the same tier and number of threads */
    int prompt, gen, depth; /* of each sequence */
    int sequences;          /* computed together */
    int batch, ubatch;      /* asked for; tokens computed at once, at most as many */
    int threads;
    const char *type_k, *type_v; /* of the KV cache */
    int repetitions;
    bool latency;           /* repetitions are requests: greedy sampling after each step, each token's time is taken */
    bool warmup, profile;
    bool (*progress)(void *user, int repetition);   /* told before each (0: preparing); false stops the test */
    void *progress_user;
};

/* Runs the test and the measurements of the machine's limits around each repetition. Fills *result but for where the
 * model, the program and the machine come from. SLM_STOPPED if the progress function says so. */
slm_status run_test(const struct test *test, struct result *result, slm_error *err);

/* Bytes of keys and values that `count` tokens read that end at position `end`: each once. */
double kv_read(const slm_session_info *kv, double end, double count);

#endif
