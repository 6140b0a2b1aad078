/* What the tools have in common: command lines that make no sense are refused, and the manual pages know every option. */
#include "tool_run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *arguments[12];
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
    {{"slm-run", "-p", "x", "-m", "absent.gguf", "-ctk", "q4_0"}, 1, "-ctk takes auto, f32, f16 or q8_0, not \"q4_0\""},
    {{"slm-run", "--info", "absent.gguf", "--cache-type-v="}, 1, "--cache-type-v takes auto, f32, f16 or q8_0, not \"\""},
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
    {{"slm-run", "--info", ""}, 1, "--info: the name is empty"},
    {{"slm-run", "--list="}, 1, "--list: the name is empty"},
    {{"slm-run", "--list", "--info"}, 1, "--info and --list"},
    {{"slm-run", "--info", "-p", "x"}, 1, "--info answers no prompt: leave out -p"},
    {{"slm-run", "--list", "-f", "x"}, 1, "--list answers no prompt: leave out -f"},
    {{"slm-run", "--info", "--temp", "0.5"}, 1, "--info answers no prompt: leave out --temp"},
    {{"slm-run", "--list", "--logit-bias", "5+1"}, 1, "--list answers no prompt: leave out --logit-bias"},
    {{"slm-run", "--info", "x", "-m", "y"}, 1, "--info FILE tells about other files than -m"},
    {{"slm-run", "--list", "-m", "y"}, 1, "--list tells about other files than -m"},
    {{"slm-bench", "--cpu", "--fits", "8GiB"}, 1, "--cpu, --topology and --fits"},
    {{"slm-bench", "--topology", "--cpu"}, 1, "--cpu, --topology and --fits"},
    {{"slm-bench", "--fits", "8GiB", "-m", "x"}, 1, "--fits runs no test: leave out -m"},
    {{"slm-bench", "--topology", "--plot", "x.svg"}, 1, "--topology runs no test: leave out --plot"},
    {{"slm-bench", "--cpu", "-o", "json"}, 1, "--cpu runs no test: leave out -o"},
    {{"slm-bench", "-m", "x", "--plot", "-"}, 1, "--plot takes the name of a file"},
    {{"slm-bench", "--compare", "-", "-"}, 1, "--compare can read standard input for one"},
    {{"slm-bench", "--compare", "a.json", "b.json", "-o", "json"}, 1, "--compare stands alone"},
    {{"slm-eval"}, 1, "give a command"},
    {{"slm-eval", "-m", "x", "tokenize"}, 1, "no option -m (slm-eval COMMAND --help lists the options)"},
    {{"slm-eval", "weigh"}, 1, "no command \"weigh\""},
    {{"slm-eval", "logits", "--ids", "x", "--out", "y"}, 1, "logits needs -m FILE"},
    {{"slm-eval", "logits", "-m", "x", "--out", "y"}, 1, "logits needs --ids FILE"},
    {{"slm-eval", "tokenize", "-m", "x", "--out", "y"}, 1, "tokenize needs one of -p TEXT and -f FILE"},
    {{"slm-eval", "tokenize", "-m", "x", "-p", "y", "--records", "z"}, 1, "tokenize needs one of -p TEXT and -f FILE"},
    {{"slm-eval", "tokenize", "-m", "x", "-p", "y", "-o", "json"}, 1, "--out FILE"},
    {{"slm-eval", "logits", "-m", "x", "--ids", "y", "--out", "-", "-o", "json"}, 1, "--out FILE"},
    {{"slm-eval", "logits", "-m", "x", "--ids", "y", "--out", "z", "-ctv", "F16"}, 1, "-ctv takes auto, f32, f16 or q8_0"},
    {{"slm-eval", "perplexity", "-m", "x"}, 1, "one of --ids FILE and -f FILE"},
    {{"slm-eval", "perplexity", "-m", "x", "--window", "0"}, 1, "--window takes"},
    {{"slm-eval", "perplexity", "-m", "x", "-w", "5", "--out"}, 1, "no option --out (slm-eval perplexity --help"},
    {{"slm-eval", "perplexity", "-m", "/nonexistent.gguf", "-f", "x"}, 2, "/nonexistent.gguf"},
    {{"slm-eval", "template", "--template", "x", "--cases", "x"}, 1, "--case NAME"},
    {{"slm-eval", "template", "--template", "-", "--cases", "-", "--case", "x"}, 1, "--template and --cases can't both"},
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
                                           {"slm-bench", "--help"},
                                           {"slm-eval", "logits", "-h"},
                                           {"slm-eval", "tokenize", "--help"},
                                           {"slm-eval", "perplexity", "--help"},
                                           {"slm-eval", "template", "--help"}};
    for (size_t h = 0; h < sizeof helps / sizeof *helps; h++) {
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

Suite *suite_tools(void)
{
    Suite *suite = suite_create("tools");
    TCase *tc = tcase_create("tools");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, test_refusal, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tc, test_manual);
    suite_add_tcase(suite, tc);
    return suite;
}
