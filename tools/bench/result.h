/* result.h - what one test gave. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <slm.h>

/* Every column of the CSV and key of the JSON, in order; names and meanings as in llama-bench where it has them. Reals may be NAN
 * where there is nothing to tell: the latencies of a test that is not of requests.
 * X(kind, name): TEXT, INT or REAL. */
#define RESULT_FIELDS(X)                                                       \
    X(TEXT, build_commit)                                                      \
    X(INT, build_number)                                                       \
    X(TEXT, cpu_info)                                                          \
    X(TEXT, gpu_info)                                                          \
    X(TEXT, backends)                                                          \
    X(TEXT, model_filename)                                                    \
    X(TEXT, model_type)                                                        \
    X(INT, model_size)                                                         \
    X(INT, model_n_params)                                                     \
    X(INT, n_batch)                                                            \
    X(INT, n_ubatch)                                                           \
    X(INT, n_threads)                                                          \
    X(TEXT, type_k)                                                            \
    X(TEXT, type_v)                                                            \
    X(INT, n_prompt)                                                           \
    X(INT, n_gen)                                                              \
    X(INT, n_depth)                                                            \
    X(INT, n_seq)                                                              \
    X(INT, n_requests)                                                         \
    X(TEXT, test_time)                                                         \
    X(INT, avg_ns)                                                             \
    X(INT, stddev_ns)                                                          \
    X(REAL, avg_ts)                                                            \
    X(REAL, stddev_ts)                                                         \
    X(INT, median_ns)                                                          \
    X(REAL, median_ts)                                                         \
    X(TEXT, isa)                                                               \
    X(INT, load_ns)                                                            \
    X(REAL, peak_int8_gops)                                                    \
    X(REAL, fraction_of_peak)                                                  \
    X(REAL, read_gbps)                                                         \
    X(REAL, fraction_of_bandwidth)                                             \
    X(REAL, ttft_p50_ms)                                                       \
    X(REAL, ttft_p95_ms)                                                       \
    X(REAL, ttft_p99_ms)                                                       \
    X(REAL, ttft_max_ms)                                                       \
    X(REAL, itl_p50_ms)                                                        \
    X(REAL, itl_p95_ms)                                                        \
    X(REAL, itl_p99_ms)                                                        \
    X(REAL, itl_max_ms)

struct result {
#define TEXT const char *
#define INT int64_t
#define REAL double
#define FIELD(kind, name) kind name;
    RESULT_FIELDS(FIELD)
#undef FIELD
#undef TEXT
#undef INT
#undef REAL
    int64_t *samples_ns;    /* one per repetition */
    int samples;
    slm_op_profile profile[SLM_OP_COUNT + 1]; /* of one more repetition, the last one sampling; seconds are 0 if there was none */
};

/* Frees what belongs to the result: the samples, model_type and test_time. */
void result_free(struct result *result);

/* Fills the averages, deviations and medians from the samples and the numbers of tokens. */
void result_summarize(struct result *result);

/* Tokens per second, of all sequences together, if the test takes `ns`. */
double result_rate(const struct result *result, double ns);

/* Fills the latencies from times in milliseconds, which are sorted on the way: to the first token, and between tokens. */
void result_latencies(struct result *result, double *first, int firsts, double *between, int betweens);

/* The middle of n values (the mean of the middle two if n is even), which are sorted on the way. 0 if n is 0. */
double median(double *values, int n);

#endif
