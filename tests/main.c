/* Runs every suite: each tests/test_NAME.c defines Suite *suite_NAME(void). CK_RUN_SUITE=NAME runs one.
 * With --bench [slot], prints the rates of the kernels instead. */
#include "kernel_harness.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bench") == 0)
        return kernel_bench(argv[2]);
    SRunner *runner = srunner_create(NULL);
#define SUITE(name) srunner_add_suite(runner, suite_##name());
#include "suites.def"
#undef SUITE
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
