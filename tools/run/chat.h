/* chat.h - a conversation on the terminal. */
#ifndef RUN_CHAT_H
#define RUN_CHAT_H

#include "engine.h"
#include "format.h"

/* Converses until it is told to end. Returns the exit code. */
int chat(const struct settings *settings, struct engine *engine, struct format *format);

#endif
