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

Suite *suite_bench_tool(void)
{
    Suite *suite = suite_create("bench_tool");
    TCase *tc = tcase_create("bench_tool");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_pin);
    suite_add_tcase(suite, tc);
    return suite;
}
