/* chat_form.h - what stands around a question in the prompt of a chat model. */
#ifndef CHAT_FORM_H
#define CHAT_FORM_H

struct chat_form {
    const char *name;
    const char *marks[2];       /* texts that a chat template of this form contains; the second may be NULL */
    const char *before, *after;
};

/* The form of a model with this chat template, or NULL if it is not one of the known ones. `chat_template` may be NULL. */
const struct chat_form *chat_form_find(const char *chat_template);

#endif
