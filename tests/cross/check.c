#include <check.h>
#undef fail

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TCASES = 64, MAX_TESTS = 64 };

struct tcase {
    const char *name;
    unsigned seconds;
    int count;
    struct {
        TestCase test;
        int signal, first, end; /* ends by this signal, or 0; _i from first to end - 1 */
    } tests[MAX_TESTS];
};

struct suite {
    const char *name;
    TCase *tcases[MAX_TCASES];
    int count;
};

struct test_result {
    const char *tcase, *file; /* the child is a copy of this process: its literals are ours */
    int line;
    char message[1024];
};

struct srunner {
    Suite *suites[MAX_TCASES];
    int count, ran, failed, room;
    TestResult **failures;
};

static TestResult *shared; /* with the process of each test, which leaves a message here */

static void *allocate(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

Suite *suite_create(const char *name)
{
    Suite *suite = allocate(sizeof *suite);
    suite->name = name;
    return suite;
}

void suite_add_tcase(Suite *suite, TCase *tc)
{
    if (suite->count == MAX_TCASES)
        abort();
    suite->tcases[suite->count++] = tc;
}

TCase *tcase_create(const char *name)
{
    TCase *tc = allocate(sizeof *tc);
    tc->name = name;
    tc->seconds = 120;
    return tc;
}

void tcase_set_timeout(TCase *tc, double seconds)
{
    tc->seconds = (unsigned)seconds;
}

void check_add(TCase *tc, TestCase test, int signal, int first, int end)
{
    if (tc->count == MAX_TESTS)
        abort();
    tc->tests[tc->count].test = test;
    tc->tests[tc->count].signal = signal;
    tc->tests[tc->count].first = first;
    tc->tests[tc->count++].end = end;
}

SRunner *srunner_create(Suite *suite)
{
    (void)suite;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    return allocate(sizeof(SRunner));
}

void srunner_add_suite(SRunner *runner, Suite *suite)
{
    if (runner->count == MAX_TCASES)
        abort();
    runner->suites[runner->count++] = suite;
}

void check_failed(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    shared->file = file;
    shared->line = line;
    vsnprintf(shared->message, sizeof shared->message, format, args);
    va_end(args);
    fflush(stdout);
    _exit(EXIT_FAILURE);
}

static void run(SRunner *runner, const TCase *tc, int n, int i)
{
    memset(shared, 0, sizeof *shared);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        const char *factor = getenv("CK_TIMEOUT_MULTIPLIER");
        alarm(tc->seconds * (factor ? (unsigned)atoi(factor) : 1));
        tc->tests[n].test.function(i);
        exit(EXIT_SUCCESS);
    }
    int status = -1;
    runner->ran++;
    if (child > 0 && waitpid(child, &status, 0) == child) {
        int signal = tc->tests[n].signal;
        if (signal ? WIFSIGNALED(status) && WTERMSIG(status) == signal : WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
    }
    if (!shared->file)
        snprintf(shared->message, sizeof shared->message, "ends with wait status 0x%x", (unsigned)status);
    TestResult *failure = allocate(sizeof *failure);
    *failure = *shared;
    failure->tcase = tc->name;
    failure->file = failure->file ? failure->file : tc->tests[n].test.name;
    if (runner->failed == runner->room) {
        runner->room = 2 * runner->room + 8;
        runner->failures = realloc(runner->failures, (size_t)runner->room * sizeof(void *));
        if (!runner->failures)
            abort();
    }
    runner->failures[runner->failed++] = failure;
}

void srunner_run_all(SRunner *runner, enum print_output mode)
{
    (void)mode;
    const char *only = getenv("CK_RUN_SUITE");
    for (int s = 0; s < runner->count; s++) {
        const Suite *suite = runner->suites[s];
        if (only && strcmp(only, suite->name) != 0)
            continue;
        for (int t = 0; t < suite->count; t++)
            for (int n = 0; n < suite->tcases[t]->count; n++)
                for (int i = suite->tcases[t]->tests[n].first; i < suite->tcases[t]->tests[n].end; i++)
                    run(runner, suite->tcases[t], n, i);
    }
}

int srunner_ntests_run(const SRunner *runner)
{
    return runner->ran;
}

int srunner_ntests_failed(const SRunner *runner)
{
    return runner->failed;
}

/* The caller frees the array, as with Check. */
TestResult **srunner_failures(SRunner *runner)
{
    TestResult **copy = allocate((size_t)runner->failed * sizeof *copy + 1);
    if (runner->failed)
        memcpy(copy, runner->failures, (size_t)runner->failed * sizeof *copy);
    return copy;
}

/* The process is about to end: the tests and results, which main still prints, go with it. */
void srunner_free(SRunner *runner)
{
    free(runner->failures);
    free(runner);
}

const char *tr_tcname(const TestResult *result)
{
    return result->tcase;
}

const char *tr_lfile(const TestResult *result)
{
    return result->file;
}

const char *tr_msg(const TestResult *result)
{
    return result->message;
}

int tr_lno(const TestResult *result)
{
    return result->line;
}
