/* tool_run.h - runs the built tools as their users do. */
#ifndef TOOL_RUN_H
#define TOOL_RUN_H

#include "tests.h"

#include <cjson/cJSON.h>

struct result {
    int code;               /* exit code, or 1000 + signal */
    char *out, *err;        /* NUL-terminated */
    size_t out_length;
};

/* Special inputs. NULL: nothing to read. */
extern const char closed[];

/* How a standard output that takes nothing is made. */
enum sink { SINK_FILE, SINK_CLOSED, SINK_FULL, SINK_PIPE };

/* Path of a tool, beside the tests or in $SLM_BIN. Static storage. */
const char *tool_path(const char *name);

/* Runs arguments[0], a tool beside the tests or in $SLM_BIN. `interrupted`: as soon as it has written something. */
struct result run_full(const char *input, enum sink sink, bool interrupted, const char *const *arguments);
#define RUN(input, ...) run_full(input, SINK_FILE, false, (const char *const[]){__VA_ARGS__, NULL})
void release(struct result r);

void expect_code(struct result r, int code);
void expect_text(struct result r, const char *text);

/* One line, beginning with the tool's name. */
void expect_error(struct result r, int code, const char *tool, const char *words);

/* A path in ../shared, to be freed; NULL after a skip of this test. */
char *needs(const char *test, const char *name);

/* A file of the test, to be unlinked. Returns its name. */
const char *scratch(char name[32], const void *data, size_t size);
const char *scratch_text(char name[32], const char *text);

/* JSON, which must be there; free with cJSON_Delete. */
cJSON *parse(const char *text);
double number(const cJSON *json, const char *key);
const char *string(const cJSON *json, const char *key);

#endif
