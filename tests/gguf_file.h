/* gguf_file.h - GGUF files in memory for tests: made, opened, thrown away. */
#ifndef SLM_GGUF_FILE_H
#define SLM_GGUF_FILE_H

#include "gguf_build.h"

/* Free the bytes with free(). */
struct file {
    uint8_t *bytes;
    size_t size;
};

/* What gguf_build_finish makes, and gguf_build_sample. */
struct file finish(struct gguf_build *b);
struct file sample(uint32_t version, uint32_t alignment);

/* The C library's allocator. */
mem plain(void);

/* Opens what must open. */
void open_ok(struct file f, struct gguf *g);

#endif
