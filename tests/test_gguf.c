#include "../lib/gguf.h"

#include "../kernels/kernels.h"
#include "../lib/map.h"
#include "gguf_build.h"
#include "tests.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct file {
    uint8_t *bytes;
    size_t size;
};

/* An allocator that counts, and that fails from the `fail_at`th call on. */
struct counter {
    size_t calls, live, bytes, fail_at;
};

static void *count_alloc(void *user, size_t size, size_t alignment)
{
    struct counter *c = user;
    void *ptr = NULL;
    if (++c->calls >= c->fail_at || posix_memalign(&ptr, alignment, size))
        return NULL;
    c->live++;
    c->bytes += size;
    return ptr;
}

static void count_free(void *user, void *ptr)
{
    ((struct counter *)user)->live--;
    free(ptr);
}

static mem counting(struct counter *c)
{
    *c = (struct counter){.fail_at = SIZE_MAX};
    return (mem){count_alloc, count_free, c};
}

static mem plain(void)
{
    mem m;
    ck_assert_int_eq(mem_init(&m, NULL, NULL), SLM_OK);
    return m;
}

static void open_ok(struct file f, struct gguf *g)
{
    slm_error err = {0};
    mem m = plain();
    slm_status status = gguf_open(&m, f.bytes, f.size, g, &err);
    ck_assert_msg(status == SLM_OK, "%s at %llu", err.message, (unsigned long long)err.offset);
}

static struct file finish(struct gguf_build *b)
{
    struct file f;
    f.bytes = gguf_build_finish(b, &f.size);
    return f;
}

/* ----------------------------------------------------------- what is valid */

enum { FLOATS = 24, Q4_0_BYTES = 2 * 3 * 18, Q8_0_BYTES = 34 };

static const char *const words[] = {"", "a", "\xc3\xa9t\xc3\xa9", "the quick brown fox"};

/* A complete small file: every metadata type alone and in an array, three tensors. */
static struct file sample(uint32_t version, uint32_t alignment)
{
    struct gguf_build *b = gguf_build_new();
    gguf_build_version(b, version);
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
    gguf_put_strings(b, "words", words, 4);
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

    float floats[FLOATS];
    for (int i = 0; i < FLOATS; i++)
        floats[i] = (float)i;
    uint8_t q4_0[Q4_0_BYTES], q8_0[Q8_0_BYTES];
    memset(q4_0, 0x44, sizeof q4_0);
    memset(q8_0, 0x88, sizeof q8_0);
    gguf_put_tensor(b, "floats", 0, 4, (uint64_t[]){4, 3, 2, 1}, floats, sizeof floats);
    gguf_put_tensor(b, "mat.q4", 2, 2, (uint64_t[]){64, 3}, q4_0, sizeof q4_0);
    gguf_put_tensor(b, "mat.q8", 8, 1, (uint64_t[]){32}, q8_0, sizeof q8_0);
    return finish(b);
}

static const struct gguf_kv *find(const struct gguf *g, const char *key)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    ck_assert_msg(kv != NULL, "'%s' is not found", key);
    ck_assert(gguf_str_is(kv->key, key));
    return kv;
}

static void check_integers(const struct gguf *g, const char *key, enum gguf_value_type type, bool is_array, uint64_t count,
                           const int64_t *want)
{
    const struct gguf_kv *kv = find(g, key);
    ck_assert_msg(kv->type == type && kv->is_array == is_array && kv->count == count, "%s", key);
    for (uint64_t i = 0; i < count; i++) {
        int64_t got = 0;
        ck_assert_msg(gguf_element_i64(kv, i, &got), "%s[%d]", key, (int)i);
        ck_assert_msg(got == want[i], "%s[%d] is %lld", key, (int)i, (long long)got);
    }
    int64_t past;
    float real;
    ck_assert(!gguf_element_i64(kv, count, &past));
    ck_assert(!gguf_element_i64(kv, UINT64_MAX, &past));
    ck_assert(!gguf_element_f32(kv, 0, &real));
}

