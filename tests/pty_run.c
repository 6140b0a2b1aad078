#include "pty_run.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct pty pty_start(const char *assignment, const char *const *arguments)
{
    const char *path = tool_path(arguments[0]);
    struct pty p = {.room = 1 << 20};
    const struct winsize window = {.ws_row = 24, .ws_col = 500};
    p.out = calloc(1, p.room);
    ck_assert_ptr_nonnull(p.out);
    p.child = forkpty(&p.fd, NULL, NULL, &window);
    ck_assert_int_ge(p.child, 0);
    if (p.child == 0) {
        setenv("TERM", "xterm", 1);
        setenv("HOME", "/nonexistent", 1);
        unsetenv("LANG");
        unsetenv("LC_ALL");
        unsetenv("LC_CTYPE");
        unsetenv("NO_COLOR");
        if (assignment)
            putenv((char *)assignment);
        execv(path, (char *const *)arguments);
        _exit(127);
    }
    return p;
}

void pty_type(struct pty *p, const char *keys)
{
    ck_assert_int_eq(write(p->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* Reads what there is; false at the end. */
static bool take(struct pty *p, int milliseconds)
{
    struct pollfd ready = {.fd = p->fd, .events = POLLIN};
    if (poll(&ready, 1, milliseconds) <= 0)
        return true;
    ck_assert_uint_lt(p->length + 1, p->room);
    ssize_t got = read(p->fd, p->out + p->length, p->room - p->length - 1);
    if (got <= 0)
        return false;
    p->length += (size_t)got;
    p->out[p->length] = 0;
    return true;
}

/* The end of what has been shown and not expected: a message of Check holds no more. */
static const char *rest(const struct pty *p)
{
    enum { MOST = 2000 };
    return p->out + (p->length > p->seen + MOST ? p->length - MOST : p->seen);
}

const char *pty_expect(struct pty *p, const char *words)
{
    const time_t start = time(NULL);
    for (bool more = true;; more = take(p, 200)) {
        const char *found = strstr(p->out + p->seen, words);
        if (found) {
            p->seen = (size_t)(found - p->out) + strlen(words);
            return p->out + p->seen;
        }
        if (!more || time(NULL) > start + 60) {
            kill(p->child, SIGKILL);
            ck_abort_msg("it does not show \"%s\" but:\n%s", words, rest(p));
        }
    }
}

void pty_hold(struct pty *p)
{
    pty_type(p, "\x13");
    for (size_t before = SIZE_MAX; before != p->length; take(p, 200))
        before = p->length;
}

void pty_release(struct pty *p)
{
    pty_type(p, "\x11");
}

void pty_say(struct pty *p, const char *line, const char *words)
{
    pty_type(p, line);
    pty_type(p, "\n");
    pty_expect(p, words);
    pty_expect(p, "\n> ");
}

int pty_end(struct pty *p)
{
    int status;
    const time_t start = time(NULL);
    while (take(p, 200))
        if (time(NULL) > start + 60) {
            kill(p->child, SIGKILL);
            ck_abort_msg("it does not end but shows:\n%s", rest(p));
        }
    ck_assert_int_eq(waitpid(p->child, &status, 0), p->child);
    close(p->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
