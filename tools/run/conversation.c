#include "conversation.h"

#include "../cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static bool out_of_memory(void)
{
    cli_error("no memory for the conversation");
    return false;
}

bool conversation_waits(const struct conversation *c)
{
    return c->count % 2 == 1;
}

static void free_message(struct message *m)
{
    free(m->text.data);
    free(m->thoughts.data);
}

bool conversation_add_answer(struct conversation *c, const struct text *text, const struct text *thoughts)
{
    struct message m = {.text = {0}};
    if (c->count == c->room) {
        size_t room = c->room * 2 + 16;
        struct message *grown = realloc(c->messages, room * sizeof *grown);
        if (!grown)
            return out_of_memory();
        c->messages = grown;
        c->room = room;
    }
    if (!text_add(&m.text, text->data, text->length) || !text_add(&m.thoughts, thoughts->data, thoughts->length)) {
        free_message(&m);
        return out_of_memory();
    }
    c->messages[c->count++] = m;
    return true;
}

bool conversation_add(struct conversation *c, const char *text, size_t length)
{
    const struct text question = {.data = (char *)text, .length = length}, none = {0}; /* only read */
    return conversation_add_answer(c, &question, &none);
}

bool conversation_set_system(struct conversation *c, const char *text, size_t length)
{
    struct text system = {0};
    if (!text_add(&system, text, length))
        return out_of_memory();
    free(c->system.data);
    c->system = system;
    return true;
}

void conversation_keep(struct conversation *c, size_t count)
{
    while (c->count > count)
        free_message(&c->messages[--c->count]);
}

void conversation_free(struct conversation *c)
{
    conversation_keep(c, 0);
    free(c->messages);
    free(c->system.data);
    *c = (struct conversation){.count = 0};
}

/* ---- files */

static void write_message(FILE *out, const char *role, const struct text *text, const struct text *thoughts, bool first)
{
    fprintf(out, "%s  {\"role\": \"%s\", \"content\": ", first ? "" : ",\n", role);
    cli_json_text(out, text->data, text->length);
    if (thoughts && thoughts->length) {
        fputs(", \"reasoning_content\": ", out);
        cli_json_text(out, thoughts->data, thoughts->length);
    }
    fputc('}', out);
}

void conversation_write(const struct conversation *c, FILE *out, bool thoughts, const struct text *first, const char *more)
{
    const bool system = c->system.length && !first;
    fprintf(out, "{%s\"messages\": [\n", more);
    if (system)
        write_message(out, "system", &c->system, NULL, true);
    for (size_t i = 0; i < c->count; i++)
        write_message(out, i % 2 ? "assistant" : "user", i == 0 && first ? first : &c->messages[i].text,
                      thoughts ? &c->messages[i].thoughts : NULL, i == 0 && !system);
    fprintf(out, "\n ], \"drawn\": %" PRIu64 "}\n", c->drawn);
}

bool conversation_save(const struct conversation *c, const char *path)
{
    FILE *out = fopen(path, "wb");
    bool ok = out != NULL;
    if (ok) {
        conversation_write(c, out, true, NULL, "");
        ok = !ferror(out);
        ok &= fclose(out) == 0;
    }
    if (!ok)
        cli_error("can't write %s: %s", path, strerror(errno));
    return ok;
}

/* The library's template interpreter reads the JSON: this template writes down the number of answers drawn, and for each message its
 * role and how many characters its texts have, then the texts. */
static const char reader[] =
    "{% if messages is undefined or messages is string or messages is mapping or messages is not iterable %}no{% else %}"
    "{{ drawn if drawn is integer and drawn >= 0 else 0 }}\n"
    "{% for m in messages %}"
    "{% set thoughts = m.reasoning_content if m.reasoning_content is string else '' %}"
    "{% if m.role in ['system', 'user', 'assistant'] and m.content is string %}"
    "{{ m.role[0] }} {{ m.content | length }} {{ thoughts | length }}\n{{ m.content }}{{ thoughts }}\n"
    "{% else %}?\n{% endif %}{% endfor %}{% endif %}";

/* Bytes that `count` characters of UTF-8 take, or more than `left`. */
static size_t characters(const char *s, size_t left, unsigned long long count)
{
    size_t bytes = 0;
    while (bytes < left && count > 0) {
        bytes++;
        while (bytes < left && (s[bytes] & 0xc0) == 0x80)
            bytes++;
        count--;
    }
    return count ? left + 1 : bytes;
}

/* What is wrong with what the reader has written, NULL if nothing; else *c holds it. */
static const char *take(struct conversation *c, const char *s, size_t length, size_t *number)
{
    const char *end = s + length;
    char *at;
    c->drawn = strtoull(s, &at, 10); /* not by sscanf, which counts all that follows at each call */
    if (at == s)
        return "it has no list of messages";
    for (s = at + 1; s < end; s++) {
        const char role = *s;
        (*number)++;
        if (role == '?')
            return "it is not one of the system, the user or the assistant with a text as content";
        const unsigned long long text_size = strtoull(s + 1, &at, 10), thoughts_size = strtoull(at, &at, 10);
        s = at + 1;
        size_t text = characters(s, (size_t)(end - s), text_size);
        size_t thoughts = text <= (size_t)(end - s) ? characters(s + text, (size_t)(end - s) - text, thoughts_size) : 0;
        if (text + thoughts >= (size_t)(end - s) || s[text + thoughts] != '\n')
            return "it is not UTF-8";
        const struct text parts[2] = {{.data = (char *)s, .length = text}, {.data = (char *)s + text, .length = thoughts}};
        if (role == 's' ? *number > 1 : (role == 'a') != conversation_waits(c))
            return "users and assistants must take turns, after at most one system message";
        if (!(role == 's' ? conversation_set_system(c, s, text) : conversation_add_answer(c, &parts[0], &parts[1])))
            return "no memory";
        s += text + thoughts;
    }
    return NULL;
}

bool conversation_load(struct conversation *c, const char *path)
{
    size_t size, length, number = 0;
    slm_error err;
    char *read = NULL, *json = cli_read_file(path, &size);
    struct conversation loaded = {.count = 0};
    if (!json)
        return false;
    const slm_status status = slm_template_render(reader, strlen(reader), json, size, NULL, &read, &length, &err);
    const char *problem = status == SLM_INVALID ? "it is JSON, but no object with a list of messages"
                        : status ? err.message : take(&loaded, read, length, &number);
    free(json);
    if (problem && number)
        cli_error("%s is not a saved conversation: message %zu: %s", path, number, problem);
    else if (problem)
        cli_error("%s is not a saved conversation: %s", path, problem);
    slm_text_free(read);
    if (problem) {
        conversation_free(&loaded);
        return false;
    }
    conversation_free(c);
    *c = loaded;
    return true;
}