#define INTEGERS(g, key, type, is_array, ...)                                                                  \
    check_integers(g, key, type, is_array, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

START_TEST(every_type)
{
    struct file f = sample(_i ? 3 : 2, 0);
    struct gguf g;
    open_ok(f, &g);
    ck_assert_uint_eq(g.version, _i ? 3 : 2);
    ck_assert_uint_eq(g.alignment, 32);
    ck_assert_uint_eq(g.kv_count, 29);

    INTEGERS(&g, "u8", GGUF_U8, false, 200);
    INTEGERS(&g, "i8", GGUF_I8, false, -100);
    INTEGERS(&g, "u16", GGUF_U16, false, 60000);
    INTEGERS(&g, "i16", GGUF_I16, false, -30000);
    INTEGERS(&g, "u32", GGUF_U32, false, 4000000000);
    INTEGERS(&g, "i32", GGUF_I32, false, -2000000000);
    INTEGERS(&g, "i64", GGUF_I64, false, INT64_MIN);
    INTEGERS(&g, "u8s", GGUF_U8, true, 1, 2, 255);
    INTEGERS(&g, "i8s", GGUF_I8, true, -1, 2);
    INTEGERS(&g, "u16s", GGUF_U16, true, 1, 65535);
    INTEGERS(&g, "i16s", GGUF_I16, true, -1, 2);
    INTEGERS(&g, "u32s", GGUF_U32, true, 7, 4294967295);
    INTEGERS(&g, "i32s", GGUF_I32, true, -5, 6);
    INTEGERS(&g, "i64s", GGUF_I64, true, -5, INT64_MAX);
    int64_t integer = 0;
    ck_assert(gguf_element_i64(find(&g, "u64s"), 0, &integer) && integer == 5);
    ck_assert(!gguf_element_i64(find(&g, "u64s"), 1, &integer));
    ck_assert(!gguf_element_i64(find(&g, "u64"), 0, &integer));
    ck_assert(!gguf_element_i64(find(&g, "f32"), 0, &integer));
    ck_assert(!gguf_element_i64(find(&g, "yes"), 0, &integer));
    ck_assert(!gguf_element_i64(find(&g, "text"), 0, &integer));
    ck_assert(!gguf_element_i64(find(&g, "none"), 0, &integer));

    float real = 0;
    ck_assert(gguf_element_f32(find(&g, "f32"), 0, &real) && real == -1.5f);
    ck_assert(gguf_element_f32(find(&g, "f64"), 0, &real) && real == 0.1f);
    ck_assert(gguf_element_f32(find(&g, "f32s"), 1, &real) && real == 2);
    ck_assert(!gguf_element_f32(find(&g, "f32s"), 2, &real));
    ck_assert(gguf_element_f32(find(&g, "f64s"), 0, &real) && real == 0.5f);
    ck_assert(!gguf_element_f32(find(&g, "f64s"), 1, &real)); /* 1e300 */

    const struct gguf_kv *kv = find(&g, "bools");
    ck_assert(kv->is_array && kv->type == GGUF_BOOL && kv->count == 3 && !memcmp(kv->data, "\1\0\1", 3));
    kv = find(&g, "words");
    ck_assert(kv->is_array && kv->type == GGUF_STRING && kv->count == 4);
    for (int i = 0; i < 4; i++)
        ck_assert(gguf_str_is(kv->strings[i], words[i]));
    kv = find(&g, "nobody");
    ck_assert(kv->is_array && kv->type == GGUF_STRING && kv->count == 0);
    kv = find(&g, "nul");
    ck_assert(kv->bytes == 3 && !memcmp(kv->data, "a\0b", 3) && !kv->strings && !kv->is_array && kv->count == 1);
    ck_assert(!memcmp(f.bytes + kv->offset, "\3\0\0\0\0\0\0\0nul", 11));
    gguf_close(&g);
    free(f.bytes);
}
END_TEST

START_TEST(tensors)
{
    static const uint32_t alignments[] = {0, 8, 16, 64, 4096};
    struct file f = sample(3, alignments[_i]);
    struct gguf g;
    open_ok(f, &g);
    ck_assert_uint_eq(g.alignment, _i ? alignments[_i] : 32);
    ck_assert_uint_eq(g.tensor_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(g.tensors[i].data == f.bytes + g.tensors[i].offset);
        ck_assert_uint_eq(g.tensors[i].offset % g.alignment, 0);
    }
    const struct gguf_tensor *t = gguf_find_tensor(&g, "floats");
    ck_assert_ptr_eq(t, &g.tensors[0]);
    ck_assert(t->type == 0 && t->dims_count == 4 && t->rows == 6 && t->bytes == FLOATS * 4);
    ck_assert(t->dims[0] == 4 && t->dims[1] == 3 && t->dims[2] == 2 && t->dims[3] == 1);
    for (int i = 0; i < FLOATS; i++) {
        float value;
        memcpy(&value, t->data + 4 * i, 4);
        ck_assert_float_eq(value, (float)i);
    }
    t = gguf_find_tensor(&g, "mat.q4");
    ck_assert_ptr_eq(t, &g.tensors[1]);
    ck_assert(t->type == 2 && t->dims_count == 2 && t->rows == 3 && t->bytes == Q4_0_BYTES && t->dims[2] == 1 && t->dims[3] == 1);
    ck_assert(t->data[0] == 0x44 && t->data[t->bytes - 1] == 0x44);
    t = gguf_find_tensor(&g, "mat.q8");
    ck_assert_ptr_eq(t, &g.tensors[2]);
    ck_assert(t->type == 8 && t->dims_count == 1 && t->rows == 1 && t->bytes == Q8_0_BYTES && t->dims[1] == 1);
    ck_assert(t->data[0] == 0x88 && t->data[t->bytes - 1] == 0x88);
    ck_assert_ptr_null(gguf_find_tensor(&g, "mat.q"));
    ck_assert_ptr_null(gguf_find_tensor(&g, ""));
    gguf_close(&g);
    free(f.bytes);
}
END_TEST

START_TEST(readers)
{
    struct file f = sample(3, 0);
    struct gguf g;
    open_ok(f, &g);
    slm_error err = {0};
    uint32_t u32 = 42;
    float f32 = 42;
    bool boolean = true;
    struct gguf_str string = {"default", 7};
    ck_assert_int_eq(gguf_u32(&g, "absent", &u32, &err), SLM_OK);
    ck_assert_int_eq(gguf_f32(&g, "absent", &f32, &err), SLM_OK);
    ck_assert_int_eq(gguf_bool(&g, "absent", &boolean, &err), SLM_OK);
    ck_assert_int_eq(gguf_string(&g, "absent", &string, &err), SLM_OK);
    ck_assert(u32 == 42 && f32 == 42 && boolean && gguf_str_is(string, "default") && !err.message[0]);

    static const char *const not_u32[] = {"i8", "i32", "u64", "i64", "big", "f32", "text", "yes", "u32s"};
    for (size_t i = 0; i < sizeof not_u32 / sizeof *not_u32; i++) {
        ck_assert_int_eq(gguf_u32(&g, not_u32[i], &u32, &err), SLM_FORMAT);
        ck_assert(err.status == SLM_FORMAT && strstr(err.message, not_u32[i]) && err.offset == gguf_find(&g, not_u32[i])->offset);
    }
    ck_assert_int_eq(gguf_f32(&g, "u32", &f32, &err), SLM_FORMAT);
    ck_assert_int_eq(gguf_f32(&g, "f32s", &f32, &err), SLM_FORMAT);
    ck_assert_int_eq(gguf_bool(&g, "u8", &boolean, &err), SLM_FORMAT);
    ck_assert_int_eq(gguf_bool(&g, "bools", &boolean, &err), SLM_FORMAT);
    ck_assert_int_eq(gguf_string(&g, "u8s", &string, &err), SLM_FORMAT);
    ck_assert_int_eq(gguf_string(&g, "words", &string, NULL), SLM_FORMAT);
    ck_assert(u32 == 42 && f32 == 42 && boolean && gguf_str_is(string, "default"));

    ck_assert(gguf_u32(&g, "u32", &u32, &err) == SLM_OK && u32 == 4000000000u);
    ck_assert(gguf_u32(&g, "u8", &u32, &err) == SLM_OK && u32 == 200);
    ck_assert(gguf_f32(&g, "f32", &f32, &err) == SLM_OK && f32 == -1.5f);
    ck_assert(gguf_f32(&g, "f64", &f32, &err) == SLM_OK && f32 == 0.1f);
    ck_assert(gguf_bool(&g, "no", &boolean, &err) == SLM_OK && !boolean);
    ck_assert(gguf_bool(&g, "yes", &boolean, &err) == SLM_OK && boolean);
    ck_assert(gguf_string(&g, "text", &string, &err) == SLM_OK && gguf_str_is(string, "hello"));
    ck_assert(!gguf_str_is(string, "hell") && !gguf_str_is(string, "hello!"));
    gguf_close(&g);
    free(f.bytes);
}
END_TEST

START_TEST(empty_directory)
{
    struct file f = finish(gguf_build_new());
    struct gguf g;
    open_ok(f, &g);
    ck_assert(g.kv_count == 0 && g.tensor_count == 0 && !gguf_find(&g, "x") && !gguf_find_tensor(&g, "x"));
    gguf_close(&g);
    gguf_close(&g); /* harmless */
    free(f.bytes);
}
END_TEST

/* Names in several orders and many numbers of them: each found, none else, and one duplicate seen wherever it stands. */
START_TEST(lookup)
{
    uint64_t seed = test_seed();
    for (unsigned n = 1; n < 60; n++) {
        struct gguf_build *b = gguf_build_new();
        char name[32];
        for (unsigned i = 0; i < n; i++) {
            unsigned id = _i == 0 ? i : _i == 1 ? n - i : i * 37 % 61;
            snprintf(name, sizeof name, "name.%u", id);
            gguf_put_u32(b, name, id);
            gguf_put_tensor(b, name, 0, 1, &(uint64_t){1}, &(float){(float)id}, 4);
        }
        struct file f = finish(b);
        struct gguf g;
        open_ok(f, &g);
        for (unsigned id = 0; id < 62; id++) {
            bool expected = _i == 0 ? id < n : _i == 1 ? id >= 1 && id <= n : false;
            for (unsigned i = 0; _i == 2 && i < n; i++)
                expected |= i * 37 % 61 == id;
            snprintf(name, sizeof name, "name.%u", id);
            uint32_t value = UINT32_MAX;
            ck_assert_int_eq(gguf_u32(&g, name, &value, NULL), SLM_OK);
            ck_assert_uint_eq(value, expected ? id : UINT32_MAX);
            const struct gguf_tensor *t = gguf_find_tensor(&g, name);
            ck_assert_int_eq(t != NULL, expected);
            ck_assert(!t || !memcmp(t->data, &(float){(float)id}, 4));
        }
        gguf_close(&g);
        free(f.bytes);

        b = gguf_build_new();
        unsigned first = test_random(&seed) % (n + 1), second = test_random(&seed) % (n + 1);
        for (unsigned i = 0; i <= n; i++) {
            snprintf(name, sizeof name, "name.%u", i == second ? first : i);
            gguf_put_u32(b, name, i);
        }
        f = finish(b);
        slm_error err = {0};
        mem m = plain();
        slm_status status = gguf_open(&m, f.bytes, f.size, &g, &err);
        ck_assert_msg(status == (first == second ? SLM_OK : SLM_FORMAT), "n %u first %u second %u: %s", n, first, second, err.message);
        gguf_close(&g);
        free(f.bytes);
    }
}
END_TEST

/* ------------------------------------------------------------ what is not */

/* Where `text` stands in the file. */
static size_t place_of(struct file f, const char *text)
{
    uint8_t *at = memmem(f.bytes, f.size, text, strlen(text));
    ck_assert_msg(at != NULL, "no '%s'", text);
    return (size_t)(at - f.bytes);
}

enum field_width { W8 = 1, W32 = 4, W64 = 8 };

/* Changes one field of the sample: the `width` bytes `skip` bytes after the place of `name` become `value`. For the tensors,
 * whose names have 6 bytes: -8 name length, 6 dimensions, 10 + 8 i dimension i, then u32 type and u64 offset. */
static const struct {
    const char *name;       /* of a key or a tensor; "" is the start of the file */
    int skip;
    enum field_width width;
    uint64_t value;
    slm_status status;
    const char *message;    /* part of it */
    int offset;             /* of the error, from the place of `name` */
} refusals[] = {
    {"", 0, W8, 'X', SLM_FORMAT, "does not begin with \"GGUF\"", 0},
    {"", 4, W32, 0, SLM_UNSUPPORTED, "version 0", 4},
    {"", 4, W32, 1, SLM_UNSUPPORTED, "version 1 is not supported: convert", 4},
    {"", 4, W32, 4, SLM_UNSUPPORTED, "version 4", 4},
    {"", 4, W32, 0x03000000, SLM_UNSUPPORTED, "big-endian", 4},
    {"", 8, W64, UINT64_MAX, SLM_FORMAT, "tensor count 18446744073709551615", 8},
    {"", 8, W64, 200, SLM_FORMAT, "tensor count 200", 8},
    {"", 16, W64, UINT64_MAX, SLM_FORMAT, "metadata count 18446744073709551615", 16},
    {"", 16, W64, 1ull << 60, SLM_FORMAT, "metadata count", 16},
    /* metadata */
    {"text", -8, W64, UINT64_MAX, SLM_FORMAT, "inside the metadata key (18446744073709551615 bytes", 0},
    {"text", -8, W64, 0, SLM_FORMAT, "empty metadata key", -8},
    {"text", 4, W32, 13, SLM_FORMAT, "'text' has unknown type 13", 4},
    {"text", 4, W32, UINT32_MAX, SLM_FORMAT, "'text' has unknown type 4294967295", 4},
    {"text", 8, W64, 1ull << 63, SLM_FORMAT, "inside the string (9223372036854775808 bytes", 16},
    {"yes", 7, W8, 2, SLM_FORMAT, "'yes': a bool is 2", 7},
    {"bools", 5 + 16 + 1, W8, 255, SLM_FORMAT, "'bools': a bool is 255", 5 + 16 + 1},
    {"u32s", 8, W32, 9, SLM_UNSUPPORTED, "'u32s' is an array of arrays", 8},
    {"u32s", 8, W32, 13, SLM_FORMAT, "'u32s' has unknown type 13", 8},
    {"u32s", 12, W64, 1ull << 62, SLM_FORMAT, "4611686018427387904 x 4 bytes", 20},
    {"u32s", 12, W64, 1 << 20, SLM_FORMAT, "1048576 x 4 bytes", 20},
    {"words", 13, W64, UINT64_MAX, SLM_FORMAT, "'words' claims 18446744073709551615 strings", 21},
    {"words", 13, W64, 1000, SLM_FORMAT, "'words' claims 1000 strings", 21},
    {"words", 21, W64, UINT64_MAX - 7, SLM_FORMAT, "inside the string", 29},
    {"i8", 0, W8, 'u', SLM_FORMAT, "the metadata key 'u8' stands twice", -8},
    /* tensors */
    {"mat.q4", -8, W64, 0, SLM_FORMAT, "empty tensor name", -8},
    {"mat.q4", -8, W64, 65, SLM_LIMIT, "65 bytes, 64 are allowed", -8},
    {"mat.q4", 6, W32, 0, SLM_FORMAT, "'mat.q4' has 0 dimensions", -8},
    {"mat.q4", 6, W32, 5, SLM_FORMAT, "'mat.q4' has 5 dimensions", -8},
    {"mat.q4", 6, W32, UINT32_MAX, SLM_FORMAT, "'mat.q4' has 4294967295 dimensions", -8},
    {"mat.q4", 10, W64, 0, SLM_FORMAT, "'mat.q4': dimension 0 is 0", -8},
    {"mat.q4", 18, W64, 0, SLM_FORMAT, "'mat.q4': dimension 1 is 0", -8},
    {"mat.q4", 10, W64, 33, SLM_FORMAT, "rows of 33 values are not whole Q4_0 blocks of 32", -8},
    {"mat.q4", 10, W64, 1ull << 63, SLM_FORMAT, "overflow", -8},
    {"mat.q4", 18, W64, UINT64_MAX, SLM_FORMAT, "64 x 18446744073709551615 x 1 x 1 values overflow", -8},
    {"mat.q4", 18, W64, 1ull << 40, SLM_FORMAT, "beyond the end of the file", -8},
    {"floats", 26, W64, 1ull << 62, SLM_FORMAT, "overflow", -8},
    {"mat.q4", 26, W32, 13, SLM_UNSUPPORTED, "'mat.q4' has type Q5_K, which is not supported", -8},
    {"mat.q4", 26, W32, 4, SLM_UNSUPPORTED, "'mat.q4' has unknown type 4", -8},
    {"mat.q4", 26, W32, UINT32_MAX, SLM_UNSUPPORTED, "'mat.q4' has unknown type 4294967295", -8},
    {"mat.q4", 30, W64, 97, SLM_FORMAT, "'mat.q4': offset 97 is not a multiple of the alignment 32", -8},
    {"mat.q4", 30, W64, 1 << 20, SLM_FORMAT, "'mat.q4' (108 bytes) lies beyond the end", -8},
    {"mat.q4", 30, W64, UINT64_MAX - 31, SLM_FORMAT, "'mat.q4' (108 bytes) lies beyond the end", -8},
    {"mat.q4", 30, W64, 64, SLM_FORMAT, "tensors 'floats' and 'mat.q4' overlap", -8},
    {"mat.q8", 5, W8, '4', SLM_FORMAT, "the tensor 'mat.q4' stands twice", -8},
    {"mat.q8", 22, W64, 192, SLM_FORMAT, "tensors 'mat.q4' and 'mat.q8' overlap", -8},
};

START_TEST(refusal)
{
    struct file f = sample(3, 0);
    size_t place = place_of(f, refusals[_i].name);
    memcpy(f.bytes + (ptrdiff_t)place + refusals[_i].skip, &refusals[_i].value, refusals[_i].width);
    struct counter c;
    mem m = counting(&c);
    struct gguf g;
    slm_error err = {0};
    slm_status status = gguf_open(&m, f.bytes, f.size, &g, &err);
    ck_assert_msg(status == refusals[_i].status, "status %d: %s", status, err.message);
    ck_assert_int_eq(err.status, status);
    ck_assert_msg(strstr(err.message, refusals[_i].message), "%s", err.message);
    ck_assert_msg((int64_t)err.offset - (int64_t)place == refusals[_i].offset, "offset %+d: %s", (int)(err.offset - place), err.message);
    ck_assert_uint_eq(c.live, 0);
    free(f.bytes);
}
END_TEST

/* Opens, expects this failure, frees the file. */
static void expect(struct file f, slm_status status, uint64_t offset, const char *message)
{
    mem m = plain();
    struct gguf g;
    slm_error err = {0};
    ck_assert_msg(gguf_open(&m, f.bytes, f.size, &g, &err) == status, "%s: status %d, %s", message, err.status, err.message);
    ck_assert_int_eq(err.status, status);
    ck_assert_msg(strstr(err.message, message) != NULL, "'%s' is not in '%s'", message, err.message);
    ck_assert_msg(err.offset == offset, "%s: offset %llu", message, (unsigned long long)err.offset);
    free(f.bytes);
}

/* Sizes whose product wraps around to something small. */
START_TEST(overflow)
{
    static const uint64_t dims[][4] = {
        {4, 1ull << 32, 1ull << 32, 1},     /* rows */
        {4, 1ull << 32, 1, 1ull << 32},
        {1ull << 32, 1ull << 32, 1, 1},     /* values */
        {1ull << 62, 1, 1, 1},              /* bytes of a row */
        {1ull << 33, 1ull << 29, 1, 1},     /* bytes */
        {(1ull << 62) - 1, 1, 1, 1},        /* end in the file */
    };
    struct gguf_build *b = gguf_build_new();
    gguf_put_tensor(b, "wide", 0, 4, dims[_i], NULL, 64);
    expect(finish(b), SLM_FORMAT, 24, _i == 5 ? "beyond the end" : "values overflow");
}
END_TEST

static struct file copy(const void *bytes, size_t size)
{
    struct file f = {malloc(size ? size : 1), size};
    ck_assert_ptr_nonnull(f.bytes);
    memcpy(f.bytes, bytes, size);
    return f;
}

START_TEST(bad_alignment)
{
    static const uint32_t values[] = {0, 1, 4, 3, 24, 48, 0xffffffff};
    struct gguf_build *b = gguf_build_new();
    gguf_build_alignment(b, values[_i]);
    expect(finish(b), SLM_FORMAT, 24, "general.alignment is ");
}
END_TEST

START_TEST(alignment_of_wrong_type)
{
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "general.alignment", "32");
    expect(finish(b), SLM_FORMAT, 24, "'general.alignment' is of type string where an integer");
}
END_TEST

