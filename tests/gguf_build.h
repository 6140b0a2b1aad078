/* gguf_build.h - writes small GGUF files in memory, for tests. Little-endian hosts; aborts when memory runs out.
 *
 *   struct gguf_build *b = gguf_build_new();
 *   gguf_put_string(b, "general.architecture", "llama");
 *   gguf_put_u32(b, "llama.block_count", 2);
 *   gguf_put_tensor(b, "output_norm.weight", 0, 1, (uint64_t[]){64}, weights, sizeof weights);
 *   size_t size;
 *   uint8_t *file = gguf_build_finish(b, &size);    frees b; free the file with free()
 *
 * Nothing is checked: duplicate names, impossible shapes and unknown types come out as they were put in. */
#ifndef SLM_GGUF_BUILD_H
#define SLM_GGUF_BUILD_H

#include "../lib/gguf.h"

struct gguf_build;

/* Version 3, alignment 32. */
struct gguf_build *gguf_build_new(void);

/* Where the tensors' data is put; also writes general.alignment. */
void gguf_build_alignment(struct gguf_build *b, uint32_t alignment);

/* A scalar: `value` points to it in the host's representation (a bool is one byte). Not for strings. */
void gguf_put_value(struct gguf_build *b, const char *key, enum gguf_value_type type, const void *value);
void gguf_put_u32(struct gguf_build *b, const char *key, uint32_t value);
void gguf_put_f32(struct gguf_build *b, const char *key, float value);
void gguf_put_bool(struct gguf_build *b, const char *key, bool value);
void gguf_put_string(struct gguf_build *b, const char *key, const char *text);

/* Text that may hold NUL bytes. */
void gguf_put_bytes(struct gguf_build *b, const char *key, const void *text, size_t length);

/* Arrays: `values` are packed elements. */
void gguf_put_array(struct gguf_build *b, const char *key, enum gguf_value_type type, const void *values, size_t count);
void gguf_put_strings(struct gguf_build *b, const char *key, const char *const *texts, size_t count);

/* A value as another file has it. */
void gguf_copy_value(struct gguf_build *b, const struct gguf_kv *kv);

/* A tensor: `type` is GGUF's number, dims fastest first, `data` may be NULL for zeros. Data is copied. */
void gguf_put_tensor(struct gguf_build *b, const char *name, uint32_t type, uint32_t dims_count, const uint64_t *dims,
                     const void *data, size_t bytes);

/* The file; the padding after the last tensor is part of it. */
uint8_t *gguf_build_finish(struct gguf_build *b, size_t *size);

/* A complete small file: every metadata type alone ("u8", "f64", "text", ...) and in an array ("u8s", "words", ...), and the
 * tensors "floats" (F32 4x3x2x1: 0, 1, 2, ...), "mat.q4" (Q4_0 64x3, bytes 0x44) and "mat.q8" (Q8_0 32, bytes 0x88).
 * alignment 0: none is written, 32 holds. */
uint8_t *gguf_build_sample(uint32_t version, uint32_t alignment, size_t *size);

#endif
