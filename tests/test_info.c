/* slm-run --info and --list, as their users see them. */
#include "tool_run.h"

#include "gguf_build.h"
#include "tiny_model.h"

#include "slm.h"

#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes bytes, which it frees, as a file of the test's folder; the path is in static storage. */
static const char *put_file(const char *name, void *bytes, size_t size)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", test_folder, name);
    write_file(path, bytes, size);
    free(bytes);
    return path;
}

static const char *write_tiny(const char *name, const struct tiny_options *options)
{
    size_t size;
    uint8_t *bytes = tiny_model(options, &size);
    return put_file(name, bytes, size);
}

static void has(struct result r, const char *text)
{
    ck_assert_msg(strstr(r.out, text) != NULL, "'%s' is not in:\n%s", text, r.out);
}

/* The memory told is what a session then takes. */
START_TEST(info_of_a_model)
{
    const char *path = write_tiny("tiny.gguf", NULL);
    struct result r = RUN(NULL, "slm-run", "--info", path, "-c", "100", "-b", "64", "-t", "2", "-o", "json");
    expect_code(r, 0);
    ck_assert_str_eq(r.err, "");
    cJSON *json = parse(r.out), *memory = cJSON_GetObjectItem(json, "memory");
    ck_assert_str_eq(string(json, "architecture"), "llama");
    ck_assert_str_eq(string(json, "name"), "tiny");
    ck_assert_str_eq(string(json, "type"), "Q8_0");
    ck_assert(number(json, "layers") == 1 && number(json, "head_size") == 16 && number(json, "vocabulary_size") == 261);
    ck_assert(number(json, "parameters") == 261 * 32 + 3 * 32 + 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(json, "runs")) && number(memory, "context") == 100);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "unsupported_tensors")), 0);

    slm_model_options o = slm_model_options_default();
    struct heap heap = {.left = -1};
    o.allocator = heap_allocator(&heap);
    slm_session_options so = slm_session_options_default();
    so.context = 100;
    so.batch = 64;
    so.threads = 2;
    slm_model *model = NULL;
    slm_session *session = NULL;
    ck_assert(!slm_model_open(path, &o, &model, NULL));
    heap.bytes = 0;
    ck_assert(!slm_session_new(model, &so, &session, NULL));
    const double told = number(memory, "kv_cache") + number(memory, "buffers");
    ck_assert_msg((double)heap.bytes >= told && (double)heap.bytes < 1.05 * told + 65536, "told %.0f, taken %zu", told, heap.bytes);
    slm_session_free(session);
    slm_model_free(model);
    cJSON_Delete(json);
    release(r);

    r = RUN(NULL, "slm-run", "--info", "-m", path, "-o", "json"); /* -m names it */
    expect_code(r, 0);
    has(r, "\"name\": \"tiny\"");
    release(r);
    r = RUN(NULL, "slm-run", "--info"); /* the demo model */
    expect_code(r, 0);
    has(r, "file            the built-in demo model\n");
    has(r, "size            3.7 MB, GGUF version 3\n");
    has(r, "runs            yes\n");
    release(r);

    r = RUN(NULL, "slm-run", "--info", path);
    expect_code(r, 0);
    has(r, "architecture    llama\n");
    has(r, "sizes           layers 1, embedding 32, feed-forward 64, heads 2, heads of keys and values 1, dimensions of a head 16\n");
    has(r, "tensors         11, all of supported types\n");
    has(r, "special tokens  begins with \"<s>\" (1); ends with \"</s>\" (2)\n");
    has(r, "chat template   none\n");
    has(r, "MB for a context of 256 tokens: weights 0.0, KV cache 0.0, buffers ");
    has(r, "runs            yes\n");
    release(r);
}
END_TEST

/* Files that can't be run are told about all the same. */
START_TEST(info_of_what_does_not_run)
{
    static const struct { struct tiny_options options; const char *words; } cases[] = {
        {{.architecture = "mam\x1b[2Jba"}, "runs            no: architecture 'mam?[2Jba' is not supported (known: llama, "},
        {{.leave_out = "blk.0.ffn_up.weight"}, "runs            no: tensor blk.0.ffn_up.weight (32 x 64) is missing"},
        {{.leave_out = "tokenizer.ggml.model"}, "family none, not supported\n"},
    };
    struct result r = RUN(NULL, "slm-run", "--info", write_tiny("bad.gguf", &cases[_i].options));
    expect_code(r, 2);
    has(r, cases[_i].words);
    has(r, "memory          not known\n");
    ck_assert_ptr_null(strchr(r.out, '\x1b'));
    release(r);
}
END_TEST

