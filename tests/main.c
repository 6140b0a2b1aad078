/* Runs every suite: each tests/test_NAME.c defines Suite *suite_NAME(void). CK_RUN_SUITE=NAME runs one. Prints failures and
 * the closing line "N passed, N failed, N skipped"; CK_VERBOSITY=verbose lists every test.
 * With --bench [slot], prints the rates of the kernels instead. */
#include "kernel_harness.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bench") == 0)
        return kernel_bench(argv[2]);
    setenv("CK_DEFAULT_TIMEOUT", "60", 0); /* a machine may be busy */
    skip_init();
    SRunner *runner = srunner_create(NULL);
#define SUITE(name) srunner_add_suite(runner, suite_##name());
#include "suites.def"
#undef SUITE
    srunner_run_all(runner, getenv("CK_VERBOSITY") ? CK_ENV : CK_SILENT);

    int failed = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);
    for (int i = 0; i < failed; i++)
        printf("FAIL %s:%d: %s: %s\n", tr_lfile(failures[i]), tr_lno(failures[i]), tr_tcname(failures[i]), tr_msg(failures[i]));
    free(failures);
    int ran = srunner_ntests_run(runner), skipped = skip_count();
    srunner_free(runner);
    printf("%d passed, %d failed, %d skipped\n", ran - failed - skipped, failed, skipped);
    return failed || ran == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
