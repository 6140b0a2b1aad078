/* options.h - the command line of slm-bench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "../cli.h"
#include "list.h"

enum output_format { OUTPUT_MD, OUTPUT_JSON, OUTPUT_JSONL, OUTPUT_CSV };

struct options {
    struct cli_texts models, shapes, types, isas, types_k, types_v; /* one name each */
    struct list prompt, gen, depth, batch, ubatch, threads, parallel;
    struct list pg;                                 /* pairs: prompt, gen, prompt, gen ... */
    int64_t repetitions, requests;                  /* requests 0: no latencies */
    enum output_format format;
    const char *pin, *plot;
    const char *compare[2];                         /* NULL, or two files; nothing else is set then */
    uint64_t fits;                                  /* bytes, 0: not asked */
    bool types_given, no_warmup, profile, cpu, topology;
};

/* Reads the command line (all of main's). Returns -1 to go on, or the exit code to end with; what is wrong has been reported. */
int options_parse(struct options *options, int argc, char **argv);

#endif
