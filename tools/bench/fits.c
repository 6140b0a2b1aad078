#include "fits.h"

#include <stdlib.h>

static const double LIMIT_SECONDS = 0.5;
enum { BATCH = 512, PAGE = 64, LEAST_CONTEXT = 512, MIDDLE_CONTEXT = 4096 };

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

/* Buffers of a session, about: activations of a batch as floats and as int8 blocks, and the logits. */
static double session_bytes(const slm_shape *s)
{
    double q = (double)s->heads * s->head_dim, kv = (double)s->kv_heads * s->head_dim, widest = s->feed_forward;
    double floats = 2.0 * s->embedding + 2 * q + 2 * kv + 2.0 * s->feed_forward + widest + 2.0 * s->head_dim;
    return BATCH * (4 * floats + widest * 36 / 32) + 4.0 * s->vocab;
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

/* One line. */
static void print_fit(FILE *f, const slm_shape *shape, const char *type, const slm_model_info *info, uint64_t budget,
                      const struct limits *limits)
{
    double fixed = (double)info->weight_bytes + session_bytes(shape), kv = (double)info->kv_bytes_per_token;
    double room = ((double)budget - fixed) / kv, context = room > info->context_length ? info->context_length : room;
    context = context < LEAST_CONTEXT ? -1 : (double)((uint64_t)context / PAGE * PAGE);
    fprintf(f, "| %-16s | %-7s | %7.2f | %7.1f |", shape->name, type, fixed / (1 << 30), kv * 1024 / (1 << 20));
    cell(f, context, 8);
    if (context < 0) {
        for (int i = 0; i < 4; i++)
            cell(f, -1, 8);
    } else {
        bool floats = strchr("FB", *type) != NULL; /* not bound by the int8 peak */
        cell(f, floats ? -1 : limits->operations / (2 * (double)(info->layer_parameters - info->late_parameters)), 8);
        cell(f, limits->bytes / (double)info->decode_bytes, 8);
        cell(f, context < MIDDLE_CONTEXT ? -1 : limits->bytes / ((double)info->decode_bytes + MIDDLE_CONTEXT * kv), 8);
        cell(f, limits->bytes / ((double)info->decode_bytes + context * kv), 8);
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
            slm_model_info info = slm_model_info_default();
            slm_model_get_info(model, &info);
            print_fit(f, shape, types->items[t], &info, o->fits, limits);
            slm_model_free(model);
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