START_TEST(split_model)
{
    for (uint16_t parts = 0; parts < 4; parts++) {
        struct gguf_build *b = gguf_build_new();
        gguf_put_value(b, "split.count", GGUF_U16, &parts);
        struct file f = finish(b);
        if (parts > 1) {
            expect(f, SLM_UNSUPPORTED, 24, parts == 2 ? "one of 2 parts" : "one of 3 parts");
            continue;
        }
        struct gguf g;
        open_ok(f, &g);
        gguf_close(&g);
        free(f.bytes);
    }
}
END_TEST

START_TEST(other_formats)
{
#define STARTS(text, message) expect(copy(text, sizeof text - 1), SLM_FORMAT, 0, message)
    STARTS("version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull");
    STARTS("PK\3\4\0\0\0\0", "PyTorch");
    STARTS("\x1f\x8b\x08\0\0\0", "gzip");
    STARTS("\x28\xb5\x2f\xfd\0\0", "zstd");
    STARTS("<!DOCTYPE html><html>", "web page");
    STARTS("{\"architectures\": [", "JSON");
    STARTS("\x40\1\0\0\0\0\0\0{\"__metadata__\":", "safetensors");
    STARTS("lmgg\0\0\0\0", "GGML");
    STARTS("fmgg\1\0\0\0", "GGMF");
    STARTS("tjgg\3\0\0\0", "GGJT");
    STARTS("FUGG\3\0\0\0", "does not begin with");
    STARTS("G", "after 1 bytes");
    STARTS("GGU", "after 3 bytes");
    STARTS("GGX", "does not begin with");
    STARTS("", "empty");
}
END_TEST

