#include "fits.h"
#include "run.h"

#include <stdlib.h>

static const double LIMIT_SECONDS = 0.5;
enum { PAGE = 64, LEAST_CONTEXT = 512, MIDDLE_CONTEXT = 4096 };

bool fits_parse(const char *text, uint64_t *bytes)
{
    static const char letters[] = "kMGT";
    char *end;
    double value = *text >= '0' && *text <= '9' ? strtod(text, &end) : 0;
    if (!(value > 0) || end != text + strspn(text, "0123456789.")) /* no exponents, no 0x */
        return false;
    const char *letter = *end ? strchr(letters, *end == 'K' ? 'k' : *end) : NULL;
    if (letter) {
        end++;
        bool decimal = strcmp(end, "B") == 0;
        for (const char *l = letters; l <= letter; l++)
            value *= decimal ? 1000 : 1024;
        end += decimal ? 1 : strcmp(end, "iB") == 0 ? 2 : 0;
    }
    *bytes = value < 1e18 ? (uint64_t)value : 0;
    return *end == 0 && *bytes;
}

static void cell(FILE *f, double value, int width)
{
    if (value >= 0)
        fprintf(f, " %*.*f |", width, value < 100 ? 1 : 0, value);
    else
        fprintf(f, " %*s |", width, "-");
}

struct limits {
    double operations, bytes;   /* per second */
};

/* A model, and what it is to be run with: of the session, all but the context. */
struct candidate {
    const slm_model *model;
    slm_model_info info;
    slm_session_options options;
};

/* The session with that context; all zero if there can't be one. */
static slm_session_info plan(const struct candidate *c, uint32_t context)
{
    slm_session_options options = c->options;
    slm_session_info info = slm_session_info_default();
    options.context = context;
    slm_session_plan(c->model, &options, &info, NULL);
    return info;
}

/* Bytes of the weights and of such a session. */
static uint64_t needed(const struct candidate *c, const slm_session_info *session)
{
    return c->info.weight_bytes + session->buffer_bytes + session->kv_bytes;
}

/* The largest context that fits, in whole pages; 0 if that is less than LEAST_CONTEXT. */
static uint32_t largest_context(const struct candidate *c, uint64_t budget)
{
    uint32_t fits = LEAST_CONTEXT / PAGE - 1, beyond = c->info.context_length / PAGE + 1;
    while (fits + 1 < beyond) {
        const uint32_t middle = fits + (beyond - fits) / 2;
        const slm_session_info session = plan(c, middle * PAGE);
        if (session.context && needed(c, &session) <= budget)
            fits = middle;
        else
            beyond = middle;
    }
    return fits * PAGE < LEAST_CONTEXT ? 0 : fits * PAGE;
}

/* Tokens per second if nothing but memory holds it back. */
static double decode_rate(const struct candidate *c, const slm_session_info *session, double context, const struct limits *limits)
{
    return limits->bytes / ((double)c->info.decode_bytes + kv_read(session, context, 1));
}

/* One line. */
static void print_fit(FILE *f, const char *shape, const char *type, const struct candidate *c, uint64_t budget, const struct limits *limits)
{
    const slm_session_info session = plan(c, c->info.context_length < MIDDLE_CONTEXT ? c->info.context_length : MIDDLE_CONTEXT);
    const uint64_t fixed = needed(c, &session) - session.context * session.kv_bytes_per_token;
    const uint32_t context = largest_context(c, budget);
    fprintf(f, "| %-16s | %-7s | %7.2f | %7.1f |", shape, type, (double)fixed / (1 << 30),
            (double)session.kv_bytes_per_token * 1024 / (1 << 20));
    cell(f, context ? context : -1.0, 8);
    if (context) {
        bool floats = strchr("FB", *type) != NULL; /* not bound by the int8 peak */
        cell(f, floats ? -1 : limits->operations / (2 * (double)(c->info.layer_parameters - c->info.late_parameters)), 8);
        cell(f, decode_rate(c, &session, 0, limits), 8);
        cell(f, context < MIDDLE_CONTEXT ? -1 : decode_rate(c, &session, MIDDLE_CONTEXT, limits), 8);
        cell(f, decode_rate(c, &session, context, limits), 8);
    } else {
        for (int i = 0; i < 4; i++)
            cell(f, -1, 8);
    }
    putc('\n', f);
}

static bool wanted(const struct options *o, const char *name)
{
    for (int i = 0; i < o->shapes.count; i++)
        if (strcmp(o->shapes.items[i], name) == 0)
            return true;
    return !o->shapes.count;
}

static int print_shapes(FILE *f, const struct options *o, const struct limits *limits)
{
    static const struct cli_texts usual = {{"Q4_0", "Q4_K_M", "Q8_0", "F16"}, 4};
    const struct cli_texts *types = o->types_given ? &o->types : &usual;
    slm_model_options options = slm_model_options_default();
    options.isa = o->isas.items[0];
    options.vocab_only = true; /* sizes without weights */
    const slm_shape *shape;
    for (size_t i = 0; (shape = slm_shape_at(i)) && !cli_interrupted(); i++) {
        for (int t = 0; t < types->count && wanted(o, shape->name); t++) {
            slm_model *model;
            slm_error err;
            if (slm_model_random(shape, types->items[t], &options, &model, &err)) {
                cli_error("%s: %s", shape->name, err.message);
                return CLI_FAILED;
            }
            struct candidate c = {model, slm_model_info_default(), slm_session_options_default()};
            slm_model_get_info(model, &c.info);
            c.options.batch = (uint32_t)o->batch.values[0];
            c.options.threads = (int)o->threads.values[0];
            c.options.type_k = o->types_k.items[0];
            c.options.type_v = o->types_v.items[0];
            print_fit(f, shape->name, types->items[t], &c, o->fits, limits);
            int code = fflush(f) ? cli_write_failed("standard output") : CLI_OK;
            slm_model_free(model);
            if (code)
                return code;
        }
    }
    return CLI_OK;
}

int fits_print(FILE *f, const struct options *o)
{
    slm_limits *measured;
    slm_error err;
    if (slm_limits_new(o->isas.items[0], o->threads.values[0], &measured, &err)) {
        cli_error("%s", err.message);
        return CLI_FAILED;
    }
    struct limits limits = {slm_limits_int8_gops(measured, LIMIT_SECONDS) * 1e9, slm_limits_read_gbps(measured, LIMIT_SECONDS) * 1e9};
    slm_limits_free(measured);
    fprintf(f, "memory: %.2f GiB; limits measured with %s: int8 peak %.1f Gop/s, read %.1f GB/s\n\n", (double)o->fits / (1 << 30),
            slm_isa(o->isas.items[0], NULL), limits.operations * 1e-9, limits.bytes * 1e-9);
    fputs("|                  |         |     GiB |  MiB of |  largest | at most: | decode   | decode   | decode   |\n"
          "|                  |         | without |  KV per |  context |  prefill | t/s with | t/s with | t/s with |\n"
          "| model            | type    | context |    1024 |  to fit  |      t/s | it empty |     4096 | it full  |\n"
          "| ---------------- | ------- | ------: | ------: | -------: | -------: | -------: | -------: | -------: |\n", f);
    int code = print_shapes(f, o, &limits);
    return code ? code : ferror(f) || fflush(f) ? cli_write_failed("standard output") : CLI_OK;
}
