#include "options.h"
#include "fits.h"

#include <limits.h>

enum { LEAST_MEMORY = 1000000 }; /* for --fits: less is a forgotten unit */

static const char usage[] =
    "slm-bench - how fast models run here, and how near that is to what the machine can do\n\n"
    "  slm-bench -m model.gguf\n"
    "  slm-bench --shape llama-3.2-1b --type Q4_0,Q8_0 -p 512 -n 64 -t 1-4\n"
    "  slm-bench --compare a.json b.json\n"
    "  slm-bench --topology\n";
static const char notes[] =
    "\nOptions marked + take several values, separated by commas or by giving the option again, and numbers also as ranges (1-8,\n"
    "1-8+2, 1-64*2); every combination is run.\n"
    "Exit code: 0 done, 1 bad command line, 2 a model can't be opened, 3 failed later, 130 interrupted, 141 output closed.\n";

/* What the command line says, before the lists in it are read. */
struct words {
    struct cli_texts models, shapes, types, isas, types_k, types_v, prompt, gen, pg, depth, batch, ubatch, threads, parallel;
    const char *format, *fits;
};

/* Takes the texts apart at commas, in place: they are the command line's own, which may be changed. */
static bool split(struct cli_texts *to, const struct cli_texts *from, const char *option)
{
    for (int i = 0; i < from->count; i++) {
        for (char *name = (char *)from->items[i], *comma; name; name = comma) {
            comma = strchr(name, ',');
            if (comma)
                *comma++ = 0;
            if (!*name) {
                cli_error("%s: a name is empty", option);
                return false;
            }
            if (to->count == CLI_TEXTS_MAX) {
                cli_error("%s: more than %d names", option, CLI_TEXTS_MAX);
                return false;
            }
            to->items[to->count++] = name;
        }
    }
    return true;
}

static bool numbers(struct list *list, const struct cli_texts *texts, const char *option, int least, int most)
{
    char problem[256];
    for (int i = 0; i < texts->count; i++) {
        if (!list_parse(list, texts->items[i], least, most, problem, sizeof problem)) {
            cli_error("%s: %s", option, problem);
            return false;
        }
    }
    return true;
}

static bool pairs(struct list *list, const struct cli_texts *texts)
{
    char problem[256];
    for (int i = 0; i < texts->count; i++) {
        struct list pair = {.count = 0};
        if (!list_parse(&pair, texts->items[i], 1, INT_MAX, problem, sizeof problem) || pair.count != 2 || list->count + 2 > LIST_MAX) {
            cli_error("-pg: '%s': expected two numbers of tokens, prompt and generated: 512,128", texts->items[i]);
            return false;
        }
        list->values[list->count++] = pair.values[0];
        list->values[list->count++] = pair.values[1];
    }
    return true;
}

static bool format(enum output_format *value, const char *text)
{
    static const char *const names[] = {"md", "json", "jsonl", "csv"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *value = (enum output_format)i;
            return true;
        }
    }
    cli_error("-o: '%s': expected md, json, jsonl or csv", text);
    return false;
}

static bool cache_types(const struct cli_texts *types, const char *option)
{
    for (int i = 0; i < types->count; i++)
        if (!cli_cache_type(option, types->items[i]))
            return false;
    return true;
}

static void set_default(struct list *list, int value)
{
    if (!list->count)
        list->values[list->count++] = value;
}

static bool any(const struct list *list)
{
    for (int i = 0; i < list->count; i++)
        if (list->values[i])
            return true;
    return false;
}

static int compare_misplaced(void)
{
    cli_error("--compare stands alone, with two files of results: slm-bench --compare a.json b.json");
    return CLI_USAGE;
}

