/* cli.h - what the command-line tools share: options, messages, files, interrupts, JSON. */
#ifndef CLI_H
#define CLI_H

#include "slm.h"

#include <stdio.h>

/* How a tool ends. The manual pages document them. */
enum {
    CLI_OK = 0,
    CLI_USAGE = 1,          /* the command line makes no sense */
    CLI_MODEL = 2,          /* the model can't be opened */
    CLI_FAILED = 3,         /* anything that failed afterwards: input, computation, output */
    CLI_INTERRUPTED = 130,  /* 128 + SIGINT */
    CLI_PIPE = 141,         /* 128 + SIGPIPE: nobody reads the output any more */
};

/* What an option's value is, and what its target points to. */
enum cli_kind {
    CLI_FLAG,               /* bool *: set to true */
    CLI_TEXT,               /* const char ** */
    CLI_OPTIONAL,           /* const char **: the next argument unless that is an option, else "" */
    CLI_TEXTS,              /* struct cli_texts *: may be given several times */
    CLI_INT,                /* int64_t *, from low to high */
    CLI_CACHE_TYPE,         /* const char **: a type of the KV cache */
    CLI_SEED,               /* uint64_t *, -1 draws one */
    CLI_FLOAT,              /* float *, from low to high */
};

struct cli_option {
    const char *names;      /* "-n, --predict, --n-predict" */
    const char *value;      /* what the help calls the value; NULL for a flag */
    enum cli_kind kind;
    void *target;
    double low, high;
    const char *help;
};

enum { CLI_TEXTS_MAX = 256 };
struct cli_texts {
    const char *items[CLI_TEXTS_MAX];
    int count;
};

/* To be called first: remembers the tool's name for messages, makes sure that files opened later can't take the numbers of closed
 * standard streams, and turns SIGINT, SIGTERM and SIGPIPE into what the functions below report. A second SIGINT kills. */
void cli_start(const char *tool);

/* Reads the options from arguments[0 .. count - 1] into their targets. -h, --help and --version are answered here, with `usage`
 * (the lines before the list of options) and `notes` (those after). `command` is that of the tool to which the options belong, or "".
 * Returns -1 to go on, else the exit code to end with. */
int cli_parse(const struct cli_option *options, int option_count, const char *command, const char *usage, const char *notes, int count,
              char **arguments);

/* Whether the terminal obeys escape sequences, by TERM. */
bool cli_obeys_escapes(void);

/* Writes a text that may be a stranger's, as what a model's file says of itself: control characters, which a terminal might obey, become '?'. */
void cli_text(FILE *out, const char *text, size_t length);

/* One line on standard error, with the tool's name in front; likewise. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether `text`, the value of an option, is a type of the KV cache; if not, that has been reported. */
bool cli_cache_type(const char *option, const char *text);

/* True after SIGINT or SIGTERM. */
bool cli_interrupted(void);

/* Forgets a SIGINT, for a tool that stops what it does and goes on; from the first call on, a second SIGINT does not kill either. False
 * after SIGTERM: the tool is to end. */
bool cli_resume(void);

/* Waits for input. 1: there is some, or its end; 0: SIGINT or SIGTERM has come, before the wait or during it; -1: another signal. */
int cli_wait_input(int fd);

/* Reports that the file at `path` can't be opened: why, and where in it. */
void cli_open_failed(const char *path, const slm_error *err);

/* Opens a model; after a failure that has been reported, NULL. Interrupts stop the loading. */
slm_model *cli_open_model(const char *path, slm_model_options *options);

/* What messages call a file that is read: "-" is standard input. */
const char *cli_input_name(const char *path);

/* The whole of a file ("-": standard input), NUL-terminated, to be freed with free. After a failure that has been reported, NULL. */
char *cli_read_file(const char *path, size_t *size);

/* Tells of a failed write to `name` and returns the exit code to end with; a closed pipe ends without a message. */
int cli_write_failed(const char *name);

/* Seconds on a clock that only goes forward. */
double cli_now(void);

/* Writes a text as a JSON string. Bytes that are not UTF-8 become U+FFFD. */
void cli_json_text(FILE *out, const char *text, size_t length);

/* Writes a number as JSON has them; what is not finite becomes null. */
void cli_json_number(FILE *out, double value);

#endif
