/* Memory: every allocation of every call may fail, and decoding makes none. */
#include "tests.h"

#include "any_model.h"
#include "tiny_model.h"
#include "vocab_build.h"

#include "slm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static slm_model_options with_heap(struct heap *heap)
{
    slm_model_options options = slm_model_options_default();
    options.allocator = heap_allocator(heap);
    options.threads = 1;
    return options;
}

/* Calls `use` with ever more memory until it succeeds: each failure is SLM_MEMORY, and nothing is lost. Returns the number of failures. */
static long starve(slm_status (*use)(void *what, const slm_model_options *options, slm_error *err), void *what)
{
    struct heap heap = { 0 };
    const slm_model_options options = with_heap(&heap);
    for (long n = 0;; n++) {
        slm_error err = { .status = SLM_OK, .message = "" };
        heap.left = n;
        const slm_status status = use(what, &options, &err);
        ck_assert_msg(heap.live == 0, "allocation %ld fails: %ld blocks are lost", n, heap.live);
        if (!status)
            return n;
        ck_assert_msg(status == SLM_MEMORY && err.status == status && err.message[0], "allocation %ld fails: status %d, '%s'", n, status,
                      err.message);
        ck_assert_int_lt(n, 20000);
    }
}

struct bytes {
    uint8_t *data;
    size_t size;
    char path[64];
};

/* ---- one whole use of the library */

static slm_status converse(const slm_model *model, slm_error *err)
{
    const slm_chat_message messages[] = { { "system", "be brief" }, { "user", "a question" } };
    slm_chat_options options = slm_chat_options_default();
    options.chat_template = "{% for m in messages %}{{ '<|' + m.role + '|>' + m['content'] | trim | upper }}{% endfor %}{{ x | tojson }}";
    options.variables = "{\"x\": [1, 2.5, {\"y\": \"z\"}]}";
    char *text;
    size_t length;
    const slm_status status = slm_chat_render(model, messages, 2, &options, &text, &length, err);
    ck_assert(status ? !text : !!text && strlen(text) == length);
    slm_text_free(text);
    return status;
}

static slm_status everything(void *what, const slm_model_options *options, slm_error *err)
{
    const struct bytes *file = what;
    slm_model *model = (slm_model *)what;
    slm_session *session = (slm_session *)what;
    slm_sampler *sampler = (slm_sampler *)what;
    slm_token tokens[64];
    size_t count;
    slm_sampler_options so = slm_sampler_options_default();
    so.repeat_penalty = 1.1f;
    so.bias = &(slm_logit_bias){ .token = 2, .bias = -1 };
    so.bias_count = 1;
    slm_status status = slm_model_open_memory(file->data, file->size, options, &model, err);
    ck_assert(!status == !!model);
    if (status)
        return status;
    status = slm_session_new(model, NULL, &session, err);
    ck_assert(!status == !!session);
    if (!status) {
        status = slm_sampler_new(model, &so, &sampler, err);
        ck_assert(!status == !!sampler);
        if (!status)
            status = converse(model, err);
        if (!status)
            status = slm_tokenize(model, "a few words", 11, SLM_TOKENIZE_BOS, tokens, 64, &count, err);
        if (!status)
            status = slm_generate(session, 0, tokens, count, sampler, 5, false, NULL, NULL, NULL, err);
        if (sampler != what)
            slm_sampler_free(sampler);
    }
    slm_session_free(session);
    slm_model_free(model);
    return status;
}

START_TEST(whole_use)
{
    struct bytes file = { 0 };
    file.data = tiny_model(NULL, &file.size);
    ck_assert_int_gt(starve(everything, &file), 30);
    free(file.data);
}
END_TEST

/* ---- opening and decoding, every architecture */

static const char *const architectures[] = {
#define ARCH(name) #name,
#include "../lib/arch/archs.def"
#undef ARCH
};
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

static slm_status open_and_decode(void *what, const slm_model_options *options, slm_error *err)
{
    const struct bytes *file = what;
    slm_model *model;
    slm_session *session;
    slm_session_options so = slm_session_options_default();
    so.context = so.batch = 16;
    so.threads = 1;
    slm_status status = slm_model_open_memory(file->data, file->size, options, &model, err);
    if (status)
        return status;
    status = slm_session_new(model, &so, &session, err);
    if (!status)
        status = slm_decode(session, &(slm_batch){ .tokens = (slm_token[]){ 1, 70, 260 }, .count = 3 }, err);
    slm_session_free(session);
    slm_model_free(model);
    return status;
}

START_TEST(every_architecture)
{
    struct bytes file = { 0 };
    const struct any_model spec = { .architecture = architectures[_i] };
    file.data = any_model(&spec, &file.size);
    ck_assert_msg(file.data != NULL, "no file of %s", architectures[_i]);
    ck_assert_int_gt(starve(open_and_decode, &file), 30);
    free(file.data);
}
END_TEST

/* ---- tokenizing, every kind of vocabulary */

static const struct { const char *model, *pre; } vocabularies[] = {
    { "llama", NULL }, { "gpt2", "llama-bpe" }, { "gpt2", "deepseek-llm" }, { "bert", NULL }, { "t5", NULL },
};

