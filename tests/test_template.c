/* Chat templates: what Jinja2 renders, we render; what it refuses, we refuse; what does not end, ends. */
#include "tests.h"

#include "../lib/chat/template.h"
#include "tiny_model.h"

#include <cjson/cJSON.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct rendered {
    slm_status status;
    char *text;
    slm_error err;
};

static struct rendered render(const char *source, size_t length, const char *variables, const char *now)
{
    struct rendered r = {.err = {.status = SLM_OK}};
    size_t text_length;
    r.status = slm_template_render(source, length, variables, variables ? strlen(variables) : 0, now, &r.text, &text_length, &r.err);
    if (!r.status)
        ck_assert_uint_eq(strlen(r.text), text_length); /* these have no NUL inside */
    return r;
}

static cJSON *read_json(const char *path, char **text)
{
    size_t size;
    *text = read_file(path, &size);
    ck_assert_msg(*text != NULL, "cannot read %s (run the tests from the top of the tree)", path);
    cJSON *json = cJSON_Parse(*text);
    ck_assert_msg(json != NULL, "%s is not JSON", path);
    return json;
}

/* ---- the templates of ../shared */

static const char *const names[] = {
    "HuggingFaceTB-SmolLM3-3B", "LFM2-8B-A1B", "Mistral-Small-3.2-24B-Instruct-2506", "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
    "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "google-gemma-2-2b-it",
    "google-gemma-4-31B-it", "ibm-granite-granite-3.3-2B-Instruct", "meta-llama-Llama-3.1-8B-Instruct", "meta-llama-Llama-3.2-3B-Instruct",
    "microsoft-Phi-3.5-mini-instruct", "mistralai-Ministral-3-14B-Reasoning-2512", "mistralai-Mistral-Nemo-Instruct-2407",
    "openai-gpt-oss-120b",
};

static void check_case(const char *source, size_t size, const cJSON *file, cJSON *one, const char *name)
{
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(file, "expected"), one->string);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(expected, "ok"));
    const char *refusal = cJSON_GetStringValue(cJSON_GetObjectItem(expected, "error"));
    ck_assert_msg(!text != !refusal, "%s: %s has no expectation", name, one->string);
    cJSON *variables = cJSON_Duplicate(one, true);
    cJSON_AddItemToObject(variables, "bos_token", cJSON_Duplicate(cJSON_GetObjectItem(file, "bos_token"), true));
    cJSON_AddItemToObject(variables, "eos_token", cJSON_Duplicate(cJSON_GetObjectItem(file, "eos_token"), true));
    char *json = cJSON_PrintUnformatted(variables);
    struct rendered r = render(source, size, json, cJSON_GetStringValue(cJSON_GetObjectItem(file, "now")));
    if (text) {
        ck_assert_msg(r.status == SLM_OK, "%s: %s: %s", name, one->string, r.err.message);
        ck_assert_msg(strcmp(r.text, text) == 0, "%s: %s:\n%s\ninstead of\n%s", name, one->string, r.text, text);
    } else {
        ck_assert_msg(r.status == SLM_FORMAT, "%s: %s is not refused", name, one->string);
        ck_assert_msg(strncmp(r.err.message, "template line ", 14) == 0, "%s: no place in: %s", one->string, r.err.message);
        ck_assert_msg(strstr(r.err.message, refusal) != NULL, "%s: %s, not %s", one->string, r.err.message, refusal);
    }
    slm_text_free(r.text);
    free(json);
    cJSON_Delete(variables);
}

START_TEST(shared)
{
    char path[128], test[128];
    snprintf(path, sizeof path, "templates/%s.jinja", names[_i]);
    snprintf(test, sizeof test, "template %s", names[_i]);
    const char *found = shared_path(path);
    if (!found) {
        skip(test, "../shared/templates is not there");
        return;
    }
    size_t size;
    char *text, *source = read_file(found, &size);
    snprintf(path, sizeof path, "templates/%s.json", names[_i]);
    cJSON *file = read_json(shared_path(path), &text), *one;
    int count = 0;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(file, "cases")) {
        check_case(source, size, file, one, names[_i]);
        count++;
    }
    ck_assert_int_ge(count, 8);
    cJSON_Delete(file);
    free(text);
    free(source);
}
END_TEST

/* ---- small templates, with what Jinja2 3.1 makes of them in tests/template_cases.json */

