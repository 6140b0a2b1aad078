/* format.h - prompts in the form that a model was trained on, by a chat template. */
#ifndef RUN_FORMAT_H
#define RUN_FORMAT_H

#include "conversation.h"
#include "settings.h"

struct format {
    const slm_model *model;
    const struct settings *settings;
    const char *source;         /* Jinja */
    const char *name;           /* "chatml", a file, "the model's chat template" */
    char *file;                 /* contents of the file */
    char *variables;            /* JSON: the conversation, as the template was given it last */
    bool told;                  /* that the system prompt went into the first question */
};

/* Chooses the template: --chat-template, the model's, or one that suits its vocabulary, and says so then. Returns the exit code to end
 * with, CLI_OK to go on. Free it with format_free in any case. */
int format_open(struct format *format, const slm_model *model, const struct settings *settings);
void format_free(struct format *format);

/* The prompt for the answer to a conversation's last question, as text (free with slm_text_free) and as tokens. Text that looks like a
 * control token is ordinary text in what people say, unless --special. False after a failure that has been reported. */
bool format_prompt(struct format *format, const struct conversation *conversation, char **text, size_t *length, struct tokens *tokens);

/* The family whose tokens a template of `length` bytes writes ("chatml"), or NULL. */
const char *format_family(const char *source, size_t length);

#endif
