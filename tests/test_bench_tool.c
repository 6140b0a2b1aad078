/* slm-bench as its users see it, and the options that it shares. */
#include "pty_run.h"

#include "slm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- pinning */

START_TEST(test_pin)
{
    struct result r = RUN(NULL, "slm-bench", "--topology");
    expect_code(r, 0);
    ck_assert_msg(strstr(r.out, "affinity mask: CPUs ") && strstr(r.out, "chosen: ") && strstr(r.out, "why: "), "%s", r.out);
    unsigned first;
    ck_assert_int_eq(sscanf(strstr(r.out, "affinity mask: CPUs "), "affinity mask: CPUs %u", &first), 1);
    release(r);
    char list[16], line[64];
    snprintf(list, sizeof list, "%u", first);
    snprintf(line, sizeof line, "affinity mask: CPUs %u (1)\n", first);
    r = RUN(NULL, "slm-bench", "--pin", list, "--topology"); /* the process is bound by then */
    expect_code(r, 0);
    ck_assert_msg(strstr(r.out, line) && strstr(r.out, "chosen: 1 thread"), "%s", r.out);
    release(r);
    r = RUN(NULL, "slm-run", "--pin", "auto", "-q", "--temp", "0", "-p", "What is the capital of Spain?");
    expect_text(r, "The capital of Spain is Madrid.\n");
    release(r);
    static const char *const wrong[] = {"", "x", "1-", "2-1", "-1", "0,", "0 ", "99999", "all"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        r = RUN(NULL, "slm-run", "--pin", wrong[i], "-p", "x");
        expect_error(r, 1, "slm-run: ", "--pin");
        release(r);
    }
}
END_TEST

/* ---- tests of requests and of several sequences */

START_TEST(test_requests)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "6,3", "-n", "2", "-np", "1,3", "--requests", "3", "-t", "1",
                          "-o", "json");
    expect_code(r, 0);
    cJSON *list = parse(r.out);
    ck_assert_int_eq(cJSON_GetArraySize(list), 4);
    for (int i = 0; i < 4; i++) {
        const cJSON *o = cJSON_GetArrayItem(list, i);
        int sequences = i < 2 ? 1 : 3;
        ck_assert_double_eq(number(o, "n_seq"), sequences);
        ck_assert_double_eq(number(o, "n_requests"), 3 * sequences);
        ck_assert_double_eq(number(o, "n_prompt"), i % 2 ? 3 : 6);
        ck_assert_double_eq(number(o, "n_gen"), 2);
        ck_assert_double_gt(number(o, "ttft_p50_ms"), 0);
        ck_assert_double_le(number(o, "ttft_p50_ms"), number(o, "ttft_max_ms"));
        ck_assert_double_gt(number(o, "itl_p50_ms"), 0);
        ck_assert_double_le(number(o, "itl_p95_ms"), number(o, "itl_p99_ms"));
        double whole = number(o, "median_ns") * 1e-6, rate = number(o, "median_ts");
        ck_assert_double_le(number(o, "ttft_p50_ms"), whole * 3); /* parts of the same requests */
        ck_assert_double_eq_tol(rate * whole * 1e-3, number(o, "n_seq") * (number(o, "n_prompt") + 2), 0.01);
    }
    cJSON_Delete(list);
    release(r);
}
END_TEST

/* Both types of the KV cache, in every combination, and the bytes that they make. */
START_TEST(test_cache_types)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "0", "-n", "2", "-d", "64", "-ctk", "f32,q8_0", "-ctv",
                          "q8_0", "-r", "1", "-t", "1", "--profile", "-o", "json");
    expect_code(r, 0);
    cJSON *list = parse(r.out);
    ck_assert_int_eq(cJSON_GetArraySize(list), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *o = cJSON_GetArrayItem(list, i);
        const cJSON *attention = cJSON_GetObjectItem(cJSON_GetObjectItem(o, "profile"), "attention");
        const double k = i ? 68 : 256, v = 72; /* bytes of 64 dimensions */
        ck_assert_str_eq(cJSON_GetObjectItem(o, "type_k")->valuestring, i ? "q8_0" : "f32");
        ck_assert_str_eq(cJSON_GetObjectItem(o, "type_v")->valuestring, "q8_0");
        ck_assert_double_eq(number(attention, "bytes"), 30 * 3 * (k + v) * (65 + 66));
        ck_assert_double_eq_tol(number(o, "fraction_of_bandwidth") * number(o, "read_gbps") * number(o, "median_ns"),
                                number(attention, "bytes") + 2 * number(o, "model_size"), 0.02 * 2 * number(o, "model_size"));
    }
    cJSON_Delete(list);
    release(r);
    r = RUN(NULL, "slm-bench", "-m", "absent.gguf", "-ctv", "f16,q4_0");
    expect_error(r, 1, "slm-bench: ", "-ctv takes auto, f32, f16 or q8_0, not \"q4_0\"");
    release(r);
}
END_TEST

