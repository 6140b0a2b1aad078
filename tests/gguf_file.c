#include "gguf_file.h"

#include "tests.h"

struct file finish(struct gguf_build *b)
{
    struct file f;
    f.bytes = gguf_build_finish(b, &f.size);
    return f;
}

struct file sample(uint32_t version, uint32_t alignment)
{
    struct file f;
    f.bytes = gguf_build_sample(version, alignment, &f.size);
    return f;
}

mem plain(void)
{
    mem m;
    ck_assert_int_eq(mem_init(&m, NULL, NULL), SLM_OK);
    return m;
}

void open_ok(struct file f, struct gguf *g)
{
    slm_error err = {0};
    mem m = plain();
    slm_status status = gguf_open(&m, f.bytes, f.size, g, &err);
    ck_assert_msg(status == SLM_OK, "%s at %llu", err.message, (unsigned long long)err.offset);
}
