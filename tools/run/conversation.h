/* conversation.h - who said what. */
#ifndef RUN_CONVERSATION_H
#define RUN_CONVERSATION_H

#include "text.h"

#include <stdio.h>

/* A question or an answer; they alternate, and the first is a question. Texts are never NULL. */
struct message {
    struct text text, thoughts;
};

struct conversation {
    struct text system;         /* empty: none */
    struct message *messages;   /* even ones are questions, odd ones answers */
    size_t count, room;
    uint64_t drawn;             /* answers drawn so far, those of /regen included: each has a seed of its own */
};

/* Whether the last question waits for its answer. */
bool conversation_waits(const struct conversation *c);

/* Append the next message. False for a lack of memory, reported. */
bool conversation_add(struct conversation *c, const char *text, size_t length);
bool conversation_add_answer(struct conversation *c, const struct text *text, const struct text *thoughts);

bool conversation_set_system(struct conversation *c, const char *text, size_t length);

/* Keep the first `count` messages. */
void conversation_keep(struct conversation *c, size_t count);

void conversation_free(struct conversation *c);

/* Writes {"messages": [...], "drawn": N}, the messages as chat templates and services know them. Thoughts are in it if `thoughts`; `first`, if
 * not NULL, stands in place of the system prompt and the first question; `more` is put after the opening brace. */
void conversation_write(const struct conversation *c, FILE *out, bool thoughts, const struct text *first, const char *more);

/* Save to and load from such a file. False after a failure that has been reported; the conversation is as it was then. */
bool conversation_save(const struct conversation *c, const char *path);
bool conversation_load(struct conversation *c, const char *path);

#endif
