/* The KV cache: its types have the same bits everywhere, and layers with windows keep what they see and no more. */
#include "random_model.h"

#include <string.h>

static const char *const tiers[] = {
#define ISA(name) #name,
#include "../kernels/isas.def"
#undef ISA
};
enum { TIERS = sizeof tiers / sizeof *tiers };

static const char *const kv_types[] = { "f32", "f16", "q8_0" };
enum { KV_KINDS = 3 };

static slm_session *open_cached(const slm_model *model, int threads, uint32_t batch, uint32_t sequences, const char *type_k,
                                const char *type_v)
{
    slm_session_options options = slm_session_options_default();
    options.threads = threads;
    options.batch = batch;
    options.sequences = sequences;
    options.context = 1024;
    options.type_k = type_k;
    options.type_v = type_v;
    slm_session *session = NULL;
    slm_error err;
    ck_assert_msg(!slm_session_new(model, &options, &session, &err), "%s", err.message);
    return session;
}

static void decode_to(slm_session *session, uint32_t sequence, const slm_token *tokens, size_t count)
{
    uint32_t sequences[1024];
    for (size_t i = 0; i < count; i++)
        sequences[i] = sequence;
    const slm_batch b = { .tokens = tokens, .sequences = sequences, .count = count };
    slm_error err;
    ck_assert_msg(!slm_decode(session, &b, &err), "%s", err.message);
}

/* Every pair of types on every tier, at depths beyond a page and beyond a span, on several threads, in other cuts, and beside another
 * sequence: the bits of the scalar tier on one thread. */
START_TEST(types_of_cache)
{
    enum { COUNT = 530 };
    const char *type_k = kv_types[_i / KV_KINDS], *type_v = kv_types[_i % KV_KINDS];
    slm_shape shape = shape_of("gemma2");
    shape.head_dim = 40; /* neither whole blocks nor whole tiles */
    shape.layers = 2;
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    float want[2][RANDOM_VOCAB];
    slm_model *scalar = open_shape(&shape, "Q8_0", "scalar");
    slm_session *session = open_cached(scalar, 1, COUNT, 1, type_k, type_v);
    decode_to(session, 0, tokens, 70);
    memcpy(want[0], slm_logits(session, 0), sizeof want[0]);
    decode_to(session, 0, tokens + 70, COUNT - 70);
    memcpy(want[1], slm_logits(session, 0), sizeof want[1]);
    ck_assert(want[0][0] == want[0][0] && memcmp(want[0], want[1], sizeof want[0]));
    slm_session_free(session);
    slm_model_free(scalar);
    for (size_t tier = 1; tier < TIERS; tier++) {
        if (!supported(tiers[tier]))
            continue;
        slm_model *model = open_shape(&shape, "Q8_0", tiers[tier]);
        session = open_cached(model, 1 + (int)tier, 33, 2, type_k, type_v);
        decode_to(session, 1, tokens, 45);
        decode_to(session, 0, tokens, 69);
        decode_to(session, 1, tokens + 45, 40);
        decode_to(session, 0, tokens + 69, 1);
        ck_assert_msg(!memcmp(slm_logits(session, 0), want[0], sizeof want[0]), "%s, KV %s and %s differ", tiers[tier], type_k, type_v);
        decode_to(session, 0, tokens + 70, COUNT - 70);
        ck_assert_msg(!memcmp(slm_logits(session, 0), want[1], sizeof want[1]), "%s, KV %s and %s differ far in", tiers[tier], type_k,
                      type_v);
        slm_session_free(session);
        slm_model_free(model);
    }
}
END_TEST

/* Sequences with windows, cut back to anywhere and continued: as if fresh, however far back what the windows saw was let go. */
START_TEST(windows_cut_back)
{
    enum { COUNT = 400, ROUNDS = 9 };
    slm_shape shape = shape_of(_i ? "gemma3n" : "gemma2");
    slm_model *model = open_shape(&shape, "Q8_0", NULL);
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_session *kept = open_cached(model, 2, 16, 2, "q8_0", "f16");
    uint64_t state = test_seed();
    size_t length = 0;
    int recomputed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t end = 1 + test_random(&state) % (COUNT - 1), cut = round % 3 == 2 ? 0 : 1 + test_random(&state) % end;
        slm_error err;
        if (end > length)
            decode_to(kept, 0, tokens + length, end - length);
        recomputed += cut && cut < slm_sequence_floor(kept, 0);
        ck_assert(!slm_sequence_truncate(kept, 0, cut, &err));
        ck_assert_uint_eq(slm_sequence_length(kept, 0), cut);
        for (size_t i = cut; i < COUNT; i++) /* another continuation */
            tokens[i] = (tokens[i] + 17) % (slm_token)RANDOM_VOCAB;
        const size_t more = cut + 1 + test_random(&state) % (COUNT - cut);
        decode_to(kept, 1, tokens, 3); /* takes pages in between */
        decode_to(kept, 0, tokens + cut, more - cut);
        slm_session *fresh = open_cached(model, 1, 100, 1, "q8_0", "f16");
        decode_to(fresh, 0, tokens, more);
        ck_assert_msg(!memcmp(slm_logits(kept, 0), slm_logits(fresh, 0), RANDOM_VOCAB * sizeof(float)),
                      "cut from %zu to %zu, continued to %zu", end, cut, more);
        slm_session_free(fresh);
        length = more;
    }
    ck_assert_int_gt(recomputed, 0);
    slm_session_free(kept);
    slm_model_free(model);
}
END_TEST

