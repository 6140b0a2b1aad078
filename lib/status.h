/* status.h - how functions report failure. */
#ifndef SLM_STATUS_H
#define SLM_STATUS_H

#include "slm.h"

#if defined(__GNUC__)
#define PRINTF_LIKE(text, args) __attribute__((__format__(__printf__, text, args)))
#else
#define PRINTF_LIKE(text, args)
#endif

/* Fills *err (unless NULL) and returns `status`. The message is cut to fit, on a character boundary; control characters in it
 * (a hostile file's names) become '?'. Say what, where and what to do about it. */
slm_status fail(slm_error *err, slm_status status, uint64_t offset, const char *format, ...) PRINTF_LIKE(4, 5);

/* Passes a failure on to the caller. */
#define TRY(call)                                                              \
    do {                                                                       \
        slm_status try_status_ = (call);                                       \
        if (try_status_ != SLM_OK)                                             \
            return try_status_;                                                \
    } while (0)

#endif
