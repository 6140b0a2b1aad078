/* Damaged and malicious GGUF files are refused, with the place. */
#include "../kernels/kernels.h"
#include "../lib/gguf.h"

#include "gguf_file.h"
#include "tests.h"

#include <stdlib.h>

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

/* ---------------------------------------------------------------- refusals */

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
    {"mat.q4", 26, W32, 18, SLM_FORMAT, "'mat.q4': its rows of 64 values are not whole IQ3_XXS blocks of 256", -8},
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

/* Files whose tensors have types that are not supported can be examined; what binds such a tensor names it and the type. */
START_TEST(foreign_types)
{
    static const struct { uint32_t type; uint64_t bytes; const char *words; } cases[] = {
        {4, 0, "tensor 'mat.q4' has unknown type 4; get the model in one of: F32 F16"},
        {UINT32_MAX, 0, "tensor 'mat.q4' has unknown type 4294967295; get"},
        {25, 64 * 3 * 2, "tensor 'mat.q4' has type I16, which is not supported; get"},
        {31, 2 * 3 * 18, "tensor 'mat.q4' has type Q4_0_4_4, which is not supported; get"},
    };
    struct file f = sample(3, 0);
    const uint32_t type = cases[_i].type;
    memcpy(f.bytes + place_of(f, "mat.q4") + 26, &type, sizeof type);
    if (cases[_i].bytes > 2 * 3 * 18) { /* it needs more room than its data has */
        expect(f, SLM_FORMAT, place_of(f, "mat.q4") - 8, "tensor 'mat.q4' (384 bytes) lies beyond the end");
        return;
    }
    struct gguf g;
    open_ok(f, &g);
    const struct gguf_tensor *t = gguf_find_tensor(&g, "mat.q4");
    ck_assert(t && t->bytes == cases[_i].bytes && t->rows == 3);
    slm_error err = {0};
    ck_assert_int_eq(gguf_unsupported(t, &err), SLM_UNSUPPORTED);
    ck_assert_msg(strstr(err.message, cases[_i].words) && err.offset == t->entry, "%s", err.message);
    gguf_close(&g);
    free(f.bytes);
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
    struct file f = finish(b);
    struct gguf g;
    open_ok(f, &g);
    slm_error err = {0};
    gguf_unsupported(&g.tensors[0], &err);
    ck_assert_msg(strstr(err.message, "tensor 'a?[2J\?\?\?\?\?' has unknown type 999"), "%s", err.message);
    gguf_close(&g);
    free(f.bytes);
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
            ck_assert((t->bytes > 0 || quant_by_gguf(t->type) == WEIGHT_TYPES) && t->bytes <= size && t->data >= f.bytes && t->data <= f.bytes + size - t->bytes);
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
    size_t end = f.size - 32 * 2 + 34;
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

Suite *suite_gguf_hostile(void)
{
    Suite *suite = suite_create("gguf_hostile");
    TCase *refused = tcase_create("refused");
    tcase_add_loop_test(refused, refusal, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_loop_test(refused, overflow, 0, 6);
    tcase_add_loop_test(refused, bad_alignment, 0, 7);
    tcase_add_test(refused, alignment_of_wrong_type);
    tcase_add_loop_test(refused, foreign_types, 0, 4);
    tcase_add_test(refused, other_formats);
    tcase_add_test(refused, limits);
    tcase_add_test(refused, hostile_name);
    suite_add_tcase(suite, refused);
    TCase *sweeps = tcase_create("sweeps");
    tcase_add_test(sweeps, truncation);
    tcase_add_test(sweeps, bit_flips);
    tcase_add_test(sweeps, random_damage);
    tcase_add_test(sweeps, out_of_memory);
    suite_add_tcase(suite, sweeps);
    return suite;
}
