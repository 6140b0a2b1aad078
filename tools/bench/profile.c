#include "profile.h"
#include "../cli.h"

#include <math.h>

enum { PARTS = SLM_OP_COUNT + 1 };
static const char *const names[PARTS] = {
    [SLM_OP_LINEAR] = "linear", [SLM_OP_ATTENTION] = "attention", [SLM_OP_NORM] = "norm", [SLM_OP_OTHER] = "other",
    [SLM_OP_COUNT] = "sampling",
};

bool profiled(const struct result *r)
{
    return r->profile[SLM_OP_LINEAR].seconds > 0;
}

/* The least time that the limits allow a part, over its time; NAN where no limit is known. Matrix products have two limits; the float
 * arithmetic of the others has none that is measured, so that theirs is the reading. */
static double fraction(const struct result *r, int part, const char **limit)
{
    const slm_op_profile *p = &r->profile[part];
    double read = r->read_gbps > 0 ? p->bytes / (r->read_gbps * 1e9) : 0;
    double compute = part == SLM_OP_LINEAR && r->peak_int8_gops > 0 ? p->operations / (r->peak_int8_gops * 1e9) : 0;
    *limit = compute > read ? "int8 peak" : "read";
    double least = compute > read ? compute : read;
    return least > 0 && p->seconds > 0 ? least / p->seconds : NAN;
}

static void number(FILE *f, double value, const char *format)
{
    char text[32] = "-";
    if (isfinite(value) && value > 0)
        snprintf(text, sizeof text, "%.*f%s", value < 1 ? 3 : value < 100 ? 1 : 0, value, format);
    fprintf(f, " %10s |", text);
}

void profile_table(FILE *f, const struct result *r, const char *test)
{
    double all = 0;
    for (int i = 0; i < PARTS; i++)
        all += r->profile[i].seconds;
    fprintf(f, "\n%s, %s, %d threads, %s:\n\n", r->model_type, r->isa, (int)r->n_threads, test);
    fputs("| part      |         ms |      share |         GB |        Gop |       GB/s |      Gop/s |   of limit | limit     |\n"
          "| --------- | ---------: | ---------: | ---------: | ---------: | ---------: | ---------: | ---------: | --------- |\n", f);
    for (int i = 0; i < PARTS; i++) {
        const slm_op_profile *p = &r->profile[i];
        const char *limit;
        double reached = fraction(r, i, &limit);
        fprintf(f, "| %-9s |", names[i]);
        number(f, p->seconds * 1e3, "");
        number(f, p->seconds / all * 100, " %");
        number(f, p->bytes * 1e-9, "");
        number(f, p->operations * 1e-9, "");
        number(f, p->bytes / p->seconds * 1e-9, "");
        number(f, p->operations / p->seconds * 1e-9, "");
        number(f, reached * 100, " %");
        fprintf(f, " %-9s |\n", isnan(reached) ? "-" : limit);
    }
}

void profile_json(FILE *f, const struct result *r)
{
    fputs("\"profile\": {", f);
    for (int i = 0; i < PARTS; i++) {
        const slm_op_profile *p = &r->profile[i];
        const char *limit;
        fprintf(f, "%s\"%s\": {\"seconds\": ", i ? ", " : "", names[i]);
        cli_json_number(f, p->seconds);
        fputs(", \"bytes\": ", f);
        cli_json_number(f, p->bytes);
        fputs(", \"operations\": ", f);
        cli_json_number(f, p->operations);
        fputs(", \"fraction_of_limit\": ", f);
        cli_json_number(f, fraction(r, i, &limit));
        putc('}', f);
    }
    putc('}', f);
}