START_TEST(info_of_foreign_types)
{
    size_t size;
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "general.architecture", "llama");
    gguf_put_tensor(b, "output_norm.weight", 0, 1, (uint64_t[]){256}, NULL, 1024);
    gguf_put_tensor(b, "token_embd.weight", 16, 2, (uint64_t[]){256, 288}, NULL, 66 * 288);
    gguf_put_tensor(b, "blk.0.x", 777, 1, (uint64_t[]){256}, NULL, 64);
    uint8_t *bytes = gguf_build_finish(b, &size);
    const char *path = put_file("iq2.gguf", bytes, size);
    struct result r = RUN(NULL, "slm-run", "--info", path);
    expect_code(r, 2);
    has(r, "types           IQ2_XXS 94.9 %, F32 5.1 %, unknown 0.0 % of the bytes\n");
    has(r, "tensors         3, not supported: token_embd.weight (IQ2_XXS), blk.0.x (type unknown)\n");
    release(r);
    r = RUN(NULL, "slm-run", "--info", path, "-o", "json");
    expect_code(r, 2);
    cJSON *json = parse(r.out);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "unsupported_tensors")), 2);
    ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(json, "runs")) && cJSON_IsNull(cJSON_GetObjectItem(json, "memory")));
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(json, "problem_offset")));
    cJSON_Delete(json);
    release(r);
}
END_TEST

/* A file without weights says what it is, though it knows the size of its vocabulary. */
START_TEST(info_of_a_vocabulary)
{
    static const char *const keys[] = {"block_count", "embedding_length", "feed_forward_length", "attention.head_count", "vocab_size"};
    static const uint32_t values[] = {1, 32, 64, 2, 261};
    char key[64];
    size_t size;
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "general.architecture", "llama");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(key, sizeof key, "llama.%s", keys[i]);
        gguf_put_u32(b, key, values[i]);
    }
    tiny_vocabulary(b);
    uint8_t *bytes = gguf_build_finish(b, &size);
    struct result r = RUN(NULL, "slm-run", "--info", put_file("vocabulary.gguf", bytes, size));
    expect_code(r, 2);
    has(r, "runs            no: tensor token_embd.weight is missing: the file is incomplete or holds a vocabulary only\n");
    release(r);
}
END_TEST

/* JSON has neither NaN nor infinities. And where the file is wrong is told. */
START_TEST(info_of_odd_numbers)
{
    size_t size;
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "general.architecture", "llama");
    gguf_put_f32(b, "llama.block_count", NAN);
    gguf_put_f32(b, "llama.context_length", -INFINITY);
    gguf_put_f32(b, "llama.embedding_length", 32);
    tiny_vocabulary(b);
    uint8_t *bytes = gguf_build_finish(b, &size);
    const char *path = put_file("odd.gguf", bytes, size);
    struct result r = RUN(NULL, "slm-run", "--info", path, "-o", "json");
    expect_code(r, 2);
    cJSON *json = parse(r.out);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(json, "layers")) && cJSON_IsNull(cJSON_GetObjectItem(json, "context")));
    ck_assert(number(json, "embedding") == 32 && number(json, "problem_offset") == 69);
    cJSON_Delete(json);
    release(r);
    r = RUN(NULL, "slm-run", "--info", path);
    expect_code(r, 2);
    has(r, "sizes           layers nan, embedding 32\n");
    has(r, "of type f32 where an integer from 0 to 4294967295 is expected: damaged file (at byte 69)\n");
    release(r);
}
END_TEST

/* -v: every key, on one line that can't do harm. */
START_TEST(info_metadata)
{
    static const char *const words[] = {"a", "b\n", "\xc3\xa9"};
    static const double floats[] = {1e-6, -0.5, NAN, 1e300, 5, 6};
    char longest[80], cut[128];
    memset(longest, 'x', sizeof longest);
    memcpy(longest + 71, "\xc3\xa9", 2); /* is not cut through */
    size_t size;
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "general.architecture", "\x1b[31m");
    gguf_put_bytes(b, "long", longest, sizeof longest);
    gguf_put_value(b, "int", GGUF_I64, &(int64_t){-123456789012});
    gguf_put_value(b, "large", GGUF_U64, &(uint64_t){UINT64_MAX});
    gguf_put_bool(b, "bool", true);
    gguf_put_strings(b, "words", words, 3);
    gguf_put_array(b, "floats", GGUF_F64, floats, 6);
    gguf_put_array(b, "nothing", GGUF_F32, NULL, 0);
    uint8_t *bytes = gguf_build_finish(b, &size);
    struct result r = RUN(NULL, "slm-run", "-v", "--info", put_file("keys.gguf", bytes, size));
    expect_code(r, 2);
    snprintf(cut, sizeof cut, "\n\ngeneral.architecture = \"?[31m\"\nlong = \"%.71s...\"\n", longest);
    has(r, cut);
    has(r, "\nint = -123456789012\nlarge = 1.844674e+19\nbool = 1\nwords = 3 values: \"a\", \"b?\", \"\xc3\xa9\"\n"
           "floats = 6 values: 1e-06, -0.5, nan, 1e+300, 5, ...\nnothing = 0 values\n");
    ck_assert_ptr_null(strchr(r.out, '\x1b'));
    release(r);
}
END_TEST

