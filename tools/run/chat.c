#include "chat.h"

#include "line.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

struct chat {
    const struct settings *settings;
    struct engine *engine;
    struct format *format;
    struct conversation conversation;
    size_t generated, prompt, reused;   /* tokens of the last answer, of its prompt, and of that those kept from before */
    double prefill, decode;             /* seconds */
    int code;                   /* to end with, below 0: not yet */
};

/* ---- answers */

/* Keeps the answer, or tells why there is none. A question without an answer waits for /regen. */
static void keep_answer(struct chat *c, const struct stream *s, enum ending ending)
{
    bool any = s->answer.length > 0, thought = s->thought.length > 0;
    if (any)
        conversation_add_answer(&c->conversation, &s->answer, &s->thought);
    switch (ending) {
    case ENDING_STOP:
        if (!any)
            puts("(The model has no answer; /regen asks again.)");
        break;
    case ENDING_LENGTH:
        printf("(%s after %zu tokens; a larger -n allows more.)\n", thought && !any ? "Still thinking" : "Cut off", s->tokens.count);
        break;
    case ENDING_CONTEXT:
        printf("(The context of %zu tokens is full: the %s here. Nothing is lost: /save FILE keeps the conversation, for slm-run with a larger "
               "-c and /load FILE; /reset begins anew.)\n", c->engine->context, thought && !any ? "thoughts end" : "answer ends");
        break;
    case ENDING_INTERRUPTED:
        puts(any ? "(Stopped; /regen asks again.)" : "(Stopped before the answer; /regen asks again.)");
        break;
    case ENDING_WRITE:
        errno = s->write_error;
        c->code = cli_write_failed("standard output");
        break;
    case ENDING_FAILED: /* reported; if the prompt was too long, this helps */
        if (c->engine->prompt > c->engine->context)
            puts("(Nothing is lost: /save FILE keeps the conversation, for slm-run with a larger -c, /load FILE and /regen; /reset begins anew.)");
        break;
    }
}

/* Answers the last question. */
static void answer(struct chat *c)
{
    char *text = NULL;
    size_t length;
    struct tokens prompt = {0};
    struct stream stream;
    stream_open(&stream, c->engine->model, stdout);
    c->engine->prompt = 0;
    if (format_prompt(c->format, &c->conversation, &text, &length, &prompt)) {
        thoughts_start(&stream.thoughts, text, length);
        enum ending ending = engine_answer(c->engine, &prompt, c->settings->seed + c->conversation.drawn, &stream);
        if (stream.tokens.count) {
            c->conversation.drawn++;
            c->generated = stream.tokens.count;
            c->prompt = c->engine->prompt;
            c->reused = c->engine->reused;
            c->prefill = stream.first - c->engine->start;
            c->decode = stream.last - stream.first;
        }
        if (stream.ending != '\n')
            putchar('\n');
        keep_answer(c, &stream, ending);
        putchar('\n');
    }
    slm_text_free(text);
    free(prompt.items);
    stream_free(&stream);
}

static void ask(struct chat *c, const struct text *question)
{
    if (conversation_waits(&c->conversation)) /* it was not answered, and this one is asked instead */
        conversation_keep(&c->conversation, c->conversation.count - 1);
    if (conversation_add(&c->conversation, question->data, question->length))
        answer(c);
}

/* ---- commands */

static void help(struct chat *c, const char *argument);

static void reset(struct chat *c, const char *argument)
{
    (void)argument;
    conversation_keep(&c->conversation, 0);
    c->conversation.drawn = 0;
    printf("A new conversation%s.\n", c->conversation.system.length ? ", with the same system prompt" : "");
}

static void save(struct chat *c, const char *argument)
{
    if (conversation_save(&c->conversation, argument))
        printf("Saved %zu messages.\n", c->conversation.count);
}

static void load(struct chat *c, const char *argument)
{
    if (!conversation_load(&c->conversation, argument))
        return;
    size_t count = c->conversation.count;
    printf("Loaded %zu messages%s.\n", count, conversation_waits(&c->conversation) ? "; the last has no answer yet: /regen" : "");
    for (size_t i = count > 2 ? count - 2 - count % 2 : 0; i < count; i++) {
        struct stream stream;
        stream_open(&stream, c->engine->model, stdout);
        fputs(i % 2 ? "" : "> ", stdout);
        stream_show(&stream, c->conversation.messages[i].text.data, c->conversation.messages[i].text.length);
        puts(i % 2 ? "\n" : "");
    }
}

static void system_prompt(struct chat *c, const char *argument)
{
    const char *text = strcmp(argument, "none") == 0 ? "" : argument;
    if (*argument && conversation_set_system(&c->conversation, text, strlen(text)))
        puts(*text ? "The system prompt is changed." : "There is no system prompt any more.");
    else if (c->conversation.system.length)
        printf("The system prompt is: %s\n(/system none removes it.)\n", c->conversation.system.data);
    else
        puts("There is no system prompt; /system TEXT gives one.");
}

static void regenerate(struct chat *c, const char *argument)
{
    (void)argument;
    if (c->conversation.count == 0) {
        puts("There is no question yet.");
        return;
    }
    if (!conversation_waits(&c->conversation)) {
        conversation_keep(&c->conversation, c->conversation.count - 1);
        if (c->settings->temperature == 0)
            puts("(At temperature 0 the answer stays the same.)");
    }
    answer(c);
}