START_TEST(test_parallel)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "4", "-n", "2", "-np", "3", "-d", "2", "-r", "1", "-t", "1",
                          "-b", "5");
    expect_code(r, 0);
    ck_assert_msg(strstr(r.out, "n_seq") && strstr(r.out, "each") && !strstr(r.out, "p99"), "%s", r.out);
    ck_assert_str_eq(r.err, ""); /* progress is for terminals */
    release(r);
    static const char *const wrong[][2] = {{"-np", "0"}, {"-np", "65537"}, {"-t", "1-2,1025"}, {"-b", "65537"}, {"-ub", "0"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) { /* before the model is opened */
        r = RUN(NULL, "slm-bench", "-m", "absent.gguf", wrong[i][0], wrong[i][1]);
        expect_error(r, 1, "slm-bench: ", wrong[i][0]);
        release(r);
    }
}
END_TEST

/* ---- --profile */

START_TEST(test_profile)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "4", "-n", "3", "-d", "10", "-np", "2", "-r", "1", "-t", "1",
                          "--profile", "-o", "json");
    expect_code(r, 0);
    cJSON *list = parse(r.out);
    ck_assert_int_eq(cJSON_GetArraySize(list), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *o = cJSON_GetArrayItem(list, i), *parts = cJSON_GetObjectItem(o, "profile"), *part;
        const double layers = 30, hidden = 576, kv_bytes = 3 * 64 * 2 * 2, passes = i ? 3 : 1, tokens = i ? 6 : 8;
        double seconds = 0, norms = 2 * layers * tokens;
        if (!i)
            norms -= tokens - 2; /* the last layer's second one, likewise */
        cJSON_ArrayForEach(part, parts)
            seconds += number(part, "seconds");
        ck_assert_int_eq(cJSON_GetArraySize(parts), 5);
        ck_assert_double_gt(number(cJSON_GetObjectItem(parts, "sampling"), "seconds"), 0);
        const cJSON *linear = cJSON_GetObjectItem(parts, "linear"), *attention = cJSON_GetObjectItem(parts, "attention");
        ck_assert_double_eq_tol(number(linear, "bytes"), passes * number(o, "model_size"), 0.02 * passes * number(o, "model_size"));
        ck_assert_double_eq_tol(number(linear, "operations"),
                                number(o, "fraction_of_peak") * number(o, "peak_int8_gops") * number(o, "median_ns"),
                                0.001 * number(linear, "operations"));
        ck_assert_double_gt(number(linear, "seconds"), 0.2 * seconds);
        double positions = i ? 2 * (11 + 12 + 13) : 2 * 14, pairs = i ? positions : 2 * (11 + 12 + 13 + 14);
        ck_assert_double_eq(number(attention, "bytes"), layers * positions * kv_bytes);
        const double last = i ? pairs : 2 * 14; /* of the last layer: only the tokens with logits */
        ck_assert_double_eq(number(attention, "operations"), ((layers - 1) * pairs + last) * 4 * hidden);
        ck_assert_double_eq(number(cJSON_GetObjectItem(parts, "norm"), "operations"), norms * hidden * 4);
    }
    cJSON_Delete(list);
    release(r);
}
END_TEST

/* ---- --plot */

