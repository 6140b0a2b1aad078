/* Conversations with slm-run on a terminal. */
#include "pty_run.h"
#include "tiny_model.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char spain[] = "What is the capital of Spain?", madrid[] = "The capital of Spain is Madrid.";
static const char big[] = "What is the opposite of big?", small[] = "The opposite of big is small.";

/* The numbers of /stats: context in use, prompt, kept, decoded. */
static void stats(struct pty *p, size_t numbers[4])
{
    pty_type(p, "/stats\n");
    ck_assert_int_eq(sscanf(pty_expect(p, "Context: "), "%zu", &numbers[0]), 1);
    const char *line = pty_expect(p, "Last prompt: ");
    const char *last = pty_expect(p, "Last answer: ");
    size_t tokens, decoded;
    pty_expect(p, "\n> ");
    ck_assert_int_eq(sscanf(line, "%zu tokens, %zu of them kept from before, %zu", &numbers[1], &numbers[2], &numbers[3]), 3);
    ck_assert_int_eq(sscanf(last, "%zu tokens, %zu of them decoded", &tokens, &decoded), 2);
    ck_assert_uint_eq(decoded, tokens - 1); /* the first one comes with the prompt */
}

START_TEST(test_conversation)
{
    size_t first[4], second[4], again[4];
    struct pty p = PTY("slm-run", "-t", "1", "--temp", "0");
    pty_expect(&p, "/help lists the commands");
    pty_expect(&p, "> ");
    pty_say(&p, "", ""); /* nothing asked */
    pty_say(&p, spain, madrid);
    stats(&p, first);
    ck_assert_uint_eq(first[2], 0);
    ck_assert_uint_eq(first[1], first[3]);
    pty_say(&p, big, small);
    stats(&p, second);
    /* the first question and its answer are not decoded again: only the last token of the answer, its end and the question */
    ck_assert_uint_eq(second[2] + second[3], second[1]);
    ck_assert_uint_ge(second[2], first[0]);
    ck_assert_uint_lt(second[3], first[3] + 3);
    ck_assert_uint_gt(second[0], second[1]);
    pty_type(&p, "/regen\n");
    pty_expect(&p, "stays the same");
    pty_expect(&p, small);
    pty_expect(&p, "\n> ");
    stats(&p, again);
    ck_assert_uint_eq(again[1], second[1]);
    ck_assert_uint_eq(again[3], 1); /* for its logits */
    pty_say(&p, "/reset", "A new conversation.");
    pty_say(&p, spain, madrid);
    stats(&p, again);
    ck_assert_uint_eq(again[3], 1);
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
}
END_TEST

/* A model whose file calls it by a name that would clear the screen, or be read from the right: it does not, nor does any other control
 * character of that name. */
START_TEST(test_hostile_name)
{
    static const struct {
        char name[5];
        const char *loaded, *greeted;
    } cases[] = {
        {"\033\xc2\x9b" "J", "slm-run: model ??J, llama", "??J, 256 tokens of context"},
        {"\xe2\x80\xae" "J", "slm-run: model ?J, llama", "?J, 256 tokens of context"},
    };
    size_t size;
    char file[32];
    uint8_t *bytes = tiny_model(NULL, &size), *name = memmem(bytes, size, "tiny", 4);
    ck_assert_ptr_nonnull(name);
    memcpy(name, cases[_i].name, 4);
    scratch(file, bytes, size);
    struct pty p = PTY("slm-run", "-v", "-t", "1", "-m", file);
    pty_expect(&p, cases[_i].loaded);
    pty_expect(&p, cases[_i].greeted);
    pty_expect(&p, "> ");
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    unlink(file);
    free(p.out);
    free(bytes);
}
END_TEST

