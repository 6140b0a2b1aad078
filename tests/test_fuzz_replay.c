/* Runs every input of tests/fuzz/corpus through its fuzz target. A target that finds a fault aborts. */
#include "tests.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int fuzz_fn(const uint8_t *data, size_t size);

#define FUZZ(name) fuzz_fn fuzz_##name;
#include "fuzz/targets.def"
#undef FUZZ

static const struct {
    const char *name;
    fuzz_fn *run;
} targets[] = {
#define FUZZ(name) {#name, fuzz_##name},
#include "fuzz/targets.def"
#undef FUZZ
};

/* Runs the target in a process of its own first, so that a crash names the input; then here, where leaks are seen at exit. */
static void run_input(fuzz_fn *run, const char *path)
{
    size_t size;
    uint8_t *text = read_file(path, &size);
    ck_assert_msg(text != NULL, "cannot read %s", path);
    uint8_t *exact = malloc(size ? size : 1); /* without read_file's NUL, so that ASan sees a read past the end */
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, size);
    free(text);
    pid_t child = fork();
    if (child == 0) {
        run(exact, size);
        _exit(EXIT_SUCCESS);
    }
    int result;
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert_msg(WIFEXITED(result) && WEXITSTATUS(result) == EXIT_SUCCESS, "crash on %s", path);
    run(exact, size);
    free(exact);
}

START_TEST(replay)
{
    char folder[256], path[1024];
    snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", targets[_i].name);
    DIR *dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s is missing (run the tests from the top of the tree)", folder);
    int inputs = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        run_input(targets[_i].run, path);
        inputs++;
    }
    closedir(dir);
    ck_assert_msg(inputs > 0, "%s is empty", folder);
}
END_TEST

Suite *suite_fuzz_replay(void)
{
    Suite *suite = suite_create("fuzz_replay");
    TCase *tcase = tcase_create("corpus");
    tcase_add_loop_test(tcase, replay, 0, (int)(sizeof targets / sizeof *targets));
    suite_add_tcase(suite, tcase);
    return suite;
}