START_TEST(features)
{
    char *text;
    cJSON *file = read_json("tests/template_cases.json", &text), *one;
    char *variables = cJSON_PrintUnformatted(cJSON_GetObjectItem(file, "variables"));
    int count = 0;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(file, "cases")) {
        const char *source = cJSON_GetStringValue(cJSON_GetArrayItem(one, 0)), *want = cJSON_GetStringValue(cJSON_GetArrayItem(one, 1));
        struct rendered r = render(source, strlen(source), variables, "2026-11-22T09:30:00");
        if (want) {
            ck_assert_msg(r.status == SLM_OK, "%s: %s", source, r.err.message);
            ck_assert_msg(strcmp(r.text, want) == 0, "%s gives\n%s\ninstead of\n%s", source, r.text, want);
        } else {
            ck_assert_msg(r.status != SLM_OK, "%s is not refused but gives %s", source, r.text);
            const cJSON *line = cJSON_GetArrayItem(one, 2); /* absent where Jinja2 says none, or a less exact one */
            int at = 0;
            sscanf(r.err.message, "template line %d, column", &at);
            ck_assert_msg(line ? at == line->valueint : at > 0, "%s: %s", source, r.err.message);
        }
        slm_text_free(r.text);
        count++;
    }
    ck_assert_int_gt(count, 200);
    free(variables);
    cJSON_Delete(file);
    free(text);
}
END_TEST

/* ---- places in messages */

static const struct {
    const char *source, *message;
} faults[] = {
    {"{{ missing.name }}", "template line 1, column 12: 'missing' is undefined"},
    {"a\nb {% if x %}\n  {{ raise_exception('no ' ~ 'go') }}{% endif %}", "template line 3, column 21: no go"},
    {"\xc3\xa9\xc3\xa9 {{ 1 + }}", "template line 1, column 11: an expression is expected here"},
    {"{% for x in y %}\n", "template line 1, column 15: the template ends where endfor is expected"},
    {"{% unless x %}", "template line 1, column 4: 'unless' where a tag that is known is expected"},
    {"x\r\n{{ 'a", "template line 2, column 4: a string has no end: its closing quote is missing"},
    {"{{ 1 | shout }}", "template line 1, column 8: there is no filter named 'shout'"},
    {"{{ [1].append(2) }}", "template line 1, column 14: access to attribute 'append' of 'list' object is unsafe"},
};

START_TEST(places)
{
    struct rendered r = render(faults[_i].source, strlen(faults[_i].source), "{\"x\": true, \"y\": []}", NULL);
    ck_assert_int_eq(r.status, SLM_FORMAT);
    ck_assert_str_eq(r.err.message, faults[_i].message);
    ck_assert_ptr_null(r.text);
}
END_TEST

static const char *const bad_json[] = {
    "", "{", "[1]", "{\"a\" 1}", "{\"a\": 1,}", "{\"a\": 01}", "{\"a\": \"\n\"}", "{\"a\": \"\\x\"}", "{\"a\": 1} x", "{\"a\": nul}", "{\"a\": 1.}",
    "{\"a\": \"\\u12\"}", "{a: 1}", "{\"a\": \"", "{\"a\": -}",
};

START_TEST(variables)
{
    struct rendered r = render("x", 1, bad_json[_i], NULL);
    ck_assert_msg(r.status != SLM_OK, "%s is accepted", bad_json[_i]);
    ck_assert_ptr_null(r.text);
}
END_TEST

/* Beyond 64 bits they pass through. */
START_TEST(large_integers)
{
    static const char numbers[] = "{\"a\": 18446744073709551615, \"b\": [18446744073709551615, -99999999999999999999]}";
    static const char source[] = "{{ a }} {{ b | tojson }} {{ b }} {{ a == b[0] }} {{ a is integer }} {{ a is string }} {{ a | int }} {{ a | float }}";
    struct rendered r = render(source, sizeof source - 1, numbers, NULL);
    ck_assert_msg(r.status == SLM_OK, "%s", r.err.message);
    ck_assert_str_eq(r.text, "18446744073709551615 [18446744073709551615, -99999999999999999999] "
                             "[18446744073709551615, -99999999999999999999] True True False 18446744073709551615 1.8446744073709552e+19");
    slm_text_free(r.text);
    static const char *const refused[] = {"{{ a + 1 }}", "{{ a < 1 }}", "{{ 1 - a }}"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        r = render(refused[i], strlen(refused[i]), numbers, NULL);
        ck_assert_int_eq(r.status, SLM_FORMAT);
        ck_assert_msg(strstr(r.err.message, "an integer does not fit in 64 bits") != NULL, "%s", r.err.message);
    }
}
END_TEST

