/* chat.c - a conversation: each line of standard input is a question. Ctrl-C stops an answer.
 *
 *   cc chat.c -o chat $(pkg-config --cflags --libs libslm)
 *   ./chat model.gguf
 */
#define _POSIX_C_SOURCE 200809L
#include <slm.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 200, CONTEXT = 4096 };

static volatile sig_atomic_t stopped;

static void on_interrupt(int number)
{
    (void)number;
    stopped = 1;
}

/* What a conversation needs. The session keeps what it has computed, so that each turn decodes only what is new. */
struct chat {
    const slm_model *model;
    slm_session *session;
    slm_sampler *sampler;
    slm_chat_message messages[MESSAGES];
    size_t count;
    slm_token prompt[CONTEXT];
    FILE *answer;               /* collects the text */
};

/* Gets each piece of text as soon as it is there; never half a character. */
static bool take_text(void *user, slm_token token, const char *text, size_t length)
{
    struct chat *c = user;
    (void)token;
    fwrite(text, 1, length, c->answer);
    return fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0 && !stopped; /* false stops */
}

/* Answers the last message. */
static slm_status answer(struct chat *c, slm_error *err)
{
    size_t count;
    slm_status status = slm_chat_tokenize(c->model, c->messages, c->count, NULL, c->prompt, CONTEXT, &count, err);
    if (status)
        return status;
    /* the last token is always decoded: its logits are wanted */
    size_t known = slm_sequence_match(c->session, 0, c->prompt, count - 1);
    status = slm_sequence_truncate(c->session, 0, known, err);
    if (!status)
        status = slm_generate(c->session, 0, c->prompt + known, count - known, c->sampler, SIZE_MAX, false, take_text, c, NULL, err);
    return status;
}

static slm_status no_memory(slm_error *err)
{
    snprintf(err->message, sizeof err->message, "no memory for the answer");
    return SLM_MEMORY;
}

/* One question and its answer, both kept. */
static slm_status turn(struct chat *c, const char *question, slm_error *err)
{
    char *text = NULL;
    size_t size;
    c->messages[c->count++] = (slm_chat_message){"user", strdup(question)};
    c->answer = open_memstream(&text, &size);
    if (!c->answer)
        return no_memory(err);
    stopped = 0;
    slm_status status = answer(c, err);
    putchar('\n');
    if (fclose(c->answer) && !status)
        status = no_memory(err);
    c->messages[c->count++] = (slm_chat_message){"assistant", text};
    return status;
}

static slm_status converse(struct chat *c, slm_error *err)
{
    slm_session_options options = slm_session_options_default();
    options.context = CONTEXT;
    slm_status status = slm_session_new(c->model, &options, &c->session, err);
    if (!status)
        status = slm_sampler_new(c->model, NULL, &c->sampler, err);
    char *line = NULL;
    size_t room = 0;
    while (!status && c->count + 2 <= MESSAGES && fputs("> ", stderr) >= 0 && getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        status = turn(c, line, err);
    }
    free(line);
    for (size_t i = 0; i < c->count; i++)
        free((char *)c->messages[i].content);
    slm_sampler_free(c->sampler);
    slm_session_free(c->session);
    return status;
}

int main(int argc, char **argv)
{
    static struct chat chat;
    slm_model *model = NULL;
    slm_error err;
    if (argc != 2) {
        fprintf(stderr, "usage: chat model.gguf\n");
        return 1;
    }
    slm_status status = slm_model_open(argv[1], NULL, &model, &err);
    if (!status) {
        struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
        sigaction(SIGINT, &action, NULL);
        chat.model = model;
        status = converse(&chat, &err);
    }
    if (status)
        fprintf(stderr, "chat: %s\n", err.message);
    slm_model_free(model);
    return status ? 1 : 0;
}
