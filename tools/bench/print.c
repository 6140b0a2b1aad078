#include "print.h"

#include "profile.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ fields */

struct field {
    const char *name;
    enum { TEXT, INT, REAL } kind;
    size_t offset;
};

static const struct field fields[] = {
#define FIELD(kind, name) {#name, kind, offsetof(struct result, name)},
    RESULT_FIELDS(FIELD)
#undef FIELD
};
enum { FIELDS = sizeof fields / sizeof *fields };

static void print_json(FILE *f, const struct field *field, const struct result *r)
{
    const void *at = (const char *)r + field->offset;
    if (field->kind == TEXT)
        cli_json_text(f, *(const char *const *)at, strlen(*(const char *const *)at));
    else if (field->kind == INT)
        fprintf(f, "%" PRId64, *(const int64_t *)at);
    else
        cli_json_number(f, *(const double *)at);
}

/* All values in quotes, as llama-bench has them. */
static void print_quoted(FILE *f, const struct field *field, const struct result *r)
{
    const void *at = (const char *)r + field->offset;
    putc('"', f);
    if (field->kind == INT)
        fprintf(f, "%" PRId64, *(const int64_t *)at);
    else if (field->kind == REAL && !isnan(*(const double *)at))
        fprintf(f, "%.6f", *(const double *)at);
    else if (field->kind == TEXT)
        for (const char *c = *(const char *const *)at; *c; c++)
            fputs(*c == '"' ? "\"\"" : (char[]){*c, 0}, f);
    putc('"', f);
}

/* An object on one line, or on one line for each key. */
static void print_object(FILE *f, const struct result *r, bool lines)
{
    const char *begin = lines ? "  {\n    " : "{", *next = lines ? ",\n    " : ", ";
    fputs(begin, f);
    for (int i = 0; i < FIELDS; i++) {
        fprintf(f, "\"%s\": ", fields[i].name);
        print_json(f, &fields[i], r);
        fputs(next, f);
    }
    fputs("\"samples_ns\": [", f);
    for (int i = 0; i < r->samples; i++)
        fprintf(f, "%s%" PRId64, i ? ", " : "", r->samples_ns[i]);
    fprintf(f, "]%s\"samples_ts\": [", next);
    for (int i = 0; i < r->samples; i++)
        fprintf(f, "%s%.6g", i ? ", " : "", result_rate(r, (double)r->samples_ns[i])); /* as many digits as llama-bench */
    putc(']', f);
    if (profiled(r)) {
        fputs(next, f);
        profile_json(f, r);
    }
    fputs(lines ? "\n  }" : "}\n", f);
}

static void print_csv(FILE *f, const struct result *r)
{
    for (int i = 0; i < FIELDS; i++) {
        if (i)
            putc(',', f);
        if (r)
            print_quoted(f, &fields[i], r);
        else
            fputs(fields[i].name, f);
    }
    putc('\n', f);
}

/* ------------------------------------------------------------------ table */

enum { CELL_MAX = 128 };

/* Writes the text of one column: its title, or the result's cell. */
typedef void column_fn(const struct result *r, char *text);

static void column_model(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%s", r->model_type);
}

static void column_size(const struct result *r, char *text)
{
    double mib = (double)r->model_size / (1 << 20);
    snprintf(text, CELL_MAX, mib < 1024 ? "%.2f MiB" : "%.2f GiB", mib < 1024 ? mib : mib / 1024);
}

static void column_params(const struct result *r, char *text)
{
    double million = (double)r->model_n_params / 1e6;
    snprintf(text, CELL_MAX, million < 1000 ? "%.2f M" : "%.2f B", million < 1000 ? million : million / 1000);
}

static void column_backend(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%s", r->backends);
}

static void column_isa(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%s", r->isa);
}

static void column_threads(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%" PRId64, r->n_threads);
}

static void column_batch(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%" PRId64, r->n_batch);
}

static void column_type_k(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%s", r->type_k);
}

static void column_type_v(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%s", r->type_v);
}

static void column_ubatch(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%" PRId64, r->n_ubatch);
}

static void column_test(const struct result *r, char *text)
{
    int used = 0;
    if (r->n_prompt)
        used = snprintf(text, CELL_MAX, "pp%" PRId64, r->n_prompt);
    if (r->n_gen)
        used += snprintf(text + used, (size_t)(CELL_MAX - used), "%stg%" PRId64, used ? "+" : "", r->n_gen);
    if (r->n_depth)
        snprintf(text + used, (size_t)(CELL_MAX - used), " @ d%" PRId64, r->n_depth);
}

static void column_ts(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%.2f ± %.2f", r->avg_ts, r->stddev_ts);
}

static void column_peak(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%.1f %%", 100 * r->fraction_of_peak);
}

static void column_read(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%.1f %%", 100 * r->fraction_of_bandwidth);
}

static void column_sequences(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%" PRId64, r->n_seq);
}

static void column_each(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%.2f", r->avg_ts / (double)r->n_seq);
}

static void column_first(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%.1f %.1f %.1f %.1f", r->ttft_p50_ms, r->ttft_p95_ms, r->ttft_p99_ms, r->ttft_max_ms);
}

static void column_between(const struct result *r, char *text)
{
    snprintf(text, CELL_MAX, "%.2f %.2f %.2f %.2f", r->itl_p50_ms, r->itl_p95_ms, r->itl_p99_ms, r->itl_max_ms);
}