START_TEST(limits)
{
    enum { MANY = (1 << 16) + 1 };
    struct file f = {calloc(MANY, 40), (size_t)MANY * 40};
    memcpy(f.bytes, "GGUF\3\0\0\0", 8);
    memcpy(f.bytes + 8, &(uint64_t){MANY}, 8);
    expect(f, SLM_LIMIT, 8, "tensor count 65537 is above the limit of 65536");

    f = (struct file){calloc(MANY, 40), (size_t)MANY * 40};
    memcpy(f.bytes, "GGUF\3\0\0\0", 8);
    memcpy(f.bytes + 16, &(uint64_t){MANY}, 8);
    expect(f, SLM_LIMIT, 16, "metadata count 65537 is above the limit of 65536");

    enum { STRINGS = (1 << 22) + 1 };
    static const char zero[8 * STRINGS];
    struct gguf_build *b = gguf_build_new();
    gguf_put_array(b, "key", GGUF_U64, zero, STRINGS);
    f = finish(b);
    f.bytes[24 + 8 + 3 + 4] = GGUF_STRING; /* the zeros are now empty strings */
    expect(f, SLM_LIMIT, 24 + 8 + 3 + 4 + 12, "'key' has 4194305 strings, 4194304 are allowed");

    char *key = calloc(1, 65537);
    memset(key, 'k', 65535);
    b = gguf_build_new();
    gguf_put_u32(b, key, 1);
    f = finish(b);
    struct gguf g;
    open_ok(f, &g);
    ck_assert_ptr_nonnull(gguf_find(&g, key));
    gguf_close(&g);
    free(f.bytes);
    key[65535] = 'k';
    b = gguf_build_new();
    gguf_put_u32(b, key, 1);
    expect(finish(b), SLM_LIMIT, 24, "has 65536 bytes, 65535 are allowed");
    free(key);
}
END_TEST