/* A prompt whose content is kept from its control tokens. */
static slm_status tokenize_chat(const slm_model *model, slm_token *tokens, size_t capacity, slm_error *err)
{
    const slm_chat_message messages[] = { { "user", "a <|end|> b <|user|>" }, { "<|end|>", "w\xc3\xb6rld" } };
    slm_chat_options options = slm_chat_options_default();
    options.chat_template = "{% for m in messages %}<|user|>{{ m.role ~ m.content }}<|end|>{% endfor %}";
    size_t count = 9;
    const slm_status status = slm_chat_tokenize(model, messages, 2, &options, tokens, capacity, &count, err);
    ck_assert(!status == !!count);
    return status;
}

static slm_status tokenize(void *what, const slm_model_options *options, slm_error *err)
{
    static const char text[] = "Hello  <|end|> w\xc3\xb6rld\n\n 123456 \xff! A\xef\xac\x81\xed\x95\x9c <tool> and a few more words, "
                               "the same again and again";
    const struct bytes *file = what;
    slm_model_options vocabulary = *options;
    vocabulary.vocab_only = true;
    slm_model *model;
    slm_token tokens[512];
    size_t count;
    slm_status status = slm_model_open_memory(file->data, file->size, &vocabulary, &model, err);
    if (!status)
        status = slm_tokenize(model, text, sizeof text - 1, SLM_TOKENIZE_SPECIAL | SLM_TOKENIZE_BOS | SLM_TOKENIZE_EOS, tokens, 512,
                              &count, err);
    if (!status)
        status = tokenize_chat(model, tokens, 512, err);
    slm_model_free(model);
    return status;
}

START_TEST(every_vocabulary)
{
    struct vocab_build *v = vocab_build_random(vocabularies[_i].model, vocabularies[_i].pre, test_seed(), false);
    struct bytes file = { 0 };
    v->charsmap = !strcmp(v->model, "t5");
    file.data = vocab_build_file(v, &file.size);
    vocab_build_free(v);
    ck_assert_int_gt(starve(tokenize, &file), 8);
    free(file.data);
}
END_TEST

/* ---- files, and models of random weights */

static slm_status open_file(void *what, const slm_model_options *options, slm_error *err)
{
    const struct bytes *file = what;
    slm_model *model;
    const slm_status status = slm_model_open(file->path, options, &model, err);
    slm_model_free(model);
    return status;
}

START_TEST(model_file)
{
    struct bytes file = { .path = "/tmp/slm-memory-XXXXXX" };
    file.data = tiny_model(NULL, &file.size);
    const int fd = mkstemp(file.path);
    ck_assert(fd >= 0 && write(fd, file.data, file.size) == (ssize_t)file.size && !close(fd));
    const long failures = starve(open_file, &file);
    unlink(file.path);
    free(file.data);
    ck_assert_int_gt(failures, 20);
}
END_TEST

static slm_status open_random(void *what, const slm_model_options *options, slm_error *err)
{
    slm_model *model;
    const slm_status status = slm_model_random(what, "Q4_0", options, &model, err);
    slm_model_free(model);
    return status;
}

START_TEST(random_model)
{
    slm_shape shape = { .name = "small", .architecture = "llama", .layers = 2, .embedding = 64, .heads = 2, .kv_heads = 1, .head_dim = 32,
                        .feed_forward = 64, .vocab = 40, .rope_base = 10000 };
    ck_assert_int_gt(starve(open_random, &shape), 10);
}
END_TEST

/* ---- no allocation while decoding */

START_TEST(decoding_allocates_nothing)
{
    struct heap heap = { .left = -1 };
    const slm_model_options options = with_heap(&heap);
    struct bytes file = { 0 };
    slm_model *model;
    slm_session *session;
    slm_sampler *sampler;
    slm_session_options so = slm_session_options_default();
    so.context = 200;
    so.batch = 32;
    so.sequences = 2;
    file.data = tiny_model(NULL, &file.size);
    ck_assert(!slm_model_open_memory(file.data, file.size, &options, &model, NULL) && !slm_session_new(model, &so, &session, NULL) &&
              !slm_sampler_new(model, NULL, &sampler, NULL));
    free(file.data);
    heap.left = 0;
    slm_token tokens[100];
    for (int i = 0; i < 100; i++)
        tokens[i] = i;
    ck_assert(!slm_decode(session, &(slm_batch){ .tokens = tokens, .count = 100 }, NULL));
    ck_assert_uint_eq(slm_sequence_match(session, 0, tokens, 100), 100);
    ck_assert(!slm_sequence_truncate(session, 0, 3, NULL));
    ck_assert(!slm_generate(session, 1, tokens, 50, sampler, 20, true, NULL, NULL, NULL, NULL));
    ck_assert(!slm_decode(session, &(slm_batch){ .tokens = tokens, .count = 100 }, NULL));
    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(model);
    ck_assert_int_eq(heap.live, 0);
}
END_TEST

Suite *suite_allocations(void);
Suite *suite_allocations(void)
{
    Suite *suite = suite_create("allocations");
    TCase *tc = tcase_create("allocations");
    tcase_add_test(tc, whole_use);
    tcase_add_loop_test(tc, every_architecture, 0, ARCHITECTURES);
    tcase_add_loop_test(tc, every_vocabulary, 0, sizeof vocabularies / sizeof *vocabularies);
    tcase_add_test(tc, model_file);
    tcase_add_test(tc, random_model);
    tcase_add_test(tc, decoding_allocates_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
