/* What is valid opens and reads back. test_gguf_hostile.c has what is not. */
#include "../lib/gguf.h"

#include "../kernels/kernels.h"
#include "../lib/map.h"
#include "gguf_file.h"
#include "tests.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

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
    static const char *const words[] = {"", "a", "\xc3\xa9t\xc3\xa9", "the quick brown fox"};
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
    ck_assert(t->type == 0 && t->dims_count == 4 && t->rows == 6 && t->bytes == 24 * 4);
    ck_assert(t->dims[0] == 4 && t->dims[1] == 3 && t->dims[2] == 2 && t->dims[3] == 1);
    for (int i = 0; i < 24; i++) {
        float value;
        memcpy(&value, t->data + 4 * i, 4);
        ck_assert_float_eq(value, (float)i);
    }
    t = gguf_find_tensor(&g, "mat.q4");
    ck_assert_ptr_eq(t, &g.tensors[1]);
    ck_assert(t->type == 2 && t->dims_count == 2 && t->rows == 3 && t->bytes == 2 * 3 * 18 && t->dims[2] == 1 && t->dims[3] == 1);
    ck_assert(t->data[0] == 0x44 && t->data[t->bytes - 1] == 0x44);
    t = gguf_find_tensor(&g, "mat.q8");
    ck_assert_ptr_eq(t, &g.tensors[2]);
    ck_assert(t->type == 8 && t->dims_count == 1 && t->rows == 1 && t->bytes == 34 && t->dims[1] == 1);
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

/* ------------------------------------------------------------- real files */

/* Every shared file opens. */
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
        ck_assert_msg(status == SLM_OK, "%s: %s", entry->d_name, err.message);
        opened++;
        struct gguf_str architecture = {0};
        ck_assert_int_eq(gguf_string(&g, "general.architecture", &architecture, &err), SLM_OK);
        ck_assert_uint_gt(architecture.length, 0);
        for (size_t i = 0; i < g.tensor_count; i++) {
            char name[65] = "";
            memcpy(name, g.tensors[i].name.data, g.tensors[i].name.length);
            ck_assert_ptr_eq(gguf_find_tensor(&g, name), &g.tensors[i]);
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
    TCase *real = tcase_create("real");
    tcase_add_loop_test(real, shared_files, 0, 4);
    suite_add_tcase(suite, real);
    return suite;
}
