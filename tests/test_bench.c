#include "../tools/bench/compare.h"
#include "../tools/bench/fits.h"
#include "../tools/bench/list.h"
#include "../tools/bench/print.h"
#include "tests.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <slm.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ lists */

static void check_list(const char *text, int count, const int *want)
{
    struct list list = {.count = 0};
    char problem[256] = "";
    ck_assert_msg(list_parse(&list, text, 0, INT_MAX, problem, sizeof problem), "%s", problem);
    ck_assert_int_eq(list.count, count);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(list.values[i], want[i]);
}

START_TEST(lists)
{
    check_list("0", 1, (int[]){0});
    check_list("512", 1, (int[]){512});
    check_list("1,2,4", 3, (int[]){1, 2, 4});
    check_list("1-4", 4, (int[]){1, 2, 3, 4});
    check_list("1-8+3", 3, (int[]){1, 4, 7});
    check_list("1-64*2", 7, (int[]){1, 2, 4, 8, 16, 32, 64});
    check_list("7-7", 1, (int[]){7});
    check_list("3,8-10,100-1000*10", 6, (int[]){3, 8, 9, 10, 100, 1000});
    check_list("2147483646-2147483647", 2, (int[]){2147483646, 2147483647});
    check_list("1-2147483647*2000000000", 2, (int[]){1, 2000000000});
}
END_TEST

START_TEST(lists_refused)
{
    static const char *const texts[] = {"",     ",",      "1,",   ",1",    "-1",     "1-",     "1-2-3", "1-8+",  "1-8+0",       "1-8*1",
                                        "0-8*2", "8-1",   "1x",   "x",     " 1",     "1 ",     "1.5",   "1-8/2", "2147483648",  "0x10",
                                        "1-2+-1", "1-1000", "+1", "1,,2",  "99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct list list = {.count = 0};
        char problem[256] = "";
        ck_assert_msg(!list_parse(&list, texts[i], 0, INT_MAX, problem, sizeof problem), "'%s' is taken", texts[i]);
        ck_assert_msg(*problem && !strchr(problem, '\n'), "'%s' gives '%s'", texts[i], problem);
        ck_assert_int_le(list.count, LIST_MAX);
    }
    struct list list = {.count = 0};
    char problem[256];
    ck_assert(!list_parse(&list, "0", 1, INT_MAX, problem, sizeof problem));
    ck_assert(!list_parse(&list, "4,0", 1, INT_MAX, problem, sizeof problem));
    ck_assert(!list_parse(&list, "8-9", 1, 8, problem, sizeof problem));
    ck_assert(list_parse(&list, "8,1-9*8", 1, 8, problem, sizeof problem));
}
END_TEST

/* ------------------------------------------------------------------ statistics and output */

enum { SAMPLES = 3 };

static struct result example(void)
{
    struct result r = {.build_commit = "abc", .cpu_info = "a \"quoted\" \\ name, with a comma", .gpu_info = "", .backends = "CPU",
                       .model_filename = "m.gguf", .model_type = strdup("llama 1.2B Q4_0"), .model_size = (int64_t)1 << 31,
                       .model_n_params = 1235814400, .n_batch = 512, .n_threads = 2, .type_k = "f16", .type_v = "f16",
                       .n_prompt = 100, .n_seq = 1, .ttft_p50_ms = NAN, .isa = "avx2", .test_time = strdup("2026-01-01T00:00:00Z"), .peak_int8_gops = 500,
                       .fraction_of_peak = 0.625, .read_gbps = 40, .fraction_of_bandwidth = 0.25, .samples = SAMPLES};
    r.samples_ns = malloc(SAMPLES * sizeof *r.samples_ns);
    r.samples_ns[0] = 1000000000;
    r.samples_ns[1] = 4000000000;
    r.samples_ns[2] = 2000000000;
    result_summarize(&r);
    return r;
}

