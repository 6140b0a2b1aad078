#include "tool_run.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char closed[] = "closed";

const char *tool_path(const char *name)
{
    static char path[8192];
    char self[4096] = "";
    const char *folder = getenv("SLM_BIN");
    if (!folder) {
        ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
        folder = dirname(self);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(access(path, X_OK) == 0, "%s is not there: build it with make tools", path);
    return path;
}

static char *all_of(int fd, size_t *length)
{
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    char *data = calloc(1, (size_t)st.st_size + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_int_eq(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
    close(fd);
    *length = (size_t)st.st_size;
    return data;
}

static int open_sink(enum sink sink, int out)
{
    int ends[2];
    switch (sink) {
    case SINK_FULL:
        return open("/dev/full", O_WRONLY);
    case SINK_PIPE: /* one that nobody reads */
        ck_assert_int_eq(pipe(ends), 0);
        close(ends[0]);
        return ends[1];
    default:
        return out;
    }
}

/* Waits until the program has written something, then interrupts it. */
static void interrupt(pid_t child, int out)
{
    struct stat st = {0};
    for (int i = 0; i < 20000 && st.st_size == 0; i++) {
        usleep(1000);
        fstat(out, &st);
    }
    kill(child, SIGINT);
}

struct result run_full(const char *input, enum sink sink, bool interrupted, const char *const *arguments)
{
    struct result r;
    int in = memfd_create("in", 0), out = memfd_create("out", 0), err = memfd_create("err", 0);
    ck_assert(in >= 0 && out >= 0 && err >= 0);
    if (input && input != closed)
        ck_assert_int_eq(write(in, input, strlen(input)), (ssize_t)strlen(input));
    lseek(in, 0, SEEK_SET);
    const char *path = tool_path(arguments[0]);
    int target = open_sink(sink, out);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (input == closed)
            close(0);
        else
            dup2(in, 0);
        dup2(target, 1);
        dup2(err, 2);
        if (sink == SINK_CLOSED)
            close(1);
        execv(path, (char *const *)arguments);
        _exit(127);
    }
    if (interrupted)
        interrupt(child, out);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    if (target != out)
        close(target);
    close(in);
    size_t err_length;
    r.out = all_of(out, &r.out_length);
    r.err = all_of(err, &err_length);
    return r;
}

void release(struct result r)
{
    free(r.out);
    free(r.err);
}

void expect_code(struct result r, int code)
{
    ck_assert_msg(r.code == code, "exit code %d, not %d; standard error: %s", r.code, code, r.err);
}

void expect_text(struct result r, const char *text)
{
    expect_code(r, 0);
    ck_assert_str_eq(r.out, text);
}

void expect_error(struct result r, int code, const char *tool, const char *words)
{
    expect_code(r, code);
    ck_assert_msg(strncmp(r.err, tool, strlen(tool)) == 0 && strstr(r.err, words), "\"%s\" does not say \"%s\"", r.err, words);
    const char *end = strchr(r.err, '\n');
    ck_assert_msg(end && end[1] == 0, "not one line: %s", r.err);
}

char *needs(const char *test, const char *name)
{
    const char *path = shared_path(name);
    if (!path)
        skip(test, name);
    return path ? strdup(path) : NULL;
}

const char *scratch(char name[32], const void *data, size_t size)
{
    strcpy(name, "/tmp/slm-test-XXXXXX");
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    close(fd);
    return name;
}

const char *scratch_text(char name[32], const char *text)
{
    return scratch(name, text, strlen(text));
}

cJSON *parse(const char *text)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    ck_assert_msg(json, "not JSON: %s", text);
    return json;
}

double number(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    ck_assert_msg(cJSON_IsNumber(item), "no number \"%s\"", key);
    return item->valuedouble;
}

const char *string(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    ck_assert_msg(cJSON_IsString(item), "no string \"%s\"", key);
    return item->valuestring;
}
