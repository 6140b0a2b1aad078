/* info.h - what files are: slm-run --info and --list. */
#ifndef RUN_INFO_H
#define RUN_INFO_H

#include "settings.h"

/* Tells what the file settings->info is; if that is "", settings->model; if that is NULL, the demo model, which is in memory. Returns the
 * exit code: CLI_OK if its model can be run, CLI_MODEL if not. */
int info(const struct settings *settings, const void *demo, size_t demo_size);

/* Lists the GGUF files below the folder settings->list ("": the current one). */
int list(const struct settings *settings);

/* The weight type that most of a file's bytes are in, "none" if it has no tensors, "unknown" if that type is not known. */
const char *main_type(const slm_file *file);

#endif