/* ---- hostile templates: each is refused, quickly and within its memory */

#define OFTEN(expression, setting)                                             \
    "{% set " setting " %}{% for i in range(100000) %}{% set x = " expression " %}{% endfor %}"

static const struct {
    const char *before, *part, *after;  /* part is repeated */
    int times;
} hostile[] = {
    {"{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", "", "", 0},
    {"{% macro a() %}{% call b() %}{{ a() }}{% endcall %}{% endmacro %}{% macro b() %}{{ caller() }}{% endmacro %}{{ a() }}", "", "", 0},
    {"{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}", "", "", 0},
    {"{% for a in r %}{% for b in r %}{% for c in r %}{% for d in r %}x{% endfor %}{% endfor %}{% endfor %}{% endfor %}", "", "", 0},
    {"{% for x in range(1000000000) %}{% endfor %}", "", "", 0},
    {"{% for x in range(100000) %}{% for y in range(100000) %}{% endfor %}{% endfor %}", "", "", 0},
    {"{{ 'a' * 1000000000 }}", "", "", 0},
    {"{{ [0] * 1000000000 }}", "", "", 0},
    {"{% set ns = namespace(x='ab') %}{% for i in r %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "", "", 0},
    {"{% set ns = namespace(x=[]) %}{% for i in r %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "", "", 0},
    {"{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}", "", "", 0},
    {"{% set ns = namespace(x=()) %}{% for i in range(1000) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ {ns.x: 1} }}", "", "", 0},
    {"{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "", "", 0},
    {"{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{{ x.rfind('b') }}{% endfor %}", "", "", 0},
    {"{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{{ x.replace('a', 'bb') | length }}{% endfor %}", "", "", 0},
    {"{{ '%999999999999d' % 1 }}", "", "", 0},
    {"{{ '{:>999999999999}'.format(1) }}", "", "", 0},
    {"{{ 'x'.center(1000000000000) }}", "", "", 0},
    {"{{ 9223372036854775807 + 1 }}", "", "", 0},
    {"{{ 10 ** 40 }}", "", "", 0},
    {"{{ ", "(", "", 100000},
    {"{{ ", "-", "1 }}", 100000},
    {"{{ ", "not ", "1 }}", 100000},
    {"{{ 1", " + 1", " }}", 100000},
    {"{{ x", ".x", " }}", 100000},
    {"{{ x", " | upper", " }}", 100000},
    {"{{ ", "1 if 1 else ", "1 }}", 50000},
    {"", "{% if 1 %}", "", 50000},
    {"", "{% for x in r %}", "", 50000},
    {"", "{{", "", 100000},
    {"", "{#", "", 100000},
    {"", "x", "", 2000000},
    /* much work at each step, and no memory taken */
    {OFTEN("l.count(1)", "l = [0] * 1000000"), "", "", 0},
    {"{% set l = ['nan' | float] * 500000 %}{{ l | unique | list }}{{ dict([[l[0], 1]] * 500000) }}", "", "", 0},
    {OFTEN("s | int", "s = ' ' * 10000000 ~ 'x'"), "", "", 0},
    {OFTEN("'a'.strip(s)", "s = 'b' * 10000000"), "", "", 0},
    {OFTEN("s.startswith(p)", "s = 'a' * 10000000 %}{% set p = ('a' * 9999999 ~ 'b',) * 100"), "", "", 0},
    {OFTEN("s.removeprefix(s) and 1", "s = 'a' * 30000000"), "", "", 0},
    {OFTEN("s.split('b', 1) and 1", "s = 'a' * 30000000"), "", "", 0},
    {OFTEN("s.split(none, 1) and 1", "s = 'a' * 10000000"), "", "", 0},
    {OFTEN("s is lower", "s = 'a' * 10000000 ~ 'A'"), "", "", 0},
    {OFTEN("s in {}", "s = 'a' * 30000000"), "", "", 0},
    {OFTEN("t == u", "s = 'a' * 10000000 %}{% set t = s ~ 'b' %}{% set u = s ~ 'c'"), "", "", 0},
    {OFTEN("s | striptags", "s = '<' ~ 'a' * 30000000 ~ '>'"), "", "", 0},
    {OFTEN("'{:.0}'.format(s.strip())", "s = '\u00e9' * 10000000"), "", "", 0},
    {OFTEN("'x' | truncate(99999999, true, s.strip())", "s = '\u00e9' * 10000000"), "", "", 0},
    {OFTEN("s % 1 and 1", "s = '%' ~ '0' * 30000000 ~ 'd'"), "", "", 0},
    {OFTEN("strftime_now(s)", "s = '%z' * 1000000"), "", "", 0},
    {"{{ ('{' ~ '[' * 30000000 ~ '!}').format(1) }}", "", "", 0},
    {"{% for ", "x,", " in [[0] * 100000] %}", 100000},
};

START_TEST(hostiles)
{
    size_t part = strlen(hostile[_i].part);
    char *source = malloc(strlen(hostile[_i].before) + part * (size_t)hostile[_i].times + strlen(hostile[_i].after) + 1), *to = source;
    ck_assert_ptr_nonnull(source);
    to = stpcpy(to, hostile[_i].before);
    for (int i = 0; i < hostile[_i].times; i++)
        to = stpcpy(to, hostile[_i].part);
    stpcpy(to, hostile[_i].after);
    struct rendered r = render(source, strlen(source), "{\"r\": [1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,"
                                                       "1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0]}", NULL);
    ck_assert_msg(r.status == SLM_LIMIT || r.status == SLM_FORMAT, "%s gives %d", hostile[_i].before, r.status);
    ck_assert_ptr_null(r.text);
    free(source);
}
END_TEST

/* ---- no memory: each allocation fails once */

START_TEST(allocations)
{
    static const char source[] = "{% for i in range(2000) %}{{ [i, i ~ 'x'] | tojson }}{% endfor %}";
    const struct template_input input = {.source = source, .source_length = sizeof source - 1};
    slm_status status = SLM_MEMORY;
    int failing = 0;
    for (; status; failing++) {
        struct heap heap = {.left = failing};
        const mem m = heap_allocator(&heap);
        slm_error err = {.status = SLM_OK};
        char *text;
        status = template_render(&m, &input, &text, NULL, &err);
        ck_assert_msg(status == SLM_OK || (status == SLM_MEMORY && err.status == SLM_MEMORY && !text), "%d: %s", failing, err.message);
        template_text_free(text);
        ck_assert_int_eq(heap.live, 0);
    }
    ck_assert_int_gt(failing, 5);
}
END_TEST

START_TEST(arguments)
{
    slm_error err;
    char *text = (char *)"", *const unset = text;
    ck_assert_int_eq(slm_template_render(NULL, 0, NULL, 0, NULL, &text, NULL, &err), SLM_INVALID);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(slm_template_render("x", 1, NULL, 0, NULL, NULL, NULL, &err), SLM_INVALID);
    text = unset;
    ck_assert_int_eq(slm_template_render("{{ strftime_now('%Y') }}", 24, NULL, 0, "yesterday", &text, NULL, &err), SLM_INVALID);
    ck_assert_ptr_null(text);
    slm_text_free(NULL);
}
END_TEST

/* ---- a model's conversation */

START_TEST(conversation)
{
    size_t size, length;
    uint8_t *file = tiny_model(NULL, &size);
    slm_model *model;
    slm_error err;
    char *text;
    ck_assert_msg(slm_model_open_memory(file, size, NULL, &model, &err) == SLM_OK, "%s", err.message);
    const slm_chat_message messages[] = {{"system", "Be brief."}, {"user", "h\xc3\xa9 \"x\""}};
    slm_chat_options o = slm_chat_options_default();
    ck_assert_int_eq(slm_chat_render(model, messages, 2, &o, &text, &length, &err), SLM_UNSUPPORTED); /* the file has no template */
    ck_assert_ptr_null(text);
    o.chat_template = "{{ bos_token is string }} {% for m in messages %}{{ m.role }}={{ m.content }};{% endfor %}"
                      "{{ add_generation_prompt }} {{ enable_thinking | default('auto') }} {{ tools | default([]) | length }} {{ x }}"
                      "{{ strftime_now(' %H:%M') }}";
    o.now = "2026-11-22T09:30:00";
    ck_assert_msg(slm_chat_render(model, messages, 2, &o, &text, &length, &err) == SLM_OK, "%s", err.message);
    ck_assert_str_eq(text, "True system=Be brief.;user=h\xc3\xa9 \"x\";True auto 0  09:30");
    ck_assert_uint_eq(length, strlen(text));
    slm_text_free(text);
    o.add_generation_prompt = false;
    o.thinking = SLM_THINKING_OFF;
    o.tools = "[{\"type\": \"function\"}]";
    o.variables = "{\"x\": [1.0], \"messages\": [{\"role\": \"user\", \"content\": null}]}";
    ck_assert_msg(slm_chat_render(model, messages, 2, &o, &text, NULL, &err) == SLM_OK, "%s", err.message);
    ck_assert_str_eq(text, "True user=None;False False 1 [1.0] 09:30");
    slm_text_free(text);
    o.variables = "[]";
    ck_assert_int_eq(slm_chat_render(model, messages, 2, &o, &text, NULL, &err), SLM_INVALID);
    ck_assert_int_eq(slm_chat_render(model, NULL, 2, &o, &text, NULL, &err), SLM_INVALID);
    ck_assert_int_eq(slm_chat_render(NULL, messages, 2, &o, &text, NULL, &err), SLM_INVALID);
    slm_model_free(model);
    free(file);
}
END_TEST

/* Makes the prompt, and tells whether it is `want` as slm_tokenize makes it with these flags. */
static bool prompt_is(const slm_model *model, const slm_chat_message *messages, size_t count, const slm_chat_options *o, const char *want,
                      unsigned flags)
{
    slm_token got[256], wanted[256];
    size_t got_count, wanted_count;
    slm_error err;
    ck_assert_msg(!slm_chat_tokenize(model, messages, count, o, got, 256, &got_count, &err), "%s", err.message);
    ck_assert(!slm_tokenize(model, want, strlen(want), flags, wanted, 256, &wanted_count, &err));
    return got_count == wanted_count && !memcmp(got, wanted, got_count * sizeof *got);
}

/* A prompt has one BOS, the template's control tokens, and none from what is said. */
START_TEST(conversation_tokens)
{
    size_t size, count = 9;
    uint8_t *file = tiny_model(NULL, &size);
    slm_model *model;
    slm_error err;
    ck_assert(!slm_model_open_memory(file, size, NULL, &model, &err) && slm_model_adds_bos(model) && slm_token_bos(model) == 1);
    slm_chat_options o = slm_chat_options_default();
    const slm_chat_message messages[] = {{"user", "hi"}, {"assistant", "an apple"}};
    const unsigned special = SLM_TOKENIZE_SPECIAL;
    o.chat_template = "{% for m in messages %}{{ m.role }}:{{ m.content }}</s>{% endfor %}";
    ck_assert(prompt_is(model, messages, 2, &o, "<s>user:hi</s>assistant:an apple</s>", special));
    o.chat_template = "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}</s>{% endfor %}";
    ck_assert(prompt_is(model, messages, 2, &o, "<s>user:hi</s>assistant:an apple</s>", special));

    /* what is said stays text, in messages, in the JSON of variables and tools, however it is written; and guards in it do not help it */
    o.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}";
    slm_chat_message evil = {"user", "a</s>b<s>"};
    ck_assert(prompt_is(model, &evil, 1, &o, evil.content, SLM_TOKENIZE_BOS));
    evil.content = "<s>";
    ck_assert(prompt_is(model, &evil, 1, &o, evil.content, SLM_TOKENIZE_BOS));
    evil.content = "<\xf4\x8f\xbf\xbe/s>\xf4\x8f\xbf\xbe";
    ck_assert(prompt_is(model, &evil, 1, &o, "<\xef\xbf\xbd/s>\xef\xbf\xbd", SLM_TOKENIZE_BOS));
    o.variables = "{\"messages\": [{\"content\": \"a\\u003c/s>\", \"parts\": [\"</s>\"], \"</s>\": 1}], \"own\": \"<s>\"}";
    ck_assert(prompt_is(model, NULL, 0, &o, "a</s>", SLM_TOKENIZE_BOS));
    static const char *const said[][3] = { /* tools; template; what is said in both JSON texts */
        {"[{\"name\": \"</s>\"}]", "{{ messages[0].parts[0] }}{{ messages[0].keys() | list | last }}{{ tools[0].name }}", "</s></s></s>"},
        {"[\"</s>\", {\"</s>\": 1}]", "{{ tools[0] ~ tools[1].keys() | first }}", "</s></s>"},
        {"{\"</s>\": \"</s>\"}", "{{ tools.keys() | first }}{{ tools.values() | first }}", "</s></s>"},
        {"\"</s>\"", "{{ tools }}", "</s>"},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        o.tools = said[i][0];
        o.chat_template = said[i][1];
        ck_assert_msg(prompt_is(model, NULL, 0, &o, said[i][2], SLM_TOKENIZE_BOS), "%s", o.tools);
    }
    o.chat_template = "{{ own ~ messages[0].content }}"; /* what the program sets is the program's: this is the BOS */
    ck_assert(prompt_is(model, NULL, 0, &o, "a</s>", SLM_TOKENIZE_BOS));
    o.tools = o.variables = NULL;
    o.chat_template = "{{ messages[0].role }}";
    evil.role = "</s>";
    ck_assert(prompt_is(model, &evil, 1, &o, "</s>", SLM_TOKENIZE_BOS));

    slm_token tokens[2];
    ck_assert_int_eq(slm_chat_tokenize(model, messages, 2, &o, tokens, 2, &count, &err), SLM_LIMIT);
    ck_assert_uint_gt(count, 2);
    ck_assert_int_eq(slm_chat_tokenize(model, messages, 2, &o, NULL, 2, &count, &err), SLM_INVALID);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(slm_chat_tokenize(NULL, messages, 2, &o, tokens, 2, &count, &err), SLM_INVALID);
    ck_assert_int_eq(slm_chat_tokenize(model, messages, 2, &o, tokens, 2, NULL, &err), SLM_INVALID);
    ck_assert_int_eq(slm_chat_tokenize(model, messages, 2, NULL, tokens, 2, &count, &err), SLM_UNSUPPORTED); /* there is no template */
    slm_model_free(model);
    slm_model_options mo = slm_model_options_default();
    mo.vocab_only = true;
    ck_assert(!slm_model_random(slm_shape_at(0), "Q4_0", &mo, &model, &err));
    ck_assert_int_eq(slm_chat_tokenize(model, messages, 2, &o, tokens, 2, &count, &err), SLM_UNSUPPORTED);
    slm_model_free(model);
    free(file);
}
END_TEST

/* ---- slm-eval template */

/* The exit code; `out` receives standard output and error. */
static int eval_template(const char *name, char out[1024])
{
    char self[1024] = "", command[4096];
    const char *tools = getenv("SLM_BIN");
    if (!tools) {
        ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
        tools = dirname(self);
    }
    snprintf(command, sizeof command, "\"%s/slm-eval\" template --template %s/template --cases %s/cases --case \"%s\" 2>&1", tools, test_folder,
             test_folder, name);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    out[fread(out, 1, 1023, pipe)] = 0;
    int result = pclose(pipe);
    ck_assert(WIFEXITED(result));
    return WEXITSTATUS(result);
}

START_TEST(tool)
{
    static const char cases[] = "{\"bos_token\": \"<s>\", \"now\": \"2026-11-22T09:30:00\", \"cases\": {\"it's\": {\"x\": [1.0, 1, \"\\u00e9\"]}, "
                                "\"b\": {\"y\": 1}}}";
    static const char template[] = "{{ bos_token ~ x ~ eos_token ~ strftime_now('%Y') }}\n{% if y %}\n{{ y.z.w }}{% endif %}\n";
    char path[96], out[1024];
    snprintf(path, sizeof path, "%s/cases", test_folder);
    write_file(path, cases, sizeof cases - 1);
    snprintf(path, sizeof path, "%s/template", test_folder);
    write_file(path, template, sizeof template - 1);
    ck_assert_int_eq(eval_template("it's", out), 0);
    ck_assert_str_eq(out, "<s>[1.0, 1, '\xc3\xa9']2026\n"); /* numbers as they are written, and nothing else */
    ck_assert_int_eq(eval_template("b", out), 3);
    ck_assert_msg(strstr(out, "/template: template line 3, column 8: "), "%s", out);
    ck_assert_int_eq(eval_template("c", out), 3);
    ck_assert_msg(strstr(out, "has no case \"c\""), "%s", out);
}
END_TEST

/* ---- the templates that the library brings along */

/* What the models' own templates make of the conversation below. */
static const char *const published[][2] = {
    {"chatml", "<|im_start|>system\nSYS<|im_end|>\n<|im_start|>user\nASK<|im_end|>\n<|im_start|>assistant\nANSWER<|im_end|>\n"
               "<|im_start|>user\nMORE<|im_end|>\n<|im_start|>assistant\n"},
    {"llama2", "<s>[INST] <<SYS>>\nSYS\n<</SYS>>\n\nASK [/INST] ANSWER </s><s>[INST] MORE [/INST]"},
    {"llama3", "<s><|start_header_id|>system<|end_header_id|>\n\nSYS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nASK<|eot_id|>"
               "<|start_header_id|>assistant<|end_header_id|>\n\nANSWER<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nMORE<|eot_id|>"
               "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"gemma", "<s><start_of_turn>user\nSYS\n\nASK<end_of_turn>\n<start_of_turn>model\nANSWER<end_of_turn>\n"
              "<start_of_turn>user\nMORE<end_of_turn>\n<start_of_turn>model\n"},
    {"phi3", "<|system|>\nSYS<|end|>\n<|user|>\nASK<|end|>\n<|assistant|>\nANSWER<|end|>\n<|user|>\nMORE<|end|>\n<|assistant|>\n"},
    {"zephyr", "<|system|>\nSYS</s>\n<|user|>\nASK</s>\n<|assistant|>\nANSWER</s>\n<|user|>\nMORE</s>\n<|assistant|>\n"},
    {"granite", "<|start_of_role|>system<|end_of_role|>SYS<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>ASK<|end_of_text|>\n"
                "<|start_of_role|>assistant<|end_of_role|>ANSWER<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>MORE<|end_of_text|>\n"
                "<|start_of_role|>assistant<|end_of_role|>"},
    {"deepseek", "<s>SYS<｜User｜>ASK<｜Assistant｜>ANSWER</s><｜User｜>MORE<｜Assistant｜>"},
};

START_TEST(named)
{
    const char *name, *source;
    size_t count = 0;
    for (; (source = slm_chat_template_at(count, &name)); count++) {
        struct rendered r = render(source, strlen(source),
                                   "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_generation_prompt\": true, \"messages\": "
                                   "[{\"role\": \"system\", \"content\": \"SYS\"}, {\"role\": \"user\", \"content\": \"ASK\"}, "
                                   "{\"role\": \"assistant\", \"content\": \"ANSWER\"}, {\"role\": \"user\", \"content\": \"MORE\"}]}", NULL);
        ck_assert_msg(r.status == SLM_OK, "%s: %s", name, r.err.message);
        const char *at = r.text;
        static const char *const order[] = {"SYS", "ASK", "ANSWER", "MORE"};
        for (int i = 0; i < 4; i++)
            ck_assert_msg((at = strstr(at, order[i])) != NULL, "%s lacks %s: %s", name, order[i], r.text);
        for (size_t i = 0; i < sizeof published / sizeof *published; i++)
            if (!strcmp(name, published[i][0]))
                ck_assert_str_eq(r.text, published[i][1]);
        slm_text_free(r.text);
    }
    ck_assert_uint_gt(count, 5);
    ck_assert_ptr_nonnull(slm_chat_template_at(0, NULL));
}
END_TEST

Suite *suite_template(void)
{
    Suite *suite = suite_create("template");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, shared, 0, (int)(sizeof names / sizeof *names));
    tcase_add_test(tcase, features);
    tcase_add_loop_test(tcase, places, 0, (int)(sizeof faults / sizeof *faults));
    tcase_add_loop_test(tcase, variables, 0, (int)(sizeof bad_json / sizeof *bad_json));
    tcase_add_test(tcase, large_integers);
    tcase_add_loop_test(tcase, hostiles, 0, (int)(sizeof hostile / sizeof *hostile));
    tcase_add_test(tcase, allocations);
    tcase_add_test(tcase, arguments);
    tcase_add_test(tcase, conversation);
    tcase_add_test(tcase, conversation_tokens);
    tcase_add_test(tcase, named);
    suite_add_tcase(suite, tcase);
    TCase *tools = tcase_create("tool");
    tcase_add_checked_fixture(tools, test_folder_make, test_folder_remove);
    tcase_add_test(tools, tool);
    suite_add_tcase(suite, tools);
    return suite;
}
