/* template.h - renders chat templates: the Jinja2 that Hugging Face's templates are written in. */
#ifndef SLM_CHAT_TEMPLATE_H
#define SLM_CHAT_TEMPLATE_H

#include "../tokenizer/tokenizer.h"

struct template_input {
    const char *source;             /* Jinja */
    size_t source_length;
    /* The variables, the later ones over the earlier: */
    const char *bos_token, *eos_token;      /* NULL: not set */
    const slm_chat_message *messages;       /* `messages`, if count > 0 */
    size_t message_count;
    const bool *add_generation_prompt, *enable_thinking;    /* NULL: not set */
    const char *tools;              /* JSON of `tools`, or NULL */
    const char *variables;          /* JSON: an object whose members are variables, or NULL */
    size_t variables_length;
    const struct tokenizer *guard;  /* texts in the messages, tools and lists and dicts of the variables get guards against its control tokens;
                                     * NULL: none */
    const char *now;                /* local time "2026-11-22T09:30:00", NULL: the clock's */
};

/* The text, NUL-terminated, from an allocator of which it keeps a copy: free it with template_text_free. */
slm_status template_render(const mem *m, const struct template_input *input, char **text, size_t *length, slm_error *err);
void template_text_free(char *text);

/* The index-th template that the library brings along, or NULL past the last one. */
const char *template_named(size_t index, const char **name);

#endif
