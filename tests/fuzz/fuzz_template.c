/* Renders any bytes as a chat template. What precedes a first NUL is the template, what follows the JSON of its variables; without a
 * NUL there are some that templates expect. */
#include "fuzz.h"

#include "slm.h"

#include <stdlib.h>

static const char usual[] =
    "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_generation_prompt\": true, \"n\": 3, \"f\": 1.5, \"messages\": ["
    "{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": \" h\\u00e9 \"}, {\"role\": \"assistant\", "
    "\"content\": null, \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {\"x\": [1, null, true]}}}]}]}";

FUZZ_TARGET(template)
{
    const char *source = (const char *)data, *nul = memchr(data, 0, size);
    size_t length = nul ? (size_t)(nul - source) : size;
    char *text;
    size_t text_length;
    slm_error err = {.status = SLM_OK};
    slm_status status = slm_template_render(source, length, nul ? nul + 1 : usual, nul ? size - length - 1 : sizeof usual - 1,
                                            "2026-11-22T09:30:00", &text, &text_length, &err);
    if (status ? text || err.status != status || !err.message[0] || strpbrk(err.message, "\n\r\x1b") : !text || text[text_length])
        abort();
    slm_text_free(text);
    return 0;
}
