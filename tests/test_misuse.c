/* Mistakes of callers: NULL, numbers out of range, sizes that no machine has. Nothing crashes, and every failure says so. */
#include "tests.h"
#include "tiny_model.h"

#include "slm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static slm_model *good_model(void)
{
    slm_model *model;
    slm_error err;
    size_t size;
    uint8_t *file = tiny_model(NULL, &size);
    ck_assert_msg(!slm_model_open_memory(file, size, NULL, &model, &err), "%s", err.message);
    free(file);
    return model;
}

/* The rules for NULL, function by function in the order of slm.h. */
#define INVALID(call)                                                                                                      \
    do {                                                                                                                   \
        err = (slm_error){ .status = SLM_OK };                                                                             \
        ck_assert_msg((call) == SLM_INVALID && err.status == SLM_INVALID && err.message[0], "%s: %s", #call, err.message); \
    } while (0)
#define NOTHING(call) ck_assert_msg(!(call), "%s", #call)

START_TEST(null_of_models_and_files)
{
    slm_error err;
    slm_model *good = good_model(), *m = (slm_model *)&m;
    slm_file *file = (slm_file *)&file;
    slm_detokenizer state = { .pending_length = 0 };
    const slm_shape shape = { .name = NULL };
    double value;
    size_t length = 9;
    char text[4] = "abc";
    INVALID(slm_model_open(NULL, NULL, &m, &err));
    INVALID(slm_model_open("x.gguf", NULL, NULL, &err));
    INVALID(slm_model_open_memory(NULL, 9, NULL, &m, &err));
    INVALID(slm_model_open_memory("x", 1, NULL, NULL, &err));
    INVALID(slm_model_random(NULL, "Q8_0", NULL, &m, &err));
    INVALID(slm_model_random(&shape, "Q8_0", NULL, &m, &err));
    INVALID(slm_model_random(slm_shape_at(0), NULL, NULL, &m, &err));
    INVALID(slm_model_random(slm_shape_at(0), "Q8_0", NULL, NULL, &err));
    ck_assert_ptr_null(m);
    slm_model_get_info(NULL, &(slm_model_info){ .size = sizeof(slm_model_info) });
    slm_model_get_info(good, NULL);
    INVALID(slm_file_open(NULL, &file, &err));
    ck_assert_ptr_null(file);
    INVALID(slm_file_open("x.gguf", NULL, &err));
    INVALID(slm_file_open_memory(NULL, 9, &file, &err));
    INVALID(slm_file_open_memory("x", 1, NULL, &err));
    slm_file_get_info(NULL, NULL);
    NOTHING(slm_file_key(NULL, 0));
    NOTHING(slm_file_length(NULL, NULL));
    NOTHING(slm_file_string(NULL, NULL, 0, &length) || length);
    NOTHING(slm_file_number(NULL, NULL, 0, &value));
    NOTHING(slm_file_tensor(NULL, 0, NULL));
    NOTHING(slm_token_bos(NULL) != SLM_TOKEN_NONE || slm_token_eos(NULL) != SLM_TOKEN_NONE);
    NOTHING(slm_token_is_end(NULL, 0) || slm_model_adds_bos(NULL));
    NOTHING(slm_token_find(NULL, "a") != SLM_TOKEN_NONE || slm_token_find(good, NULL) != SLM_TOKEN_NONE);
    INVALID(slm_tokenize(NULL, "a", 1, 0, NULL, 0, &length, &err));
    INVALID(slm_tokenize(good, NULL, 1, 0, NULL, 0, &length, &err));
    INVALID(slm_tokenize(good, "a", 1, 0, NULL, 1, &length, &err));
    INVALID(slm_tokenize(good, "a", 1, 0, NULL, 0, NULL, &err));
    NOTHING(slm_tokenize(good, NULL, 0, 0, NULL, 0, &length, &err) || length);
    NOTHING(slm_token_bytes(NULL, 0, true, text, sizeof text));
    NOTHING(slm_detokenize(NULL, &state, 0, text, sizeof text) || text[0]);
    NOTHING(slm_detokenize(good, NULL, 0, NULL, 0));
    slm_file_free(NULL);
    slm_model_free(NULL);
    slm_model_free(good);
}
END_TEST

START_TEST(null_of_sessions_and_samplers)
{
    slm_error err;
    slm_model *good = good_model();
    slm_session *session, *s = (slm_session *)&s;
    slm_sampler *sampler, *p = (slm_sampler *)&p;
    slm_session_info info = slm_session_info_default();
    char *text = (char *)&text;
    size_t count = 9;
    const slm_token token = 1;
    slm_token room[1];
    const slm_chat_message hi = { .role = "user", .content = "hi" };
    ck_assert(!slm_session_new(good, NULL, &session, &err) && !slm_sampler_new(good, NULL, &sampler, &err));
    INVALID(slm_session_new(NULL, NULL, &s, &err));
    ck_assert_ptr_null(s);
    INVALID(slm_session_new(good, NULL, NULL, &err));
    INVALID(slm_session_plan(NULL, NULL, &info, &err));
    INVALID(slm_session_plan(good, NULL, NULL, &err));
    slm_session_get_info(NULL, &info);
    slm_session_get_info(session, NULL);
    INVALID(slm_decode(NULL, &(slm_batch){ .tokens = &token, .count = 1 }, &err));
    INVALID(slm_decode(session, NULL, &err));
    INVALID(slm_decode(session, &(slm_batch){ .count = 1 }, &err));
    NOTHING(slm_logits(NULL, 0) || slm_logits(session, 0) || slm_logits(session, SIZE_MAX));
    NOTHING(slm_sequence_length(NULL, 0) || slm_sequence_length(session, UINT32_MAX));
    INVALID(slm_sequence_truncate(NULL, 0, 0, &err));
    INVALID(slm_sequence_truncate(session, UINT32_MAX, 0, &err));
    NOTHING(slm_decode(session, &(slm_batch){ .tokens = &token, .count = 1 }, &err));
    NOTHING(slm_sequence_match(session, 0, &token, SIZE_MAX) != 1 || slm_sequence_match(session, 0, &token, 0));
    NOTHING(slm_sequence_match(NULL, 0, &token, 1) || slm_sequence_match(session, UINT32_MAX, &token, 1));
    NOTHING(slm_sequence_match(session, 0, NULL, 1));
    NOTHING(slm_sequence_floor(NULL, 0) || slm_sequence_floor(session, UINT32_MAX));
    NOTHING(slm_session_threads(NULL));
    slm_session_profile(NULL, NULL);
    slm_session_profile(session, NULL);
    INVALID(slm_chat_render(NULL, NULL, 0, NULL, &text, NULL, &err));
    ck_assert_ptr_null(text);
    INVALID(slm_chat_render(good, NULL, 0, NULL, NULL, NULL, &err));
    INVALID(slm_chat_render(good, NULL, 1, NULL, &text, NULL, &err));
    INVALID(slm_chat_render(good, &(slm_chat_message){ .role = NULL, .content = "a" }, 1, NULL, &text, NULL, &err));
    INVALID(slm_chat_render(good, &(slm_chat_message){ .role = "user", .content = NULL }, 1, NULL, &text, NULL, &err));
    INVALID(slm_chat_tokenize(NULL, &hi, 1, NULL, room, 1, &count, &err));
    NOTHING(count);
    INVALID(slm_chat_tokenize(good, NULL, 1, NULL, room, 1, &count, &err));
    INVALID(slm_chat_tokenize(good, &(slm_chat_message){ .role = NULL, .content = "a" }, 1, NULL, room, 1, &count, &err));
    INVALID(slm_chat_tokenize(good, &(slm_chat_message){ .role = "user", .content = NULL }, 1, NULL, room, 1, &count, &err));
    INVALID(slm_chat_tokenize(good, &hi, 1, NULL, NULL, 1, &count, &err));
    INVALID(slm_chat_tokenize(good, &hi, 1, NULL, room, 1, NULL, &err));
    INVALID(slm_template_render(NULL, 1, "{}", 2, NULL, &text, NULL, &err));
    INVALID(slm_template_render("a", 1, "{}", 2, NULL, NULL, NULL, &err));
    NOTHING(slm_template_render("a", 1, NULL, 0, NULL, &text, NULL, &err));
    slm_text_free(text);
    NOTHING(slm_chat_template_at(SIZE_MAX, NULL));
    INVALID(slm_sampler_new(NULL, NULL, &p, &err));
    ck_assert_ptr_null(p);
    INVALID(slm_sampler_new(good, NULL, NULL, &err));
    NOTHING(slm_sampler_next(NULL, NULL) != SLM_TOKEN_NONE || slm_sampler_next(sampler, NULL) != SLM_TOKEN_NONE);
    slm_sampler_accept(NULL, 1);
    slm_sampler_reset(NULL);
    INVALID(slm_generate(NULL, 0, &token, 1, sampler, 1, false, NULL, NULL, NULL, &err));
    INVALID(slm_generate(session, 0, NULL, 1, sampler, 1, false, NULL, NULL, NULL, &err));
    INVALID(slm_generate(session, 0, &token, 1, NULL, 1, false, NULL, NULL, NULL, &err));
    NOTHING(slm_shape_at(SIZE_MAX) || slm_isa_at(SIZE_MAX) || slm_kernel_at(NULL, SIZE_MAX, NULL, NULL));
    slm_topology_get(NULL);
    INVALID(slm_limits_new(NULL, 1, NULL, &err));
    NOTHING(slm_limits_int8_gops(NULL, 1) || slm_limits_read_gbps(NULL, 1));
    slm_limits_free(NULL);
    slm_text_free(NULL);
    slm_sampler_free(NULL);
    slm_session_free(NULL);
    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(good);
}
END_TEST

/* Shapes of any sizes are refused, or told the memory of: without overflow, and with reasons. */
START_TEST(random_shapes)
{
    static const uint32_t sizes[] = { 0, 1, 2, 7, 16, 32, 64, 256, 1000, 1 << 14, 1 << 16, 1 << 20, 1u << 31, UINT32_MAX - 31, UINT32_MAX };
    static const float bases[] = { 1e4f, 0, -1, 1e30f, NAN, INFINITY };
    static const char *const architectures[] = { "llama", "gemma2", "gemma3n", "phi3", "none", "" };
    static const char *const types[] = { "Q8_0", "Q4_K_M", "F32", "Q9", "" };
    uint64_t state = test_seed();
    unsigned accepted = 0;
    for (int i = 0; i < 4000; i++) {
        uint32_t pick[11];
        for (int k = 0; k < 11; k++) { /* mostly sensible, or nearly all would be refused at once */
            static const uint32_t usual[11] = { 2, 64, 2, 1, 32, 64, 100, 0, 128, 0, 0 };
            pick[k] = test_random(&state) % 4 ? usual[k] : sizes[test_random(&state) % (sizeof sizes / sizeof *sizes)];
        }
        const slm_shape shape = { .name = i % 7 ? "any" : NULL, .architecture = architectures[test_random(&state) % 8 % 6],
                                  .layers = pick[0], .embedding = pick[1], .heads = pick[2], .kv_heads = pick[3], .head_dim = pick[4],
                                  .feed_forward = pick[5], .vocab = pick[6], .tied = i % 2,
                                  .rope_base = bases[test_random(&state) % 16 % 6], .window = pick[7], .context = pick[8],
                                  .rope_dimensions = pick[9], .shared_kv_layers = pick[10] };
        slm_model_options options = slm_model_options_default();
        slm_error err = { .message = "" };
        slm_model *model = (slm_model *)&model;
        options.vocab_only = true;
        const slm_status status = slm_model_random(&shape, types[test_random(&state) % 8 % 5], &options, &model, &err);
        ck_assert_msg(status ? !model && err.status == status && err.message[0] : !!model, "%d: status %d, '%s'", i, status, err.message);
        slm_session_options so = slm_session_options_default();
        slm_session_info info = slm_session_info_default();
        so.context = so.batch = i % 3 ? 0 : 1 << 16;
        if (model && !slm_session_plan(model, &so, &info, &err)) {
            ck_assert_uint_gt(info.kv_bytes, 0);
            ck_assert_uint_gt(info.buffer_bytes, 0);
            accepted++;
        }
        slm_model_free(model);
    }
    ck_assert_uint_gt(accepted, 100);
}
END_TEST

/* Arguments that are there but make no sense. */
START_TEST(out_of_range)
{
    slm_error err;
    slm_model *model = good_model(), *other = (slm_model *)&other;
    slm_session *session;
    slm_sampler *sampler, *foreign = NULL;
    const slm_shape shape = { .name = "other", .architecture = "llama", .layers = 1, .embedding = 32, .heads = 1, .kv_heads = 1,
                              .head_dim = 32, .feed_forward = 32, .vocab = 1000, .tied = true, .rope_base = 10000 };
    const slm_token prompt[] = { 1, 100 };
    size_t generated = 9, count = 9;
    char *text = (char *)&text;
    ck_assert(!slm_session_new(model, NULL, &session, NULL) && !slm_sampler_new(model, NULL, &sampler, NULL));

    /* generate */
    ck_assert_int_eq(slm_generate(session, 0, prompt, 0, sampler, 1, false, NULL, NULL, &generated, &err), SLM_INVALID);
    ck_assert_int_eq(slm_generate(session, 1, prompt, 2, sampler, 1, false, NULL, NULL, &generated, &err), SLM_INVALID);
    ck_assert_uint_eq(generated, 0);
    ck_assert(!slm_model_random(&shape, "Q8_0", NULL, &other, &err) && !slm_sampler_new(other, NULL, &foreign, &err));
    ck_assert_int_eq(slm_generate(session, 0, prompt, 2, foreign, 1, false, NULL, NULL, NULL, &err), SLM_INVALID);
    ck_assert_msg(strstr(err.message, "1000") && strstr(err.message, "261"), "%s", err.message);
    ck_assert_uint_eq(slm_sequence_length(session, 0), 0);
    ck_assert_int_eq(slm_tokenize(other, "a", 1, 0, NULL, 0, &count, &err), SLM_UNSUPPORTED);
    ck_assert(!slm_generate(session, 0, prompt, 2, sampler, 0, false, NULL, NULL, &generated, &err) && !generated);
    ck_assert_uint_eq(slm_sequence_length(session, 0), 2);
    slm_sampler_free(foreign);
    slm_model_free(other);

    /* sampler */
    slm_sampler_options so = slm_sampler_options_default();
    so.bias_count = 1;
    ck_assert_int_eq(slm_sampler_new(model, &so, &foreign, &err), SLM_INVALID);
    ck_assert_ptr_null(foreign);
    slm_sampler_accept(sampler, -1);
    slm_sampler_accept(sampler, INT32_MAX);

    /* tokens and text */
    slm_detokenizer state = { .pending_length = 0 };
    char small[2] = "xx";
    ck_assert_uint_eq(slm_token_bytes(model, -1, true, small, 2), 0);
    ck_assert_uint_eq(slm_token_bytes(model, INT32_MAX, true, NULL, 2), 0);
    ck_assert_uint_eq(slm_detokenize(model, &state, INT32_MIN, small, 0), 0);
    ck_assert_uint_eq(slm_detokenize(model, &state, 3 + 'a', NULL, 5), 1);
    memset(&state, 0xff, sizeof state.pending); /* a state that was not zeroed */
    state.pending_length = 0xff;
    slm_detokenize(model, &state, 3 + 'a', small, sizeof small);

    /* chat */
    slm_chat_options co = slm_chat_options_default();
    co.chat_template = "{{ messages }}";
    co.variables = "{";
    ck_assert_int_eq(slm_chat_render(model, NULL, 0, NULL, &text, NULL, &err), SLM_UNSUPPORTED);
    ck_assert_ptr_null(text);
    ck_assert_int_ne(slm_chat_render(model, NULL, 0, &co, &text, NULL, &err), SLM_OK);
    ck_assert_ptr_null(text);

    co.variables = NULL;
    co.thinking = (slm_thinking)3;
    ck_assert_int_eq(slm_chat_tokenize(model, NULL, 0, &co, NULL, 0, &count, &err), SLM_INVALID);
    co = slm_chat_options_default();
    co.size = 3;
    ck_assert_int_eq(slm_chat_render(model, NULL, 0, &co, &text, NULL, &err), SLM_INVALID);
    ck_assert_int_eq(slm_chat_tokenize(model, NULL, 0, &co, NULL, 0, &count, &err), SLM_INVALID);

    /* sizes that no machine has */
    slm_session_options huge = slm_session_options_default();
    slm_session *none = (slm_session *)&none;
    huge.context = 1 << 24;
    huge.outputs = UINT32_MAX;
    huge.batch = 1 << 16;
    const slm_status status = slm_session_new(model, &huge, &none, &err);
    ck_assert(status == SLM_MEMORY || status == SLM_INVALID || status == SLM_LIMIT);
    ck_assert_ptr_null(none);

    const slm_batch endless = { .tokens = prompt, .count = SIZE_MAX };
    ck_assert_int_eq(slm_decode(session, &endless, &err), SLM_CONTEXT);

    /* lists end, and what is not there is not found */
    ck_assert(slm_kernel_at("scalar", 0, NULL, NULL) && !slm_kernel_at("sse9", 0, NULL, NULL) && !slm_isa("sse9", NULL));
    ck_assert_str_eq(slm_status_text((slm_status)77), "unknown status");

    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* Too little room for a prompt: nothing is written beyond it, and the number of tokens needed is told. */
START_TEST(rooms_for_prompts)
{
    slm_error err;
    slm_model *model = good_model();
    const slm_chat_message hi = { .role = "user", .content = "hi</s>" };
    slm_chat_options o = slm_chat_options_default();
    slm_token all[32], some[33];
    size_t count = 9, needed;
    o.chat_template = "{{ messages[0].content }}</s>";
    ck_assert(!slm_chat_tokenize(model, &hi, 1, &o, all, 32, &count, &err) && count > 4 && count <= 32);
    for (size_t room = 0; room <= 32; room++) {
        const size_t written = room < count ? room : count;
        memset(some, 0x5a, sizeof some);
        const slm_status status = slm_chat_tokenize(model, &hi, 1, &o, room ? some : NULL, room, &needed, &err);
        ck_assert_int_eq(status, room < count ? SLM_LIMIT : SLM_OK);
        ck_assert_uint_eq(needed, count);
        ck_assert_mem_eq(some, all, written * sizeof *some);
        for (size_t i = written; i < 33; i++)
            ck_assert_int_eq(some[i], 0x5a5a5a5a);
    }
    slm_model_free(model);
}
END_TEST

Suite *suite_misuse(void);
Suite *suite_misuse(void)
{
    Suite *suite = suite_create("misuse");
    TCase *tc = tcase_create("misuse");
    tcase_add_test(tc, null_of_models_and_files);
    tcase_add_test(tc, null_of_sessions_and_samplers);
    tcase_add_test(tc, random_shapes);
    tcase_add_test(tc, out_of_range);
    tcase_add_test(tc, rooms_for_prompts);
    suite_add_tcase(suite, tc);
    return suite;
}
