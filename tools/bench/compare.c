#include "compare.h"
#include "../cli.h"
#include "result.h"

#include <math.h>
#include <stdlib.h>
#ifdef SLM_CJSON
#include <cjson/cJSON.h>
#endif

/* ------------------------------------------------------------------ statistics */

/* The value that Student's t with so many degrees of freedom (at least 1) exceeds in 2.5 of 100 cases. Abramowitz and Stegun 1964,
 * 26.7.5, is exact to 0.1 % from 10 on; below, the table is, and between its values the straight line is a little too large. */
static double student(double freedom)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
    if (freedom < 10) {
        int below = freedom > 1 ? (int)freedom - 1 : 0;
        return table[below] + (fmax(freedom, 1) - 1 - below) * (table[below + 1] - table[below]);
    }
    const double z = 1.959964, z3 = z * z * z, z5 = z3 * z * z;
    return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom);
}

struct moments {
    double mean, variance_of_mean;
    double freedom;
};

static struct moments moments(const double *values, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double freedom = (double)count - 1;
    return (struct moments){mean, count > 1 ? squares / freedom / (double)count : 0, freedom};
}

static struct ratio interval(double difference, double variance, double freedom)
{
    double reach = student(freedom) * sqrt(variance);
    return (struct ratio){exp(difference), exp(difference - reach), exp(difference + reach), true};
}

struct ratio compare_times(const double *a, size_t a_count, const double *b, size_t b_count, bool paired)
{
    struct ratio unknown = {.ratio = 1};
    double *logs = a_count && b_count ? malloc((a_count + b_count) * sizeof *logs) : NULL;
    if (!logs)
        return unknown;
    for (size_t i = 0; i < a_count; i++)
        logs[i] = log(a[i]);
    for (size_t i = 0; i < b_count; i++)
        logs[a_count + i] = log(b[i]);
    struct moments x = moments(logs, a_count), y = moments(logs + a_count, b_count);
    struct ratio result = unknown;
    result.ratio = exp(x.mean - y.mean);
    if (a_count > 1 && b_count > 1 && paired) {
        for (size_t i = 0; i < a_count; i++)
            logs[i] -= logs[a_count + i];
        struct moments d = moments(logs, a_count);
        result = interval(d.mean, d.variance_of_mean, d.freedom);
    } else if (a_count > 1 && b_count > 1) {
        double u = x.variance_of_mean, v = y.variance_of_mean, both = u + v;
        double freedom = both > 0 ? both * both / (u * u / x.freedom + v * v / y.freedom) : x.freedom + y.freedom;
        result = interval(x.mean - y.mean, both, freedom);
    }
    free(logs);
    return result;
}

struct ratio compare_widen(struct ratio r, double slowest, double fastest)
{
    r.low /= fmax(fastest, 1);
    r.high /= fmin(slowest, 1);
    return r;
}

/* ------------------------------------------------------------------ files */

#ifdef SLM_CJSON
/* One JSON array, or one object for each line; NULL after a failure that has been reported. */
static cJSON *read_results(const char *path)
{
    size_t size;
    char *text = cli_read_file(path, &size);
    if (!text)
        return NULL;
    cJSON *list = cJSON_ParseWithOpts(text, NULL, true);
    if (!cJSON_IsArray(list)) {
        cJSON_Delete(list);
        list = cJSON_CreateArray();
        const char *at = text + strspn(text, " \t\r\n");
        while (list && *at) {
            cJSON *object = cJSON_ParseWithOpts(at, &at, false);
            if (!cJSON_IsObject(object) || !cJSON_AddItemToArray(list, object)) {
                cJSON_Delete(object);
                cJSON_Delete(list);
                list = NULL;
                break;
            }
            at += strspn(at, " \t\r\n");
        }
    }
    free(text);
    const cJSON *object;
    cJSON_ArrayForEach(object, list) {
        if (cJSON_IsObject(object) && cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(object, "samples_ns")))
            continue;
        cJSON_Delete(list);
        list = NULL;
        break;
    }
    if (!list || !cJSON_GetArraySize(list)) {
        cli_error("%s: holds no results; write them with slm-bench -o json or -o jsonl", cli_input_name(path));
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

/* What makes two results the same test. */
static const char *const identity[] = {"model_filename", "model_type", "isa", "type_k", "type_v", "n_batch", "n_ubatch", "n_threads", "n_prompt",
                                       "n_gen", "n_depth", "n_seq", "n_requests"};

static bool same_test(const cJSON *a, const cJSON *b)
{
    for (size_t i = 0; i < sizeof identity / sizeof *identity; i++) {
        const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, identity[i]), *y = cJSON_GetObjectItemCaseSensitive(b, identity[i]);
        if (x && y && !cJSON_Compare(x, y, true)) /* a key that an older program did not write says nothing */
            return false;
    }
    return true;
}

/* Times of a test in a list, to be freed: the repetitions, or if there are several runs of it the median of each. */
static double *times_of(const cJSON *list, const cJSON *test, size_t *count, bool *several)
{
    size_t room = 1, runs = 0;
    const cJSON *object, *sample;
    *count = 0;
    *several = false;
    cJSON_ArrayForEach(object, list)
        room += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, "samples_ns"));
    double *times = malloc(room * sizeof *times), *medians = malloc(room * sizeof *medians);
    if (!times || !medians) {
        free(times);
        free(medians);
        return NULL;
    }
    cJSON_ArrayForEach(object, list) {
        int samples = 0;
        if (!same_test(object, test))
            continue;
        cJSON_ArrayForEach(sample, cJSON_GetObjectItemCaseSensitive(object, "samples_ns"))
            if (cJSON_IsNumber(sample) && sample->valuedouble > 0)
                times[*count + (size_t)samples++] = sample->valuedouble;
        if (samples)
            medians[runs++] = median(times + *count, samples);
        *count += (size_t)samples;
    }
    if (runs < 2) {
        free(medians);
        return times;
    }
    free(times);
    *several = true;
    *count = runs;
    return medians;
}

