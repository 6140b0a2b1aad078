/* decode.c - tokens to bytes, and streams of tokens to text. */
#include "internal.h"

#include "unicode.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Where bytes go: as many as fit are written, all are counted. With a state they go through it, and whole characters come out. */
struct sink {
    char *bytes;
    size_t capacity, length;
    slm_detokenizer *state;
    bool drop_space;            /* the next byte, if it is a space */
};

/* All or nothing, so that a text cut to what fits ends with a whole character. */
static void emit(struct sink *sink, const char *bytes, size_t length)
{
    if (sink->length + length <= sink->capacity)
        memcpy(sink->bytes + sink->length, bytes, length);
    else if (sink->length < sink->capacity)
        sink->capacity = sink->length; /* nor anything after it */
    sink->length += length;
}

/* Adds a byte to the pending ones and puts out what is complete. */
static void stream_byte(struct sink *sink, char byte)
{
    slm_detokenizer *state = sink->state;
    state->pending[state->pending_length++] = (uint8_t)byte;
    while (state->pending_length) {
        char pending[sizeof state->pending];
        memcpy(pending, state->pending, sizeof pending);
        uint32_t c;
        int size = utf8_decode(pending, state->pending_length, &c);
        if (size == 0)
            return;
        if (size > 0)
            emit(sink, pending, (size_t)size);
        else
            emit(sink, REPLACEMENT, sizeof REPLACEMENT - 1);
        size_t used = size > 0 ? (size_t)size : (size_t)-size;
        state->pending_length = (uint8_t)(state->pending_length - used);
        memmove(state->pending, state->pending + used, state->pending_length);
    }
}

static void put(struct sink *sink, const char *bytes, size_t length)
{
    if (sink->drop_space && length) {
        sink->drop_space = false;
        if (*bytes == ' ') {
            bytes++;
            length--;
        }
    }
    for (size_t i = 0; i < length; i++) {
        if (sink->state)
            stream_byte(sink, bytes[i]);
        else
            emit(sink, bytes + i, 1);
    }
}

static void put_sentencepiece(struct sink *sink, struct gguf_str text)
{
    for (size_t i = 0; i < text.length;) {
        if (text.length - i >= SPACE_MARK_LENGTH && !memcmp(text.data + i, SPACE_MARK, SPACE_MARK_LENGTH)) {
            put(sink, " ", 1);
            i += SPACE_MARK_LENGTH;
        } else {
            put(sink, text.data + i++, 1);
        }
    }
}

/* Characters that stand for no byte (in tokens that were added to the vocabulary as they are) stay what they are. */
static void put_byte_level(struct sink *sink, struct gguf_str text)
{
    for (size_t i = 0; i < text.length;) {
        uint32_t c;
        int size = utf8_decode(text.data + i, text.length - i, &c);
        int byte = size > 0 ? char_to_byte(c) : -1;
        if (byte >= 0) {
            char value = (char)byte;
            put(sink, &value, 1);
        } else {
            put(sink, text.data + i, size > 0 ? (size_t)size : 1);
        }
        i += size > 0 ? (size_t)size : 1;
    }
}

/* In a stream, words of a WordPiece vocabulary follow each other as they are written: no space before . , ! ? and around apostrophes. */
static void tidy_space(struct sink *sink, struct gguf_str text)
{
    if (text.length <= SPACE_MARK_LENGTH || memcmp(text.data, SPACE_MARK, SPACE_MARK_LENGTH))
        return;
    const char *word = text.data + SPACE_MARK_LENGTH;
    bool mark = text.length == SPACE_MARK_LENGTH + 1;
    sink->drop_space |= sink->state->tight || (mark && memchr(".,!?'", *word, 5));
    sink->state->tight = mark && *word == '\'';
}

static void put_token(const struct tokenizer *t, uint32_t token, bool special, struct sink *sink)
{
    struct gguf_str text = vocab_text(&t->vocab, token);
    uint8_t kind = t->vocab.kinds[token];
    int byte = t->splitter ? -1 : byte_token_value(text);
    if (kind == TOKEN_CONTROL || kind == TOKEN_UNKNOWN) {
        if (special)
            put(sink, text.data, text.length);
    } else if (byte >= 0 && (kind == TOKEN_BYTE || t->bytes[byte] == (slm_token)token)) {
        char value = (char)byte;
        put(sink, &value, 1);
    } else if (!t->splitter) {
        if (sink->state && t->family == &wordpiece_family)
            tidy_space(sink, text);
        put_sentencepiece(sink, text);
    } else if (kind == TOKEN_USER) {
        put(sink, text.data, text.length);
    } else {
        put_byte_level(sink, text);
    }
}

size_t tokenizer_bytes(const struct tokenizer *t, slm_token token, bool special, char *bytes, size_t capacity)
{
    struct sink sink = {.bytes = bytes, .capacity = bytes ? capacity : 0};
    if (token >= 0 && (uint32_t)token < t->vocab.count)
        put_token(t, (uint32_t)token, special, &sink);
    return sink.length;
}

size_t tokenizer_stream(const struct tokenizer *t, slm_detokenizer *state, slm_token token, char *text, size_t capacity)
{
    struct sink sink = {.bytes = text, .capacity = text && capacity ? capacity - 1 : 0, .state = state};
    if (state->pending_length >= sizeof state->pending)
        state->pending_length = 0; /* not made by us */
    if (token == SLM_TOKEN_NONE) {
        if (state->pending_length)
            emit(&sink, REPLACEMENT, sizeof REPLACEMENT - 1);
        state->pending_length = 0;
    } else if (token >= 0 && (uint32_t)token < t->vocab.count) {
        uint8_t kind = t->vocab.kinds[token];
        bool plain = kind != TOKEN_CONTROL && kind != TOKEN_UNKNOWN;
        sink.drop_space = t->adds_space && !state->started && plain;
        put_token(t, (uint32_t)token, state->special, &sink);
        state->started |= plain;
    }
    if (text && capacity)
        text[sink.length < sink.capacity ? sink.length : sink.capacity] = 0;
    return sink.length;
}