START_TEST(test_plot)
{
    char file[] = "/tmp/slm-test-XXXXXX";
    close(mkstemp(file));
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "2", "-n", "1", "-d", "0,4,8", "-r", "1", "-t", "1", "--plot",
                          file);
    expect_code(r, 0);
    release(r);
    FILE *f = fopen(file, "r");
    char svg[32768] = "";
    ck_assert_uint_gt(fread(svg, 1, sizeof svg - 1, f), 0);
    fclose(f);
    unlink(file);
    int circles = 0, limits = 0;
    for (const char *at = svg; (at = strstr(at, "<circle")); at++)
        circles++;
    for (const char *at = svg; (at = strstr(at, "dasharray")); at++)
        limits++;
    ck_assert_int_eq(circles, 6); /* two panels of three depths */
    ck_assert_int_eq(limits, 2);
    ck_assert_msg(strncmp(svg, "<svg ", 5) == 0 && strstr(svg, "</svg>\n") && strstr(svg, "tokens in the context"), "%s", svg);
    ck_assert_msg(!strstr(svg, "nan") && !strstr(svg, "inf"), "%s", svg);
    r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "2", "-n", "0", "-r", "1", "-t", "1", "--plot", "/nowhere/x.svg");
    expect_error(r, 3, "slm-bench: ", "/nowhere/x.svg");
    ck_assert_str_eq(r.out, ""); /* told before anything was measured */
    release(r);
}
END_TEST

/* ---- what is asked for */

START_TEST(test_batches)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "9", "-n", "0", "-b", "8,4", "-ub", "2,6", "-r", "1", "-t",
                          "1", "-o", "json");
    static const int want[][2] = {{8, 2}, {8, 6}, {4, 2}, {4, 4}};
    expect_code(r, 0);
    cJSON *list = parse(r.out);
    ck_assert_int_eq(cJSON_GetArraySize(list), 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_double_eq(number(cJSON_GetArrayItem(list, i), "n_batch"), want[i][0]);
        ck_assert_double_eq(number(cJSON_GetArrayItem(list, i), "n_ubatch"), want[i][1]);
    }
    cJSON_Delete(list);
    release(r);
}
END_TEST

START_TEST(test_nothing_to_run)
{
    struct result r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "0", "-n", "0");
    expect_error(r, 1, "slm-bench: ", "nothing to run");
    release(r);
    r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "0", "--requests", "2");
    expect_error(r, 1, "slm-bench: ", "-p is 0");
    release(r);
    r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "--type", "Q8_0,Q9");
    expect_error(r, 1, "slm-bench: ", "Q4_K_M, F32");
    ck_assert_str_eq(r.out, ""); /* Q8_0 has not been measured */
    release(r);
    r = RUN(NULL, "slm-bench", "--fits", "8GiB", "--type", "nope");
    expect_error(r, 1, "slm-bench: ", "no weight type 'nope'");
    ck_assert_str_eq(r.out, "");
    release(r);
    r = RUN(NULL, "slm-bench", "--shape", "smollm2-135m", "-p", "0", "-n", "0", "-pg", "2147483647,2", "-d", "2147483647"); /* 1 << 32 */
    expect_error(r, 3, "slm-bench: ", "context is 4294967295 tokens");
    release(r);
}
END_TEST

/* The line with the progress: cut off at the edge of the terminal, and none where it could not be cleared. */
START_TEST(test_progress)
{
    static const char *const command[] = {"slm-bench", "-m", "examples/models/demo-q8_0.gguf", "-p", "1", "-n", "0", "-r", "1", "-t", "1", NULL};
    struct pty p = pty_start(NULL, command);
    pty_expect(&p, "\033[?7lprompt 1, generate 0, depth 0: 1 of 1");
    pty_expect(&p, "\033[?7h");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
    p = pty_start("TERM=dumb", command);
    ck_assert_int_eq(pty_end(&p), 0);
    ck_assert_msg(strstr(p.out, "pp1") && !strchr(p.out, '\033'), "%s", p.out);
    free(p.out);
}
END_TEST

/* ---- --fits */

/* Bytes that a random model needs with such a context. */
static uint64_t bytes_needed(const char *shape, uint32_t context)
{
    slm_model_options options = slm_model_options_default();
    slm_session_options wanted = slm_session_options_default();
    slm_model_info info = slm_model_info_default();
    slm_session_info session = slm_session_info_default();
    slm_model *model;
    size_t i = 0;
    while (strcmp(slm_shape_at(i)->name, shape))
        i++;
    options.vocab_only = true;
    wanted.context = context;
    wanted.threads = 1;
    wanted.type_k = "q8_0";
    ck_assert(!slm_model_random(slm_shape_at(i), "Q4_0", &options, &model, NULL));
    ck_assert(!slm_session_plan(model, &wanted, &session, NULL));
    slm_model_get_info(model, &info);
    slm_model_free(model);
    return info.weight_bytes + session.kv_bytes + session.buffer_bytes;
}

