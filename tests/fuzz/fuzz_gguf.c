/* Opens any bytes as a GGUF file; what is accepted must be readable to its last byte and findable by name. */
#include "../../lib/gguf.h"
#include "fuzz.h"

#include <stdlib.h>

static volatile unsigned sink; /* so that the reads are not optimized away */

/* A NUL-terminated copy, or NULL for text that has a NUL inside. Free it with free. */
static char *copy_text(struct gguf_str s)
{
    if (memchr(s.data, 0, s.length))
        return NULL;
    char *text = malloc(s.length + 1);
    if (!text)
        abort();
    memcpy(text, s.data, s.length);
    text[s.length] = 0;
    return text;
}

static unsigned sum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    unsigned total = 0;
    for (size_t i = 0; i < size; i++)
        total += bytes[i];
    return total;
}

static unsigned read_kv(const struct gguf *gguf, const struct gguf_kv *kv)
{
    unsigned total = sum(kv->data, kv->bytes);
    for (uint64_t i = 0; i < kv->count; i++) {
        int64_t integer;
        float real;
        if (gguf_element_i64(kv, i, &integer))
            total += (unsigned)integer;
        if (gguf_element_f32(kv, i, &real))
            total += real > 0;
        if (kv->strings)
            total += sum(kv->strings[i].data, kv->strings[i].length);
    }
    char *key = copy_text(kv->key);
    if (key) {
        uint32_t u32;
        float f32;
        bool boolean;
        struct gguf_str string;
        if (gguf_find(gguf, key) != kv)
            abort();
        total += gguf_u32(gguf, key, &u32, NULL) == SLM_OK ? u32 : 0;
        total += gguf_f32(gguf, key, &f32, NULL) == SLM_OK && f32 > 0;
        total += gguf_bool(gguf, key, &boolean, NULL) == SLM_OK && boolean;
        total += gguf_string(gguf, key, &string, NULL) == SLM_OK ? sum(string.data, string.length) : 0;
    }
    free(key);
    return total;
}

static unsigned read_tensor(const struct gguf *gguf, const struct gguf_tensor *t)
{
    char *name = copy_text(t->name);
    if (name && gguf_find_tensor(gguf, name) != t)
        abort();
    free(name);
    return sum(t->data, t->bytes);
}

/* What slm_file tells must be readable, too. */
static unsigned read_file_facts(const uint8_t *data, size_t size)
{
    slm_file *file;
    if (slm_file_open_memory(data, size, &file, NULL)) /* a part of a split model */
        return 0;
    unsigned total = 0;
    const char *key;
    double number;
    size_t length;
    for (size_t i = 0; (key = slm_file_key(file, i)); i++) {
        total += sum(key, strlen(key));
        for (uint64_t j = 0; j < slm_file_length(file, key); j++) {
            const char *text = slm_file_string(file, key, j, &length);
            total += text ? sum(text, length) : slm_file_number(file, key, j, &number) && number > 0;
        }
    }
    slm_tensor_info t = slm_tensor_info_default();
    for (size_t i = 0; slm_file_tensor(file, i, &t); i++)
        total += sum(t.name, strlen(t.name)) + t.supported;
    slm_file_free(file);
    return total;
}

FUZZ_TARGET(gguf)
{
    mem m;
    mem_init(&m, NULL, NULL);
    struct gguf gguf;
    slm_error err = {.status = SLM_OK};
    slm_status status = gguf_open(&m, data, size, &gguf, &err);
    if (status) {
        bool place = err.offset <= size || err.status == SLM_MEMORY;
        if (err.status != status || !place || !err.message[0] || strpbrk(err.message, "\n\r\x1b"))
            abort();
        return 0;
    }
    for (size_t i = 0; i < gguf.kv_count; i++)
        sink += read_kv(&gguf, &gguf.kv[i]);
    for (size_t i = 0; i < gguf.tensor_count; i++)
        sink += read_tensor(&gguf, &gguf.tensors[i]);
    gguf_close(&gguf);
    sink += read_file_facts(data, size);
    return 0;
}
