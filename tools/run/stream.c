#include "stream.h"

#include "../cli.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void stream_open(struct stream *s, const slm_model *model, FILE *out)
{
    const char *plain = getenv("NO_COLOR");
    *s = (struct stream){.model = model, .out = out, .ending = '\n'};
    s->terminal = out && isatty(fileno(out));
    s->dim = s->terminal && cli_obeys_escapes() && !(plain && *plain);
}

void stream_free(struct stream *s)
{
    free(s->all.data);
    free(s->thought.data);
    free(s->answer.data);
    free(s->tokens.items);
    *s = (struct stream){.model = NULL};
}

static void put(struct stream *s, const char *text, size_t length)
{
    if (length && !s->write_error && fwrite(text, 1, length, s->out) != length)
        s->write_error = errno;
}

/* Length of the control character at s (of `left` bytes) that a terminal might obey; 0 if there is none. */
static size_t control_length(const unsigned char *s, size_t left)
{
    if ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f)
        return 1;
    return left > 1 && s[0] == 0xc2 && s[1] < 0xa0 ? 2 : 0; /* U+0080 to U+009F */
}

void stream_show(struct stream *s, const char *text, size_t length)
{
    size_t done = 0;
    for (size_t i = 0, n; s->terminal && i < length; i += n ? n : 1) {
        n = control_length((const unsigned char *)text + i, length - i);
        if (n) {
            put(s, text + done, i - done);
            put(s, "\xef\xbf\xbd", 3);
            done = i + n;
        }
    }
    put(s, text + done, length - done);
    if (length)
        s->ending = text[length - 1];
    if (!s->write_error && fflush(s->out))
        s->write_error = errno;
}

static void set_inside(struct stream *s, bool inside)
{
    if (s->inside == inside)
        return;
    const char *change = inside ? "\033[2m" : "\033[0m";
    put(s, change, strlen(change));
    s->inside = inside;
}

static void take_pieces(struct stream *s, bool end)
{
    size_t size, at;
    bool thought;
    while ((size = thoughts_next(&s->thoughts, s->all.data, s->all.length, end, &at, &thought)) > 0) {
        const char *piece = s->all.data + at;
        if (!text_add(thought ? &s->thought : &s->answer, piece, size))
            s->no_memory = true;
        if (!s->dim)
            continue;
        bool leaving = s->inside && !thought;
        set_inside(s, thought);
        if (leaving)
            put(s, "\n\n", 2);
        stream_show(s, piece, size);
    }
}

bool stream_token(void *user, slm_token token, const char *text, size_t length)
{
    struct stream *s = user;
    char mark[32];
    s->last = cli_now();
    if (s->tokens.count == 0)
        s->first = s->last;
    if (length == 0 && token != SLM_TOKEN_NONE) { /* a mark may be a control token, which has no text otherwise */
        size_t size = slm_token_bytes(s->model, token, true, mark, sizeof mark);
        if (size <= sizeof mark && thoughts_is_mark(mark, size)) {
            text = mark;
            length = size;
        }
    }
    s->no_memory |= token != SLM_TOKEN_NONE && !tokens_add(&s->tokens, &token, 1); /* none: the end of an unfinished character */
    s->no_memory |= !text_add(&s->all, text, length);
    if (s->no_memory)
        return false;
    take_pieces(s, false);
    if (s->out && !s->dim)
        stream_show(s, text, length);
    return !s->no_memory && !s->write_error && !cli_interrupted();
}

void stream_end(struct stream *s)
{
    if (s->all.data)
        take_pieces(s, true);
    set_inside(s, false);
    if (s->out && !s->write_error && fflush(s->out))
        s->write_error = errno;
}
