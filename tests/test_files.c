/* The files of a model: split ones, and what they may hold that the library does not know. */
#include "tests.h"

#include "gguf_build.h"
#include "tiny_model.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PARTS = 3 };

/* Path of part `number` of `count`. Static storage. */
static const char *part_path(const char *model, int number, int count)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s-%05d-of-%05d.gguf", test_folder, model, number, count);
    return path;
}

/* How a part differs from what gguf-split writes. */
struct lie {
    int part;                   /* from 0: the one that lies */
    uint16_t number, count;     /* 0: as they are */
    int32_t tensors;
    const char *name;           /* general.name */
    bool repeat;                /* the first tensor of the first part stands in it too */
    int type;                   /* of its second tensor, 0: as it is */
};

static void put_tensor(struct gguf_build *b, const struct gguf_tensor *t, uint32_t type)
{
    char name[65];
    snprintf(name, sizeof name, "%.*s", (int)t->name.length, t->name.data);
    gguf_put_tensor(b, name, type, t->dims_count, t->dims, t->data, t->bytes);
}

/* Writes a model in PARTS parts: metadata in the first, the tensors dealt out in turn. */
static void write_parts(const char *model, const void *bytes, size_t size, const struct lie *lie)
{
    struct gguf g;
    mem m;
    ck_assert(!mem_init(&m, NULL, NULL) && !gguf_open(&m, bytes, size, &g, NULL));
    for (uint16_t p = 0; p < PARTS; p++) {
        struct gguf_build *b = gguf_build_new();
        const bool lies = lie && lie->part == p;
        for (uint64_t i = 0; p == 0 && i < g.kv_count; i++)
            gguf_copy_value(b, &g.kv[i]);
        if (lies && lie->name)
            gguf_put_string(b, "general.name", lie->name);
        gguf_put_value(b, "split.no", GGUF_U16, lies && lie->number ? &lie->number : &p);
        gguf_put_value(b, "split.count", GGUF_U16, lies && lie->count ? &lie->count : &(uint16_t){PARTS});
        gguf_put_value(b, "split.tensors.count", GGUF_I32, lies && lie->tensors ? &lie->tensors : &(int32_t){(int32_t)g.tensor_count});
        for (uint64_t i = p; i < g.tensor_count; i += PARTS)
            put_tensor(b, &g.tensors[i], lies && lie->type && i == (uint64_t)p + PARTS ? (uint32_t)lie->type : g.tensors[i].type);
        if (lies && lie->repeat)
            put_tensor(b, &g.tensors[0], g.tensors[0].type);
        size_t part_size;
        uint8_t *part = gguf_build_finish(b, &part_size);
        write_file(part_path(model, p + 1, PARTS), part, part_size);
        free(part);
    }
    gguf_close(&g);
}

/* Logits after some tokens; free them with free. */
static float *logits_of(slm_model *model, size_t *count)
{
    slm_session *session = NULL;
    slm_error err = {.message = ""};
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    const slm_token tokens[] = {5, 77, 200, 11, 3};
    const slm_batch batch = {.tokens = tokens, .count = 5};
    ck_assert_msg(!slm_session_new(model, NULL, &session, &err) && !slm_decode(session, &batch, &err), "%s", err.message);
    *count = info.vocab_size;
    float *copy = malloc(*count * sizeof *copy);
    memcpy(copy, slm_logits(session, 0), *count * sizeof *copy);
    slm_session_free(session);
    return copy;
}

/* Any part opens the model, with the bits of the whole file; once it is open the parts are not needed, but for Gemma 3n's table. */
static void check_same(const char *name, const void *bytes, size_t size)
{
    slm_model *model = NULL;
    slm_error err = {.message = ""};
    size_t count, split_count;
    ck_assert_msg(!slm_model_open_memory(bytes, size, NULL, &model, &err), "%s", err.message);
    float *whole = logits_of(model, &count);
    slm_model_free(model);
    write_parts(name, bytes, size, NULL);
    for (int p = 1; p <= PARTS; p++) {
        ck_assert_msg(!slm_model_open(part_path(name, p, PARTS), NULL, &model, &err), "part %d: %s", p, err.message);
        for (int i = 1; p == PARTS && i <= PARTS; i++)
            unlink(part_path(name, i, PARTS)); /* what is mapped stays */
        float *split = logits_of(model, &split_count);
        ck_assert_uint_eq(split_count, count);
        ck_assert(!memcmp(split, whole, count * sizeof *split));
        free(split);
        slm_model_free(model);
    }
    free(whole);
}

