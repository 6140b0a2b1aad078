#include "plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 800, PANEL = 360, LEFT = 76, RIGHT = 270, TOP = 46, BOTTOM = 54, SERIES_MAX = 24 };

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};

/* What an x axis can show. */
static const struct axis {
    const char *title;
    size_t offset;
} axes[] = {
    {"tokens in the context before the test", offsetof(struct result, n_depth)},
    {"tokens computed at once (batch)", offsetof(struct result, n_ubatch)},
    {"threads", offsetof(struct result, n_threads)},
    {"sequences computed together", offsetof(struct result, n_seq)},
    {"tokens of the prompt", offsetof(struct result, n_prompt)},
    {"tokens generated", offsetof(struct result, n_gen)},
};
enum { AXES = sizeof axes / sizeof *axes };

static double on_axis(const struct result *r, const struct axis *axis)
{
    return (double)*(const int64_t *)((const char *)r + axis->offset);
}

/* ------------------------------------------------------------------ panels and series */

struct panel {
    const struct result **points;
    int count;
    const struct axis *axis;
    double top;                 /* of the picture */
    double x_low, x_high, y_high;
    bool logarithmic;           /* x */
};

/* What the test could reach at most: the lower of the two limits. 0 if none was measured. */
static double limit_of(const struct result *r)
{
    double most = fmax(r->fraction_of_peak, r->fraction_of_bandwidth);
    return most > 0 ? r->median_ts / most : 0;
}

static bool generates(const struct result *r)
{
    return r->n_gen > 0;
}

/* All but what is on the axis is the same. */
static bool same_series(const struct result *a, const struct result *b, const struct axis *axis)
{
    for (int i = 0; i < AXES; i++)
        if (&axes[i] != axis && on_axis(a, &axes[i]) != on_axis(b, &axes[i]))
            return false;
    return !strcmp(a->model_filename, b->model_filename) && !strcmp(a->model_type, b->model_type) && !strcmp(a->isa, b->isa) &&
           !strcmp(a->type_k, b->type_k) && !strcmp(a->type_v, b->type_v);
}

static const struct axis *varied(const struct panel *p)
{
    for (int i = 0; i < AXES; i++)
        for (int j = 1; j < p->count; j++)
            if (on_axis(p->points[j], &axes[i]) != on_axis(p->points[0], &axes[i]))
                return &axes[i];
    return &axes[0];
}

/* 1, 2 or 5 times a power of ten, so that about `steps` of them reach `high`. */
static double tick_step(double high, int steps)
{
    double power = pow(10, floor(log10(high / steps))), times = high / steps / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static void scale_panel(struct panel *p)
{
    p->axis = varied(p);
    p->x_low = INFINITY;
    for (int i = 0; i < p->count; i++) {
        double x = on_axis(p->points[i], p->axis);
        p->x_low = fmin(p->x_low, x);
        p->x_high = fmax(p->x_high, x);
        p->y_high = fmax(p->y_high, fmax(p->points[i]->median_ts, limit_of(p->points[i])));
    }
    p->logarithmic = p->x_low > 0 && p->x_high / p->x_low >= 8;
    if (p->y_high <= 0)
        p->y_high = 1;
    double step = tick_step(p->y_high, 6);
    p->y_high = ceil(p->y_high / step) * step;
}

/* ------------------------------------------------------------------ drawing */

static double x_at(const struct panel *p, double x)
{
    double low = p->x_low, high = p->x_high;
    if (p->logarithmic) {
        x = log(x);
        low = log(low);
        high = log(high);
    }
    double part = high > low ? (x - low) / (high - low) : 0.5;
    return LEFT + 16 + part * (WIDTH - LEFT - RIGHT - 32);
}

static double y_at(const struct panel *p, double y)
{
    return p->top + PANEL - BOTTOM - y / p->y_high * (PANEL - TOP - BOTTOM);
}

static void text(FILE *f, double x, double y, const char *anchor, const char *what)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *what; what++)
        fputs(*what == '<' ? "&lt;" : *what == '>' ? "&gt;" : *what == '&' ? "&amp;" : (char[]){*what, 0}, f);
    fputs("</text>\n", f);
}

static void draw_axes(FILE *f, const struct panel *p, const char *title)
{
    char label[64];
    double bottom = y_at(p, 0), right = WIDTH - RIGHT, step = tick_step(p->y_high, 6);
    for (int i = 0; i * step <= p->y_high * 1.0001; i++) {
        fprintf(f, "<path d=\"M%d %.1fH%.1f\" stroke=\"#ddd\"/>\n", LEFT, y_at(p, i * step), right);
        snprintf(label, sizeof label, "%.6g", i * step);
        text(f, LEFT - 6, y_at(p, i * step) + 4, "end", label);
    }
    fprintf(f, "<path d=\"M%d %.1fV%.1fH%.1f\" fill=\"none\" stroke=\"#000\"/>\n", LEFT, y_at(p, p->y_high), bottom, right);
    double used = -INFINITY;
    for (double last = -INFINITY;;) { /* a tick at every value that was measured, where there is room for its label */
        double next = INFINITY;
        for (int i = 0; i < p->count; i++) {
            double x = on_axis(p->points[i], p->axis);
            if (x > last && x < next)
                next = x;
        }
        if (next == INFINITY)
            break;
        last = next;
        fprintf(f, "<path d=\"M%.1f %.1fv5\" stroke=\"#000\"/>\n", x_at(p, next), bottom);
        if (x_at(p, next) - used < 40)
            continue;
        used = x_at(p, next);
        snprintf(label, sizeof label, "%.0f", next);
        text(f, used, bottom + 18, "middle", label);
    }
    text(f, (LEFT + right) / 2, bottom + 38, "middle", p->axis->title);
    fprintf(f, "<g font-weight=\"bold\">\n");
    text(f, LEFT, p->top + TOP - 16, "start", title);
    fprintf(f, "</g>\n");
}

