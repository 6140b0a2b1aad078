/* slm-bench as its users see it, and the options that it shares. */
#include "tool_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- pinning */

START_TEST(test_pin)
{
    struct result r = RUN(NULL, "slm-bench", "--topology");
    expect_code(r, 0);
    ck_assert_msg(strstr(r.out, "affinity mask: CPUs ") && strstr(r.out, "chosen: ") && strstr(r.out, "why: "), "%s", r.out);
    unsigned first;
    ck_assert_int_eq(sscanf(strstr(r.out, "affinity mask: CPUs "), "affinity mask: CPUs %u", &first), 1);
    release(r);
    char list[16], line[64];
    snprintf(list, sizeof list, "%u", first);
    snprintf(line, sizeof line, "affinity mask: CPUs %u (1)\n", first);
    r = RUN(NULL, "slm-bench", "--pin", list, "--topology"); /* the process is bound by then */
    expect_code(r, 0);
    ck_assert_msg(strstr(r.out, line) && strstr(r.out, "chosen: 1 thread"), "%s", r.out);
    release(r);
    r = RUN(NULL, "slm-run", "--pin", "auto", "-q", "--temp", "0", "-p", "What is the capital of Spain?");
    expect_text(r, "The capital of Spain is Madrid.\n");
    release(r);
    static const char *const wrong[] = {"", "x", "1-", "2-1", "-1", "0,", "0 ", "99999", "all"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        r = RUN(NULL, "slm-run", "--pin", wrong[i], "-p", "x");
        expect_error(r, 1, "slm-run: ", "--pin");
        release(r);
    }
}
END_TEST

/* ---- tests of requests and of several sequences */

START_TEST(test_requests)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "6,3", "-n", "2", "-np", "1,3", "--requests", "3", "-t", "1",
                          "-o", "json");
    expect_code(r, 0);
    cJSON *list = parse(r.out);
    ck_assert_int_eq(cJSON_GetArraySize(list), 4);
    for (int i = 0; i < 4; i++) {
        const cJSON *o = cJSON_GetArrayItem(list, i);
        int sequences = i < 2 ? 1 : 3;
        ck_assert_double_eq(number(o, "n_seq"), sequences);
        ck_assert_double_eq(number(o, "n_requests"), 3 * sequences);
        ck_assert_double_eq(number(o, "n_prompt"), i % 2 ? 3 : 6);
        ck_assert_double_eq(number(o, "n_gen"), 2);
        ck_assert_double_gt(number(o, "ttft_p50_ms"), 0);
        ck_assert_double_le(number(o, "ttft_p50_ms"), number(o, "ttft_max_ms"));
        ck_assert_double_gt(number(o, "itl_p50_ms"), 0);
        ck_assert_double_le(number(o, "itl_p95_ms"), number(o, "itl_p99_ms"));
        double whole = number(o, "median_ns") * 1e-6, rate = number(o, "median_ts");
        ck_assert_double_le(number(o, "ttft_p50_ms"), whole * 3); /* parts of the same requests */
        ck_assert_double_eq_tol(rate * whole * 1e-3, number(o, "n_seq") * (number(o, "n_prompt") + 2), 0.01);
    }
    cJSON_Delete(list);
    release(r);
}
END_TEST

START_TEST(test_parallel)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "4", "-n", "2", "-np", "3", "-d", "2", "-r", "1", "-t", "1",
                          "-b", "5");
    expect_code(r, 0);
    ck_assert_msg(strstr(r.out, "n_seq") && strstr(r.out, "each") && !strstr(r.out, "p99"), "%s", r.out);
    release(r);
    r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-np", "0");
    expect_error(r, 1, "slm-bench: ", "-np");
    release(r);
}
END_TEST

Suite *suite_bench_tool(void)
{
    Suite *suite = suite_create("bench_tool");
    TCase *tc = tcase_create("bench_tool");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_pin);
    tcase_add_test(tc, test_requests);
    tcase_add_test(tc, test_parallel);
    suite_add_tcase(suite, tc);
    return suite;
}
