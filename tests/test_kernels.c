/* Every kernel of every tier against the reference, and the reference against double precision. The bodies are in
 * kernel_harness.h's cases; here they are run, benched, and the harness itself is put to the test. */
#include "kernel_harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static const struct kernel_case *const groups[] = {quant_cases, float_cases, attend_cases, dense_cases};
enum { GROUPS = sizeof groups / sizeof groups[0] };

START_TEST(tier_has_the_bits_of_the_reference)
{
    struct kernels ref, tier;
    if (!isa_supported(_i)) {
        skip(isa_name(_i), "this processor lacks it");
        return;
    }
    kernels_fill(&ref, ISA_scalar);
    kernels_fill(&tier, _i);
    for (int g = 0; g < GROUPS; g++) {
        for (const struct kernel_case *c = groups[g]; c->slot; c++) {
            struct harness h = {0};
            harness_run(&h, c, &ref, &tier);
            ck_assert_msg(h.round > 0, "%s tries nothing", c->slot);
            ck_assert_msg(h.failures == 0, "%ld failures, the first: %s", h.failures, h.message);
        }
    }
}
END_TEST

/* ---- the harness finds what is wrong: each mutant replaces one kernel of the reference */

static struct kernels good;

static void linear_zeros(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y,
                         size_t y_stride)
{
    (void)tiles, (void)k, (void)x, (void)x_stride;
    for (int c = 0; c < cols; c++)
        memset(y + (size_t)c * y_stride, 0, count * TILE_ROWS * sizeof *y);
}

static void linear_nan(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y,
                       size_t y_stride)
{
    (void)tiles, (void)k, (void)x, (void)x_stride;
    for (int c = 0; c < cols; c++)
        memset(y + (size_t)c * y_stride, 0xff, count * TILE_ROWS * sizeof *y);
}

static void linear_without_last_row(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y,
                                    size_t y_stride)
{
    float before[PANEL_COLS], *last = y + count * TILE_ROWS - 1;
    for (size_t c = 0; c < (size_t)cols; c++)
        before[c] = last[c * y_stride];
    good.linear[WEIGHT_Q4_0](tiles, count, k, x, x_stride, cols, y, y_stride);
    for (size_t c = 0; c < (size_t)cols; c++)
        last[c * y_stride] = before[c];
}

static void linear_swapped_nibbles(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y,
                                   size_t y_stride)
{
    size_t bytes = count * tile_bytes(WEIGHT_Q4_0, k);
    uint8_t *copy = malloc(bytes);
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = ((const uint8_t *)tiles)[i];
        copy[i] = i % 288 < 32 ? byte : (uint8_t)(byte << 4 | byte >> 4);
    }
    good.linear[WEIGHT_Q4_0](copy, count, k, x, x_stride, cols, y, y_stride);
    free(copy);
}

static void linear_one_ulp(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y,
                           size_t y_stride)
{
    good.linear[WEIGHT_Q4_0](tiles, count, k, x, x_stride, cols, y, y_stride);
    uint32_t bits;
    memcpy(&bits, y, sizeof bits);
    bits ^= 1;
    memcpy(y, &bits, sizeof bits);
}

static void linear_writes_beyond(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y,
                                 size_t y_stride)
{
    good.linear[WEIGHT_Q4_0](tiles, count, k, x, x_stride, cols, y, y_stride);
    y[-1] = 0;
}

static void linear_reads_beyond(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y,
                                size_t y_stride)
{
    const volatile struct act_block *blocks = x;
    (void)blocks[(k / 32 - 1) * x_stride + (size_t)cols].d;
    good.linear[WEIGHT_Q4_0](tiles, count, k, x, x_stride, cols, y, y_stride);
}

static linear_fn *const mutants[] = {
    linear_zeros, linear_nan, linear_without_last_row, linear_swapped_nibbles, linear_one_ulp, linear_writes_beyond,
};
enum { MUTANTS = sizeof mutants / sizeof mutants[0] };

static struct harness run_mutant(linear_fn *mutant)
{
    kernels_fill(&good, ISA_scalar);
    struct kernels wrong = good;
    wrong.linear[WEIGHT_Q4_0] = mutant;
    struct harness h = {0};
    for (const struct kernel_case *c = quant_cases; c->slot; c++)
        if (strcmp(c->slot, "linear Q4_0") == 0)
            harness_run(&h, c, &good, &wrong);
    ck_assert(h.round > 0);
    return h;
}

