/* cursor.h - the one bounded reader of untrusted bytes. A read outside them is an error with its place, never an access. */
#ifndef SLM_CURSOR_H
#define SLM_CURSOR_H

#include "status.h"

struct cursor {
    const uint8_t *bytes;
    size_t size;
    size_t at;          /* next byte to read, at most `size` */
    slm_error *err;     /* filled when a read fails, or NULL */
};

static inline size_t cursor_left(const struct cursor *c)
{
    return c->size - c->at;
}

/* Little-endian reads of one value. `what` names it in the message ("tensor count"). */
slm_status cursor_u32(struct cursor *c, const char *what, uint32_t *value);
slm_status cursor_u64(struct cursor *c, const char *what, uint64_t *value);

/* Passes over `count` elements of `size` bytes; *data points to the first. The product may overflow: that is too long too. */
slm_status cursor_take(struct cursor *c, const char *what, uint64_t count, uint64_t size, const uint8_t **data);

/* Little-endian loads from bytes that a cursor has passed; no alignment needed. */
static inline uint16_t load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t load_u32(const uint8_t *p)
{
    return load_u16(p) | (uint32_t)load_u16(p + 2) << 16;
}

static inline uint64_t load_u64(const uint8_t *p)
{
    return load_u32(p) | (uint64_t)load_u32(p + 4) << 32;
}

/* Checked arithmetic on sizes that a file claims: false if the result does not fit in 64 bits. */
static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

#endif
