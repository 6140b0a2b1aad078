/* tiny_model.h - a complete Llama model of a few kilobytes as a GGUF file in memory: random weights, one layer, a vocabulary of
 * bytes and a few words. Tests break it on purpose. */
#ifndef SLM_TINY_MODEL_H
#define SLM_TINY_MODEL_H

#include <stddef.h>
#include <stdint.h>

struct tiny_options {
    const char *leave_out;      /* a tensor or metadata key that the file lacks, or NULL */
    const char *misshape;       /* a tensor with one row too many, or NULL */
    const char *architecture;   /* NULL: "llama" */
    uint32_t heads;             /* 0: 2 */
};

/* The file, to be freed with free(). NULL options: a good file. */
uint8_t *tiny_model(const struct tiny_options *options, size_t *size);

/* Its vocabulary alone: bytes, a few words, BOS and EOS; 261 tokens. */
struct gguf_build;
void tiny_vocabulary(struct gguf_build *b);

#endif
