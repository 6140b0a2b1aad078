/* engine.h - a session that answers prompts, and decodes of each only what it does not hold from the one before. */
#ifndef RUN_ENGINE_H
#define RUN_ENGINE_H

#include "settings.h"
#include "stream.h"

struct engine {
    const slm_model *model;
    const struct settings *settings;
    slm_session *session;
    size_t context;             /* tokens that the session holds */
    /* of the last answer: */
    size_t prompt, reused;      /* tokens of the prompt, and how many of them were held already */
    double start;               /* clock, before the prompt was decoded */
};

/* How an answer ends. */
enum ending {
    ENDING_STOP,                /* the model ended it */
    ENDING_LENGTH,              /* -n */
    ENDING_CONTEXT,             /* the context is full */
    ENDING_INTERRUPTED,
    ENDING_WRITE,               /* stream->write_error */
    ENDING_FAILED,              /* reported */
};

/* Takes the session's memory. Returns the exit code to end with, CLI_OK to go on. Free it with engine_free in any case. */
int engine_open(struct engine *engine, const slm_model *model, const struct settings *settings);
void engine_free(struct engine *engine);

/* Generates the text after a prompt of at least one token. A prompt that the context can't hold is refused before anything changes. */
enum ending engine_answer(struct engine *engine, const struct tokens *prompt, uint64_t seed, struct stream *stream);

#endif