START_TEST(split_same_bits)
{
    static const char *const names[] = {"tiny", "llama-q4_k_m", "gemma3n", "qwen3"};
    size_t size;
    char path[64];
    snprintf(path, sizeof path, "golden/%s.gguf", names[_i]);
    void *bytes = _i ? read_file(shared_path(path), &size) : tiny_model(NULL, &size);
    if (bytes)
        check_same(names[_i], bytes, size);
    else
        skip(path, "no ../shared");
    free(bytes);
}
END_TEST

static void refused(const char *path, slm_status status, const char *words)
{
    slm_model *model = NULL;
    slm_error err = {.message = ""};
    ck_assert_int_eq(slm_model_open(path, NULL, &model, &err), status);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(err.message, words) != NULL, "'%s' is not in '%s'", words, err.message);
}

static const struct {
    struct lie lie;
    slm_status status;
    const char *words;
} lies[] = {
    {{.part = 1, .number = 2}, SLM_FORMAT, "part 2 of 3, 'm-00002-of-00003.gguf': its metadata says part 3 of 3"},
    {{.part = 2, .count = 4}, SLM_FORMAT, "part 3 of 3, 'm-00003-of-00003.gguf': its metadata says part 3 of 4"},
    {{.part = 2, .count = 1}, SLM_FORMAT, "part 3 of 3, 'm-00003-of-00003.gguf': its metadata says part 3 of 1"},
    {{.part = 1, .number = 7}, SLM_FORMAT, "part 2 of 3, 'm-00002-of-00003.gguf': the file says it is part 8 of 3"},
    {{.part = 1, .tensors = 99}, SLM_FORMAT, "its model has 99 tensors, that of part 1 11: parts of different models"},
    {{.part = 2, .name = "other"}, SLM_FORMAT, "its general.name is not that of part 1: parts of different models"},
    {{.part = 1, .repeat = true}, SLM_FORMAT, "the tensor 'token_embd.weight' stands in parts 1 and 2"},
    {{.part = 1, .type = 999}, SLM_UNSUPPORTED, "part 2: tensor 'blk.0.attn_k.weight' has unknown type 999; get the model in one of: F32"},
    {{.part = 1, .type = 24}, SLM_UNSUPPORTED, "part 2: tensor 'blk.0.attn_k.weight' has type I8, which is not supported; get"},
    {{.part = 0, .count = 9}, SLM_FORMAT, "the name says part 1 of 3, the metadata part 1 of 9: renamed"},
    {{.part = 0, .count = 2000}, SLM_LIMIT, "one of 2000 parts, 1024 are allowed"},
};

START_TEST(split_lies)
{
    size_t size;
    uint8_t *bytes = tiny_model(NULL, &size);
    write_parts("m", bytes, size, &lies[_i].lie);
    refused(part_path("m", 1, PARTS), lies[_i].status, lies[_i].words);
    free(bytes);
}
END_TEST

