/* The tools as their users see them: built programs, command lines, exit codes, what stands on standard output and error. */
#include "tool_run.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __has_feature /* clang */
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

/* A path in ../shared that lives as long as the test; NULL after a skip. */
static char *needs(const char *test, const char *name)
{
    const char *path = shared_path(name);
    if (!path)
        skip(test, name);
    return path ? strdup(path) : NULL;
}

/* ---- slm-run with the built-in model: always */

START_TEST(test_demo)
{
    struct result r = RUN(NULL, "slm-run", "--temp", "0", "-p", "What is the capital of Spain?");
    expect_text(r, "The capital of Spain is Madrid.\n");
    ck_assert_msg(strstr(r.err, "tok/s") && strstr(r.err, "load"), "no summary: %s", r.err);
    release(r);
    r = RUN(NULL, "slm-run", "--temp", "0", "-q", "-p", "What is the capital of Spain?");
    expect_text(r, "The capital of Spain is Madrid.\n");
    ck_assert_str_eq(r.err, "");
    release(r);
    r = RUN(NULL, "slm-run", "--version");
    expect_code(r, 0);
    ck_assert_str_eq(r.err, "");
    release(r);
}
END_TEST

START_TEST(test_prompt_sources)
{
    static const char question[] = "What is the opposite of big?\n", answer[] = "The opposite of big is small.\n";
    char file[] = "/tmp/slm-test-XXXXXX";
    int fd = mkstemp(file);
    ck_assert_int_eq(write(fd, question, sizeof question - 1), sizeof question - 1);
    close(fd);
    struct result r = RUN(question, "slm-run", "-q", "--temp=0");
    expect_text(r, answer);
    release(r);
    r = RUN("something else", "slm-run", "-q", "--temperature", "0", "-f", file);
    expect_text(r, answer);
    release(r);
    r = RUN(closed, "slm-run", "-q", "--temp", "0", "--file", file);
    expect_text(r, answer);
    release(r);
    r = RUN(closed, "slm-run", "-q", "--temp", "0", "--prompt", "What is the opposite of big?");
    expect_text(r, answer);
    release(r);
    r = RUN(question, "slm-run", "-q", "--temp", "0", "-f", "-");
    expect_text(r, answer);
    release(r);
    r = RUN("ab\n\n", "slm-run", "-q", "-n", "0", "--no-chat"); /* one line break less; the prompt is printed */
    expect_text(r, "ab\n");
    release(r);
    r = RUN(NULL, "slm-run", "-q");
    expect_error(r, 1, "slm-run: ", "the prompt is empty");
    release(r);
    r = RUN(closed, "slm-run", "-q");
    expect_error(r, 3, "slm-run: ", "standard input");
    release(r);
    unlink(file);
}
END_TEST

START_TEST(test_forms)
{
    /* By hand, what the chat form does; and special tokens in a question are only text. */
    static const char form[] = "<|endoftext|><|user|>What is the capital of Spain?<|end|><|assistant|>";
    struct result r = RUN(NULL, "slm-run", "-q", "--temp", "0", "--no-chat", "--special", "-p", form);
    expect_code(r, 0);
    ck_assert_int_eq(strncmp(r.out, form, strlen(form)), 0);
    ck_assert_str_eq(r.out + strlen(form), "The capital of Spain is Madrid.");
    release(r);
    r = RUN(NULL, "slm-run", "-q", "--temp", "0", "--no-chat", "--special", "-n", "0", "-o", "json", "-p", form);
    expect_code(r, 0);
    cJSON *by_hand = parse(r.out);
    release(r);
    r = RUN(NULL, "slm-run", "-q", "--temp", "0", "-n", "0", "-o", "json", "-p", "What is the capital of Spain?");
    expect_code(r, 0);
    cJSON *by_form = parse(r.out);
    release(r);
    const cJSON *a = cJSON_GetObjectItem(by_hand, "prompt_tokens"), *b = cJSON_GetObjectItem(by_form, "prompt_tokens");
    ck_assert_msg(cJSON_GetArraySize(a) > 5 && cJSON_Compare(a, b, true), "the chat form has other tokens");

    static const char *const prompts[] = {"a<|end|><|assistant|>b", "a"};
    int counts[2][2];
    for (int p = 0; p < 2; p++) {
        for (int special = 0; special < 2; special++) {
            r = RUN(NULL, "slm-run", "-q", "-n", "0", "-o", "json", "-p", prompts[p], special ? "--special" : "-q");
            expect_code(r, 0);
            cJSON *json = parse(r.out);
            counts[p][special] = cJSON_GetArraySize(cJSON_GetObjectItem(json, "prompt_tokens"));
            cJSON_Delete(json);
            release(r);
        }
    }
    ck_assert_int_eq(counts[1][0], counts[1][1]);
    ck_assert_int_eq(counts[0][1], counts[1][1] + 3);   /* <|end|>, <|assistant|>, b */
    ck_assert_int_gt(counts[0][0], counts[0][1] + 4);   /* spelled out */
    cJSON_Delete(by_hand);
    cJSON_Delete(by_form);
}
END_TEST