START_TEST(test_commands)
{
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0", "-sys", "Be kind.");
    pty_expect(&p, "> ");
    pty_type(&p, "/help\n");
    static const char *const names[] = {"/help", "/reset", "/save", "/load", "/system", "/regen", "/stats", "/quit"};
    for (size_t i = 0; i < 8; i++)
        pty_expect(&p, names[i]);
    pty_expect(&p, "\n> ");
    pty_say(&p, "/system", "The system prompt is: Be kind.");
    pty_say(&p, "/system  Be brief. ", "is changed");
    pty_say(&p, "/system", "The system prompt is: Be brief.\r\n");
    pty_say(&p, "/system none", "no system prompt");
    pty_say(&p, "/system", "There is no system prompt;");
    pty_say(&p, "/regen", "no question yet");
    pty_say(&p, "/stats", "Messages: 0");
    pty_say(&p, "/foo bar", "no command /foo;");
    pty_say(&p, "/usr/bin", "no command /usr/bin;");
    pty_say(&p, "/save", "/save needs the name of a file");
    pty_say(&p, "/save -", "/save takes the name of a file, not -");
    pty_say(&p, "/load -", "/load takes the name of a file, not -");
    pty_say(&p, "/load ", "/load needs the name of a file");
    pty_say(&p, "/quit now", "/quit takes nothing");
    pty_say(&p, "/save /nonexistent/x", "/nonexistent/x: No such file");
    pty_say(&p, "/save /dev/full", "/dev/full: No space");
    pty_say(&p, "/load /nonexistent/x", "/nonexistent/x: No such file");
    pty_say(&p, spain, madrid); /* all is well */
    pty_type(&p, "\x04");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
}
END_TEST

/* What /save writes. */
static cJSON *saved(struct pty *p)
{
    char file[32], command[64];
    size_t size;
    scratch_text(file, "");
    snprintf(command, sizeof command, "/save %s", file);
    pty_say(p, command, "Saved");
    char *text = read_file(file, &size);
    cJSON *json = parse(text);
    unlink(file);
    free(text);
    return json;
}

static const char *content(const cJSON *json, int message)
{
    return string(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "messages"), message), "content");
}

#ifdef SLM_LIBEDIT
/* Pasted lines are one question, which can be edited and called back. */
START_TEST(test_editing)
{
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0");
    pty_expect(&p, "> ");
    pty_type(&p, "\033[200~a\r\r\xc3\xa9\r\033[201~");
    pty_expect(&p, "\xc3\xa9");
    pty_say(&p, "x\b!", "");
    pty_say(&p, "\033[A\033[D\033[D?", "");
    cJSON *json = saved(&p);
    ck_assert_str_eq(content(json, 0), "a\n\n\xc3\xa9!");
    ck_assert_str_eq(content(json, 2), "a\n\n?\xc3\xa9!");
    cJSON_Delete(json);
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
}
END_TEST
#endif

START_TEST(test_input)
{
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0", "-n", "3");
    pty_expect(&p, "> ");
    static const char *const typed[] = {
        "one\\\ntwo", "\"\"\"\nfirst\n\n  \\\nlast \"\"\"", "\"\"\"a\"\"\"", "\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x99\x82", " /help",
        "gone\x03said", "x\\\n\x03y",
    };
    static const char *const meant[] = {
        "one\ntwo", "first\n\n  \\\nlast ", "a", "\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x99\x82", " /help", "said", "y",
    };
    for (int i = 0; i < 7; i++) {
        const char *stop = strchr(typed[i], 3);
        if (stop) { /* Ctrl-C clears what was typed */
            char before[32];
            snprintf(before, sizeof before, "%.*s", (int)(stop - typed[i]) + 1, typed[i]);
            pty_type(&p, before);
            pty_expect(&p, "Ctrl-D ends the conversation");
            pty_expect(&p, "\n> ");
        }
        pty_say(&p, stop ? stop + 1 : typed[i], "");
        cJSON *json = saved(&p);
        ck_assert_str_eq(content(json, 2 * i), meant[i]);
        ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "messages")), 2 * i + 2);
        cJSON_Delete(json);
    }
    char folder[] = "/tmp/slm-test-XXXXXX", fifo[64], command[96];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    snprintf(command, sizeof command, "/load %s\n", fifo);
    pty_type(&p, command);
    int writer; /* writes nothing; it can't open the file before it is read */
    for (int i = 0; (writer = open(fifo, O_WRONLY | O_NONBLOCK)) < 0 && i < 60000; i++)
        usleep(1000);
    ck_assert_int_ge(writer, 0);
    kill(p.child, SIGINT);
    pty_expect(&p, "\n> ");
    close(writer);
    unlink(fifo);
    rmdir(folder);
    const size_t before = p.length;
    kill(p.child, SIGTERM);
    ck_assert_int_eq(pty_end(&p), 130);
    ck_assert_msg(!strstr(p.out + before, "Ctrl-D"), "%s", p.out + before);
    free(p.out);
}
END_TEST