START_TEST(split_missing_and_damaged)
{
    size_t size, part_size;
    uint8_t *bytes = tiny_model(NULL, &size);
    char second[128], other[128];
    write_parts("m", bytes, size, NULL);
    snprintf(second, sizeof second, "%s", part_path("m", 2, PARTS));
    uint8_t *part = read_file(second, &part_size);
    write_file(second, part, part_size / 2);
    refused(part_path("m", 3, PARTS), SLM_FORMAT, "part 2 of 3, 'm-00002-of-00003.gguf': tensor '");
    write_file(second, "", 0);
    refused(part_path("m", 1, PARTS), SLM_FORMAT, "part 2 of 3, 'm-00002-of-00003.gguf': the file is empty");
    write_file(second, part, part_size);
    snprintf(other, sizeof other, "%s/m-part-two.gguf", test_folder);
    write_file(other, part, part_size);
    refused(other, SLM_FORMAT, "this file is part 2 of 3 of a model: its name must end in -00002-of-00003.gguf");
    free(part);
    unlink(second);
    refused(part_path("m", 1, PARTS), SLM_IO, "part 2 of 3 is missing: put 'm-00002-of-00003.gguf' beside the others");

    /* the parts' metadata knows of a tensor that none of them has */
    write_parts("m", bytes, size, NULL);
    struct gguf_build *b = gguf_build_new();
    gguf_put_value(b, "split.no", GGUF_U16, &(uint16_t){1});
    gguf_put_value(b, "split.count", GGUF_U16, &(uint16_t){PARTS});
    gguf_put_value(b, "split.tensors.count", GGUF_I32, &(int32_t){11});
    part = gguf_build_finish(b, &part_size);
    write_file(second, part, part_size);
    refused(part_path("m", 1, PARTS), SLM_FORMAT, "the 3 parts have 7 tensors, their metadata says 11");
    free(part);
    free(bytes);
}
END_TEST

START_TEST(split_from_memory)
{
    size_t size, part_size;
    uint8_t *bytes = tiny_model(NULL, &size);
    write_parts("m", bytes, size, NULL);
    uint8_t *part = read_file(part_path("m", 1, PARTS), &part_size);
    slm_model *model = NULL;
    slm_error err = {.message = ""};
    ck_assert_int_eq(slm_model_open_memory(part, part_size, NULL, &model, &err), SLM_UNSUPPORTED);
    ck_assert_msg(strstr(err.message, "this is part 1 of 3 of a model, which can't be opened from memory"), "%s", err.message);
    slm_file *file = (slm_file *)part;
    ck_assert_int_eq(slm_file_open_memory(part, part_size, &file, &err), SLM_UNSUPPORTED);
    ck_assert_ptr_null(file);
    free(part);
    free(bytes);
}
END_TEST

START_TEST(split_out_of_memory)
{
    size_t size;
    uint8_t *bytes = tiny_model(NULL, &size);
    write_parts("m", bytes, size, NULL);
    struct heap heap = {.left = -1};
    slm_model_options o = slm_model_options_default();
    o.threads = 1;
    o.allocator = heap_allocator(&heap);
    slm_model *model = NULL;
    ck_assert(!slm_model_open(part_path("m", 2, PARTS), &o, &model, NULL));
    const size_t calls = heap.calls;
    slm_model_free(model);
    ck_assert(calls > 20 && heap.live == 0);
    for (size_t n = 0; n < calls; n++) {
        heap = (struct heap){.left = (long)n};
        ck_assert_int_eq(slm_model_open(part_path("m", 2, PARTS), &o, &model, NULL), SLM_MEMORY);
        ck_assert(heap.live == 0 && model == NULL);
    }
    free(bytes);
}
END_TEST

/* ------------------------------------------------------------------ what a file says of itself */

