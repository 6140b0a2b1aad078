#include "status.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *slm_version(void)
{
    return TEXT(SLM_VERSION_MAJOR) "." TEXT(SLM_VERSION_MINOR) "." TEXT(SLM_VERSION_PATCH);
}

const char *slm_status_text(slm_status status)
{
    switch (status) {
#define CASE(name, value, text)                                                \
    case SLM_##name:                                                           \
        return text;
        SLM_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown status";
}

/* Bytes of the UTF-8 character that s begins with: 0 if it is malformed, -1 if it is cut short by the terminating NUL. */
static int character_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    int length = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < length; i++) {
        if (s[i] == 0)
            return -1;
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool too_large = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || too_large ? 0 : length;
}

/* C0, DEL and C1 controls, the two separators of lines, and what embeds, overrides or isolates a direction of writing (U+2028 to U+202E,
 * U+2066 to U+2069): they could move a terminal's cursor, end the line, or show it in another order. Of a valid character. */
static bool is_control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0) ||
        (s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)));
}

/* Makes any bytes one line of valid UTF-8, in place. `cut`: the text was cut, perhaps in the middle of a character. */
static void clean(char *text, bool cut)
{
    unsigned char *out = (unsigned char *)text;
    for (const unsigned char *in = out; *in;) {
        int length = character_length(in);
        if (length < 0 && cut)
            break;
        if (length <= 0 || is_control(in)) {
            *out++ = '?';
            in += length > 0 ? length : 1;
        } else {
            for (int i = 0; i < length; i++)
                *out++ = *in++;
        }
    }
    *out = 0;
}

slm_status fail(slm_error *err, slm_status status, uint64_t offset, const char *format, ...)
{
    if (!err)
        return status;
    char text[sizeof err->message]; /* apart: an argument may be err->message itself */
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        snprintf(text, sizeof text, "%s", slm_status_text(status));
    clean(text, length >= (int)sizeof text);
    err->status = status;
    err->offset = offset;
    memcpy(err->message, text, sizeof text);
    return status;
}
