/* text.h - texts and token sequences that grow. */
#ifndef RUN_TEXT_H
#define RUN_TEXT_H

#include "slm.h"

/* Start both with all zero bytes; free the pointer in front. */
struct text {
    char *data;             /* NUL-terminated once something was added, and may hold NULs */
    size_t length, room;
};

struct tokens {
    slm_token *items;
    size_t count, room;
};

/* Append; false after a lack of memory, with nothing changed. */
bool text_add(struct text *text, const char *data, size_t length);
bool tokens_add(struct tokens *tokens, const slm_token *items, size_t count);

/* Appends the tokens of a text (flags of slm_tokenize). False after a failure that has been reported. */
bool tokens_add_text(struct tokens *tokens, const slm_model *model, const char *text, size_t length, unsigned flags);

/* Appends the tokens of a conversation (slm_chat_tokenize; the messages are in the options' variables). The same. */
bool tokens_add_chat(struct tokens *tokens, const slm_model *model, const slm_chat_options *options);

/* Puts the BOS token in front where the model wants one and the prompt brings none. False, reported, if the prompt is empty even so. */
bool tokens_begin(struct tokens *tokens, const slm_model *model);

#endif