/* A name from a hostile file can't write to the terminal. */
START_TEST(hostile_name)
{
    struct gguf_build *b = gguf_build_new();
    gguf_put_tensor(b, "a\x1b[2J\n\xff\xc2\x9b\xe2\x82", 999, 1, (uint64_t[]){1}, NULL, 4);
    expect(finish(b), SLM_UNSUPPORTED, 24, "tensor 'a?[2J\?\?\?\?\?' has unknown type 999");
}
END_TEST

/* ------------------------------------------------------------------ sweeps */

/* Opens a copy without a byte to spare. What is accepted lies inside; what is refused has a place and leaves nothing behind;
 * memory stays in proportion to the file whatever it claims. */
static slm_status probe(const uint8_t *bytes, size_t size)
{
    struct file f = copy(bytes, size);
    struct counter c;
    mem m = counting(&c);
    struct gguf g;
    slm_error err = {0};
    slm_status status = gguf_open(&m, f.bytes, size, &g, &err);
    ck_assert_uint_le(c.bytes, 8 * size + 64);
    if (status) {
        ck_assert_int_eq(err.status, status);
        ck_assert_msg(err.offset <= size && err.message[0], "offset %llu: %s", (unsigned long long)err.offset, err.message);
    } else {
        for (size_t i = 0; i < g.kv_count; i++) {
            const struct gguf_kv *kv = &g.kv[i];
            ck_assert(kv->data >= f.bytes && kv->bytes <= size && kv->data <= f.bytes + size - kv->bytes);
        }
        for (size_t i = 0; i < g.tensor_count; i++) {
            const struct gguf_tensor *t = &g.tensors[i];
            ck_assert(t->bytes > 0 && t->bytes <= size && t->data >= f.bytes && t->data <= f.bytes + size - t->bytes);
            ck_assert(t->rows * t->dims[0] > 0 && t->rows == t->dims[1] * t->dims[2] * t->dims[3]);
        }
    }
    gguf_close(&g);
    ck_assert_uint_eq(c.live, 0);
    free(f.bytes);
    return status;
}

