#include "result.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, int n)
{
    if (n == 0)
        return 0;
    qsort(values, (size_t)n, sizeof *values, compare);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* Of n sorted values, the one below which the fraction p lies, by linear interpolation between neighbours. NAN if n is 0. */
static double percentile(const double *sorted, int n, double p)
{
    if (n == 0)
        return NAN;
    double at = p * (n - 1);
    int below = (int)at;
    return below + 1 < n ? sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]) : sorted[n - 1];
}

void result_latencies(struct result *r, double *first, int firsts, double *between, int betweens)
{
    if (firsts) /* else there may be no array */
        qsort(first, (size_t)firsts, sizeof *first, compare);
    if (betweens)
        qsort(between, (size_t)betweens, sizeof *between, compare);
    r->ttft_p50_ms = percentile(first, firsts, 0.50);
    r->ttft_p95_ms = percentile(first, firsts, 0.95);
    r->ttft_p99_ms = percentile(first, firsts, 0.99);
    r->ttft_max_ms = percentile(first, firsts, 1);
    r->itl_p50_ms = percentile(between, betweens, 0.50);
    r->itl_p95_ms = percentile(between, betweens, 0.95);
    r->itl_p99_ms = percentile(between, betweens, 0.99);
    r->itl_max_ms = percentile(between, betweens, 1);
}

/* Mean and, over n - 1, standard deviation. */
static void spread(const double *values, int n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    *mean = n ? sum / n : 0;
    for (int i = 0; i < n; i++)
        squares += (values[i] - *mean) * (values[i] - *mean);
    *deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

double result_rate(const struct result *r, double ns)
{
    return ns > 0 ? 1e9 * (double)((r->n_prompt + r->n_gen) * r->n_seq) / ns : 0;
}

void result_summarize(struct result *r)
{
    double *values = calloc((size_t)r->samples + 1, sizeof *values), mean, deviation;
    if (!values)
        return;
    for (int i = 0; i < r->samples; i++)
        values[i] = result_rate(r, (double)r->samples_ns[i]);
    spread(values, r->samples, &r->avg_ts, &r->stddev_ts);
    for (int i = 0; i < r->samples; i++)
        values[i] = (double)r->samples_ns[i];
    spread(values, r->samples, &mean, &deviation);
    r->avg_ns = (int64_t)mean;
    r->stddev_ns = (int64_t)deviation;
    double middle = median(values, r->samples);
    r->median_ns = (int64_t)middle;
    r->median_ts = result_rate(r, middle);
    free(values);
}

void result_free(struct result *r)
{
    free(r->samples_ns);
    free((char *)r->model_type);
    free((char *)r->test_time);
}
