/* slm-eval as its users see it. */
#include "tool_run.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Weights that have lost little, and how far their perplexity may be from that of F32. */
static const struct {
    const char *model;
    double error;
} demo_models[] = {
    {"demo-model/demo-f16.gguf", 0.001},
    {"demo-model/demo-q8_0.gguf", 0.001},
    {"demo-model/demo-q4_k_m.gguf", 0.005},
};

START_TEST(test_perplexity)
{
#ifdef SANITIZED
    skip("eval_tool perplexity", "slow in a build with sanitizers");
    return;
#endif
    char *model = needs("eval_tool perplexity", demo_models[_i].model);
    if (!model)
        return;
    char *ids = needs("eval_tool perplexity", "demo-model/heldout.i32");
    struct result r = RUN(NULL, "slm-eval", "perplexity", "-m", model, "--ids", ids, "-o", "json", "-t", "1");
    expect_code(r, 0);
    cJSON *json = parse(r.out);
    double error = fabs(number(json, "perplexity") / 1.3714 - 1);
    ck_assert_msg(error <= demo_models[_i].error, "%s: perplexity %g", model, number(json, "perplexity"));
    ck_assert_int_eq((int)number(json, "window"), 256);
    ck_assert_int_eq((int)number(json, "tokens"), 48324 / 256 * 256);
    cJSON_Delete(json);
    release(r);
    free(model);
    free(ids);
}
END_TEST

/* A text is one sequence of tokens, whatever its form. */
START_TEST(test_perplexity_of_text)
{
    static const char text[] = "What is the capital of Spain? The capital of Spain is Madrid. What is the opposite of big?";
    struct result r = RUN(text, "slm-eval", "perplexity", "-m", "examples/models/demo-q8_0.gguf", "-f", "-", "-w", "8", "-b", "3");
    expect_code(r, 0);
    double perplexity = 0;
    ck_assert_int_eq(sscanf(r.out, "perplexity %lf", &perplexity), 1);
    ck_assert_msg(perplexity > 1 && perplexity < 1e6, "%s", r.out);
    release(r);
    r = RUN("a", "slm-eval", "perplexity", "-m", "examples/models/demo-q8_0.gguf", "-f", "-");
    expect_error(r, 3, "slm-eval: ", "a window needs 257");
    release(r);
}
END_TEST

START_TEST(test_logits)
{
    char *model = needs("eval_tool logits", "golden/llama-q8_0.gguf");
    if (!model)
        return;
    char *ids = needs("eval_tool logits", "golden/tokens.i32"), out[] = "/tmp/slm-test-XXXXXX";
    size_t size, want_size, first_size = 0;
    float *want = read_file(shared_path("golden/llama-q8_0.logits.f32"), &want_size), *first = NULL;
    close(mkstemp(out));
    static const char *const cuts[] = {"80", "1", "7", "512"};
    for (int c = 0; c < 4; c++) {
        struct result r = RUN(NULL, "slm-eval", "logits", "-m", model, "--ids", ids, "--out", out, "-b", cuts[c], "-t", c % 2 ? "1" : "2");
        expect_code(r, 0);
        ck_assert_str_eq(r.out, "");
        release(r);
        float *got = read_file(out, &size);
        ck_assert_int_eq((int)size, 80 * 288 * 4);
        ck_assert_int_eq((int)want_size, (int)size);
        double error = relative_rms(got, want, size / 4);
        ck_assert_msg(error <= 0.022, "-b %s: error %g", cuts[c], error);
        if (!first) {
            first = got;
            first_size = size;
        } else {
            ck_assert_msg(memcmp(got, first, first_size) == 0, "-b %s gives other bits", cuts[c]);
            free(got);
        }
    }
    struct result piped = RUN(NULL, "slm-eval", "logits", "-m", model, "--ids", ids, "--out", "-");
    expect_code(piped, 0);
    ck_assert(piped.out_length == first_size && memcmp(piped.out, first, first_size) == 0);
    release(piped);
    /* bad ids: no output is left */
    static const struct {
        int32_t ids[2];
        ssize_t bytes;
        const char *words;
    } bad[] = {{{1, 288}, 8, "id 1 is 288"}, {{-1, 0}, 8, "id 0 is -1"}, {{1, 2}, 7, "7 bytes"}, {{0, 0}, 0, "0 bytes"}};
    char file[] = "/tmp/slm-test-XXXXXX";
    int fd = mkstemp(file);
    unlink(out);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(pwrite(fd, bad[i].ids, (size_t)bad[i].bytes, 0), bad[i].bytes);
        struct result r = RUN(NULL, "slm-eval", "logits", "-m", model, "--ids", file, "--out", out);
        expect_error(r, 3, "slm-eval: ", bad[i].words);
        ck_assert_int_ne(access(out, F_OK), 0);
        release(r);
    }
    close(fd);
    unlink(file);
    struct result r = RUN(NULL, "slm-eval", "logits", "-m", model, "--ids", ids, "--out", "/dev/full");
    expect_error(r, 3, "slm-eval: ", "/dev/full: No space");
    ck_assert_int_eq(access("/dev/full", F_OK), 0);
    release(r);
    free(first);
    free(want);
    free(model);
    free(ids);
}
END_TEST

static const char *const vocabularies[] = {"llama-bpe", "llama-spm", "gpt-2", "smollm"};