/* Decoding, over the ends of pages and of windows, and cutting back, which computes again: nothing is allocated. */
START_TEST(nothing_is_allocated_while_decoding)
{
    enum { COUNT = 300 };
    slm_shape shape = shape_of("gemma2");
    slm_model_options options = slm_model_options_default();
    struct heap heap = { .left = -1 };
    options.allocator = heap_allocator(&heap);
    slm_model *model = NULL;
    slm_error err;
    ck_assert_msg(!slm_model_random(&shape, "Q8_0", &options, &model, &err), "%s", err.message);
    slm_token tokens[COUNT];
    make_tokens(tokens, COUNT);
    slm_session *session = open_cached(model, 2, 16, 2, NULL, "q8_0");
    slm_sampler *sampler = NULL;
    ck_assert(!slm_sampler_new(model, NULL, &sampler, &err));
    const size_t before = heap.calls;
    ck_assert_uint_gt(before, 0);
    decode_to(session, 0, tokens, COUNT);
    decode_to(session, 1, tokens, 70);
    ck_assert_uint_gt(slm_sequence_floor(session, 0), 5);
    ck_assert(!slm_sequence_truncate(session, 0, 5, &err));
    ck_assert(!slm_generate(session, 0, tokens, 3, sampler, 90, false, NULL, NULL, NULL, &err));
    ck_assert_uint_eq(slm_sequence_length(session, 0), 5 + 3 + 89);
    ck_assert_uint_eq(heap.calls, before);
    slm_sampler_free(sampler);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

/* Layers that see a window take room for it alone; a session says so before it is made. */
START_TEST(windows_are_all_that_is_kept)
{
    slm_shape shape = shape_of("gemma2");
    slm_model *model = open_shape(&shape, "Q8_0", NULL);
    slm_session_options options = slm_session_options_default();
    slm_session_info near = slm_session_info_default(), far = slm_session_info_default(), made = slm_session_info_default();
    slm_error err;
    options.batch = 64;
    options.context = 4096;
    ck_assert(!slm_session_plan(model, &options, &near, &err));
    options.context = 65536;
    ck_assert(!slm_session_plan(model, &options, &far, &err));
    ck_assert_uint_eq(near.window, shape.window);
    ck_assert_uint_eq(near.kv_bytes_per_token, 4 * 2 * 2 * 32 * 2); /* 4 global layers, 2 heads, K and V of 32 F16 */
    ck_assert_uint_eq(near.window_bytes_per_token, near.kv_bytes_per_token);
    ck_assert_uint_eq(far.kv_bytes - near.kv_bytes, (65536 - 4096) * near.kv_bytes_per_token);
    ck_assert_uint_lt(near.kv_bytes, 4096 * near.kv_bytes_per_token * 11 / 10);
    options.type_k = options.type_v = "q8_0";
    slm_session *session;
    ck_assert(!slm_session_new(model, &options, &session, &err));
    slm_session_get_info(session, &made);
    ck_assert_str_eq(made.type_k, "q8_0");
    ck_assert_uint_lt(made.kv_bytes, far.kv_bytes * 6 / 10);
    ck_assert(made.buffer_bytes == far.buffer_bytes && made.context == 65536 && made.batch == 64);
    slm_session_free(session);
    options.type_v = "q4_0";
    ck_assert_int_eq(slm_session_plan(model, &options, &far, &err), SLM_INVALID);
    ck_assert(strstr(err.message, "type_v") && strstr(err.message, "q8_0"));
    slm_model_free(model);
}
END_TEST

Suite *suite_kvcache(void)
{
    Suite *suite = suite_create("kvcache");
    TCase *tc = tcase_create("kvcache");
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, types_of_cache, 0, KV_KINDS * KV_KINDS);
    tcase_add_loop_test(tc, windows_cut_back, 0, 2);
    tcase_add_test(tc, nothing_is_allocated_while_decoding);
    tcase_add_test(tc, windows_are_all_that_is_kept);
    suite_add_tcase(suite, tc);
    return suite;
}