/* The median of a number that every run of the test has recorded, 0 if none has. */
static double typical(const cJSON *list, const cJSON *test, const char *key)
{
    double *values = malloc((size_t)cJSON_GetArraySize(list) * sizeof *values);
    int count = 0;
    const cJSON *object;
    cJSON_ArrayForEach(object, list) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
        if (values && cJSON_IsNumber(value) && value->valuedouble > 0 && same_test(object, test))
            values[count++] = value->valuedouble;
    }
    const double middle = median(values, count);
    free(values);
    return middle;
}

/* Where runs were not taken in turns, the machine itself may have changed between them. Its limits, measured beside each, tell how much:
 * the least and the greatest factor. */
static struct ratio allow_for_machine(struct ratio r, const cJSON *a, const cJSON *b, const cJSON *test)
{
    static const char *const limits[] = {"peak_int8_gops", "read_gbps"};
    double slowest = 1, fastest = 1;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const double x = typical(a, test, limits[i]), y = typical(b, test, limits[i]);
        if (x > 0 && y > 0) {
            slowest = fmin(slowest, y / x);
            fastest = fmax(fastest, y / x);
        }
    }
    return compare_widen(r, slowest, fastest);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "?";
}

static int number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valueint : 0;
}

static void print_test(FILE *out, const cJSON *test)
{
    char name[256];
    int prompt = number_of(test, "n_prompt"), gen = number_of(test, "n_gen"), sequences = number_of(test, "n_seq"), used;
    used = snprintf(name, sizeof name, "%.80s, %.20s, %d thread%s, batch %d:", text_of(test, "model_type"), text_of(test, "isa"),
                    number_of(test, "n_threads"), number_of(test, "n_threads") == 1 ? "" : "s", number_of(test, "n_batch"));
    if (prompt)
        used += snprintf(name + used, sizeof name - (size_t)used, " pp%d", prompt);
    if (gen)
        used += snprintf(name + used, sizeof name - (size_t)used, " tg%d", gen);
    used += snprintf(name + used, sizeof name - (size_t)used, " @ d%d", number_of(test, "n_depth"));
    if (sequences > 1)
        snprintf(name + used, sizeof name - (size_t)used, ", %d sequences", sequences);
    fprintf(out, "%-64s ", name);
}

static void print_verdict(FILE *out, struct ratio r)
{
    if (!r.known)
        fprintf(out, "%.3f: one sample tells no difference from noise\n", r.ratio);
    else if (r.low <= 1 && r.high >= 1)
        fprintf(out, "%.3f (%.3f to %.3f): no difference\n", r.ratio, r.low, r.high);
    else
        fprintf(out, "%.3f (%.3f to %.3f): b is %.1f %% %s\n", r.ratio, r.low, r.high, 100 * fabs(r.ratio - 1),
                r.ratio > 1 ? "faster" : "slower");
}

static bool seen_before(const cJSON *test)
{
    for (const cJSON *at = test->prev; at->next; at = at->prev) /* the first one's prev is the last one */
        if (same_test(at, test))
            return true;
    return false;
}

int compare_files(FILE *out, const char *a_path, const char *b_path)
{
    cJSON *a = read_results(a_path), *b = a ? read_results(b_path) : NULL;
    int compared = 0, code = CLI_OK;
    bool in_turns = true;
    const cJSON *test;
    if (!b) {
        cJSON_Delete(a);
        return CLI_FAILED;
    }
    fprintf(out, "a: %s, build %s\nb: %s, build %s\nspeed of b over a, and where it lies with 95 %% confidence:\n\n", a_path,
            text_of(a->child, "build_commit"), b_path, text_of(b->child, "build_commit"));
    cJSON_ArrayForEach(test, a) {
        size_t a_count, b_count;
        bool a_several, b_several;
        if (seen_before(test))
            continue;
        double *x = times_of(a, test, &a_count, &a_several), *y = times_of(b, test, &b_count, &b_several);
        if (x && y && a_count && b_count) {
            const bool paired = a_several && b_several && a_count == b_count;
            const struct ratio r = compare_times(x, a_count, y, b_count, paired);
            print_test(out, test);
            print_verdict(out, paired || !r.known ? r : allow_for_machine(r, a, b, test));
            in_turns &= paired;
            compared++;
        }
        free(x);
        free(y);
    }
    cJSON_Delete(a);
    cJSON_Delete(b);
    if (compared && !in_turns)
        fputs("\nNot taken in turns: the intervals include what the machine's own limits changed by. benchmarks/ab.sh tells finer.\n", out);
    if (!compared) {
        cli_error("%s and %s have no test in common", a_path, b_path);
        code = CLI_FAILED;
    }
    return ferror(out) || fflush(out) ? cli_write_failed("standard output") : code;
}
#else
int compare_files(FILE *out, const char *a_path, const char *b_path)
{
    (void)out;
    (void)a_path;
    (void)b_path;
    cli_error("--compare needs cJSON, which this build lacks: install libcjson-dev and build again");
    return CLI_FAILED;
}
#endif