START_TEST(test_tokenize)
{
    char name[64], out[] = "/tmp/slm-test-XXXXXX";
    snprintf(name, sizeof name, "vocab/%s.gguf", vocabularies[_i]);
    char *model = needs("eval_tool tokenize", name);
    if (!model)
        return;
    char *records = needs("eval_tool tokenize", "vocab/stress.txt");
    snprintf(name, sizeof name, "vocab/%s.stress.ids", vocabularies[_i]);
    size_t size, got_size;
    char *want = read_file(shared_path(name), &size);
    close(mkstemp(out));
    struct result r = RUN(NULL, "slm-eval", "tokenize", "-m", model, "--records", records, "--out", out, "-o", "json");
    expect_code(r, 0);
    cJSON *json = parse(r.out);
    ck_assert_int_eq((int)number(json, "records"), 150);
    cJSON_Delete(json);
    release(r);
    char *got = read_file(out, &got_size);
    ck_assert_msg(got_size == size && memcmp(got, want, size) == 0, "%s: other ids", vocabularies[_i]);
    unlink(out);
    free(got);
    free(want);
    free(model);
    free(records);
}
END_TEST

START_TEST(test_tokenize_special)
{
    static const char model[] = "examples/models/demo-q8_0.gguf";
    char in[] = "/tmp/slm-test-XXXXXX", out[] = "/tmp/slm-test-XXXXXX";
    int fd = mkstemp(in);
    ck_assert_int_eq(write(fd, "<|end|>\x1e\x1e<|end|>", 16), 16);
    close(fd);
    close(mkstemp(out));
    int ids[2] = {0};
    struct result r = RUN(NULL, "slm-eval", "tokenize", "-m", model, "--records", in, "--out", out, "--special");
    expect_code(r, 0);
    ck_assert_msg(strstr(r.err, "records 3"), "%s", r.err);
    release(r);
    size_t size;
    char *got = read_file(out, &size);
    ck_assert_msg(sscanf(got, "%d\n\n%d\n", &ids[0], &ids[1]) == 2 && ids[0] == ids[1], "%s", got);
    free(got);
    r = RUN(NULL, "slm-eval", "tokenize", "-m", model, "--records", in, "--out", out, "-q");
    expect_code(r, 0);
    ck_assert_str_eq(r.err, "");
    release(r);
    got = read_file(out, &size);
    ck_assert_msg(strchr(got, ' ') && atoi(got) != ids[0], "%s", got);
    free(got);
    unlink(in);
    unlink(out);
}
END_TEST

/* One text, from the command line or from standard input, to standard output. */
START_TEST(test_tokenize_text)
{
    static const char model[] = "examples/models/demo-q8_0.gguf";
    struct result typed = RUN(closed, "slm-eval", "tokenize", "-m", model, "-p", "the capital\x1e of Spain", "-q");
    expect_code(typed, 0);
    ck_assert_str_eq(typed.err, "");
    ck_assert_msg(strchr(typed.out, ' ') && strchr(typed.out, '\n') == typed.out + typed.out_length - 1, "%s", typed.out);
    struct result piped = RUN("the capital", "slm-eval", "tokenize", "-m", model, "-f", "-");
    expect_code(piped, 0);
    ck_assert_msg(strstr(piped.err, "records 1"), "%s", piped.err);
    ck_assert_msg(!strncmp(piped.out, typed.out, piped.out_length - 1) && typed.out_length > piped.out_length, "%s%s", piped.out, typed.out);
    release(piped);
    struct result r = RUN(NULL, "slm-eval", "tokenize", "-m", model, "-p", "the capital\x1e of Spain", "--out", "-");
    expect_text(r, typed.out);
    release(r);
    release(typed);
    r = RUN(NULL, "slm-eval", "tokenize", "-m", model, "-p", ""); /* no tokens */
    expect_text(r, "\n");
    release(r);
    const char *const command[] = {"slm-eval", "tokenize", "-m", model, "-p", "a", NULL};
    r = run_full(NULL, SINK_FULL, false, command);
    expect_error(r, 3, "slm-eval: ", "standard output: No space");
    release(r);
    r = run_full(NULL, SINK_PIPE, false, command);
    expect_code(r, 141);
    release(r);
}
END_TEST

/* Interrupted while they wait for the rest of their input. */
START_TEST(test_interrupt)
{
    static const char model[] = "examples/models/demo-q8_0.gguf";
    static const char *const commands[][10] = {{"slm-eval", "logits", "-m", model, "--ids", "-", "--out", "/dev/null"},
                                               {"slm-eval", "tokenize", "-m", model, "-f", "-"},
                                               {"slm-eval", "perplexity", "-m", model, "-f", "-"},
                                               {"slm-eval", "template", "--template", "-", "--cases", "x", "--case", "x"}};
    const char *path = tool_path("slm-eval");
    int ends[2], unread = 1, status;
    ck_assert(!pipe(ends) && write(ends[1], "x", 1) == 1);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], 0);
        execv(path, (char *const *)commands[_i]);
        _exit(127);
    }
    for (int i = 0; i < 20000 && unread; i++) {
        usleep(1000);
        ck_assert(!ioctl(ends[0], FIONREAD, &unread));
    }
    ck_assert(!kill(child, SIGINT) && waitpid(child, &status, 0) == child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 130, "%s: status %d", commands[_i][1], status);
}
END_TEST

Suite *suite_eval_tool(void)
{
    Suite *suite = suite_create("eval_tool");
    TCase *tc = tcase_create("eval_tool");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, test_perplexity, 0, 3);
    tcase_add_test(tc, test_perplexity_of_text);
    tcase_add_test(tc, test_logits);
    tcase_add_loop_test(tc, test_tokenize, 0, sizeof vocabularies / sizeof *vocabularies);
    tcase_add_test(tc, test_tokenize_special);
    tcase_add_test(tc, test_tokenize_text);
    tcase_add_loop_test(tc, test_interrupt, 0, 4);
    suite_add_tcase(suite, tc);
    return suite;
}