START_TEST(test_json)
{
    struct result r = RUN(NULL, "slm-run", "-o", "json", "--temp", "0", "-p", "What is the opposite of big?");
    expect_code(r, 0);
    cJSON *json = parse(r.out);
    ck_assert_str_eq(string(json, "text"), "The opposite of big is small.");
    ck_assert_str_eq(string(json, "finish_reason"), "stop");
    const cJSON *timings = cJSON_GetObjectItem(json, "timings");
    int prompt = cJSON_GetArraySize(cJSON_GetObjectItem(json, "prompt_tokens"));
    int tokens = cJSON_GetArraySize(cJSON_GetObjectItem(json, "tokens"));
    ck_assert_int_eq((int)number(timings, "prefill_tokens"), prompt);
    ck_assert_int_eq((int)number(timings, "decode_tokens"), tokens - 1);
    ck_assert(number(timings, "load_seconds") > 0 && number(timings, "prefill_seconds") > 0 && number(timings, "decode_seconds") > 0);
    ck_assert(fabs(number(timings, "decode_tokens_per_second") * number(timings, "decode_seconds") - (tokens - 1)) < 1e-3);
    ck_assert(fabs(number(timings, "prefill_tokens_per_second") * number(timings, "prefill_seconds") - prompt) < 1e-3);
    cJSON_Delete(json);
    release(r);

    r = RUN(NULL, "slm-run", "-o", "json", "--temp", "0", "-n", "3", "-p", "What is the opposite of big?");
    expect_code(r, 0);
    json = parse(r.out);
    ck_assert_str_eq(string(json, "finish_reason"), "length");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "tokens")), 3);
    cJSON_Delete(json);
    release(r);

    char room[16];
    snprintf(room, sizeof room, "%d", prompt + 2);
    r = RUN(NULL, "slm-run", "-o", "json", "--temp", "0", "-c", room, "-p", "What is the opposite of big?");
    expect_code(r, 0);
    ck_assert_msg(strstr(r.err, "context"), "silent about the full context: %s", r.err);
    json = parse(r.out);
    ck_assert_str_eq(string(json, "finish_reason"), "context");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "tokens")), 3);
    cJSON_Delete(json);
    release(r);

    /* bytes that are no UTF-8 in a file's name, and controls and quotes in the text */
    r = RUN("a\"b\\c\x01\n\t\xff", "slm-run", "-q", "-o", "json", "-n", "20", "--temp", "5", "--top-k", "0", "--top-p", "1", "--min-p",
            "0", "--no-chat");
    expect_code(r, 0);
    cJSON_Delete(parse(r.out));
    for (const unsigned char *s = (unsigned char *)r.out; *s; s++)
        ck_assert_msg(*s >= 0x20 || *s == '\n', "control character %d", *s);
    release(r);
}
END_TEST

