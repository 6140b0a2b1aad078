/* settings.h - the command line of slm-run. */
#ifndef RUN_SETTINGS_H
#define RUN_SETTINGS_H

#include "../cli.h"

struct settings {
    const char *model, *prompt, *file, *system, *chat_template, *pin, *type_k, *type_v;
    const char *info, *list;    /* --info FILE, --list FOLDER, "" if these are left out; else NULL */
    int64_t predict, context, threads, batch, top_k, repeat_last_n;
    float temperature, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
    uint64_t seed;
    slm_logit_bias biases[CLI_TEXTS_MAX];
    size_t bias_count;
    slm_thinking thinking;
    bool no_chat, special, json, verbose, quiet;
};

/* Reads the command line (all of main's). Returns -1 to go on, or the exit code to end with; what is wrong has been reported. */
int settings_parse(struct settings *settings, int argc, char **argv);

/* The sampler that they ask for, with its generator at `seed`. NULL after a failure that has been reported. */
slm_sampler *settings_sampler(const struct settings *settings, const slm_model *model, uint64_t seed);

#endif