START_TEST(statistics)
{
    double values[] = {3, 1, 2, 10};
    ck_assert_double_eq(median(values, 4), 2.5);
    ck_assert_double_eq(median(values, 1), 1); /* sorted by now */
    ck_assert_double_eq(median(values, 0), 0);
    struct result r = example();
    ck_assert_int_eq(r.avg_ns, 2333333333);
    ck_assert_int_eq(r.stddev_ns, 1527525231);
    ck_assert_int_eq(r.median_ns, 2000000000);
    ck_assert_double_eq_tol(r.avg_ts, (100 + 25 + 50) / 3.0, 1e-9);
    ck_assert_double_eq_tol(r.stddev_ts, 38.188130791, 1e-6);
    ck_assert_double_eq_tol(r.median_ts, 50, 1e-9);
    result_free(&r);
}
END_TEST

START_TEST(latencies)
{
    struct result r = {.n_seq = 1};
    double first[101], between[2] = {3, 1};
    for (int i = 0; i <= 100; i++)
        first[i] = 100 - i;
    result_latencies(&r, first, 101, between, 2);
    ck_assert_double_eq(r.ttft_p50_ms, 50);
    ck_assert_double_eq(r.ttft_p95_ms, 95);
    ck_assert_double_eq(r.ttft_p99_ms, 99);
    ck_assert_double_eq(r.ttft_max_ms, 100);
    ck_assert_double_eq(r.itl_p50_ms, 2);
    ck_assert_double_eq_tol(r.itl_p95_ms, 2.9, 1e-12);
    ck_assert_double_eq(r.itl_max_ms, 3);
    result_latencies(&r, first, 1, NULL, 0);
    ck_assert_double_eq(r.ttft_p99_ms, 0);
    ck_assert(isnan(r.itl_p50_ms) && isnan(r.itl_max_ms));
    r.n_gen = 10;
    r.n_seq = 4;
    ck_assert_double_eq(result_rate(&r, 1e9), 40);
}
END_TEST

START_TEST(sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1", 1}, {"8GiB", (uint64_t)8 << 30}, {"8G", (uint64_t)8 << 30}, {"1.5MiB", 3 << 19}, {"500MB", 500000000},
                {"2KiB", 2048}, {"3kB", 3000}, {"1TB", 1000000000000}};
    static const char *const bad[] = {"", "0", "GiB", "8 GiB", "8GiBs", "8Gb", "-1", "8X", "inf", "1e300", "0x10"};
    uint64_t bytes;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[16];
        strcpy(text, good[i].text);
        ck_assert_msg(fits_parse(text, &bytes), "%s", text);
        ck_assert_uint_eq(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!fits_parse(bad[i], &bytes), "%s is taken", bad[i]);
}
END_TEST

/* Without weights a random model has the same sizes. */
START_TEST(sizes_only)
{
    const slm_shape shape = {.name = "tiny", .architecture = "llama", .layers = 2, .embedding = 64, .heads = 4, .kv_heads = 2,
                             .head_dim = 16, .feed_forward = 128, .vocab = 100, .tied = true, .rope_base = 10000};
    slm_model_info info[2] = {slm_model_info_default(), slm_model_info_default()};
    for (int i = 0; i < 2; i++) {
        slm_model_options options = slm_model_options_default();
        options.vocab_only = i == 1;
        slm_model *model;
        slm_session *session;
        slm_error err;
        ck_assert_msg(!slm_model_random(&shape, "Q4_0", &options, &model, &err), "%s", err.message);
        slm_model_get_info(model, &info[i]);
        ck_assert_int_eq(slm_session_new(model, NULL, &session, &err), i ? SLM_INVALID : SLM_OK);
        slm_session_free(session);
        slm_model_free(model);
    }
    ck_assert_uint_gt(info[1].weight_bytes, 0);
    ck_assert_uint_eq(info[1].weight_bytes, info[0].weight_bytes);
    ck_assert_uint_eq(info[1].decode_bytes, info[0].decode_bytes);
    ck_assert_uint_eq(info[1].layer_parameters, info[0].layer_parameters);
    ck_assert_uint_eq(info[1].kv_bytes_per_token, info[0].kv_bytes_per_token);
    ck_assert_uint_eq(info[0].late_parameters, 64 * 64 + 3 * 64 * 128); /* the last layer's, without queries, keys and values */
    ck_assert_uint_eq(info[1].late_parameters, info[0].late_parameters);
}
END_TEST