START_TEST(file_of_parts)
{
    size_t size, length;
    uint8_t *bytes = tiny_model(NULL, &size);
    write_parts("m", bytes, size, NULL);
    slm_file *file = NULL;
    slm_error err = {.message = ""};
    ck_assert_msg(!slm_file_open(part_path("m", 2, PARTS), &file, &err), "%s", err.message);
    slm_file_info info = slm_file_info_default();
    slm_file_get_info(file, &info);
    uint64_t all = 0;
    for (int p = 1; p <= PARTS; p++) {
        size_t part;
        free(read_file(part_path("m", p, PARTS), &part));
        all += part;
    }
    ck_assert(info.parts == PARTS && info.version == 3 && info.bytes == all && info.tensor_count == 11);

    double value = -1;
    ck_assert(slm_file_number(file, "llama.embedding_length", 0, &value) && value == 32);
    ck_assert(slm_file_number(file, "tokenizer.ggml.scores", 260, &value) && value == -1); /* "a" */
    ck_assert(!slm_file_number(file, "tokenizer.ggml.scores", 261, &value));
    ck_assert(!slm_file_number(file, "general.name", 0, &value) && !slm_file_number(file, "none", 0, &value));
    ck_assert(!memcmp(slm_file_string(file, "general.name", 0, &length), "tiny", 4) && length == 4);
    ck_assert(!memcmp(slm_file_string(file, "tokenizer.ggml.tokens", 1, NULL), "<s>", 3));
    ck_assert(!slm_file_string(file, "tokenizer.ggml.tokens", 261, NULL) && !slm_file_string(file, "llama.block_count", 0, NULL));
    ck_assert(slm_file_length(file, "tokenizer.ggml.tokens") == 261 && slm_file_length(file, "none") == 0);
    size_t keys = 0, tensors = 0;
    for (const char *key; (key = slm_file_key(file, keys)); keys++)
        ck_assert(slm_file_length(file, key) > 0);
    ck_assert_uint_eq(keys, info.metadata_count);

    slm_tensor_info t = slm_tensor_info_default();
    for (; slm_file_tensor(file, tensors, &t); tensors++)
        if (!strcmp(t.name, "blk.0.ffn_down.weight")) /* the 11th of the model: in the second part */
            ck_assert(!strcmp(t.type, "Q8_0") && t.supported && t.dims_count == 2 && t.dims[0] == 64 && t.dims[1] == 32 &&
                      t.dims[2] == 1 && t.bytes == 32 * 2 * 34 && t.part == 1);
    ck_assert_uint_eq(tensors, info.tensor_count);
    slm_file_free(file);
    slm_file_free(NULL);

    ck_assert_int_eq(slm_file_open("/no/such/file.gguf", &file, &err), SLM_IO);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(slm_file_open(NULL, &file, &err), SLM_INVALID);
    ck_assert(!slm_file_key(NULL, 0) && !slm_file_length(NULL, "x") && !slm_file_tensor(NULL, 0, &t));
    free(bytes);
}
END_TEST

/* A file in memory says what it says on disk, is only read, and is let go: the write to read-only memory, or the unmapping of it, would end
 * the test. */
START_TEST(file_from_memory)
{
    size_t size;
    uint8_t *bytes = tiny_model(NULL, &size);
    uint8_t *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(copy != MAP_FAILED);
    memcpy(copy, bytes, size);
    ck_assert(!mprotect(copy, size, PROT_READ));
    slm_file *file = NULL;
    slm_error err = {.message = ""};
    ck_assert_msg(!slm_file_open_memory(copy, size, &file, &err), "%s", err.message);
    slm_file_info info = slm_file_info_default();
    slm_file_get_info(file, &info);
    ck_assert(info.parts == 1 && info.version == 3 && info.bytes == size && info.tensor_count == 11);
    size_t length;
    ck_assert(!memcmp(slm_file_string(file, "general.name", 0, &length), "tiny", 4) && length == 4);
    slm_tensor_info t = slm_tensor_info_default();
    ck_assert(slm_file_tensor(file, 10, &t) && !slm_file_tensor(file, 11, &t) && t.part == 0);
    slm_file_free(file);
    ck_assert(!memcmp(copy, bytes, size));

    /* what a file is refused for, it is here: a header cut short, other bytes, nothing */
    ck_assert_int_eq(slm_file_open_memory(copy, 20, &file, &err), SLM_FORMAT);
    ck_assert(!file && err.offset <= 20);
    ck_assert_int_eq(slm_file_open_memory("GGML and more", 13, &file, &err), SLM_FORMAT);
    ck_assert_int_eq(slm_file_open_memory(copy, 0, &file, &err), SLM_FORMAT);
    file = (slm_file *)bytes;
    ck_assert(slm_file_open_memory(NULL, 5, &file, &err) == SLM_INVALID && !file);
    ck_assert_str_eq(err.message, "slm_file_open_memory: data is NULL");
    ck_assert_int_eq(slm_file_open_memory(copy, size, NULL, &err), SLM_INVALID);
    munmap(copy, size);
    free(bytes);
}
END_TEST

