/* gguf.h - the directory of a GGUF file (versions 2 and 3): metadata and tensors, checked, pointing into the file's bytes. */
#ifndef SLM_GGUF_H
#define SLM_GGUF_H

#include "mem.h"
#include "status.h"

enum gguf_value_type {
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64,
    GGUF_F64, GGUF_VALUE_TYPES
};

/* Bytes of the file, not NUL-terminated. */
struct gguf_str {
    const char *data;
    size_t length;
};

struct gguf_kv {
    struct gguf_str key;
    enum gguf_value_type type;      /* the element type, for an array */
    bool is_array;
    uint64_t count;                 /* 1, or the array's length */
    const uint8_t *data;            /* the value (a string's text), or the first element; unaligned */
    size_t bytes;                   /* of all of it */
    struct gguf_str *strings;       /* the elements of an array of strings, else NULL */
    uint64_t offset;                /* of the key in the file */
};

struct gguf_tensor {
    struct gguf_str name;
    uint32_t type;                  /* GGUF's number; it may be one that is not supported */
    uint32_t part;                  /* of the parts of a split model, from 0 */
    uint32_t dims_count;            /* 1..4 */
    uint64_t dims[4];               /* fastest first: dims[0] is the row length; missing ones are 1 */
    uint64_t rows;                  /* dims[1] * dims[2] * dims[3] */
    const uint8_t *data;            /* inside the file */
    uint64_t bytes;                 /* 0: of a type whose size is not known */
    uint64_t offset;                /* of the data in its file */
    uint64_t entry;                 /* offset of its directory entry in its file, for messages */
};

struct gguf {
    mem mem;
    const uint8_t *bytes;
    size_t size;
    uint32_t version;
    uint32_t alignment;
    uint64_t kv_count, tensor_count;
    struct gguf_kv *kv;
    struct gguf_tensor *tensors;
    uint32_t *kv_order;             /* positions in the order of their names, for the lookups */
    uint32_t *tensor_order;
};

/* Reads and checks everything but the tensors' contents. Keeps pointers into `bytes`. Every failure names the byte offset. */
slm_status gguf_open(const mem *m, const void *bytes, size_t size, struct gguf *gguf, slm_error *err);
void gguf_close(struct gguf *gguf);

/* Moves the tensors of parts[1 .. count - 1] into parts[0], whose metadata then stands for all of them, and closes those parts. The
 * bytes of every part stay in use. */
slm_status gguf_join(struct gguf *parts, uint32_t count, slm_error *err);

/* The name of a tensor type by its number in GGUF, supported or not; NULL if it is not known. */
const char *gguf_type_name(uint32_t type);

/* For messages: "part 2: " for a tensor outside the first part, whose offsets would else be looked for in the wrong file; or "". */
enum { GGUF_PART_TEXT = 24 };
const char *gguf_part_text(const struct gguf_tensor *tensor, char text[GGUF_PART_TEXT]);

/* Fails: the tensor's type is not supported. Names both, and what is supported. */
slm_status gguf_unsupported(const struct gguf_tensor *tensor, slm_error *err);

/* By exact name; NULL if there is none. */
const struct gguf_kv *gguf_find(const struct gguf *gguf, const char *key);
const struct gguf_tensor *gguf_find_tensor(const struct gguf *gguf, const char *name);

/* Bytes of a value in the file, 0 if they vary: strings and arrays. */
size_t gguf_value_size(enum gguf_value_type type);

/* Reads of metadata. If the key is missing: *value stays as it is (set the default before) and SLM_OK. If its type does not
 * convert without loss (u32 takes any integer type whose value fits; f32 takes F32 and F64; bool takes BOOL): SLM_FORMAT. */
slm_status gguf_u32(const struct gguf *gguf, const char *key, uint32_t *value, slm_error *err);
slm_status gguf_f32(const struct gguf *gguf, const char *key, float *value, slm_error *err);
slm_status gguf_bool(const struct gguf *gguf, const char *key, bool *value, slm_error *err);
slm_status gguf_string(const struct gguf *gguf, const char *key, struct gguf_str *value, slm_error *err);

/* Element i of an array kv (or of a scalar, i = 0) as an integer or a float; false if out of range or of another kind. */
bool gguf_element_i64(const struct gguf_kv *kv, uint64_t i, int64_t *value);
bool gguf_element_f32(const struct gguf_kv *kv, uint64_t i, float *value);
bool gguf_element_f64(const struct gguf_kv *kv, uint64_t i, double *value); /* any number, rounded; a bool is 0 or 1 */

/* True if s is exactly the NUL-terminated text. */
bool gguf_str_is(struct gguf_str s, const char *text);

#endif