/* About N(0, 1). */
static double normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(test_random(state) % 65536) / 65536;
    return sum;
}

/* Of comparisons of equal things one in twenty may find a difference, of different ones nearly all. */
START_TEST(verdicts)
{
    enum { TIMES = 4000, EACH = 5 };
    uint64_t state = test_seed();
    int equal = 0, different = 0;
    for (int n = 0; n < TIMES; n++) {
        double a[EACH], b[EACH], slower[EACH];
        for (int i = 0; i < EACH; i++) {
            const double drift = n % 2 ? 0 : 0.2 * normal(&state); /* every other time in turns on a machine that changes */
            a[i] = exp(5 + drift + 0.02 * normal(&state));
            b[i] = exp(5 + drift + 0.02 * normal(&state));
            slower[i] = 1.1 * b[i];
        }
        const struct ratio r = compare_times(a, EACH, b, EACH, n % 2 == 0);
        const struct ratio s = compare_times(a, EACH, slower, EACH, n % 2 == 0);
        equal += r.low > 1 || r.high < 1;
        different += s.high < 1;
    }
    ck_assert_msg(equal > TIMES * 0.03 && equal < TIMES * 0.07, "%d of %d are found to be different", equal, TIMES);
    ck_assert_msg(different > TIMES * 0.95, "only %d of %d are found to be different", different, TIMES);
}
END_TEST

START_TEST(comparison)
{
    static const double a[] = {10, 11, 10, 11}, b[] = {5, 5.5, 5, 5.5}, noise[] = {10.2, 10.9, 10.8, 10.1};
    struct ratio r = compare_times(a, 4, b, 4, false);
    ck_assert(r.known);
    ck_assert_double_eq_tol(r.ratio, 2, 1e-12);
    /* both sides: standard deviation log(1.1)/sqrt(3), 6 degrees of freedom, t = 2.447 */
    ck_assert_double_eq_tol(r.low, 2 * exp(-2.447 * log(1.1) / sqrt(6.0)), 1e-9);
    ck_assert_double_eq_tol(r.high, 2 * exp(2.447 * log(1.1) / sqrt(6.0)), 1e-9);
    r = compare_times(a, 4, b, 4, true); /* every pair has the same ratio */
    ck_assert_double_eq_tol(r.low, 2, 1e-12);
    ck_assert_double_eq_tol(r.high, 2, 1e-12);
    r = compare_times(a, 4, noise, 4, false);
    ck_assert(r.known && r.low < 1 && r.high > 1);
    r = compare_times(a, 1, b, 4, false);
    ck_assert(!r.known);
    ck_assert(!compare_times(a, 0, b, 4, false).known);
    r = compare_widen((struct ratio){2, 1.5, 2.5, true}, 0.5, 1.25); /* b's machine may have been half as fast, or faster by a quarter */
    ck_assert_double_eq_tol(r.low, 1.2, 1e-12);
    ck_assert_double_eq_tol(r.high, 5, 1e-12);
    ck_assert_double_eq_tol(r.ratio, 2, 1e-12);
    double many[60], slower[60]; /* 1 % apart, 2 % of noise: told apart with 60 samples, not with 6 */
    for (int i = 0; i < 60; i++) {
        many[i] = i % 2 ? 100 : 104;
        slower[i] = many[i] * 1.01;
    }
    r = compare_times(many, 60, slower, 60, false);
    ck_assert_double_eq_tol(r.ratio, 1 / 1.01, 1e-12);
    ck_assert(r.high < 1);
    r = compare_times(many, 6, slower, 6, false);
    ck_assert(r.low < 1 && r.high > 1);
}
END_TEST