/* No escape sequences where the terminal would show them. -n 0 is no thought. */
START_TEST(test_dumb_terminal)
{
    struct pty p = pty_start("TERM=dumb", (const char *const[]){"slm-run", "-t", "1", "-n", "0", NULL});
    pty_expect(&p, "> ");
    pty_say(&p, spain, "(Cut off after 0 tokens");
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    ck_assert_msg(!strchr(p.out, '\033'), "%s", p.out);
    free(p.out);
}
END_TEST

/* Options with which the model does not come to an end. */
static void endless(char bos[32], char end[32])
{
    slm_model *model;
    ck_assert_int_eq(slm_model_open("examples/models/demo-q8_0.gguf", NULL, &model, NULL), SLM_OK);
    snprintf(bos, 32, "%d-inf", slm_token_bos(model));
    snprintf(end, 32, "%d-inf", slm_token_find(model, "<|end|>"));
    slm_model_free(model);
}

START_TEST(test_stop)
{
    char bos[32], end[32];
    size_t numbers[4];
    endless(bos, end);
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0", "-c", "100000", "--logit-bias", bos, "--logit-bias", end);
    pty_expect(&p, "> ");
    for (int i = 0; i < 3; i++) {
        pty_type(&p, spain);
        pty_type(&p, "\n");
        pty_expect(&p, "?\r\n");
        pty_expect(&p, i ? "e" : "Madrid"); /* what the later answers are depends on where the first was stopped */
        if (i == 1) { /* in haste; Ctrl-C could make the terminal forget what is shown after the one before */
            pty_hold(&p);
            for (int j = 0; j < 3; j++)
                kill(p.child, SIGINT);
            pty_release(&p);
        } else {
            pty_type(&p, "\x03");
        }
        pty_expect(&p, "(Stopped; /regen asks again.)");
        pty_expect(&p, "\n> ");
        if (i == 1)
            pty_say(&p, "", "");
    }
    cJSON *json = saved(&p); /* the answers are kept as far as they came */
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "messages")), 6);
    ck_assert_int_eq(strncmp(content(json, 1), madrid, strlen(madrid) - 1), 0); /* the full stop may come too late */
    cJSON_Delete(json);
    stats(&p, numbers);
    ck_assert_uint_gt(numbers[2], 30);
    ck_assert_uint_lt(numbers[3], 20);
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
}
END_TEST

/* Signals while an answer waits to be written: none of it is lost. */
START_TEST(test_signals)
{
    char bos[32], end[32];
    endless(bos, end);
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0", "-n", "150", "--logit-bias", bos, "--logit-bias", end);
    pty_expect(&p, "> ");
    pty_type(&p, spain);
    pty_type(&p, "\n");
    for (int i = 0; i < 3; i++) {
        pty_expect(&p, "e");
        pty_hold(&p);
        kill(p.child, SIGWINCH);
        pty_release(&p);
    }
    pty_expect(&p, "(Cut off after 150 tokens");
    pty_expect(&p, "\n> ");
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
}
END_TEST