/* Each option reaches the sampler. */
START_TEST(test_sampling_options)
{
    char *texts[6];
    static const char *const seeds[] = {"0", "0", "7", "7", "8", "-1"};
    for (int i = 0; i < 6; i++) {
        struct result r = RUN(NULL, "slm-run", "-q", "-s", seeds[i], "-n", "40", "--no-chat", "--temp", "3", "--top-k", "0", "--top-p", "1",
                              "--min-p", "0", "-p", "The");
        expect_code(r, 0);
        texts[i] = strdup(r.out);
        release(r);
    }
    ck_assert_str_eq(texts[0], texts[1]);
    ck_assert_str_eq(texts[2], texts[3]);
    for (int i = 2; i < 6; i += i == 2 ? 2 : 1)
        ck_assert_str_ne(texts[0], texts[i]);
    ck_assert_str_ne(texts[2], texts[4]);
    for (int i = 0; i < 6; i++)
        free(texts[i]);

    static const char *const greedy[][2] = {{"--top-k", "1"}, {"--top-p", "0"}, {"--min-p", "1"}, {"--temp", "0"}};
    for (int i = 0; i < 4; i++) {
        struct result r = RUN(NULL, "slm-run", "-q", "--temp", "5", greedy[i][0], greedy[i][1], "-p", "What is the capital of Spain?");
        expect_text(r, "The capital of Spain is Madrid.\n");
        release(r);
    }
    static const char *const changes[][2] = {
        {"--repeat-penalty", "50"}, {"--presence-penalty", "50"}, {"--frequency-penalty", "50"}};
    for (int i = 0; i < 3; i++) {
        struct result r = RUN(NULL, "slm-run", "-q", "-n", "30", "--temp", "0", changes[i][0], changes[i][1], "-p", "What is 20 minus 8?");
        expect_code(r, 0);
        ck_assert_msg(strcmp(r.out, "20 minus 8 is 12.\n") != 0, "%s does nothing", changes[i][0]);
        release(r);
        r = RUN(NULL, "slm-run", "-q", "-n", "30", "--temp", "0", changes[i][0], changes[i][1], "--repeat-last-n", "0", "-p",
                "What is 20 minus 8?");
        expect_text(r, "20 minus 8 is 12.\n");
        release(r);
    }

    struct result r = RUN(NULL, "slm-run", "-q", "-n", "1", "-o", "json", "--temp", "0", "-p", "What is the capital of Spain?");
    cJSON *json = parse(r.out);
    int first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tokens"), 0)->valueint;
    cJSON_Delete(json);
    release(r);
    char bias[32];
    snprintf(bias, sizeof bias, "%d-inf", first);
    r = RUN(NULL, "slm-run", "-q", "-n", "1", "-o", "json", "--temp", "0", "--logit-bias", bias, "-p", "What is the capital of Spain?");
    json = parse(r.out);
    ck_assert_int_ne(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tokens"), 0)->valueint, first);
    cJSON_Delete(json);
    release(r);
}
END_TEST

START_TEST(test_output_closed)
{
    static const struct {
        enum sink sink;
        int code;
        const char *words;
    } cases[] = {{SINK_CLOSED, 3, "Bad file descriptor"}, {SINK_FULL, 3, "No space"}, {SINK_PIPE, 141, ""}};
    static const char *const text[] = {"slm-run", "-q", "-p", "Who are you?", NULL};
    static const char *const raw[] = {"slm-run", "-q", "-p", "Who are you?", "--no-chat", NULL};
    static const char *const json[] = {"slm-run", "-q", "-p", "Who are you?", "-o", "json", NULL};
    static const char *const help[] = {"slm-run", "--help", NULL};
    static const char *const *const commands[] = {text, raw, json, help};
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < 4; i++) {
            struct result r = run_full(NULL, cases[c].sink, false, commands[i]);
            ck_assert_msg(r.code == cases[c].code, "case %zu, command %zu: exit code %d: %s", c, i, r.code, r.err);
            ck_assert_msg(strstr(r.err, cases[c].words), "case %zu, command %zu: %s", c, i, r.err);
            release(r);
        }
    }
}
END_TEST

