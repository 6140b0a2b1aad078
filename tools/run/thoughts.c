#include "thoughts.h"

#include <string.h>

static const struct {
    const char *open, *close;
} marks[] = {
    {"<think>", "</think>"},    /* Qwen 3, SmolLM3, DeepSeek R1, Granite 3.3 */
    {"[THINK]", "[/THINK]"},    /* Magistral, Ministral 3 */
};
enum { MARKS = sizeof marks / sizeof *marks };

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

void thoughts_start(struct thoughts *t, const char *prompt, size_t length)
{
    while (length && is_space(prompt[length - 1]))
        length--;
    for (size_t i = 0; i < MARKS; i++) {
        size_t size = strlen(marks[i].open);
        if (length >= size && memcmp(prompt + length - size, marks[i].open, size) == 0)
            *t = (struct thoughts){.state = THOUGHTS_INSIDE, .mark = i};
    }
}

bool thoughts_is_mark(const char *text, size_t length)
{
    for (size_t i = 0; i < MARKS; i++)
        if ((strlen(marks[i].open) == length && memcmp(marks[i].open, text, length) == 0) ||
            (strlen(marks[i].close) == length && memcmp(marks[i].close, text, length) == 0))
            return true;
    return false;
}

/* Looks for an opening mark behind white space; false if more text is needed to tell. */
static bool begin(struct thoughts *t, const char *text, size_t length, bool end)
{
    size_t at = 0;
    while (at < length && is_space(text[at]))
        at++;
    t->state = THOUGHTS_OVER;
    for (size_t i = 0; i < MARKS; i++) {
        size_t size = strlen(marks[i].open), known = length - at < size ? length - at : size;
        if (memcmp(text + at, marks[i].open, known) != 0)
            continue;
        if (known == size) {
            *t = (struct thoughts){.state = THOUGHTS_INSIDE, .mark = i, .at = at + size};
            return true;
        }
        if (!end) {
            t->state = THOUGHTS_BEGIN;
            return false;
        }
    }
    return true;
}

/* Bytes up to the closing mark, or to what may become one. */
static size_t inside(const char *text, size_t length, const char *close, bool end, bool *closed)
{
    size_t size = strlen(close);
    *closed = false;
    for (size_t i = 0; i < length; i++) {
        size_t known = length - i < size ? length - i : size;
        if (text[i] == close[0] && memcmp(text + i, close, known) == 0 && (known == size || !end)) {
            *closed = known == size;
            return i;
        }
    }
    return length;
}

size_t thoughts_next(struct thoughts *t, const char *text, size_t length, bool end, size_t *piece, bool *thought)
{
    *thought = false;
    if (t->state == THOUGHTS_BEGIN && !begin(t, text, length, end))
        return 0;
    if (t->state == THOUGHTS_INSIDE) {
        bool closed;
        while (!t->begun && t->at < length && text[t->at] == '\n')
            t->at++;
        t->begun |= t->at < length;
        size_t size = inside(text + t->at, length - t->at, marks[t->mark].close, end, &closed), after = t->at + size;
        while (size && text[t->at + size - 1] == '\n')
            size--;
        *piece = t->at;
        *thought = true;
        t->at += size;
        if (closed) {
            t->at = after + strlen(marks[t->mark].close);
            t->state = THOUGHTS_AFTER;
        }
        if (size || !closed)
            return size;
    }
    if (t->state == THOUGHTS_AFTER) {
        while (t->at < length && text[t->at] == '\n')
            t->at++;
        if (t->at == length)
            return 0;
        t->state = THOUGHTS_OVER;
    }
    *piece = t->at;
    *thought = false;
    t->at = length;
    return length - *piece;
}
