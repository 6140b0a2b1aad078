#include "text.h"

#include "../cli.h"

#include <stdlib.h>

static bool grow(void **items, size_t *room, size_t wanted, size_t size)
{
    if (wanted <= *room)
        return true;
    size_t larger = wanted + wanted / 2 + 64;
    void *grown = realloc(*items, larger * size);
    if (!grown)
        return false;
    *items = grown;
    *room = larger;
    return true;
}

bool text_add(struct text *text, const char *data, size_t length)
{
    void *grown = text->data;
    if (!grow(&grown, &text->room, text->length + length + 1, 1))
        return false;
    text->data = grown;
    if (length)
        memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
    return true;
}

static bool reserve(struct tokens *tokens, size_t more)
{
    void *grown = tokens->items;
    bool ok = grow(&grown, &tokens->room, tokens->count + more, sizeof *tokens->items);
    tokens->items = grown;
    return ok;
}

bool tokens_add(struct tokens *tokens, const slm_token *items, size_t count)
{
    if (!reserve(tokens, count))
        return false;
    if (count)
        memcpy(tokens->items + tokens->count, items, count * sizeof *items);
    tokens->count += count;
    return true;
}

bool tokens_add_text(struct tokens *tokens, const slm_model *model, const char *text, size_t length, unsigned flags)
{
    slm_error err;
    size_t count = 0;
    if (!reserve(tokens, 2 * length + 2)) {
        cli_error("no memory for the tokens of %zu bytes", length);
        return false;
    }
    if (slm_tokenize(model, text, length, flags, tokens->items + tokens->count, 2 * length + 2, &count, &err)) {
        cli_error("%s", err.message);
        return false;
    }
    tokens->count += count;
    return true;
}

bool tokens_add_chat(struct tokens *tokens, const slm_model *model, const slm_chat_options *options)
{
    slm_error err;
    slm_status status;
    size_t count = 256, room; /* grows to what is needed */
    do {
        if (!reserve(tokens, count)) {
            cli_error("no memory for a prompt of %zu tokens", count);
            return false;
        }
        room = tokens->room - tokens->count;
        status = slm_chat_tokenize(model, NULL, 0, options, tokens->items + tokens->count, room, &count, &err);
    } while (status == SLM_LIMIT && count > room);
    if (status)
        cli_error("%s", err.message);
    else
        tokens->count += count;
    return status == SLM_OK;
}

bool tokens_begin(struct tokens *tokens, const slm_model *model)
{
    slm_token bos = slm_token_bos(model);
    if (slm_model_adds_bos(model) && bos != SLM_TOKEN_NONE && (tokens->count == 0 || tokens->items[0] != bos)) {
        if (!tokens_add(tokens, &bos, 1)) {
            cli_error("no memory for the prompt");
            return false;
        }
        memmove(tokens->items + 1, tokens->items, (tokens->count - 1) * sizeof bos);
        tokens->items[0] = bos;
    }
    if (tokens->count == 0)
        cli_error("the prompt is empty, and this model has no token to begin a text with; give it some text with -p");
    return tokens->count > 0;
}
