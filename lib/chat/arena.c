/* The arena of a render, its budget and its failures. */
#include "value.h"

#include "../status.h"

#include <stdarg.h>
#include <stdio.h>

enum { CHUNK = 64 << 10, ALIGN = 16 };

struct chunk {
    struct chunk *next;
};

static void place(const struct chat *c, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < c->position && i < c->source_length; i++) {
        if (c->source[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)c->source[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

static bool fail_at(struct chat *c, slm_status status, const char *format, va_list args)
{
    if (c->status)
        return false;
    char text[512];
    unsigned line, column;
    vsnprintf(text, sizeof text, format, args);
    c->status = status;
    if (c->source) {
        place(c, &line, &column);
        fail(c->err, status, c->position, "template line %u, column %u: %s", line, column, text);
    } else {
        fail(c->err, status, c->position, "%s", text);
    }
    return false;
}

bool chat_fail(struct chat *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(c, SLM_FORMAT, format, args);
    va_end(args);
    return false;
}

bool chat_fail_as(struct chat *c, slm_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(c, status, format, args);
    va_end(args);
    return false;
}

static size_t round_up(size_t size)
{
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *chat_alloc(struct chat *c, size_t size)
{
    if (c->status)
        return NULL;
    if (size > CHAT_MEMORY_MAX) {
        chat_fail_as(c, SLM_LIMIT, "the template needs more memory than %d MiB", CHAT_MEMORY_MAX >> 20);
        return NULL;
    }
    size = round_up(size ? size : 1);
    if (!c->free || (size_t)(c->end - c->free) < size) {
        size_t room = size > CHUNK - ALIGN ? size : CHUNK - ALIGN;
        if (c->bytes + room > CHAT_MEMORY_MAX) {
            chat_fail_as(c, SLM_LIMIT, "the template needs more memory than %d MiB", CHAT_MEMORY_MAX >> 20);
            return NULL;
        }
        struct chunk *chunk = mem_alloc(&c->mem, 1, room + ALIGN);
        if (!chunk) {
            chat_fail_as(c, SLM_MEMORY, "no memory for the chat template's values (%zu bytes)", room);
            return NULL;
        }
        chunk->next = c->chunks;
        c->chunks = chunk;
        c->bytes += room;
        c->free = (char *)chunk + ALIGN;
        c->end = c->free + room;
    }
    void *ptr = c->free;
    c->free += size;
    return ptr;
}

void *chat_grow(struct chat *c, void *ptr, size_t used, size_t old_size, size_t new_size)
{
    size_t old = round_up(old_size), new = round_up(new_size);
    if (ptr && (char *)ptr + old == c->free && (size_t)(c->end - c->free) >= new - old) { /* it is the newest: in place */
        c->free += new - old;
        return ptr;
    }
    void *fresh = chat_alloc(c, new_size);
    if (fresh && used)
        memcpy(fresh, ptr, used);
    return fresh;
}

void chat_free_all(struct chat *c)
{
    while (c->chunks) {
        struct chunk *next = c->chunks->next;
        mem_free(&c->mem, c->chunks);
        c->chunks = next;
    }
    c->free = c->end = NULL;
}

bool chat_work(struct chat *c, uint64_t steps)
{
    c->steps += steps;
    return c->steps <= CHAT_STEPS_MAX || chat_fail_as(c, SLM_LIMIT, "the template takes too many steps (does it end?)");
}