START_TEST(test_interrupt)
{
    /* Without its end tokens the model goes on for long. */
    struct result r = RUN(NULL, "slm-run", "-q", "-n", "0", "-o", "json", "--no-chat", "--special", "-p", "<|end|>");
    expect_code(r, 0);
    cJSON *json = parse(r.out);
    const cJSON *ids = cJSON_GetObjectItem(json, "prompt_tokens");
    ck_assert_int_eq(cJSON_GetArraySize(ids), 2);
    char bos[32], end[32];
    snprintf(bos, sizeof bos, "%d-inf", cJSON_GetArrayItem(ids, 0)->valueint);
    snprintf(end, sizeof end, "%d-inf", cJSON_GetArrayItem(ids, 1)->valueint);
    cJSON_Delete(json);
    release(r);
    const char *const command[] = {"slm-run", "--temp", "0", "-c", "100000", "--logit-bias", bos, "--logit-bias", end,
                                   "-p",      "Who are you?", NULL};
    r = run_full(NULL, SINK_FILE, true, command);
    expect_code(r, 130);
    ck_assert_int_gt((int)r.out_length, 1);
    ck_assert_int_eq(r.out[r.out_length - 1], '\n');
    ck_assert_msg(strstr(r.err, "decode"), "no summary: %s", r.err);
    release(r);
}
END_TEST

/* ---- command lines that make no sense */

static const struct {
    const char *arguments[10];
    int code;
    const char *words;
} refusals[] = {
    {{"slm-run", "-p", "x", "--foo"}, 1, "no option --foo"},
    {{"slm-run", "-p", "x", "-n"}, 1, "-n needs a value"},
    {{"slm-run", "-p", "x", "-n", "ten"}, 1, "-n takes a whole number"},
    {{"slm-run", "-p", "x", "-n", "1.5"}, 1, "-n takes a whole number"},
    {{"slm-run", "-p", "x", "-n", "-2"}, 1, "-n takes a whole number"},
    {{"slm-run", "-p", "x", "-n", ""}, 1, "-n takes a whole number"},
    {{"slm-run", "-p", "x", "-n", "99999999999999999999"}, 1, "-n takes a whole number"},
    {{"slm-run", "-p", "x", "-b", "0"}, 1, "-b takes a whole number from 1"},
    {{"slm-run", "-p", "x", "-t", "-1"}, 1, "-t takes a whole number"},
    {{"slm-run", "-p", "x", "--temp", "-1"}, 1, "--temp takes a number from 0"},
    {{"slm-run", "-p", "x", "--temp", "nan"}, 1, "--temp takes a number"},
    {{"slm-run", "-p", "x", "--temp=inf"}, 1, "--temp takes a number"},
    {{"slm-run", "-p", "x", "--top-p", "1.5"}, 1, "--top-p takes a number from 0 to 1"},
    {{"slm-run", "-p", "x", "--min-p", "2"}, 1, "--min-p takes"},
    {{"slm-run", "-p", "x", "--repeat-penalty", "0"}, 1, "--repeat-penalty takes"},
    {{"slm-run", "-p", "x", "-s", "-2"}, 1, "-s takes"},
    {{"slm-run", "-p", "x", "--no-chat=1"}, 1, "--no-chat takes no value"},
    {{"slm-run", "-p", "x", "-o", "xml"}, 1, "-o takes text or json"},
    {{"slm-run", "-p", "x", "word"}, 1, "unexpected argument \"word\""},
    {{"slm-run", "-p", "x", "-f", "y"}, 1, "-p and -f"},
    {{"slm-run", "-qp", "x"}, 1, "no option -qp"},
    {{"slm-run", "-q", "-p", "x", "--logit-bias", "5"}, 1, "--logit-bias takes"},
    {{"slm-run", "-q", "-p", "x", "--logit-bias", "5+"}, 1, "--logit-bias takes"},
    {{"slm-run", "-q", "-p", "x", "--logit-bias", "-5+1"}, 1, "--logit-bias takes"},
    {{"slm-run", "-q", "-p", "x", "--logit-bias", "5+nan"}, 1, "--logit-bias takes"},
    {{"slm-run", "-q", "-p", "x", "--logit-bias", "9999999+1"}, 1, "tokens go from 0 to"},
    {{"slm-run", "-f", "/nonexistent/prompt"}, 3, "/nonexistent/prompt: No such file"},
    {{"slm-run", "-f", "/"}, 3, "directory"},
    {{"slm-run", "-p", "x", "-m", "/nonexistent/model.gguf"}, 2, "/nonexistent/model.gguf"},
    {{"slm-run", "-p", "x", "-m", "/dev/null"}, 2, "/dev/null"},
    {{"slm-run", "-p", "x", "-m", "Makefile"}, 2, "Makefile"},
    {{"slm-run", "-q", "-p", "one two three four", "-c", "3"}, 3, "context"},
    {{"slm-eval"}, 1, "give a command"},
    {{"slm-eval", "weigh"}, 1, "no command \"weigh\""},
    {{"slm-eval", "logits", "--ids", "x", "--out", "y"}, 1, "logits needs -m FILE"},
    {{"slm-eval", "logits", "-m", "x", "--out", "y"}, 1, "logits needs --ids FILE"},
    {{"slm-eval", "tokenize", "-m", "x", "--out", "y"}, 1, "tokenize needs --records FILE"},
    {{"slm-eval", "tokenize", "-m", "x", "--records", "y"}, 1, "tokenize needs --out FILE"},
    {{"slm-eval", "perplexity", "-m", "x"}, 1, "one of --ids FILE and -f FILE"},
    {{"slm-eval", "perplexity", "-m", "x", "--window", "0"}, 1, "--window takes"},
    {{"slm-eval", "perplexity", "-m", "x", "-w", "5", "--out"}, 1, "no option --out"},
    {{"slm-eval", "perplexity", "-m", "/nonexistent.gguf", "-f", "x"}, 2, "/nonexistent.gguf"},
    {{"slm-eval", "template", "--template", "x", "--cases", "x"}, 1, "--case NAME"},
    {{"slm-eval", "template", "--template", "/nonexistent.jinja", "--cases", "x", "--case", "x"}, 3, "/nonexistent.jinja"},
    {{"slm-eval", "template", "--template", "Makefile", "--cases", "tests/template_cases.json", "--case", "it's"}, 3, "no case \"it's\""},
};