START_TEST(info_errors)
{
    struct result r = RUN(NULL, "slm-run", "--info", "/no/such/file.gguf");
    expect_error(r, 2, "slm-run", "cannot open '/no/such/file.gguf'");
    release(r);
    r = RUN(NULL, "slm-run", "--info", put_file("text.gguf", strdup("hello"), 5));
    expect_error(r, 2, "slm-run", "text.gguf: not a GGUF file");
    release(r);
    size_t size;
    struct gguf_build *b = gguf_build_new();
    gguf_put_bool(b, "x", true);
    gguf_put_bool(b, "x", true);
    uint8_t *twice = gguf_build_finish(b, &size);
    r = RUN(NULL, "slm-run", "--info", put_file("twice.gguf", twice, size));
    expect_error(r, 2, "slm-run", "twice.gguf: the metadata key 'x' stands twice: damaged file (at byte 38)");
    release(r);
    char line[192];
    const char *empty = put_file("empty.gguf", strdup(""), 0);
    snprintf(line, sizeof line, "slm-run: %s: the file is empty: download it again (at byte 0)\n", empty); /* named once */
    r = RUN(NULL, "slm-run", "--info", empty);
    expect_code(r, 2);
    ck_assert_str_eq(r.err, line);
    release(r);
    r = RUN(NULL, "slm-run", "--list", "/no/such/folder");
    expect_error(r, 3, "slm-run", "can't read the folder /no/such/folder");
    release(r);
}
END_TEST

/* Files in folders of folders, a split one once, an unreadable one with the reason; other files and linked folders not. */
START_TEST(list_of_a_folder)
{
    char path[128], other[128];
    write_tiny("b.gguf", NULL);
    write_tiny("notes.txt", NULL);
    put_file("broken.gguf", strdup("GGUF"), 4);
    snprintf(path, sizeof path, "%s/sub", test_folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_tiny("sub/a.gguf", &(struct tiny_options){.architecture = "qwen9"});
    snprintf(other, sizeof other, "%s/sub/again", test_folder);
    ck_assert_int_eq(symlink(test_folder, other), 0);
    for (uint16_t i = 0; i < 2; i++) {
        size_t size;
        struct gguf_build *b = gguf_build_new();
        char name[64];
        if (i == 0)
            gguf_put_string(b, "general.architecture", "gemma");
        gguf_put_value(b, "split.no", GGUF_U16, &i);
        gguf_put_value(b, "split.count", GGUF_U16, &(uint16_t){2});
        snprintf(name, sizeof name, "t%d", i);
        gguf_put_tensor(b, name, 1, 1, (uint64_t[]){64}, NULL, 128);
        uint8_t *bytes = gguf_build_finish(b, &size);
        snprintf(name, sizeof name, "cut-%05d-of-00002.gguf", i + 1);
        put_file(name, bytes, size);
    }
    size_t size;
    struct gguf_build *nameless = gguf_build_new();
    gguf_put_tensor(nameless, "t", 1, 1, (uint64_t[]){64}, NULL, 128);
    uint8_t *bytes = gguf_build_finish(nameless, &size);
    put_file("nameless.gguf", bytes, size);
    struct result r = RUN(NULL, "slm-run", "--list", test_folder);
    expect_code(r, 0);
    int lines = 0;
    for (const char *c = r.out; *c; c++)
        lines += *c == '\n';
    ck_assert_msg(lines == 5, "%s", r.out);
    has(r, "MB  llama       Q8_0      /tmp/");
    has(r, "MB  qwen9       Q8_0      /tmp/");
    has(r, "MB  gemma       F16       /tmp/");
    has(r, "MB  unknown     F16       /tmp/");
    has(r, "/cut-00001-of-00002.gguf  (2 parts)\n");
    has(r, "/broken.gguf  (");
    char slash[300];
    snprintf(slash, sizeof slash, "%s/", test_folder);
    struct result again = RUN(NULL, "slm-run", "--list", slash);
    ck_assert_str_eq(again.out, r.out);
    release(again);
    release(r);
    r = RUN(NULL, "slm-run", "--list", test_folder, "-o", "json");
    expect_code(r, 0);
    cJSON *json = parse(r.out);
    ck_assert_int_eq(cJSON_GetArraySize(json), 5);
    ck_assert_ptr_nonnull(cJSON_GetObjectItem(cJSON_GetArrayItem(json, 1), "problem"));
    ck_assert(number(cJSON_GetArrayItem(json, 2), "parts") == 2);
    cJSON_Delete(json);
    release(r);
}
END_TEST

Suite *suite_info(void);
Suite *suite_info(void)
{
    Suite *suite = suite_create("info");
    TCase *tc = tcase_create("info");
    tcase_add_checked_fixture(tc, test_folder_make, test_folder_remove);
    tcase_add_test(tc, info_of_a_model);
    tcase_add_loop_test(tc, info_of_what_does_not_run, 0, 3);
    tcase_add_test(tc, info_of_foreign_types);
    tcase_add_test(tc, info_of_a_vocabulary);
    tcase_add_test(tc, info_of_odd_numbers);
    tcase_add_test(tc, info_metadata);
    tcase_add_test(tc, info_errors);
    tcase_add_test(tc, list_of_a_folder);
    suite_add_tcase(suite, tc);
    return suite;
}