/* What goes on from a file goes on as it would have, random numbers included. */
START_TEST(test_save_and_load)
{
    char files[3][32], command[64];
    char *texts[3];
    size_t size;
    for (int i = 0; i < 3; i++)
        scratch_text(files[i], "");
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "3", "--top-k", "0", "--top-p", "1", "--min-p", "0", "-n", "20", "-s", "5", "-sys", "\"S\"\\");
    pty_expect(&p, "> ");
    for (int i = 0; i < 2; i++) {
        pty_say(&p, spain, "");
        pty_say(&p, "/regen", "");
        snprintf(command, sizeof command, "/save %s", files[i]);
        pty_say(&p, command, i ? "Saved 4 messages" : "Saved 2 messages");
    }
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);

    p = PTY("slm-run", "-t", "1", "-q", "--temp", "3", "--top-k", "0", "--top-p", "1", "--min-p", "0", "-n", "20", "-s", "5");
    pty_expect(&p, "> ");
    snprintf(command, sizeof command, "/load %s", files[0]);
    pty_say(&p, command, "Loaded 2 messages");
    pty_say(&p, "/system", "\"S\"\\");
    pty_say(&p, spain, "");
    pty_say(&p, "/regen", "");
    snprintf(command, sizeof command, "/save %s", files[2]);
    pty_say(&p, command, "Saved 4");
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);

    for (int i = 0; i < 3; i++) {
        texts[i] = read_file(files[i], &size);
        ck_assert_ptr_nonnull(texts[i]);
        unlink(files[i]);
    }
    ck_assert_str_eq(texts[1], texts[2]);
    cJSON *json = parse(texts[1]);
    ck_assert_str_eq(content(json, 0), "\"S\"\\");
    ck_assert_str_ne(content(json, 2), content(json, 4)); /* /regen and new answers have seeds of their own */
    ck_assert_int_eq((int)number(json, "drawn"), 4);
    cJSON_Delete(json);
    for (int i = 0; i < 3; i++)
        free(texts[i]);
}
END_TEST

static void expect_load(struct pty *p, const char *text, const char *words)
{
    char file[32], command[64];
    scratch_text(file, text);
    snprintf(command, sizeof command, "/load %s", file);
    pty_say(p, command, words);
    unlink(file);
}

START_TEST(test_bad_files)
{
    char deep[20001];
    memset(deep, '[', 20000);
    deep[20000] = 0;
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0");
    pty_expect(&p, "> ");
    pty_say(&p, spain, madrid);
    expect_load(&p, "", "not a saved conversation: JSON");
    expect_load(&p, "hello", "not a saved conversation: JSON");
    expect_load(&p, deep, "not a saved conversation: JSON");
    expect_load(&p, "[]", "not a saved conversation: it is JSON, but no object");
    expect_load(&p, " 1 ", "not a saved conversation: it is JSON, but no object");
    expect_load(&p, "{}", "no list of messages");
    expect_load(&p, "{\"messages\": \"ab\"}", "no list of messages");
    expect_load(&p, "{\"messages\": {\"role\": 1}}", "no list of messages");
    expect_load(&p, "{\"messages\": [\"ab\"]}", "message 1: it is not one");
    expect_load(&p, "{\"messages\": [{\"role\": \"user\", \"content\": [1]}]}", "message 1: it is not one");
    expect_load(&p, "{\"messages\": [{\"role\": \"tool\", \"content\": \"\"}]}", "message 1: it is not one");
    expect_load(&p, "{\"messages\": [{\"role\": \"assistant\", \"content\": \"\"}]}", "message 1: users and assistants must take turns");
    expect_load(&p, "{\"messages\": [{\"role\": \"user\", \"content\": \"\"}, {\"role\": \"user\", \"content\": \"\"}]}", "message 2: users");
    expect_load(&p, "{\"messages\": [{\"role\": \"user\", \"content\": \"\"}, {\"role\": \"system\", \"content\": \"\"}]}", "message 2: users");
    expect_load(&p, "{\"messages\": [{\"role\": \"user\", \"content\": \"\xe4\xbc\"}]}", "saved conversation");
    pty_say(&p, "/load /", "directory");
    pty_say(&p, "/stats", "Messages: 2."); /* as it was */
    /* what a terminal might obey does not reach it */
    expect_load(&p, "{\"messages\": [{\"role\": \"user\", \"content\": \"a\\u001b[2Jb\\u009b\\rc\\td\\u0000\"}], \"drawn\": -1}",
                "> a\xef\xbf\xbd[2Jb\xef\xbf\xbd\xef\xbf\xbd" "c\td\xef\xbf\xbd");
    cJSON *json = saved(&p);
    ck_assert_int_eq((int)number(json, "drawn"), 0);
    cJSON_Delete(json);
    pty_say(&p, "/regen", "");
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
}
END_TEST

