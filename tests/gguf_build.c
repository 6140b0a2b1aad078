#include "gguf_build.h"

#include <stdio.h>
#include <stdlib.h>

struct buffer {
    uint8_t *bytes;
    size_t size, room;
};

struct gguf_build {
    uint32_t version, alignment;
    uint64_t kv_count, tensor_count;
    struct buffer kv, tensors, data;
};

/* `bytes` may be NULL for zeros. */
static void append(struct buffer *b, const void *bytes, size_t size)
{
    if (b->size + size >= b->room) {
        b->room = 2 * (b->size + size) + 64;
        b->bytes = realloc(b->bytes, b->room);
        if (!b->bytes)
            abort();
    }
    if (bytes)
        memcpy(b->bytes + b->size, bytes, size);
    else
        memset(b->bytes + b->size, 0, size);
    b->size += size;
}

static void append_u32(struct buffer *b, uint32_t value)
{
    append(b, &value, sizeof value);
}

static void append_u64(struct buffer *b, uint64_t value)
{
    append(b, &value, sizeof value);
}

static void append_string(struct buffer *b, const void *text, size_t length)
{
    append_u64(b, length);
    append(b, text, length);
}

static size_t round_up(size_t size, size_t alignment)
{
    return alignment ? (size + alignment - 1) / alignment * alignment : size;
}

static size_t value_size(enum gguf_value_type type)
{
    switch (type) {
    case GGUF_U8: case GGUF_I8: case GGUF_BOOL: return 1;
    case GGUF_U16: case GGUF_I16: return 2;
    case GGUF_U32: case GGUF_I32: case GGUF_F32: return 4;
    default: return 8;
    }
}

struct gguf_build *gguf_build_new(void)
{
    struct gguf_build *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->version = 3;
    b->alignment = 32;
    return b;
}

void gguf_build_alignment(struct gguf_build *b, uint32_t alignment)
{
    b->alignment = alignment;
    gguf_put_u32(b, "general.alignment", alignment);
}

static void put_key(struct gguf_build *b, const char *key, enum gguf_value_type type)
{
    b->kv_count++;
    append_string(&b->kv, key, strlen(key));
    append_u32(&b->kv, type);
}

void gguf_put_value(struct gguf_build *b, const char *key, enum gguf_value_type type, const void *value)
{
    put_key(b, key, type);
    append(&b->kv, value, value_size(type));
}

void gguf_put_u32(struct gguf_build *b, const char *key, uint32_t value)
{
    gguf_put_value(b, key, GGUF_U32, &value);
}

void gguf_put_f32(struct gguf_build *b, const char *key, float value)
{
    gguf_put_value(b, key, GGUF_F32, &value);
}

void gguf_put_bool(struct gguf_build *b, const char *key, bool value)
{
    gguf_put_value(b, key, GGUF_BOOL, &value);
}

void gguf_put_bytes(struct gguf_build *b, const char *key, const void *text, size_t length)
{
    put_key(b, key, GGUF_STRING);
    append_string(&b->kv, text, length);
}

void gguf_put_string(struct gguf_build *b, const char *key, const char *text)
{
    gguf_put_bytes(b, key, text, strlen(text));
}

static void put_array(struct gguf_build *b, const char *key, enum gguf_value_type type, size_t count)
{
    put_key(b, key, GGUF_ARRAY);
    append_u32(&b->kv, type);
    append_u64(&b->kv, count);
}

void gguf_put_array(struct gguf_build *b, const char *key, enum gguf_value_type type, const void *values, size_t count)
{
    put_array(b, key, type, count);
    append(&b->kv, values, count * value_size(type));
}

void gguf_put_strings(struct gguf_build *b, const char *key, const char *const *texts, size_t count)
{
    put_array(b, key, GGUF_STRING, count);
    for (size_t i = 0; i < count; i++)
        append_string(&b->kv, texts[i], strlen(texts[i]));
}

void gguf_copy_value(struct gguf_build *b, const struct gguf_kv *kv)
{
    char key[256];
    snprintf(key, sizeof key, "%.*s", (int)kv->key.length, kv->key.data);
    if (kv->is_array) {
        put_array(b, key, kv->type, kv->count);
        append(&b->kv, kv->data, kv->bytes);
    } else if (kv->type == GGUF_STRING) {
        gguf_put_bytes(b, key, kv->data, kv->bytes);
    } else {
        gguf_put_value(b, key, kv->type, kv->data);
    }
}