START_TEST(harness_catches_mutant)
{
    struct harness h = run_mutant(mutants[_i]);
    ck_assert_msg(h.failures > 0, "mutant %d passes", _i);
    ck_assert(strstr(h.message, "linear Q4_0") && strstr(h.message, "SLM_TEST_SEED"));
}
END_TEST

START_TEST(harness_faults_on_over_read)
{
    run_mutant(linear_reads_beyond);
}
END_TEST

/* A reference that is wrong together with every tier is caught by the double-precision check. */
START_TEST(harness_checks_the_reference)
{
    kernels_fill(&good, ISA_scalar);
    struct kernels wrong = good;
    wrong.linear[WEIGHT_Q4_0] = linear_swapped_nibbles;
    struct harness h = {0};
    for (const struct kernel_case *c = quant_cases; c->slot; c++)
        if (strcmp(c->slot, "linear Q4_0") == 0)
            harness_run(&h, c, &wrong, &wrong);
    ck_assert(h.failures > 0 && strstr(h.message, "double precision"));
}
END_TEST

START_TEST(tiers_are_found_by_name)
{
    for (int isa = 0; isa < ISA_COUNT; isa++)
        ck_assert_int_eq((int)isa_by_name(isa_name(isa)), isa);
    ck_assert_int_eq((int)isa_by_name("avx"), ISA_COUNT);
    ck_assert(isa_supported(ISA_scalar) && isa_supported(isa_best()) && !isa_supported(ISA_COUNT));
}
END_TEST

START_TEST(types_are_found_by_number_and_name)
{
    for (int type = 0; type < WEIGHT_TYPES; type++) {
        ck_assert_int_eq((int)quant_by_gguf(quants[type].gguf_type), type);
        ck_assert_int_eq((int)quant_by_name(quants[type].name), type);
    }
    ck_assert_int_eq((int)quant_by_gguf(4), WEIGHT_TYPES); /* a number that GGUF gave up */
    ck_assert_int_eq((int)quant_by_name("Q4"), WEIGHT_TYPES);
}
END_TEST

Suite *suite_kernels(void);
Suite *suite_kernels(void)
{
    Suite *s = suite_create("kernels");
    TCase *t = tcase_create("kernels");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, tiers_are_found_by_name);
    tcase_add_test(t, types_are_found_by_number_and_name);
    tcase_add_loop_test(t, tier_has_the_bits_of_the_reference, 0, ISA_COUNT);
    tcase_add_loop_test(t, harness_catches_mutant, 0, MUTANTS);
    tcase_add_test_raise_signal(t, harness_faults_on_over_read, SIGSEGV);
    tcase_add_test(t, harness_checks_the_reference);
    suite_add_tcase(s, t);
    return s;
}

/* ---- tests --bench [slot] */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The two limits, the best of some runs of one thread. */
static void measure_limits(struct harness *h, const struct kernels *tier)
{
    size_t n = (size_t)256 << 20;
    uint8_t *data = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return;
    madvise(data, n, MADV_HUGEPAGE);
    memset(data, 1, n);
    volatile uint64_t sink;
    for (int i = 0; i < 5; i++) {
        double t = seconds();
        uint64_t ops = tier->peak(100000);
        double gops = (double)ops / (seconds() - t) * 1e-9;
        t = seconds();
        sink = tier->read(data, n);
        double gbps = (double)n / (seconds() - t) * 1e-9;
        h->peak_gops = gops > h->peak_gops ? gops : h->peak_gops;
        h->read_gbps = gbps > h->read_gbps ? gbps : h->read_gbps;
    }
    (void)sink;
    munmap(data, n);
    printf("%-7s one thread: int8 peak %.1f Gop/s, read %.1f GB/s\n", isa_name(tier->isa), h->peak_gops, h->read_gbps);
}

int kernel_bench(const char *slot)
{
    struct kernels ref, tier;
    kernels_fill(&ref, ISA_scalar);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_supported(isa))
            continue;
        kernels_fill(&tier, isa);
        struct harness h = {.benching = true};
        measure_limits(&h, &tier);
        for (int g = 0; g < GROUPS; g++)
            for (const struct kernel_case *c = groups[g]; c->slot; c++)
                if (!slot || strstr(c->slot, slot))
                    harness_run(&h, c, &ref, &tier);
        if (h.failures) {
            printf("%ld failures, the first: %s\n", h.failures, h.message);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
