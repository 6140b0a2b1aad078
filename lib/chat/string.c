/* Strings of values: UTF-8, indexed by character; bytes that are not UTF-8 pass through as characters of their own. */
#include "value.h"

#include "../tokenizer/tokenizer.h"
#include "../tokenizer/unicode.h"

bool string_ref(struct chat *c, const char *data, size_t length, struct value *out)
{
    struct string *s = chat_alloc(c, sizeof *s);
    if (!s)
        return false;
    *s = (struct string){data, length, SIZE_MAX};
    *out = (struct value){.kind = STRING, .as.string = s};
    return true;
}

bool string_text(struct chat *c, const char *text, struct value *out)
{
    return string_ref(c, text, strlen(text), out);
}

bool string_guard(struct chat *c, struct value *string)
{
    const char *s = string->as.string->data;
    const size_t length = string->as.string->length;
    struct buffer b = {0};
    size_t done = 0;
    if (!c->guard)
        return true;
    if (!chat_work(c, length / 16))
        return false;
    for (size_t at = 0, next; at < length; at = next) {
        next = at + char_length(s, length, at);
        const bool false_guard = next - at == TOKENIZER_GUARD_LENGTH && memcmp(s + at, TOKENIZER_GUARD, TOKENIZER_GUARD_LENGTH) == 0;
        if (!false_guard && !tokenizer_needs_guard(c->guard, s + at, length - at))
            continue;
        if (!buffer_add(c, &b, s + done, (false_guard ? at : next) - done) ||
            !buffer_text(c, &b, false_guard ? "\xef\xbf\xbd" : TOKENIZER_GUARD)) /* U+FFFD: taken out, it could make a token whole */
            return false;
        done = next;
    }
    return done == 0 || (buffer_add(c, &b, s + done, length - done) && buffer_value(c, &b, string));
}

bool string_is(struct value v, const char *text)
{
    return v.kind == STRING && v.as.string->length == strlen(text) && memcmp(v.as.string->data, text, v.as.string->length) == 0;
}

size_t char_length(const char *data, size_t length, size_t at)
{
    uint32_t code_point;
    if ((unsigned char)data[at] < 0x80)
        return 1;
    int n = utf8_decode(data + at, length - at, &code_point);
    return n > 0 ? (size_t)n : 1;
}

size_t char_before(const char *data, size_t at)
{
    for (size_t n = 1; n <= 4 && n <= at; n++)
        if (((unsigned char)data[at - n] & 0xc0) != 0x80)
            return char_length(data, at, at - n) == n ? at - n : at - 1;
    return at - 1;
}

uint32_t char_at(const char *data, size_t length, size_t at)
{
    uint32_t code_point;
    if ((unsigned char)data[at] < 0x80)
        return (unsigned char)data[at];
    return utf8_decode(data + at, length - at, &code_point) > 0 ? code_point : 0xdc00u + (unsigned char)data[at];
}

bool char_is_space(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point == ' ' || (code_point >= 9 && code_point <= 13) || (code_point >= 0x1c && code_point <= 0x1f);
    return unicode_class(code_point) == UNICODE_SPACE;
}

bool char_is_printable(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point >= 0x20 && code_point < 0x7f;
    enum unicode_class class = unicode_class(code_point);
    return class != UNICODE_CONTROL && class != UNICODE_UNASSIGNED && class != UNICODE_SPACE;
}

size_t string_chars(struct chat *c, struct value v)
{
    struct string *s = v.as.string;
    if (s->chars == SIZE_MAX) {
        size_t chars = 0;
        chat_work(c, s->length / 64);
        for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i))
            chars++;
        s->chars = chars;
    }
    return s->chars;
}

size_t char_offset(struct chat *c, struct value v, size_t index)
{
    const struct string *s = v.as.string;
    if (string_chars(c, v) == s->length)
        return index;
    size_t at = 0;
    while (index-- > 0 && at < s->length)
        at += char_length(s->data, s->length, at);
    chat_work(c, at / 64);
    return at;
}

const char *text_find(struct chat *c, const char *text, size_t length, const struct string *part)
{
    const char *found = memmem(text, length, part->data, part->length);
    chat_work(c, 1 + (found ? (size_t)(found - text) : length) / 16);
    return found;
}

bool buffer_add(struct chat *c, struct buffer *b, const char *data, size_t length)
{
    if (length > CHAT_OUTPUT_MAX || b->length + length > CHAT_OUTPUT_MAX)
        return chat_fail_as(c, SLM_LIMIT, "the template makes a text of more than %d MiB", CHAT_OUTPUT_MAX >> 20);
    if (b->length + length > b->capacity) {
        size_t capacity = b->capacity ? b->capacity : 64;
        while (capacity < b->length + length)
            capacity *= 2;
        char *grown = chat_grow(c, b->data, b->length, b->capacity, capacity);
        if (!grown)
            return false;
        b->data = grown;
        b->capacity = capacity;
    }
    if (length)
        memcpy(b->data + b->length, data, length);
    b->length += length;
    return chat_work(c, length / 64);
}

bool buffer_text(struct chat *c, struct buffer *b, const char *text)
{
    return buffer_add(c, b, text, strlen(text));
}

bool buffer_string(struct chat *c, struct buffer *b, struct value string)
{
    return buffer_add(c, b, string.as.string->data, string.as.string->length);
}

bool buffer_fill(struct chat *c, struct buffer *b, char byte, size_t count)
{
    char block[64];
    memset(block, byte, sizeof block);
    for (; count > sizeof block; count -= sizeof block)
        if (!buffer_add(c, b, block, sizeof block))
            return false;
    return buffer_add(c, b, block, count);
}

bool buffer_char(struct chat *c, struct buffer *b, uint32_t code_point)
{
    char bytes[4];
    if (code_point >= 0xdc80 && code_point <= 0xdcff) { /* see char_at */
        bytes[0] = (char)(code_point - 0xdc00);
        return buffer_add(c, b, bytes, 1);
    }
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
        code_point = 0xfffd;
    return buffer_add(c, b, bytes, (size_t)utf8_encode(code_point, bytes));
}

bool buffer_value(struct chat *c, struct buffer *b, struct value *out)
{
    return string_ref(c, b->data ? b->data : "", b->length, out);
}