/* The sizes of a model that is not loaded are those of one that is. */
START_TEST(sizes_without_weights)
{
    size_t size;
    uint8_t *bytes = tiny_model(NULL, &size);
    slm_model_options o = slm_model_options_default();
    slm_model_info full = slm_model_info_default(), sizes = slm_model_info_default();
    slm_model *loaded = NULL, *model = NULL;
    slm_session *session = NULL;
    slm_sampler *sampler = NULL;
    slm_error err = {.message = ""};
    struct heap heap = {.left = -1};
    o.allocator = heap_allocator(&heap);
    o.sizes_only = true;
    ck_assert_msg(!slm_model_open_memory(bytes, size, &o, &model, &err), "%s", err.message);
    ck_assert(!slm_model_open_memory(bytes, size, NULL, &loaded, &err));
    slm_model_get_info(loaded, &full);
    slm_model_get_info(model, &sizes);
    ck_assert(sizes.weight_bytes == full.weight_bytes && sizes.parameters == full.parameters && sizes.vocab_size == full.vocab_size);
    ck_assert(!strcmp(sizes.type, full.type) && sizes.layers == 1 && sizes.decode_bytes == full.decode_bytes);
    ck_assert_uint_lt(heap.largest, full.weight_bytes);
    ck_assert_int_eq(slm_session_new(model, NULL, &session, &err), SLM_INVALID);
    ck_assert_msg(strstr(err.message, "open it without vocab_only and sizes_only") != NULL, "%s", err.message);
    err.message[0] = 0;
    ck_assert_int_eq(slm_sampler_new(model, NULL, &sampler, &err), SLM_INVALID);
    ck_assert_msg(strstr(err.message, "open it without vocab_only and sizes_only") != NULL, "%s", err.message);
    slm_token token;
    size_t count;
    ck_assert(!slm_tokenize(model, "a", 1, 0, &token, 1, &count, &err) || err.status == SLM_LIMIT);
    slm_model_free(model);
    slm_model_free(loaded);
    free(bytes);

    /* what can't be loaded is refused all the same */
    bytes = tiny_model(&(struct tiny_options){.leave_out = "blk.0.ffn_up.weight"}, &size);
    ck_assert_int_eq(slm_model_open_memory(bytes, size, &o, &model, &err), SLM_FORMAT);
    ck_assert_msg(strstr(err.message, "blk.0.ffn_up.weight"), "%s", err.message);
    free(bytes);
}
END_TEST

/* ------------------------------------------------------------------ what is not known */

struct lines {
    int count;
    char text[256];
};

static void keep_line(void *user, slm_log_level level, const char *text)
{
    struct lines *lines = user;
    ck_assert_int_eq(level, SLM_LOG_WARNING);
    ck_assert_ptr_null(strpbrk(text, "\n\x1b"));
    lines->count++;
    snprintf(lines->text, sizeof lines->text, "%s", text);
}

/* The tiny model with more tensors and metadata. */
static uint8_t *extended(const char *architecture, uint32_t type, int tensors, size_t *size)
{
    struct gguf g;
    mem m;
    size_t tiny_size;
    const struct tiny_options options = {.architecture = architecture};
    uint8_t *tiny = tiny_model(&options, &tiny_size);
    ck_assert(!mem_init(&m, NULL, NULL) && !gguf_open(&m, tiny, tiny_size, &g, NULL));
    struct gguf_build *b = gguf_build_new();
    for (uint64_t i = 0; i < g.kv_count; i++)
        gguf_copy_value(b, &g.kv[i]);
    for (uint64_t i = 0; i < g.tensor_count; i++)
        put_tensor(b, &g.tensors[i], i == 0 ? type : g.tensors[i].type);
    for (int i = 0; i < tensors; i++) {
        char name[32];
        snprintf(name, sizeof name, "blk.0.ex\x1b%d", i);
        gguf_put_tensor(b, name, 18, 1, (uint64_t[]){256}, NULL, 98); /* IQ3_XXS: not supported, and not in the way */
    }
    gguf_close(&g);
    free(tiny);
    return gguf_build_finish(b, size);
}