static int by_x(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* points: x, y, limit. `what` 1: the speeds, 2: the limits. */
static void draw_line(FILE *f, const struct panel *p, double (*points)[3], int count, int what, const char *colour)
{
    fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", colour, what == 2 ? " stroke-dasharray=\"6 4\" opacity=\"0.7\"" : "");
    for (int i = 0; i < count; i++)
        fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', x_at(p, points[i][0]), y_at(p, points[i][what]));
    if (count == 1) /* a dash, so that a limit of one point is seen */
        fprintf(f, "m-12 0h24");
    fputs("\"/>\n", f);
    for (int i = 0; what == 1 && i < count; i++)
        fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x_at(p, points[i][0]), y_at(p, points[i][1]), colour);
}

/* "llama 1.2B Q4_0, avx2, pp512, 2 threads": what is not on the axis. */
static void series_name(const struct result *r, const struct axis *axis, char *name, size_t room)
{
    static const char *const before[AXES] = {", d", ", b", ", ", ", ", ", pp", ", tg"};
    static const char *const after[AXES] = {"", "", " thr.", " seq.", "", ""};
    int used = snprintf(name, room, "%.40s", r->model_type);
    for (int i = AXES - 1; i >= 0 && used < (int)room; i--) {
        double value = on_axis(r, &axes[i]);
        bool usual = value == 0 || (i == 1 && value == 512) || (i == 3 && value == 1);
        if (&axes[i] != axis && !usual)
            used += snprintf(name + used, room - (size_t)used, "%s%.0f%s", before[i], value, after[i]);
    }
}

static void draw_panel(FILE *f, struct panel *p, const char *title)
{
    double (*points)[3] = malloc((size_t)p->count * sizeof *points);
    bool *drawn = calloc((size_t)p->count, sizeof *drawn);
    scale_panel(p);
    draw_axes(f, p, title);
    for (int i = 0, series = 0; points && drawn && i < p->count && series < SERIES_MAX; i++) {
        const struct result *first = p->points[i];
        int count = 0;
        if (drawn[i])
            continue;
        for (int j = i; j < p->count; j++) {
            if (drawn[j] || !same_series(first, p->points[j], p->axis))
                continue;
            drawn[j] = true;
            points[count][0] = on_axis(p->points[j], p->axis);
            points[count][1] = p->points[j]->median_ts;
            points[count++][2] = limit_of(p->points[j]);
        }
        qsort(points, (size_t)count, sizeof *points, by_x);
        const char *colour = colours[(size_t)series % (sizeof colours / sizeof *colours)];
        draw_line(f, p, points, count, 2, colour);
        draw_line(f, p, points, count, 1, colour);
        char name[160];
        double y = p->top + TOP + 4 + 18 * series++;
        series_name(first, p->axis, name, sizeof name);
        fprintf(f, "<path d=\"M%d %.1fh20\" stroke=\"%s\" stroke-width=\"3\"/>\n", WIDTH - RIGHT + 10, y - 4, colour);
        text(f, WIDTH - RIGHT + 36, y, "start", name);
    }
    free(points);
    free(drawn);
}

void plot_svg(FILE *f, const struct result *results, int count)
{
    struct panel panels[2] = {{.count = 0}, {.count = 0}};
    const struct result **points = malloc(2 * ((size_t)count + 1) * sizeof *points);
    if (!points)
        return;
    for (int i = 0; i < 2; i++)
        panels[i].points = points + i * (count + 1);
    for (int i = 0; i < count; i++) {
        struct panel *p = &panels[generates(&results[i])];
        p->points[p->count++] = &results[i];
    }
    int height = PANEL * ((panels[0].count > 0) + (panels[1].count > 0)) + 30;
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
            "font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", WIDTH, height, WIDTH, height);
    static const char *const titles[] = {"Prefill, tokens per second", "Decoding, tokens per second"};
    double top = 0;
    for (int i = 0; i < 2; i++) {
        if (!panels[i].count)
            continue;
        panels[i].top = top;
        draw_panel(f, &panels[i], titles[i]);
        top += PANEL;
    }
    char note[400];
    if (count) {
        snprintf(note, sizeof note, "dashed: the speed that the measured limits allow. %.200s, %.60s, build %.40s", results->cpu_info,
                 results->isa, results->build_commit);
        text(f, LEFT, height - 12, "start", note);
    }
    fputs("</svg>\n", f);
    free(points);
}
