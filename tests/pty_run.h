/* pty_run.h - runs a built tool on a terminal of its own and types into it. */
#ifndef PTY_RUN_H
#define PTY_RUN_H

#include "tool_run.h"

#include <sys/types.h>

struct pty {
    pid_t child;
    int fd;
    char *out;              /* all that it has shown, NUL-terminated */
    size_t length, room;
    size_t seen;            /* how much of it has been expected so far */
};

/* Starts arguments[0] with TERM=xterm and no variables of the locale; `assignment` is one more for its environment, or NULL. */
struct pty pty_start(const char *assignment, const char *const *arguments);
#define PTY(...) pty_start(NULL, (const char *const[]){__VA_ARGS__, NULL})

void pty_type(struct pty *p, const char *keys);

/* Waits until `words` are shown, after those expected last; fails after a minute. Returns what stands behind them. */
const char *pty_expect(struct pty *p, const char *words);

/* Holds what it shows, with Ctrl-S, until it waits for the terminal; lets it go on, with Ctrl-Q. */
void pty_hold(struct pty *p);
void pty_release(struct pty *p);

/* Types a line at the prompt and waits for the words and for the next prompt. */
void pty_say(struct pty *p, const char *line, const char *words);

/* Waits for the end; the exit code, or 1000 + signal. Releases everything but p->out. */
int pty_end(struct pty *p);

#endif
