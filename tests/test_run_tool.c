/* slm-run as its users see it, apart from conversations, which are in test_chat.c. */
#include "tool_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- with the built-in model: always */

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
    int told = 0;
    const char *summary = strstr(r.err, "decode ");
    ck_assert(summary && sscanf(summary, "decode %d tokens", &told) == 1);
    ck_assert_int_eq(told, tokens - 1);
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

/* ---- with ../shared */

START_TEST(test_golden_text)
{
    char *model = needs("run_tool golden_text", "models/stories260K-f32.gguf");
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

/* Weights, and how many answers may differ from those of F32. */
static const struct {
    const char *model;
    int wrong;
} demo_models[] = {
    {"demo-model/demo-f16.gguf", 0},
    {"demo-model/demo-q8_0.gguf", 0},
    {"demo-model/demo-q4_k_m.gguf", 4},
};

START_TEST(test_answers)
{
    char *model = needs("run_tool answers", demo_models[_i].model);
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

Suite *suite_run_tool(void)
{
    Suite *suite = suite_create("run_tool");
    TCase *tc = tcase_create("run_tool");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_demo);
    tcase_add_test(tc, test_prompt_sources);
    tcase_add_test(tc, test_forms);
    tcase_add_test(tc, test_json);
    tcase_add_test(tc, test_sampling_options);
    tcase_add_test(tc, test_output_closed);
    tcase_add_test(tc, test_interrupt);
    tcase_add_test(tc, test_golden_text);
    tcase_add_loop_test(tc, test_answers, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
