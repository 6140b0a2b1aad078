/* kernel_harness.h - one body per slot checks and benches the kernels of every tier.
 *
 * A case is a function that feeds a slot of h->tier and of h->ref with the same inputs and compares what they write:
 *
 *   static void add_case(struct harness *h)
 *   {
 *       for (size_t n = 0; n < 70; n++) {
 *           harness_begin(h, "n=%zu", n);                        // names the round; frees the buffers of the one before
 *           float *x = harness_input(h, n * sizeof *x, 4);       // ends where a PROT_NONE page begins: over-reads fault
 *           struct pair y = harness_output(h, n * sizeof *x, 4); // the same with canaries; y.want for ref, y.got for the tier
 *           harness_floats(h, x, n, h->round % FLOAT_KINDS);
 *           harness_floats(h, y.want, n, FLOATS_UNIFORM);        // an output that is read, too: the same in both
 *           memcpy(y.got, y.want, n * sizeof *x);
 *           h->ref->add(y.want, x, n);
 *           h->tier->add(y.got, x, n);
 *           harness_same(h);                                     // every pair bit for bit, every canary
 *           harness_close(h, y.got, in_double, NULL, n, 1e-6);   // and against arithmetic of its own, in double precision
 *       }
 *       ...
 *       BENCH(h, "n=4096", bytes, "GB/s")                        // loops over the statement that follows; nothing unless benching
 *           h->tier->add(y, x, n);
 *   }
 *
 * and a line {"add", add_case, NULL} in an array of cases that test_kernels.c lists. Failures are counted and the first is kept, never
 * raised, so that the tests of the harness itself can hand it wrong kernels. Randomness: h->random, from test_seed(). */
#ifndef SLM_KERNEL_HARNESS_H
#define SLM_KERNEL_HARNESS_H

#include "../kernels/cpu.h"
#include "tests.h"

struct pair {
    void *want, *got;
};

struct harness {
    const struct kernels *ref, *tier;
    const char *slot;           /* slot and arg of the case that runs */
    const void *arg;
    uint64_t random;            /* state for test_random, test_uniform */
    int round;                  /* counts harness_begin */
    long failures;
    char message[512];          /* of the first failure */
    bool benching;
    double peak_gops, read_gbps;    /* what the bench compares with */
    struct harness_state *state;
};

struct kernel_case {
    const char *slot;
    void (*run)(struct harness *h);
    const void *arg;            /* for cases that serve several slots; NULL else */
};

/* The cases, each array ended by a NULL slot. */
extern const struct kernel_case quant_cases[], float_cases[], attend_cases[], dense_cases[];

/* Runs a case of a tier; ref is the reference table. */
void harness_run(struct harness *h, const struct kernel_case *c, const struct kernels *ref, const struct kernels *tier);

/* Starts a round: a name for messages. Buffers of the round before are freed. */
void harness_begin(struct harness *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Memory of `size` bytes that begins at a multiple of `align` and ends less than `align` bytes before an inaccessible page. */
void *harness_input(struct harness *h, size_t size, size_t align);

/* Two of them, filled with the same pattern, watched on both sides. */
struct pair harness_output(struct harness *h, size_t size, size_t align);

/* Compares every pair of the round bit for bit, and checks what surrounds them. */
bool harness_same(struct harness *h);

/* |got - want| <= limit * scale for all n; scale[i], or the largest |want| if scale is NULL. NaN fails. */
bool harness_close(struct harness *h, const float *got, const double *want, const double *scale, size_t n, double limit);

/* Notes a failure of another kind. */
void harness_fail(struct harness *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Kinds of floats to try, all finite. */
enum floats {
    FLOATS_UNIFORM,     /* -1..1 */
    FLOATS_OUTLIERS,    /* mostly small, few of them 1000 times as large */
    FLOATS_ZERO,
    FLOATS_SIGNS,       /* one magnitude: all +-127 once quantized; signs random or the same for 16 */
    FLOATS_HUGE,        /* to 1e37 */
    FLOATS_TINY,        /* 1e-38 and subnormals */
    FLOATS_RANGE,       /* any exponent from 2^-60 to 2^60 */
    FLOAT_KINDS
};
void harness_floats(struct harness *h, float *x, size_t n, enum floats kind);

/* Buffers of n floats of that kind; the output's both sides begin equal. */
float *harness_input_floats(struct harness *h, size_t n, enum floats kind);
struct pair harness_output_floats(struct harness *h, size_t n, enum floats kind);

/* low..high */
int harness_int(struct harness *h, int low, int high);

/* Lengths to try, i < HARNESS_LENGTHS: every one to 70, then some longer ones. */
enum { HARNESS_LENGTHS = 78 };
size_t harness_length(int i);

/* F16 in double precision; back to nearest even, saturating at 65504. */
double harness_half_value(uint16_t bits);
uint16_t harness_half_bits(float f);

/* The statement after it is run for a while when benching, and its median rate printed: `work` operations or bytes per run, in
 * 1e9 per second, beside the tier's limit for that unit ("Gop/s" or "GB/s"). */
#define BENCH(h, label, work, unit)                                                                                        \
    for (harness_bench_start(h, label, work, unit); harness_bench_next(h);)
void harness_bench_start(struct harness *h, const char *label, double work, const char *unit);
bool harness_bench_next(struct harness *h);

/* `tests --bench [slot]`: prints the rates of every tier. */
int kernel_bench(const char *slot);

#endif
