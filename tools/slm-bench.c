/* slm-bench - how fast models run here, and how near that is to what the machine can do. Parts in tools/bench/. */
#include "bench/compare.h"
#include "bench/fits.h"
#include "bench/machine.h"
#include "bench/options.h"
#include "bench/plot.h"
#include "bench/print.h"
#include "bench/run.h"
#include "pin.h"
#include "commit.h" /* made by the Makefile: commit, COMMIT_NUMBER */

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct {
    struct options options;
    struct printer printer;
    struct result *results;     /* of all tests so far */
    int count;
    int exit_code;
    char cpu[256];
    bool terminal;              /* show progress */
    bool counting;              /* the model's tests are only added up, in work_all */
    double work_all, work_done, work_start; /* of the current model's tests; clock */
    slm_limits *limits;         /* kept from test to test while tier and threads stay */
    const char *limits_isa;
    int limits_threads;
} bench;

/* A model to run. */
struct subject {
    const char *file;           /* NULL: a shape with weights of a type */
    const slm_shape *shape;
    const char *type;
    const char *isa;            /* NULL: the best */
    int64_t load_ns;
};

/* ------------------------------------------------------------------ messages */

static const char *subject_name(const struct subject *subject)
{
    return subject->file ? subject->file : subject->shape->name;
}

static void clear_progress(void)
{
    if (bench.terminal)
        fputs("\r\033[K", stderr);
}

/* Tells of a failure and goes on: other tests may do. */
static void complain(const struct subject *subject, const char *message)
{
    clear_progress();
    if (!cli_interrupted())
        cli_error("%s: %s", subject_name(subject), message);
    bench.exit_code = CLI_FAILED;
}

struct progress {
    const struct subject *subject;
    const struct test *test;
};

/* Work of a test before its n-th repetition, in tokens of a prompt; decoding a token takes about as long as eight. Only ratios count. */
static double work_of(const struct test *t, int repetition)
{
    double each = (double)t->prompt * t->sequences + 8.0 * t->gen;
    return (double)t->depth * t->sequences + each * (repetition - 1 + (t->warmup && !t->gen));
}

/* Once some of the model's work is done, the rest is taken to go on at that speed. */
static void show_time_left(const struct test *t, int repetition)
{
    double done = bench.work_done + work_of(t, repetition);
    if (done <= 0 || repetition < 2)
        return;
    double left = (cli_now() - bench.work_start) * (bench.work_all / done - 1);
    fprintf(stderr, ", about %d:%02d left", (int)left / 60, (int)left % 60);
    if (bench.options.models.count + bench.options.shapes.count * bench.options.types.count > 1)
        fputs(" of this model", stderr);
}

static bool show_progress(void *user, int repetition)
{
    const struct progress *p = user;
    if (bench.terminal) {
        clear_progress();
        /* cut off at the edge of the terminal, not wrapped: only one line is cleared */
        fprintf(stderr, "\033[?7lprompt %d, generate %d, depth %d: ", p->test->prompt, p->test->gen, p->test->depth);
        if (repetition)
            fprintf(stderr, "%d of %d", repetition, p->test->repetitions);
        else
            fputs("preparing", stderr);
        if (repetition)
            show_time_left(p->test, repetition);
        fprintf(stderr, ": %s\033[?7h", subject_name(p->subject));
    }
    return !cli_interrupted();
}

/* ------------------------------------------------------------------ running */

/* "llama 1.2B Q4_0": architecture, parameters, weight type. */
static char *model_type(const slm_model *model, const struct subject *subject)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    double million = (double)info.parameters / 1e6;
    char text[160];
    snprintf(text, sizeof text, million < 1000 ? "%.64s %.0fM %.64s" : "%.64s %.1fB %.64s", info.architecture,
             million < 1000 ? million : million / 1000, subject->file ? info.type : subject->type);
    return strdup(text);
}

static char *utc_time(void)
{
    char text[32] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return strdup(text);
}

/* The measurement of the machine for a test: its 512 MiB take time to come by. */
static slm_status prepare_limits(const char *isa, int threads, slm_error *err)
{
    if (bench.limits && bench.limits_isa == isa && bench.limits_threads == threads)
        return SLM_OK;
    slm_limits_free(bench.limits);
    bench.limits_isa = isa;
    bench.limits_threads = threads;
    return slm_limits_new(isa, threads, &bench.limits, err);
}

