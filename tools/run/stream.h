/* stream.h - takes the tokens of a generation and shows their text. */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include "text.h"
#include "thoughts.h"

#include <stdio.h>

struct stream {
    const slm_model *model;
    FILE *out;                      /* NULL: shows nothing */
    bool terminal;                  /* `out` is one: gets no control characters */
    bool dim;                       /* ... and thoughts without their marks, in a fainter type */
    struct thoughts thoughts;
    struct text all, thought, answer; /* the text, and its parts */
    struct tokens tokens;
    double first, last;             /* clock, at the first and the last token */
    bool inside;                    /* showing thoughts */
    char ending;                    /* last byte shown */
    int write_error;                /* errno of a failed write */
    bool no_memory;
};

/* Gets ready for a text to `out`. Free it with stream_free. */
void stream_open(struct stream *stream, const slm_model *model, FILE *out);

/* For slm_generate, with the stream as user. */
bool stream_token(void *user, slm_token token, const char *text, size_t length);

/* Shows what was held back. */
void stream_end(struct stream *stream);

/* Shows a text that was not generated. */
void stream_show(struct stream *stream, const char *text, size_t length);

void stream_free(struct stream *stream);

#endif