static void stats(struct chat *c, const char *argument)
{
    (void)argument;
    const struct engine *e = c->engine;
    printf("Messages: %zu. Context: %zu of %zu tokens.\n", c->conversation.count, slm_sequence_length(e->session, 0), e->context);
    if (c->generated == 0)
        return;
    printf("Last prompt: %zu tokens, %zu of them kept from before, %zu decoded in %.2f s (%.1f tok/s).\n", c->prompt, c->reused,
           c->prompt - c->reused, c->prefill, (double)(c->prompt - c->reused) / c->prefill);
    printf("Last answer: %zu tokens", c->generated);
    if (c->generated > 1) /* the first one comes with the prompt */
        printf(", %zu of them decoded in %.2f s (%.1f tok/s)", c->generated - 1, c->decode, (double)(c->generated - 1) / c->decode);
    puts(".");
}

static void quit(struct chat *c, const char *argument)
{
    (void)argument;
    c->code = CLI_OK;
}

enum argument { NONE, SOME, MAYBE }; /* SOME: a file */
static const struct {
    const char *name, *argument, *help;
    enum argument wants;
    void (*run)(struct chat *c, const char *argument);
} commands[] = {
    {"/help", "", "this list", NONE, help},
    {"/reset", "", "begin a new conversation", NONE, reset},
    {"/save", " FILE", "write the conversation to a file", SOME, save},
    {"/load", " FILE", "go on with a saved conversation", SOME, load},
    {"/system", " TEXT", "set the system prompt, show it, or remove it with none", MAYBE, system_prompt},
    {"/regen", "", "answer the last question again", NONE, regenerate},
    {"/stats", "", "tokens, speeds, and what was kept from before", NONE, stats},
    {"/quit", "", "end; Ctrl-D does it too", NONE, quit},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void help(struct chat *c, const char *argument)
{
    (void)c;
    (void)argument;
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%s%s%*s%s\n", commands[i].name, commands[i].argument, 14 - (int)(strlen(commands[i].name) + strlen(commands[i].argument)), "",
               commands[i].help);
    puts("Ctrl-C stops an answer. A line that ends in \\ goes on in the next one; \"\"\" begins and ends a text of many lines.");
}

static void command(struct chat *c, const struct text *line)
{
    size_t size = strcspn(line->data, " \t\n"), length = line->length;
    while (length > size && isspace((unsigned char)line->data[length - 1]))
        line->data[--length] = 0;
    const char *argument = line->data + size + strspn(line->data + size, " \t\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strlen(commands[i].name) != size || memcmp(commands[i].name, line->data, size) != 0)
            continue;
        if (*argument ? commands[i].wants == NONE : commands[i].wants == SOME)
            cli_error("%s %s", commands[i].name, *argument ? "takes nothing behind it" : "needs the name of a file behind it");
        else if (commands[i].wants == SOME && strcmp(argument, "-") == 0) /* standard input is the conversation's, and so is the output */
            cli_error("%s takes the name of a file, not -", commands[i].name);
        else
            commands[i].run(c, argument);
        return;
    }
    cli_error("there is no command %.*s; /help lists them (a question may begin with a space)", size < 40 ? (int)size : 40, line->data);
}

/* ---- the conversation */

static void greet(const struct chat *c)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(c->engine->model, &info);
    const char *name = *info.name ? info.name : info.architecture;
    cli_text(stdout, name, strlen(name));
    printf(", %zu tokens of context. /help lists the commands, Ctrl-C stops an answer, Ctrl-D ends.\n\n", c->engine->context);
}

/* Whether the template works at all, so that nobody types a question in vain. */
static bool try_template(struct chat *c)
{
    char *text = NULL;
    size_t length;
    struct tokens tokens = {0};
    bool ok = conversation_add(&c->conversation, "Hello", 5) && format_prompt(c->format, &c->conversation, &text, &length, &tokens);
    slm_text_free(text);
    conversation_keep(&c->conversation, 0);
    free(tokens.items);
    return ok;
}

int chat(const struct settings *settings, struct engine *engine, struct format *format)
{
    struct chat c = {.settings = settings, .engine = engine, .format = format, .code = -1};
    struct text line = {0};
    if ((settings->system && !conversation_set_system(&c.conversation, settings->system, strlen(settings->system))) || !try_template(&c) ||
        !line_open()) {
        conversation_free(&c.conversation);
        return CLI_FAILED;
    }
    if (!settings->quiet)
        greet(&c);
    while (c.code < 0 && cli_resume()) {
        switch (line_read(&line)) {
        case LINE_TEXT:
            if (line.length && line.data[0] == '/')
                command(&c, &line);
            else if (strspn(line.data, " \t\n") < line.length)
                ask(&c, &line);
            break;
        case LINE_INTERRUPTED:
            puts(cli_resume() ? "\n(/quit or Ctrl-D ends the conversation.)" : "");
            break;
        case LINE_END:
            puts("");
            c.code = CLI_OK;
            break;
        }
        if (fflush(stdout) && c.code < 0)
            c.code = cli_write_failed("standard output");
    }
    line_close();
    free(line.data);
    conversation_free(&c.conversation);
    return c.code < 0 ? CLI_INTERRUPTED : c.code;
}