/* Whether the options go together; if not, that has been reported. */
static bool check_together(const struct options *o)
{
    const char *instead = o->cpu ? "--cpu" : o->topology ? "--topology" : o->fits ? "--fits" : NULL;
    const char *idle = o->models.count ? "-m" : o->plot ? "--plot" : o->profile ? "--profile" : o->requests ? "--requests" :
        o->format != OUTPUT_MD ? "-o" : NULL;
    if (o->cpu + o->topology + (o->fits > 0) > 1)
        cli_error("--cpu, --topology and --fits each tell something else and end the program; give one of them");
    else if (instead && idle)
        cli_error("%s runs no test: leave out %s", instead, idle);
    else if (o->plot && strcmp(o->plot, "-") == 0)
        cli_error("--plot takes the name of a file: standard output gets the results");
    else
        return true;
    return false;
}

int options_parse(struct options *o, int argc, char **argv)
{
    struct words words = {.format = "md"};
    struct cli_texts misplaced = {.count = 0};
    *o = (struct options){.repetitions = 5, .pin = "none"};
    if (argc > 4 && strcmp(argv[1], "--compare") == 0)
        return compare_misplaced();
    if (argc == 4 && strcmp(argv[1], "--compare") == 0) {
        if (strcmp(argv[2], "-") == 0 && strcmp(argv[3], "-") == 0) {
            cli_error("--compare can read standard input for one of its files only");
            return CLI_USAGE;
        }
        o->compare[0] = argv[2];
        o->compare[1] = argv[3];
        return -1;
    }
    const struct cli_option table[] = {
        {"-m, --model", "FILE", CLI_TEXTS, &words.models, 0, 0, "+ a GGUF file to run"},
        {"--shape", "NAME", CLI_TEXTS, &words.shapes, 0, 0, "+ the sizes of a real model, with random weights"},
        {"--type", "TYPE", CLI_TEXTS, &words.types, 0, 0, "+ weight type of the shapes (default Q4_0)"},
        {"-p, --n-prompt", "N", CLI_TEXTS, &words.prompt, 0, 0, "+ prefill N tokens, 0: no such test (default 512)"},
        {"-n, --n-gen", "N", CLI_TEXTS, &words.gen, 0, 0, "+ decode N tokens one by one, 0: no such test (default 128)"},
        {"-pg", "P,N", CLI_TEXTS, &words.pg, 0, 0, "prefill P tokens, then decode N; may be given again"},
        {"-d, --n-depth", "N", CLI_TEXTS, &words.depth, 0, 0, "+ tokens in the context before a test begins (default 0)"},
        {"-t, --threads", "N", CLI_TEXTS, &words.threads, 0, 0, "+ threads, 0: one per usable core (default 0)"},
        {"-b, --batch-size", "N", CLI_TEXTS, &words.batch, 0, 0, "+ prompt tokens computed at once (default 512)"},
        {"-ub, --ubatch-size", "N", CLI_TEXTS, &words.ubatch, 0, 0, "+ but at most so many, as llama-bench has it (default: no limit)"},
        {"-np, --parallel", "N", CLI_TEXTS, &words.parallel, 0, 0, "+ sequences computed together (default 1)"},
        {"-ctk, --cache-type-k", "TYPE", CLI_TEXTS, &words.types_k, 0, 0, "+ keys are kept in: auto, f32, f16, q8_0 (default auto)"},
        {"-ctv, --cache-type-v", "TYPE", CLI_TEXTS, &words.types_v, 0, 0, "+ values likewise"},
        {"--isa", "NAME", CLI_TEXTS, &words.isas, 0, 0, "+ kernels: scalar, avx2, avxvnni, avx512; armv8, neon, i8mm (default: the best)"},
        {"-r, --repetitions", "N", CLI_INT, &o->repetitions, 1, 10000, "times each test is run (default 5)"},
        {"--requests", "N", CLI_INT, &o->requests, 1, 1000000, "for each -p and -n: N requests one by one, and the times of their tokens"},
        {"--no-warmup", NULL, CLI_FLAG, &o->no_warmup, 0, 0, "leave out the run before the first repetition"},
        {"--profile", NULL, CLI_FLAG, &o->profile, 0, 0, "one more repetition: where its time goes, and how near each part is to its limit"},
        {"-o, --output", "FORMAT", CLI_TEXT, &words.format, 0, 0, "md, json, jsonl or csv (default md)"},
        {"--pin", "auto|none|LIST", CLI_TEXT, &o->pin, 0, 0, "CPUs to run on: one of each usable core, any, or a list (default none)"},
        {"--compare", "A B", CLI_TEXTS, &misplaced, 0, 0, "alone: is file B of results (-o json or jsonl) faster than A?"},
        {"--fits", "SIZE", CLI_TEXT, &words.fits, 0, 0, "which shapes, types and contexts fit a memory (8GiB), how fast at best"},
        {"--plot", "FILE.svg", CLI_TEXT, &o->plot, 0, 0, "draw the speeds against what varies, with the limits"},
        {"--cpu", NULL, CLI_FLAG, &o->cpu, 0, 0, "print the processor, the tiers and the kernel in every slot"},
        {"--topology", NULL, CLI_FLAG, &o->topology, 0, 0, "print the cores, those chosen to compute on, and why"},
    };
    int code = cli_parse(table, sizeof table / sizeof *table, "", usage, notes, argc - 1, argv + 1);
    if (code >= 0)
        return code;
    if (!split(&o->models, &words.models, "-m") || !split(&o->shapes, &words.shapes, "--shape") ||
        !split(&o->types, &words.types, "--type") || !split(&o->isas, &words.isas, "--isa") ||
        !split(&o->types_k, &words.types_k, "-ctk") || !split(&o->types_v, &words.types_v, "-ctv") ||
        !cache_types(&o->types_k, "-ctk") || !cache_types(&o->types_v, "-ctv") ||
        !numbers(&o->prompt, &words.prompt, "-p", 0, INT_MAX) || !numbers(&o->gen, &words.gen, "-n", 0, INT_MAX) || !pairs(&o->pg, &words.pg) ||
        !numbers(&o->depth, &words.depth, "-d", 0, INT_MAX) || !numbers(&o->threads, &words.threads, "-t", 0, 1024) ||
        !numbers(&o->batch, &words.batch, "-b", 1, 65536) || !numbers(&o->ubatch, &words.ubatch, "-ub", 1, INT_MAX) ||
        !numbers(&o->parallel, &words.parallel, "-np", 1, 65536) || !format(&o->format, words.format))
        return CLI_USAGE;
    if (words.fits && (!fits_parse(words.fits, &o->fits) || o->fits < LEAST_MEMORY)) {
        cli_error("--fits: '%s': expected a size with its unit, at least 1MB: 8GiB, 500MB", words.fits);
        return CLI_USAGE;
    }
    if (!check_together(o))
        return CLI_USAGE;
    o->types_given = o->types.count > 0;
    if (misplaced.count)
        return compare_misplaced();
    set_default(&o->prompt, 512); /* beside -pg too, as llama-bench has it */
    set_default(&o->gen, 128);
    set_default(&o->depth, 0);
    set_default(&o->batch, 512);
    set_default(&o->ubatch, 0);
    set_default(&o->threads, 0);
    set_default(&o->parallel, 1);
    if (!o->fits && !any(&o->prompt) && (!any(&o->gen) || o->requests) && !o->pg.count) {
        cli_error(o->requests ? "--requests needs prompts: -p is 0" : "nothing to run: -p and -n are 0");
        return CLI_USAGE;
    }
    if (!o->types.count)
        o->types.items[o->types.count++] = "Q4_0";
    if (!o->types_k.count)
        o->types_k.items[o->types_k.count++] = "auto";
    if (!o->types_v.count)
        o->types_v.items[o->types_v.count++] = "auto";
    if (!o->isas.count)
        o->isas.items[o->isas.count++] = NULL;
    return -1;
}
