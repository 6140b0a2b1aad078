/* Runs the test suites: each tests/test_NAME.c defines Suite *suite_NAME(void). Prints failures and the closing line "N passed, N failed,
 * N skipped". With --bench [slot], prints the rates of the kernels instead. */
#include "kernel_harness.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    Suite *(*create)(void);
} suites[] = {
#define SUITE(name) {#name, suite_##name},
#include "suites.def"
#undef SUITE
};

static const char help[] =
    "usage: tests [SUITE...]       runs these suites, or all, and prints the failures and \"N passed, N failed, N skipped\"\n"
    "       tests --list           names the suites\n"
    "       tests --bench [SLOT]   prints the rates of the kernels\n"
    "Environment:\n"
    "  CK_RUN_SUITE=NAME          one suite, where none is named; CK_RUN_CASE=NAME: one test case of it\n"
    "  CK_VERBOSITY=verbose       lists every test; CK_XML_LOG_FILE_NAME=FILE: the same with durations\n"
    "  CK_FORK=no                 all in one process, for debuggers; CK_TIMEOUT_MULTIPLIER=N: more time for each test\n"
    "  SLM_SHARED=DIR             reference data, ../shared; tests are skipped, by name, where theirs is missing\n"
    "  SLM_TEST_SEED=N            seed of random inputs; a failure prints the one it had\n"
    "  SLM_TEST_VERBOSE=1         what was measured\n";

enum { SUITES = sizeof suites / sizeof *suites };

static int find(const char *name)
{
    for (int i = 0; i < SUITES; i++)
        if (strcmp(suites[i].name, name) == 0)
            return i;
    return -1;
}

/* Adds the suites of the command line to the runner, or all of them. False if there is none of such a name. */
static bool add_suites(SRunner *runner, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (find(names[i]) < 0) {
            fprintf(stderr, "there is no suite '%s': --list names them, --help tells more\n", names[i]);
            return false;
        }
    for (int i = 0; i < (count ? count : SUITES); i++)
        srunner_add_suite(runner, suites[count ? find(names[i]) : i].create());
    return true;
}

int main(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";
    if (strcmp(option, "--bench") == 0)
        return kernel_bench(argv[2]);
    if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0)
        return fputs(help, stdout) < 0;
    for (int i = 0; i < SUITES && strcmp(option, "--list") == 0; i++)
        puts(suites[i].name);
    if (strcmp(option, "--list") == 0)
        return EXIT_SUCCESS;
    if (argc > 1)
        unsetenv("CK_RUN_SUITE");
    setenv("CK_DEFAULT_TIMEOUT", "120", 0); /* a machine may be busy */
    skip_init();
    SRunner *runner = srunner_create(NULL);
    if (!add_suites(runner, argc - 1, argv + 1))
        return EXIT_FAILURE;
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