START_TEST(test_full_context)
{
    char file[32], command[64];
    scratch_text(file, "");
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0", "-c", "20");
    pty_expect(&p, "> ");
    pty_type(&p, spain);
    pty_type(&p, "\n");
    pty_expect(&p, "context of 20 tokens is full: the answer ends here. Nothing is lost");
    pty_expect(&p, "\n> ");
    pty_type(&p, big);
    pty_type(&p, "\n");
    pty_expect(&p, "the context holds 20 tokens, and the prompt has ");
    pty_expect(&p, "Nothing is lost: /save FILE");
    pty_expect(&p, "\n> ");
    size_t numbers[4]; /* of the answer, not of the question that was refused */
    stats(&p, numbers);
    ck_assert_uint_eq(numbers[0], 20);
    ck_assert_uint_le(numbers[1], 20);
    snprintf(command, sizeof command, "/save %s", file);
    pty_say(&p, command, "Saved 3 messages");
    pty_say(&p, "/reset", "new conversation");
    pty_say(&p, "Hello", "");
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);

    p = PTY("slm-run", "-t", "1", "-q", "--temp", "0");
    pty_expect(&p, "> ");
    snprintf(command, sizeof command, "/load %s", file);
    pty_say(&p, command, "Loaded 3 messages; the last has no answer yet: /regen");
    pty_say(&p, "/regen", small);
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
    unlink(file);
}
END_TEST

START_TEST(test_faint_thoughts)
{
    char file[32];
    scratch_text(file, "<|user|>{{ messages[0].content }}<|end|><|assistant|>{{ '<think>\n' }}");
    static const char *const once[] = {"slm-run", "-q", "-t", "1", "--temp", "0", "-n", "5", "-p", "Who are you?", "--chat-template", NULL, NULL};
    const char *arguments[13];
    memcpy(arguments, once, sizeof once);
    arguments[11] = file;
    static const char *const plain[] = {NULL, "NO_COLOR=1", "TERM=dumb"};
    for (int i = 0; i < 3; i++) {
        struct pty p = pty_start(plain[i], arguments);
        ck_assert_int_eq(pty_end(&p), 0);
        const char *on = strstr(p.out, "\033[2m"), *off = strstr(p.out, "\033[0m");
        ck_assert_msg(i ? !on && !off : on && off && off > on + 5, "%d: %s", i, p.out);
        free(p.out);
    }
    struct result r = run_full(NULL, SINK_FILE, false, arguments);
    expect_code(r, 0);
    ck_assert_ptr_null(strchr(r.out, '\033'));
    release(r);
    struct pty p = PTY("slm-run", "-t", "1", "-q", "--temp", "0", "-n", "5", "--chat-template", file);
    pty_expect(&p, "> ");
    pty_say(&p, spain, "Still thinking after 5 tokens");
    pty_say(&p, "/stats", "Messages: 1.");
    pty_type(&p, "/quit\n");
    ck_assert_int_eq(pty_end(&p), 0);
    free(p.out);
    unlink(file);
}
END_TEST

Suite *suite_chat(void)
{
    Suite *suite = suite_create("chat");
    TCase *tc = tcase_create("chat");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_conversation);
    tcase_add_loop_test(tc, test_hostile_name, 0, 2);
    tcase_add_test(tc, test_commands);
#ifdef SLM_LIBEDIT
    tcase_add_test(tc, test_editing);
#endif
    tcase_add_test(tc, test_input);
    tcase_add_test(tc, test_dumb_terminal);
    tcase_add_test(tc, test_stop);
    tcase_add_test(tc, test_signals);
    tcase_add_test(tc, test_save_and_load);
    tcase_add_test(tc, test_bad_files);
    tcase_add_test(tc, test_full_context);
    tcase_add_test(tc, test_faint_thoughts);
    suite_add_tcase(suite, tc);
    return suite;
}