/* Runs one test and prints its result. */
static void run_one(const struct subject *subject, struct test test)
{
    if (cli_interrupted())
        return;
    if (bench.counting) {
        bench.work_all += work_of(&test, test.repetitions + 1);
        return;
    }
    struct result result = {.build_commit = commit, .build_number = COMMIT_NUMBER, .cpu_info = bench.cpu, .gpu_info = "",
                            .backends = "CPU", .model_filename = subject_name(subject),
                            .model_type = model_type(test.model, subject), .test_time = utc_time(), .load_ns = subject->load_ns};
    struct progress progress = {subject, &test};
    test.progress = show_progress;
    test.progress_user = &progress;
    slm_error err;
    struct result *grown = realloc(bench.results, (size_t)(bench.count + 1) * sizeof *grown);
    if (grown)
        bench.results = grown;
    if (!grown || !result.model_type || !result.test_time) {
        complain(subject, "out of memory");
    } else if (prepare_limits(subject->isa, test.threads, &err) || (test.limits = bench.limits, run_test(&test, &result, &err))) {
        complain(subject, err.message);
    } else {
        clear_progress();
        print_result(&bench.printer, &result);
        bench.results[bench.count++] = result;
        bench.work_done += work_of(&test, test.repetitions + 1);
        return;
    }
    result_free(&result);
}

/* Prefills, decodes and pairs. */
static void run_tests(const struct subject *subject, struct test test)
{
    const struct options *o = &bench.options;
    test.repetitions = (int)o->repetitions;
    for (int i = 0; i < o->prompt.count; i++)
        if ((test.prompt = o->prompt.values[i]))
            run_one(subject, test);
    test.prompt = 0;
    for (int i = 0; i < o->gen.count; i++)
        if ((test.gen = o->gen.values[i]))
            run_one(subject, test);
    for (int i = 0; i < o->pg.count; i += 2) {
        test.prompt = o->pg.values[i];
        test.gen = o->pg.values[i + 1];
        run_one(subject, test);
    }
}

/* Requests of every prompt length with every number of tokens. */
static void run_requests(const struct subject *subject, struct test test)
{
    const struct options *o = &bench.options;
    test.repetitions = (int)o->requests;
    test.latency = true;
    for (int i = 0; i < o->prompt.count; i++) {
        for (int j = 0; j < o->gen.count; j++) {
            test.prompt = o->prompt.values[i];
            test.gen = o->gen.values[j];
            if (test.prompt)
                run_one(subject, test);
        }
    }
    for (int i = 0; i < o->pg.count; i += 2) {
        test.prompt = o->pg.values[i];
        test.gen = o->pg.values[i + 1];
        run_one(subject, test);
    }
}

/* Every test that is `test` but for its depth, threads and number of sequences. */
static void run_depths(const struct subject *subject, struct test test)
{
    const struct options *o = &bench.options;
    for (int d = 0; d < o->depth.count; d++) {
        for (int t = 0; t < o->threads.count; t++) {
            for (int s = 0; s < o->parallel.count; s++) {
                test.depth = o->depth.values[d];
                test.threads = o->threads.values[t];
                test.sequences = o->parallel.values[s];
                if (o->requests)
                    run_requests(subject, test);
                else
                    run_tests(subject, test);
            }
        }
    }
}

/* Every test of one model with one batch. */
static void run_batch(const struct subject *subject, const slm_model *model, int batch, int ubatch)
{
    const struct options *o = &bench.options;
    for (int k = 0; k < o->types_k.count; k++)
        for (int v = 0; v < o->types_v.count; v++)
            run_depths(subject, (struct test){.model = model, .batch = batch, .ubatch = ubatch && ubatch < batch ? ubatch : batch,
                                              .type_k = o->types_k.items[k], .type_v = o->types_v.items[v],
                                              .warmup = !o->no_warmup, .profile = o->profile});
}

static void run_model(const struct subject *subject, const slm_model *model)
{
    const struct options *o = &bench.options;
    for (int b = 0; b < o->batch.count; b++)
        for (int u = 0; u < o->ubatch.count; u++)
            run_batch(subject, model, o->batch.values[b], o->ubatch.values[u]);
}

static void run_subject(struct subject *subject)
{
    if (cli_interrupted())
        return;
    slm_model_options options = slm_model_options_default();
    options.isa = subject->isa;
    slm_model *model;
    slm_error err;
    double start = cli_now();
    if (subject->file)
        model = cli_open_model(subject->file, &options);
    else if (slm_model_random(subject->shape, subject->type, &options, &model, &err))
        complain(subject, err.message);
    subject->load_ns = (int64_t)((cli_now() - start) * 1e9);
    if (!model) {
        bench.exit_code = CLI_MODEL;
        return;
    }
    bench.work_all = bench.work_done = 0;
    bench.counting = true;
    run_model(subject, model);
    bench.counting = false;
    bench.work_start = cli_now();
    run_model(subject, model);
    slm_model_free(model);
}

static const slm_shape *find_shape(const char *name)
{
    const slm_shape *shape;
    for (size_t i = 0; (shape = slm_shape_at(i)); i++)
        if (strcmp(shape->name, name) == 0)
            break;
    return shape;
}