/* Cut anywhere before the last byte of the last tensor, the file is refused; the padding behind it is not needed. */
START_TEST(truncation)
{
    struct file f = sample(3, 0);
    size_t end = f.size - 32 * 2 + Q8_0_BYTES;
    ck_assert(f.bytes[end - 1] == 0x88 && f.bytes[end] == 0);
    for (size_t size = 0; size <= f.size; size++) {
        slm_status status = probe(f.bytes, size);
        ck_assert_msg(status == (size < end ? SLM_FORMAT : SLM_OK), "size %zu of %zu: status %d", size, f.size, status);
    }
    free(f.bytes);
}
END_TEST

START_TEST(bit_flips)
{
    struct file f = sample(3, 0);
    size_t header = place_of(f, "mat.q8") + 30, accepted = 0;
    for (size_t bit = 0; bit < 8 * header; bit++) {
        f.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        accepted += probe(f.bytes, f.size) == SLM_OK;
        f.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_uint_gt(accepted, header); /* flips in values and names are no fault */
    ck_assert_uint_lt(accepted, 7 * header);
    free(f.bytes);
}
END_TEST

/* Random bytes over random places: less likely to be refused early than random files. */
START_TEST(random_damage)
{
    struct file good = sample(3, 0);
    uint64_t seed = test_seed();
    for (int round = 0; round < 20000; round++) {
        struct file f = copy(good.bytes, good.size);
        for (uint32_t i = 0, n = 1 + test_random(&seed) % 4; i < n; i++) {
            size_t at = test_random(&seed) % f.size;
            f.bytes[at] = test_random(&seed) % 2 ? 0xff : (uint8_t)test_random(&seed);
        }
        probe(f.bytes, f.size);
        free(f.bytes);
    }
    free(good.bytes);
}
END_TEST

START_TEST(out_of_memory)
{
    struct file f = sample(3, 0);
    struct counter c;
    mem m = counting(&c);
    struct gguf g;
    slm_error err = {0};
    ck_assert_int_eq(gguf_open(&m, f.bytes, f.size, &g, &err), SLM_OK);
    gguf_close(&g);
    size_t calls = c.calls;
    ck_assert_uint_ge(calls, 6);
    for (size_t fail_at = 1; fail_at <= calls; fail_at++) {
        c = (struct counter){.fail_at = fail_at};
        ck_assert_int_eq(gguf_open(&m, f.bytes, f.size, &g, &err), SLM_MEMORY);
        ck_assert_uint_eq(c.live, 0);
        ck_assert_ptr_null(g.kv);
    }
    free(f.bytes);
}
END_TEST

/* ------------------------------------------------------------- real files */

/* Every shared file opens, except for weight types that are not here yet, which are named. */
START_TEST(shared_files)
{
    static const char *const folders[] = {"demo-model", "golden", "models", "vocab"};
    const char *folder = shared_path(folders[_i]);
    if (!folder) {
        skip("gguf shared_files", folders[_i]);
        return;
    }
    char path[4096];
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    int opened = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 5, ".gguf"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        slm_error err = {0};
        struct map map;
        ck_assert_int_eq(map_open(path, &map, &err), SLM_OK);
        struct gguf g;
        mem m = plain();
        slm_status status = gguf_open(&m, map.bytes, map.size, &g, &err);
        const char *type = strstr(err.message, "has type ");
        ck_assert_msg(status == SLM_OK || (status == SLM_UNSUPPORTED && type), "%s: %s", entry->d_name, err.message);
        if (status) { /* really one that the kernels lack */
            char name[16] = "";
            sscanf(type, "has type %15[A-Z0-9_]", name);
            ck_assert_msg(name[0] && quant_by_name(name) == WEIGHT_TYPES, "%s: %s", entry->d_name, err.message);
        } else {
            opened++;
            struct gguf_str architecture = {0};
            ck_assert_int_eq(gguf_string(&g, "general.architecture", &architecture, &err), SLM_OK);
            ck_assert_uint_gt(architecture.length, 0);
            for (size_t i = 0; i < g.tensor_count; i++) {
                char name[65] = "";
                memcpy(name, g.tensors[i].name.data, g.tensors[i].name.length);
                ck_assert_ptr_eq(gguf_find_tensor(&g, name), &g.tensors[i]);
            }
        }
        gguf_close(&g);
        map_close(&map);
    }
    closedir(dir);
    ck_assert_int_gt(opened, 0);
}
END_TEST