/* What fits is what a session takes: one page more would not. gemma-3-1b has sliding windows. */
START_TEST(test_fits_exactly)
{
    static const struct { const char *shape, *size; uint64_t bytes; } cases[] = {
        {"llama-3.2-1b", "1GB", 1000000000}, {"gemma-3-1b", "680MB", 680000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result r = RUN(NULL, "slm-bench", "--fits", cases[i].size, "--shape", cases[i].shape, "--type", "Q4_0", "-t", "1", "-ctk", "q8_0");
        expect_code(r, 0);
        const char *line = strstr(r.out, cases[i].shape);
        unsigned context;
        ck_assert_msg(line && sscanf(line, "%*s | Q4_0 | %*f | %*f | %u", &context) == 1, "%s", r.out);
        ck_assert_msg(bytes_needed(cases[i].shape, context) <= cases[i].bytes, "%s with %u does not fit", cases[i].shape, context);
        ck_assert_msg(bytes_needed(cases[i].shape, context + 64) > cases[i].bytes, "%s fits with more than %u", cases[i].shape, context);
        release(r);
    }
}
END_TEST

START_TEST(test_fits)
{
    struct result r = RUN(NULL, "slm-bench", "--fits", "2GiB", "--shape", "llama-3.2-1b,mistral-7b", "--type", "Q4_0", "-t", "1");
    expect_code(r, 0);
    const char *small = strstr(r.out, "| llama-3.2-1b "), *large = strstr(r.out, "| mistral-7b ");
    ck_assert_msg(small && large && !strstr(r.out, "smollm2"), "%s", r.out);
    double gib, kv, context, prefill, empty;
    ck_assert_int_eq(sscanf(small, "| llama-3.2-1b | Q4_0 | %lf | %lf | %lf | %lf | %lf", &gib, &kv, &context, &prefill, &empty), 5);
    ck_assert_double_eq_tol(kv, 32, 0.05); /* 16 layers, 8 heads, 64 + 64 values of 2 bytes, 1024 tokens */
    ck_assert_double_le(gib + context / 1024 * kv / 1024, 2.01);
    ck_assert_double_ge(gib + (context + 128) / 1024 * kv / 1024, 1.99);
    ck_assert(prefill > 0 && empty > 0);
    ck_assert_int_eq(sscanf(large, "| mistral-7b | Q4_0 | %lf | %lf | %lf", &gib, &kv, &context), 2); /* does not fit: "-" */
    release(r);
    static const char *const wrong[] = {"eight", "8", "1kB"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        r = RUN(NULL, "slm-bench", "--fits", wrong[i]);
        expect_error(r, 1, "slm-bench: ", "--fits");
        release(r);
    }
    r = run_full(NULL, SINK_FULL, false, (const char *const[]){"slm-bench", "--fits", "2GiB", "-t", "1", NULL});
    expect_error(r, 3, "slm-bench: ", "No space left");
    release(r);
}
END_TEST

/* ---- comparing files */

/* A file of results with these times of one test, in an array or by lines; each list of times is a run, on a machine that reads so
 * much. */
static char *results_on(double gbps, bool array, int prompt, const char *const *runs)
{
    static char names[8][32];
    static int next;
    char *name = names[next++ % 8];
    strcpy(name, "/tmp/slm-test-XXXXXX");
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    FILE *f = fdopen(fd, "w");
    fputs(array ? "[" : "", f);
    for (int i = 0; runs[i]; i++)
        fprintf(f, "%s{\"build_commit\": \"c\", \"model_type\": \"m\", \"isa\": \"avx2\", \"n_threads\": 2, \"n_batch\": 512, "
                "\"n_prompt\": %d, \"n_gen\": 0, \"n_depth\": 0, \"read_gbps\": %g, \"samples_ns\": [%s]}\n", array && i ? "," : "", prompt,
                gbps, runs[i]);
    fputs(array ? "]\n" : "", f);
    fclose(f);
    return name;
}

static char *results_file(bool array, int prompt, const char *const *runs)
{
    return results_on(30, array, prompt, runs);
}

static void expect_verdict(const char *a, const char *b, const char *verdict)
{
    struct result r = RUN(NULL, "slm-bench", "--compare", a, b);
    expect_code(r, 0);
    ck_assert_msg(strstr(r.out, verdict), "%s", r.out);
    release(r);
}

START_TEST(test_compare)
{
    char *fast = results_file(true, 512, (const char *const[]){"100, 101, 99, 100, 100", NULL});
    char *slow = results_file(false, 512, (const char *const[]){"200, 202, 198, 200, 200", NULL});
    struct result r = RUN(NULL, "slm-bench", "--compare", fast, slow);
    if (strstr(r.err, "needs cJSON")) {
        skip("test_compare", "this build has no cJSON");
        release(r);
        return;
    }
    release(r);
    expect_verdict(fast, slow, "b is 50.0 % slower");
    expect_verdict(slow, fast, "2.000 (1.9");
    expect_verdict(slow, fast, "b is 100.0 % faster");
    expect_verdict(fast, fast, "no difference");
    /* what the machine lost is not held against b */
    char *same = results_on(14, false, 512, (const char *const[]){"200, 202, 198, 200, 200", NULL});
    expect_verdict(fast, same, "no difference");
    unlink(same);
    same = results_on(25, false, 512, (const char *const[]){"200, 202, 198, 200, 200", NULL});
    expect_verdict(fast, same, "b is 50.0 % slower");
    unlink(same);
    /* pairs drift together: only as pairs are they told apart */
    char *a = results_file(false, 512, (const char *const[]){"100, 100, 900", "150", "200", "300", NULL});
    char *b = results_file(true, 512, (const char *const[]){"110", "166", "219", "331", NULL});
    expect_verdict(a, b, "% slower");
    unlink(b);
    b = results_file(false, 512, (const char *const[]){"110, 166, 219, 331", NULL});
    expect_verdict(a, b, "no difference");
    unlink(a);
    a = results_file(false, 128, (const char *const[]){"1", NULL});
    r = RUN(NULL, "slm-bench", "--compare", a, fast);
    expect_error(r, 3, "slm-bench: ", "no test in common");
    release(r);
    expect_verdict(a, a, "one sample");
    r = RUN(NULL, "slm-bench", "--compare", "/dev/null", a);
    expect_error(r, 3, "slm-bench: ", "holds no results");
    release(r);
    r = RUN(NULL, "slm-bench", "--compare", a);
    expect_error(r, 1, "slm-bench: ", "two files");
    release(r);
    unlink(a);
    unlink(b);
    unlink(fast);
    unlink(slow);
}
END_TEST

/* An interrupt while tests of hours remain ends the tool. (It may come before the prompt begins, so this does not show that prompts go in pieces.) */
START_TEST(test_interrupt)
{
    struct result r = run_full(NULL, SINK_FILE, true, (const char *const[]){"slm-bench", "-m", "examples/models/demo-q8_0.gguf", "-p", "4,400000",
                                                                            "-n", "0", "-r", "1", "-b", "64", "-t", "1", NULL});
    expect_code(r, 130);
    release(r);
}
END_TEST

Suite *suite_bench_tool(void)
{
    Suite *suite = suite_create("bench_tool");
    TCase *tc = tcase_create("bench_tool");
    tcase_add_test(tc, test_pin);
    tcase_add_test(tc, test_profile);
    tcase_add_test(tc, test_plot);
    tcase_add_test(tc, test_batches);
    tcase_add_test(tc, test_nothing_to_run);
    tcase_add_test(tc, test_progress);
    tcase_add_test(tc, test_fits);
    tcase_add_test(tc, test_fits_exactly);
    tcase_add_test(tc, test_compare);
    tcase_add_test(tc, test_interrupt);
    tcase_add_test(tc, test_requests);
    tcase_add_test(tc, test_cache_types);
    tcase_add_test(tc, test_parallel);
    suite_add_tcase(suite, tc);
    return suite;
}
