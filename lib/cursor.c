#include "cursor.h"

#include <inttypes.h>

slm_status cursor_take(struct cursor *c, const char *what, uint64_t count, uint64_t size, const uint8_t **data)
{
    uint64_t bytes;
    if (!checked_mul(count, size, &bytes) || bytes > cursor_left(c)) {
        if (count == 1)
            return fail(c->err, SLM_FORMAT, c->at, "the file ends inside the %s (%" PRIu64 " bytes, %zu left): truncated or damaged, "
                        "download it again", what, size, cursor_left(c));
        return fail(c->err, SLM_FORMAT, c->at, "the file ends inside the %s (%" PRIu64 " x %" PRIu64 " bytes, %zu left): truncated or "
                    "damaged, download it again", what, count, size, cursor_left(c));
    }
    *data = c->bytes + c->at;
    c->at += (size_t)bytes;
    return SLM_OK;
}

slm_status cursor_u32(struct cursor *c, const char *what, uint32_t *value)
{
    const uint8_t *data = NULL;
    TRY(cursor_take(c, what, 1, 4, &data));
    *value = load_u32(data);
    return SLM_OK;
}

slm_status cursor_u64(struct cursor *c, const char *what, uint64_t *value)
{
    const uint8_t *data = NULL;
    TRY(cursor_take(c, what, 1, 8, &data));
    *value = load_u64(data);
    return SLM_OK;
}