START_TEST(test_refusal)
{
    struct result r = run_full(NULL, SINK_FILE, false, refusals[_i].arguments);
    expect_error(r, refusals[_i].code, refusals[_i].arguments[0], refusals[_i].words);
    ck_assert_str_eq(r.out, "");
    release(r);
}
END_TEST

/* Every option of the help stands in the manual page. */
START_TEST(test_manual)
{
    static const char *const helps[][4] = {{"slm-run", "--help"},
                                           {"slm-eval", "logits", "-h"},
                                           {"slm-eval", "tokenize", "--help"},
                                           {"slm-eval", "perplexity", "--help"},
                                           {"slm-eval", "template", "--help"}};
    for (int h = 0; h < 5; h++) {
        char path[64], name[64];
        size_t size, found = 0;
        snprintf(path, sizeof path, "man/%s.1", helps[h][0]);
        char *page = read_file(path, &size);
        ck_assert_msg(page, "%s can't be read", path);
        struct result r = run_full(NULL, SINK_FILE, false, helps[h]);
        expect_code(r, 0);
        ck_assert_str_eq(r.err, "");
        for (const char *s = r.out; (s = strstr(s, " --")); found++) {
            size_t length = 0;
            for (s += 3; isalpha((unsigned char)s[length]) || s[length] == '-'; length++) {}
            snprintf(name, sizeof name, "Fl Fl %.*s", (int)length, s);
            ck_assert_msg(length < 30 && strstr(page, name), "%s does not document --%.*s", path, (int)length, s);
        }
        ck_assert_int_gt((int)found, 4);
        release(r);
        free(page);
    }
}
END_TEST

/* ---- with ../shared */

START_TEST(test_golden_text)
{
    char *model = needs("tools golden_text", "models/stories260K-f32.gguf");
    if (!model)
        return;
    size_t size;
    char *want = read_file(shared_path("golden/stories260K.greedy.txt"), &size);
    int32_t *ids = read_file(shared_path("golden/stories260K.greedy.i32"), &size);
    ck_assert(want && ids);
    struct result r = RUN(closed, "slm-run", "-m", model, "-p", "Once upon a time", "-n", "200", "--temp", "0", "--no-chat");
    expect_text(r, want);
    release(r);
    r = RUN(NULL, "slm-run", "-m", model, "-p", "Once upon a time", "-n", "200", "--temp", "0", "--no-chat", "-o", "json", "-b", "2");
    expect_code(r, 0);
    cJSON *json = parse(r.out);
    ck_assert_str_eq(string(json, "finish_reason"), "length");
    const cJSON *prompt = cJSON_GetObjectItem(json, "prompt_tokens"), *tokens = cJSON_GetObjectItem(json, "tokens");
    ck_assert_int_eq(cJSON_GetArraySize(prompt), 5);
    ck_assert_int_eq(cJSON_GetArraySize(tokens), 200);
    for (int i = 0; i < 205; i++)
        ck_assert_int_eq((i < 5 ? cJSON_GetArrayItem(prompt, i) : cJSON_GetArrayItem(tokens, i - 5))->valueint, ids[i]);
    cJSON_Delete(json);
    release(r);
    free(model);
    free(want);
    free(ids);
}
END_TEST