Suite *suite_gguf(void)
{
    Suite *suite = suite_create("gguf");
    TCase *valid = tcase_create("valid");
    tcase_add_loop_test(valid, every_type, 0, 2);
    tcase_add_loop_test(valid, tensors, 0, 5);
    tcase_add_test(valid, readers);
    tcase_add_test(valid, empty_directory);
    tcase_add_loop_test(valid, lookup, 0, 3);
    suite_add_tcase(suite, valid);
    TCase *refused = tcase_create("refused");
    tcase_add_loop_test(refused, refusal, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_loop_test(refused, overflow, 0, 6);
    tcase_add_loop_test(refused, bad_alignment, 0, 7);
    tcase_add_test(refused, alignment_of_wrong_type);
    tcase_add_test(refused, split_model);
    tcase_add_test(refused, other_formats);
    tcase_add_test(refused, limits);
    tcase_add_test(refused, hostile_name);
    suite_add_tcase(suite, refused);
    TCase *sweeps = tcase_create("sweeps");
    tcase_set_timeout(sweeps, 60); /* under sanitizers */
    tcase_add_test(sweeps, truncation);
    tcase_add_test(sweeps, bit_flips);
    tcase_add_test(sweeps, random_damage);
    tcase_add_test(sweeps, out_of_memory);
    suite_add_tcase(suite, sweeps);
    TCase *real = tcase_create("real");
    tcase_add_loop_test(real, shared_files, 0, 4);
    suite_add_tcase(suite, real);
    return suite;
}