static void run_all(void)
{
    const struct options *o = &bench.options;
    for (int i = 0; i < o->isas.count; i++) {
        for (int m = 0; m < o->models.count; m++)
            run_subject(&(struct subject){.file = o->models.items[m], .isa = o->isas.items[i]});
        for (int s = 0; s < o->shapes.count; s++) {
            const slm_shape *shape = find_shape(o->shapes.items[s]);
            for (int t = 0; t < o->types.count; t++)
                run_subject(&(struct subject){.shape = shape, .type = o->types.items[t], .isa = o->isas.items[i]});
        }
    }
}

/* ------------------------------------------------------------------ main */

static void plot(const char *path)
{
    FILE *f = bench.count ? fopen(path, "w") : NULL;
    if (f)
        plot_svg(f, bench.results, bench.count);
    else if (!bench.count)
        return;
    bool failed = !f || ferror(f);
    if ((f && fclose(f)) || failed)
        bench.exit_code = cli_write_failed(path);
}

/* Whether there are weights of that type; if not, that has been reported. */
static bool check_type(const char *type)
{
    slm_model_options options = slm_model_options_default();
    options.vocab_only = true; /* makes no weights */
    slm_model *model;
    slm_error err;
    if (slm_model_random(slm_shape_at(0), type, &options, &model, &err)) {
        cli_error("%s", err.message);
        return false;
    }
    slm_model_free(model);
    return true;
}

/* Shapes, types and tiers, checked before the first minute of measuring. */
static bool check_names(const struct options *o)
{
    if (!o->models.count && !o->shapes.count && !o->fits) {
        cli_error("nothing to run: give a model with -m FILE or sizes with --shape NAME (slm-bench --help)");
        return false;
    }
    for (int i = 0; i < o->shapes.count; i++) {
        if (find_shape(o->shapes.items[i]))
            continue;
        char known[1024];
        int used = 0;
        const slm_shape *shape;
        for (size_t at = 0; used < (int)sizeof known && (shape = slm_shape_at(at)); at++)
            used += snprintf(known + used, sizeof known - (size_t)used, "%s%s", at ? ", " : "", shape->name);
        cli_error("unknown shape '%s'; known: %s", o->shapes.items[i], known);
        return false;
    }
    for (int i = 0; i < o->types.count; i++)
        if (!check_type(o->types.items[i]))
            return false;
    for (int i = 0; i < o->isas.count; i++) {
        slm_error err;
        if (!slm_isa(o->isas.items[i], &err)) {
            cli_error("%s", err.message);
            return false;
        }
    }
    return true;
}

/* Whether there will be a place for the picture, asked before the first minute of measuring, too. */
static int check_plot(const char *path)
{
    FILE *f = fopen(path, "a");
    return f && !fclose(f) ? CLI_OK : cli_write_failed(path);
}

int main(int argc, char **argv)
{
    cli_start("slm-bench");
    const struct options *o = &bench.options;
    int code = options_parse(&bench.options, argc, argv);
    if (code >= 0)
        return code;
    if (o->compare[0])
        return compare_files(stdout, o->compare[0], o->compare[1]);
    if (!pin(o->pin))
        return CLI_USAGE;
    if (o->topology)
        return topology_print(stdout);
    if (o->cpu)
        return machine_print(stdout, o->isas.items[0]);
    if (!check_names(o))
        return CLI_USAGE;
    if (o->fits)
        return fits_print(stdout, o);
    if (o->plot && (code = check_plot(o->plot)))
        return code;
    bench.printer = (struct printer){.file = stdout, .format = o->format, .show_isa = o->isas.count > 1,
                                     .show_batch = o->batch.count > 1 || o->batch.values[0] != 512,
                                     .show_cache = strcmp(o->types_k.items[0], "auto") || strcmp(o->types_v.items[0], "auto") ||
                                                   o->types_k.count > 1 || o->types_v.count > 1,
                                     .show_ubatch = o->ubatch.count > 1 || o->ubatch.values[0],
                                     .show_seq = o->parallel.count > 1 || o->parallel.values[0] != 1,
                                     .show_latency = o->requests > 0};
    bench.terminal = isatty(STDERR_FILENO) && cli_obeys_escapes();
    machine_name(bench.cpu, sizeof bench.cpu);
    run_all();
    print_footer(&bench.printer, bench.results, bench.count);
    if (o->plot)
        plot(o->plot);
    if (ferror(stdout))
        bench.exit_code = cli_write_failed("standard output");
    for (int i = 0; i < bench.count; i++)
        result_free(&bench.results[i]);
    free(bench.results);
    slm_limits_free(bench.limits);
    return cli_interrupted() ? CLI_INTERRUPTED : bench.exit_code;
}