/* Weights that have lost little, and what may differ from the answers and the perplexity of F32. */
static const struct {
    const char *model;
    int wrong;
    double perplexity_error;
} demo_models[] = {
    {"demo-model/demo-f16.gguf", 0, 0.001},
    {"demo-model/demo-q8_0.gguf", 0, 0.001},
    {"demo-model/demo-q4_k_m.gguf", 4, 0.005},
};

START_TEST(test_answers)
{
    char *model = needs("tools answers", demo_models[_i].model);
    if (!model)
        return;
    size_t size;
    char *text = read_file(shared_path("demo-model/cases.json"), &size);
    ck_assert_ptr_nonnull(text);
    cJSON *json = parse(text);
    const cJSON *one;
    int wrong = 0, count = 0;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(json, "cases")) {
        struct result r = RUN(NULL, "slm-run", "-q", "-m", model, "-t", "1", "--temp", "0", "-p", string(one, "prompt"));
        expect_code(r, 0);
        size_t length = strlen(string(one, "answer"));
        bool right = r.out_length == length + 1 && memcmp(r.out, string(one, "answer"), length) == 0 && r.out[length] == '\n';
        if (!right && wrong++ >= demo_models[_i].wrong)
            ck_abort_msg("%s: %s: \"%s\", not \"%s\"", model, string(one, "prompt"), r.out, string(one, "answer"));
        count++;
        release(r);
    }
    ck_assert_int_eq(count, 41);
    cJSON_Delete(json);
    free(text);
    free(model);
}
END_TEST

START_TEST(test_perplexity)
{
#ifdef SANITIZED
    skip("tools perplexity", "slow in a build with sanitizers");
    return;
#endif
    char *model = needs("tools perplexity", demo_models[_i].model);
    if (!model)
        return;
    char *ids = needs("tools perplexity", "demo-model/heldout.i32");
    struct result r = RUN(NULL, "slm-eval", "perplexity", "-m", model, "--ids", ids, "-o", "json", "-t", "1");
    expect_code(r, 0);
    cJSON *json = parse(r.out);
    double error = fabs(number(json, "perplexity") / 1.3714 - 1);
    ck_assert_msg(error <= demo_models[_i].perplexity_error, "%s: perplexity %g", model, number(json, "perplexity"));
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
    char *model = needs("tools logits", "golden/llama-q8_0.gguf");
    if (!model)
        return;
    char *ids = needs("tools logits", "golden/tokens.i32"), out[] = "/tmp/slm-test-XXXXXX";
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
    char *model = needs("tools tokenize", name);
    if (!model)
        return;
    char *records = needs("tools tokenize", "vocab/stress.txt");
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

Suite *suite_tools(void)
{
    Suite *suite = suite_create("tools");
    TCase *tc = tcase_create("tools");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_demo);
    tcase_add_test(tc, test_prompt_sources);
    tcase_add_test(tc, test_forms);
    tcase_add_test(tc, test_json);
    tcase_add_test(tc, test_sampling_options);
    tcase_add_test(tc, test_output_closed);
    tcase_add_test(tc, test_interrupt);
    tcase_add_loop_test(tc, test_refusal, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tc, test_manual);
    tcase_add_test(tc, test_golden_text);
    tcase_add_loop_test(tc, test_answers, 0, 3);
    tcase_add_loop_test(tc, test_perplexity, 0, 3);
    tcase_add_test(tc, test_perplexity_of_text);
    tcase_add_test(tc, test_logits);
    tcase_add_loop_test(tc, test_tokenize, 0, sizeof vocabularies / sizeof *vocabularies);
    tcase_add_test(tc, test_tokenize_special);
    suite_add_tcase(suite, tc);
    return suite;
}