/* Prints results (none to two) in a format; free the text. */
static char *print(enum output_format format, int count)
{
    char *text;
    size_t length;
    struct result r = example();
    struct printer printer = {.file = open_memstream(&text, &length), .format = format};
    for (int i = 0; i < count; i++)
        print_result(&printer, &r);
    struct result both[] = {r, r};
    print_footer(&printer, both, count);
    fclose(printer.file);
    result_free(&r);
    return text;
}

enum { FIELDS = 40 }; /* of result.h; JSON has the two lists of samples besides */

/* One result, as it should be. */
static void check_object(const cJSON *object)
{
    ck_assert_int_eq(cJSON_GetArraySize(object), FIELDS + 2);
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(object, "cpu_info")), "a \"quoted\" \\ name, with a comma");
    ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(object, "model_size")), 2147483648.0);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(object, "ttft_p50_ms")));
    ck_assert_double_eq_tol(cJSON_GetNumberValue(cJSON_GetObjectItem(object, "avg_ts")), 175 / 3.0, 1e-6);
    ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(object, "fraction_of_peak")), 0.625);
    const cJSON *samples = cJSON_GetObjectItem(object, "samples_ns");
    ck_assert_int_eq(cJSON_GetArraySize(samples), SAMPLES);
    ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetArrayItem(samples, 1)), 4e9);
    ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetArrayItem(cJSON_GetObjectItem(object, "samples_ts"), 1)), 25);
}

START_TEST(output_json)
{
    for (int count = 0; count <= 2; count++) {
        char *text = print(OUTPUT_JSON, count);
        cJSON *list = cJSON_ParseWithOpts(text, NULL, true);
        ck_assert_msg(cJSON_IsArray(list), "%s", text);
        ck_assert_int_eq(cJSON_GetArraySize(list), count);
        const cJSON *object;
        cJSON_ArrayForEach(object, list)
            check_object(object);
        cJSON_Delete(list);
        free(text);
    }
}
END_TEST

START_TEST(output_jsonl)
{
    char *text = print(OUTPUT_JSONL, 2), *line = text;
    for (int i = 0; i < 2; i++) {
        char *end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        *end = 0;
        cJSON *object = cJSON_ParseWithOpts(line, NULL, true);
        ck_assert_msg(object, "%s", line);
        check_object(object);
        cJSON_Delete(object);
        line = end + 1;
    }
    ck_assert_str_eq(line, "");
    free(text);
}
END_TEST

/* Columns of a line of CSV. */
static int columns(const char *line)
{
    int count = 1;
    bool quoted = false;
    for (; *line && *line != '\n'; line++) {
        quoted ^= *line == '"';
        count += *line == ',' && !quoted;
    }
    ck_assert(!quoted);
    return count;
}

START_TEST(output_csv)
{
    char *text = print(OUTPUT_CSV, 2), *line = text;
    int lines = 0;
    for (; *line; line = strchr(line, '\n') + 1, lines++)
        ck_assert_int_eq(columns(line), FIELDS);
    ck_assert_int_eq(lines, 3);
    ck_assert_int_eq(strncmp(text, "build_commit,build_number,cpu_info,", 35), 0);
    ck_assert_ptr_nonnull(strstr(text, "\"a \"\"quoted\"\" \\ name, with a comma\""));
    free(text);
}
END_TEST