void gguf_put_tensor(struct gguf_build *b, const char *name, uint32_t type, uint32_t dims_count, const uint64_t *dims,
                     const void *data, size_t bytes)
{
    b->tensor_count++;
    append_string(&b->tensors, name, strlen(name));
    append_u32(&b->tensors, dims_count);
    append(&b->tensors, dims, dims_count * sizeof *dims);
    append_u32(&b->tensors, type);
    append_u64(&b->tensors, b->data.size);
    append(&b->data, data, bytes);
    append(&b->data, NULL, round_up(b->data.size, b->alignment) - b->data.size);
}

uint8_t *gguf_build_finish(struct gguf_build *b, size_t *size)
{
    struct buffer file = {0};
    append(&file, "GGUF", 4);
    append_u32(&file, b->version);
    append_u64(&file, b->tensor_count);
    append_u64(&file, b->kv_count);
    append(&file, b->kv.bytes, b->kv.size);
    append(&file, b->tensors.bytes, b->tensors.size);
    if (b->tensor_count) {
        append(&file, NULL, round_up(file.size, b->alignment) - file.size);
        append(&file, b->data.bytes, b->data.size);
    }
    free(b->kv.bytes);
    free(b->tensors.bytes);
    free(b->data.bytes);
    free(b);
    *size = file.size;
    return file.bytes;
}

uint8_t *gguf_build_sample(uint32_t version, uint32_t alignment, size_t *size)
{
    struct gguf_build *b = gguf_build_new();
    b->version = version;
    if (alignment)
        gguf_build_alignment(b, alignment);
    gguf_put_string(b, "text", "hello");
    gguf_put_bytes(b, "nul", "a\0b", 3);
    gguf_put_value(b, "u8", GGUF_U8, &(uint8_t){200});
    gguf_put_value(b, "i8", GGUF_I8, &(int8_t){-100});
    gguf_put_value(b, "u16", GGUF_U16, &(uint16_t){60000});
    gguf_put_value(b, "i16", GGUF_I16, &(int16_t){-30000});
    gguf_put_u32(b, "u32", 4000000000u);
    gguf_put_value(b, "i32", GGUF_I32, &(int32_t){-2000000000});
    gguf_put_value(b, "u64", GGUF_U64, &(uint64_t){1ull << 63});
    gguf_put_value(b, "i64", GGUF_I64, &(int64_t){INT64_MIN});
    gguf_put_value(b, "big", GGUF_I64, &(int64_t){1ll << 32});
    gguf_put_f32(b, "f32", -1.5f);
    gguf_put_value(b, "f64", GGUF_F64, &(double){0.1});
    gguf_put_bool(b, "yes", true);
    gguf_put_bool(b, "no", false);
    gguf_put_strings(b, "words", (const char *const[]){"", "a", "\xc3\xa9t\xc3\xa9", "the quick brown fox"}, 4);
    gguf_put_array(b, "u8s", GGUF_U8, (uint8_t[]){1, 2, 255}, 3);
    gguf_put_array(b, "i8s", GGUF_I8, (int8_t[]){-1, 2}, 2);
    gguf_put_array(b, "u16s", GGUF_U16, (uint16_t[]){1, 65535}, 2);
    gguf_put_array(b, "i16s", GGUF_I16, (int16_t[]){-1, 2}, 2);
    gguf_put_array(b, "u32s", GGUF_U32, (uint32_t[]){7, 4294967295u}, 2);
    gguf_put_array(b, "i32s", GGUF_I32, (int32_t[]){-5, 6}, 2);
    gguf_put_array(b, "u64s", GGUF_U64, (uint64_t[]){5, UINT64_MAX}, 2);
    gguf_put_array(b, "i64s", GGUF_I64, (int64_t[]){-5, INT64_MAX}, 2);
    gguf_put_array(b, "f32s", GGUF_F32, (float[]){0.25f, 2}, 2);
    gguf_put_array(b, "f64s", GGUF_F64, (double[]){0.5, 1e300}, 2);
    gguf_put_array(b, "bools", GGUF_BOOL, (uint8_t[]){1, 0, 1}, 3);
    gguf_put_array(b, "none", GGUF_U32, NULL, 0);
    gguf_put_strings(b, "nobody", NULL, 0);

    float floats[24];
    uint8_t q4_0[2 * 3 * 18], q8_0[34];
    for (int i = 0; i < 24; i++)
        floats[i] = (float)i;
    memset(q4_0, 0x44, sizeof q4_0);
    memset(q8_0, 0x88, sizeof q8_0);
    gguf_put_tensor(b, "floats", 0, 4, (uint64_t[]){4, 3, 2, 1}, floats, sizeof floats);
    gguf_put_tensor(b, "mat.q4", 2, 2, (uint64_t[]){64, 3}, q4_0, sizeof q4_0);
    gguf_put_tensor(b, "mat.q8", 8, 1, (uint64_t[]){32}, q8_0, sizeof q8_0);
    return gguf_build_finish(b, size);
}