static const struct column {
    const char *title;
    int width;              /* negative: on the left */
    column_fn *cell;
} columns[] = {
    {"model", -30, column_model},
    {"size", 10, column_size},
    {"params", 10, column_params},
    {"backend", -10, column_backend},
    {"isa", -7, column_isa},
    {"threads", 7, column_threads},
    {"n_batch", 7, column_batch},
    {"n_ubatch", 8, column_ubatch},
    {"type_k", 6, column_type_k},
    {"type_v", 6, column_type_v},
    {"n_seq", 5, column_sequences},
    {"test", 15, column_test},
    {"t/s", 20, column_ts},
    {"each", 8, column_each},
    {"of peak", 8, column_peak},
    {"of read", 8, column_read},
    {"first: ms p50 p95 p99 max", 27, column_first},
    {"next: ms p50 p95 p99 max", 27, column_between},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static bool shown(const struct printer *p, const struct column *column)
{
    column_fn *cell = column->cell;
    if (cell == column_batch)
        return p->show_batch;
    if (cell == column_type_k || cell == column_type_v)
        return p->show_cache;
    if (cell == column_ubatch)
        return p->show_ubatch;
    if (cell == column_isa)
        return p->show_isa;
    if (cell == column_sequences || cell == column_each)
        return p->show_seq;
    return p->show_latency || (cell != column_first && cell != column_between);
}

/* Padding counts characters, not bytes. */
static void print_padded(FILE *f, const char *text, int width)
{
    int length = 0;
    for (const char *c = text; *c; c++)
        length += (*c & 0xc0) != 0x80;
    int padding = abs(width) - length;
    fprintf(f, " %*s%s%*s |", width > 0 && padding > 0 ? padding : 0, "", text, width < 0 && padding > 0 ? padding : 0, "");
}

static void print_row(const struct printer *p, const struct result *r)
{
    char text[CELL_MAX];
    putc('|', p->file);
    for (int i = 0; i < COLUMNS; i++) {
        if (!shown(p, &columns[i]))
            continue;
        if (r)
            columns[i].cell(r, text);
        print_padded(p->file, r ? text : columns[i].title, columns[i].width);
    }
    putc('\n', p->file);
}

static void print_rule(const struct printer *p)
{
    putc('|', p->file);
    for (int i = 0; i < COLUMNS; i++) {
        if (!shown(p, &columns[i]))
            continue;
        putc(' ', p->file);
        for (int dash = 1; dash < abs(columns[i].width); dash++)
            putc('-', p->file);
        fputs(columns[i].width > 0 ? ": |" : "- |", p->file);
    }
    putc('\n', p->file);
}

/* One line for each tier and number of threads: the median of what was measured beside its tests. */
static void print_limits(FILE *f, const struct result *results, int count)
{
    double *gops = malloc((size_t)count * 2 * sizeof *gops);
    if (!gops)
        return;
    double *gbps = gops + count;
    for (int i = 0; i < count; i++) {
        const struct result *r = &results[i];
        int same = 0;
        for (int j = 0; j < count; j++) {
            if (results[j].n_threads != r->n_threads || strcmp(results[j].isa, r->isa))
                continue;
            if (j < i)
                break; /* printed already */
            gops[same] = results[j].peak_int8_gops;
            gbps[same++] = results[j].read_gbps;
        }
        if (same)
            fprintf(f, "limits measured with %s, %" PRId64 " thread%s: int8 peak %.1f Gop/s, read %.1f GB/s\n", r->isa, r->n_threads,
                    r->n_threads == 1 ? "" : "s", median(gops, same), median(gbps, same));
    }
    free(gops);
}

/* ------------------------------------------------------------------ printer */

static void print_header(const struct printer *p)
{
    if (p->format == OUTPUT_CSV)
        print_csv(p->file, NULL);
    if (p->format == OUTPUT_JSON)
        fputs("[\n", p->file);
    if (p->format == OUTPUT_MD) {
        print_row(p, NULL);
        print_rule(p);
    }
}

void print_result(struct printer *p, const struct result *r)
{
    if (!p->printed)
        print_header(p);
    if (p->format == OUTPUT_CSV)
        print_csv(p->file, r);
    if (p->format == OUTPUT_JSON && p->printed)
        fputs(",\n", p->file);
    if (p->format == OUTPUT_JSON || p->format == OUTPUT_JSONL)
        print_object(p->file, r, p->format == OUTPUT_JSON);
    if (p->format == OUTPUT_MD)
        print_row(p, r);
    p->printed++;
    fflush(p->file);
}

void print_footer(struct printer *p, const struct result *results, int count)
{
    if (p->format == OUTPUT_JSON)
        fputs(p->printed ? "\n]\n" : "[]\n", p->file);
    if (p->format == OUTPUT_MD && count) {
        putc('\n', p->file);
        print_limits(p->file, results, count);
        for (int i = 0; i < count; i++) {
            if (profiled(&results[i])) {
                char test[CELL_MAX];
                column_test(&results[i], test);
                profile_table(p->file, &results[i], test);
            }
        }
        fprintf(p->file, "\nbuild: %s (%" PRId64 ")\n", results->build_commit, results->build_number);
    }
    fflush(p->file);
}