START_TEST(unknown_tensors)
{
    static const int counts[] = {0, 1, 3, 7};
    static const char *const words[] = {NULL, "no use for 1 of the file's tensors (blk.0.ex?0): ", "no use for 3 of the file's tensors "
                                        "(blk.0.ex?0, blk.0.ex?1, blk.0.ex?2): ", "no use for 7 of the file's tensors (blk.0.ex?0, "
                                        "blk.0.ex?1, blk.0.ex?2, ...): "};
    size_t size;
    uint8_t *bytes = extended(NULL, 8, counts[_i], &size);
    struct lines lines = {0};
    slm_model_options o = slm_model_options_default();
    o.log = keep_line;
    o.log_user = &lines;
    slm_model *model = NULL;
    slm_error err = {.message = ""};
    ck_assert_msg(!slm_model_open_memory(bytes, size, &o, &model, &err), "%s", err.message);
    ck_assert_int_eq(lines.count, counts[_i] ? 1 : 0);
    ck_assert_msg(!words[_i] || strstr(lines.text, words[_i]), "%s", lines.text);
    slm_model_free(model);
    free(bytes);
}
END_TEST

/* The reference files hold nothing that their architectures do not bind. */
START_TEST(references_are_known)
{
    const char *folder_path = shared_path("golden");
    DIR *files = folder_path ? opendir(folder_path) : NULL;
    if (!files) {
        skip("references_are_known", "no ../shared");
        return;
    }
    char start[128], path[512];
    int opened = 0;
    snprintf(start, sizeof start, "%s", folder_path);
    for (struct dirent *entry; (entry = readdir(files));) {
        if (!strstr(entry->d_name, ".gguf"))
            continue;
        struct lines lines = {0};
        slm_model_options o = slm_model_options_default();
        o.log = keep_line;
        o.log_user = &lines;
        slm_model *model = NULL;
        snprintf(path, sizeof path, "%s/%s", start, entry->d_name);
        ck_assert(!slm_model_open(path, &o, &model, NULL));
        ck_assert_msg(!lines.count, "%s: %s", entry->d_name, lines.text);
        slm_model_free(model);
        opened++;
    }
    closedir(files);
    ck_assert_int_gt(opened, 0);
}
END_TEST

/* What can't be run can still be read for its vocabulary. */
START_TEST(vocabulary_of_any_file)
{
    static const struct { const char *architecture; uint32_t type; const char *words; } cases[] = {
        {"mamba", 8, "architecture 'mamba' is not supported (known: llama, "},
        {NULL, 31, "tensor 'token_embd.weight' has type Q4_0_4_4, which is not supported; get the model in one of: F32 "},
        {NULL, 999, "tensor 'token_embd.weight' has unknown type 999; get the model in one of: F32 "},
    };
    size_t size, count;
    uint8_t *bytes = extended(cases[_i].architecture, cases[_i].type, 0, &size);
    slm_model_options o = slm_model_options_default();
    slm_model *model = NULL;
    slm_error err = {.message = ""};
    ck_assert_int_eq(slm_model_open_memory(bytes, size, &o, &model, &err), SLM_UNSUPPORTED);
    ck_assert_msg(strstr(err.message, cases[_i].words), "%s", err.message);
    o.vocab_only = true;
    ck_assert_msg(!slm_model_open_memory(bytes, size, &o, &model, &err), "%s", err.message);
    slm_token tokens[8];
    ck_assert(!slm_tokenize(model, "aa", 2, 0, tokens, 8, &count, &err) && count >= 2);
    slm_model_free(model);
    free(bytes);
}
END_TEST

Suite *suite_files(void);
Suite *suite_files(void)
{
    Suite *suite = suite_create("files");
    TCase *tc = tcase_create("split");
    tcase_add_checked_fixture(tc, test_folder_make, test_folder_remove);
    tcase_add_loop_test(tc, split_same_bits, 0, 4);
    tcase_add_loop_test(tc, split_lies, 0, sizeof lies / sizeof *lies);
    tcase_add_test(tc, split_missing_and_damaged);
    tcase_add_test(tc, split_from_memory);
    tcase_add_test(tc, split_out_of_memory);
    tcase_add_test(tc, file_of_parts);
    tcase_add_test(tc, file_from_memory);
    tcase_add_test(tc, sizes_without_weights);
    suite_add_tcase(suite, tc);
    tc = tcase_create("unknown");
    tcase_add_loop_test(tc, unknown_tensors, 0, 4);
    tcase_add_test(tc, references_are_known);
    tcase_add_loop_test(tc, vocabulary_of_any_file, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