START_TEST(output_md)
{
    char *text = print(OUTPUT_MD, 2);
    int bars[4] = {0};
    const char *line = text;
    for (int i = 0; i < 4; i++, line = strchr(line, '\n') + 1)
        for (const char *c = line; *c != '\n'; c++)
            bars[i] += *c == '|';
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(bars[i], 10);
    ck_assert_ptr_nonnull(strstr(text, "| llama 1.2B Q4_0                |   2.00 GiB |     1.24 B | CPU        |       2 |"));
    ck_assert_ptr_nonnull(strstr(text, "|           pp100 |        58.33 ± 38.19 |   62.5 % |   25.0 % |"));
    ck_assert_ptr_nonnull(strstr(text, "avx2, 2 threads: int8 peak 500.0 Gop/s, read 40.0 GB/s\n"));
    free(text);
}
END_TEST

/* ------------------------------------------------------------------ tiers, limits */

START_TEST(tiers)
{
    slm_error err = {.status = SLM_OK};
    ck_assert_str_eq(slm_isa_at(0), "scalar");
    ck_assert_str_eq(slm_isa("scalar", &err), "scalar");
    ck_assert_ptr_null(slm_isa("sse9", &err));
    ck_assert_int_eq(err.status, SLM_UNSUPPORTED);
    ck_assert_msg(strstr(err.message, "sse9") && strstr(err.message, "scalar"), "%s", err.message);
    setenv("SLM_ISA", "scalar", 1);
    ck_assert_str_eq(slm_isa(NULL, &err), "scalar");
    setenv("SLM_ISA", "sse9", 1);
    ck_assert_ptr_null(slm_isa(NULL, &err));
    ck_assert_msg(strstr(err.message, "SLM_ISA"), "%s", err.message);
    unsetenv("SLM_ISA");
    ck_assert_ptr_nonnull(slm_isa(NULL, &err));

    size_t slots = 0;
    bool linear = false;
    for (const char *slot, *function; slm_kernel_at("scalar", slots, &slot, &function); slots++) {
        ck_assert_msg(function && strstr(function, "_ref"), "%s: %s", slot, function ? function : "empty");
        linear |= strcmp(slot, "linear.Q4_0") == 0;
    }
    ck_assert(linear);
    ck_assert_uint_gt(slots, 20);
    const char *slot, *function;
    ck_assert(!slm_kernel_at("sse9", 0, &slot, &function));
}
END_TEST

START_TEST(machine_limits)
{
    slm_limits *limits;
    slm_error err = {.status = SLM_OK};
    for (int threads = 0; threads <= 2; threads++) {
        ck_assert_msg(!slm_limits_new(NULL, threads, &limits, &err), "%s", err.message);
        ck_assert_double_gt(slm_limits_int8_gops(limits, 0.01), 0.1);
        double read = slm_limits_read_gbps(limits, 0.01);
        ck_assert_msg(read > 0.01 && read < 1e4, "%g GB/s", read);
        slm_limits_free(limits);
    }
    ck_assert_int_eq(slm_limits_new("sse9", 1, &limits, &err), SLM_UNSUPPORTED);
    ck_assert_ptr_null(limits);
    ck_assert_int_eq(slm_limits_new(NULL, 1, NULL, NULL), SLM_INVALID);
    slm_limits_free(NULL);
}
END_TEST

Suite *suite_bench(void)
{
    Suite *suite = suite_create("bench");
    TCase *tool = tcase_create("tool");
    tcase_add_test(tool, lists);
    tcase_add_test(tool, lists_refused);
    tcase_add_test(tool, statistics);
    tcase_add_test(tool, latencies);
    tcase_add_test(tool, sizes);
    tcase_add_test(tool, sizes_only);
    tcase_add_test(tool, comparison);
    tcase_add_test(tool, verdicts);
    tcase_add_test(tool, output_json);
    tcase_add_test(tool, output_jsonl);
    tcase_add_test(tool, output_csv);
    tcase_add_test(tool, output_md);
    suite_add_tcase(suite, tool);
    TCase *library = tcase_create("library");
    tcase_add_test(library, tiers);
    tcase_add_test(library, machine_limits);
    suite_add_tcase(suite, library);
    return suite;
}
