/* The shapes of --shape: as many weights as their publishers count, and layers that decode. */
#include "tests.h"

#include "slm.h"

#include <math.h>
#include <string.h>

/* Parameters as on the model's page or in its file; where that counts more than the text, as in the paper, in two or three digits. */
static const struct {
    const char *name;
    double parameters;
    int digits;             /* 0: all */
} published[] = {
    { "llama-3.2-1b", 1235814400, 0 },   { "llama-3.2-3b", 3212749824, 0 },   { "llama-3.1-8b", 8030261248, 0 },
    { "mistral-7b", 7248023552, 0 },     { "ministral-8b", 8019808256, 0 },   { "ministral-3-3b", 3.4e9, 2 },
    { "ministral-3-8b", 8.4e9, 2 },      { "tinyllama-1.1b", 1100048384, 0 }, { "smollm2-135m", 134515008, 0 },
    { "smollm2-360m", 361821120, 0 },    { "smollm2-1.7b", 1711376384, 0 },   { "smollm3-3b", 3075098624, 0 },
    { "qwen2.5-0.5b", 494032768, 0 },    { "qwen2.5-1.5b", 1543714304, 0 },   { "qwen2.5-3b", 3085938688, 0 },
    { "qwen2.5-7b", 7615616512, 0 },     { "qwen3-0.6b", 596049920, 0 },      { "qwen3-1.7b", 1720574976, 0 },
    { "qwen3-4b", 4022468096, 0 },       { "qwen3-8b", 8190735360, 0 },       { "gemma-2b", 2506172416, 0 },
    { "gemma-2-2b", 2614341888, 0 },     { "gemma-2-9b", 9241705984, 0 },     { "gemma-3-270m", 268098176, 0 },
    { "gemma-3-1b", 999885952, 0 },      { "gemma-3-4b", 3.88e9, 3 },         { "gemma-3-12b", 11.8e9, 3 },
    { "gemma-3n-e2b", 4.46e9, 3 },       { "gemma-3n-e4b", 6.87e9, 3 },       { "phi-3.5-mini", 3821079552, 0 },
    { "phi-4", 14659507200, 0 },         { "phi-4-mini", 3836021760, 0 },     { "granite-3.1-2b", 2533531648, 0 },
    { "granite-3.1-8b", 8170848256, 0 }, { "olmo2-1b", 1484916736, 0 },       { "olmo2-7b", 7298617344, 0 },
    { "olmo3-7b", 7298011136, 0 },
};
enum { SHAPES = sizeof published / sizeof *published };

static slm_model *open_shape(const slm_shape *shape, bool sizes_only)
{
    slm_model_options options = slm_model_options_default();
    options.vocab_only = sizes_only;
    slm_model *model = NULL;
    slm_error err;
    ck_assert_msg(!slm_model_random(shape, "Q4_0", &options, &model, &err), "%s: %s", shape->name, err.message);
    return model;
}

START_TEST(parameters)
{
    size_t count = 0;
    for (const slm_shape *s; (s = slm_shape_at(count)); count++) {
        ck_assert_uint_lt(count, SHAPES);
        ck_assert_str_eq(s->name, published[count].name);
        slm_model *model = open_shape(s, true);
        slm_model_info info = slm_model_info_default();
        slm_model_get_info(model, &info);
        const double ratio = (double)info.parameters / published[count].parameters, within = published[count].digits == 2 ? 0.015 : 0.01;
        if (!published[count].digits)
            ck_assert_msg((double)info.parameters == published[count].parameters, "%s has %.0f parameters, not %.0f", s->name,
                          (double)info.parameters, published[count].parameters);
        ck_assert_msg(fabs(ratio - 1) < within, "%s has %.0f parameters, not %.3g", s->name, (double)info.parameters,
                      published[count].parameters);
        ck_assert_uint_eq(info.context_length, s->context);
        slm_model_free(model);
    }
    ck_assert_uint_eq(count, SHAPES);
}
END_TEST

/* Two layers and few tokens of each. */
START_TEST(layers_decode)
{
    enum { VOCAB = 64, COUNT = 5 };
    slm_shape shape = *slm_shape_at((size_t)_i);
    shape.layers = 2;
    shape.vocab = VOCAB;
    shape.shared_kv_layers = 0;
    slm_model *model = open_shape(&shape, false);
    slm_session_options options = slm_session_options_default();
    options.context = 64;
    options.batch = COUNT;
    slm_session *session = NULL;
    slm_error err;
    ck_assert_msg(!slm_session_new(model, &options, &session, &err), "%s", err.message);
    const slm_token tokens[COUNT] = { 1, 7, 2, 63, 0 };
    ck_assert_msg(!slm_decode(session, &(slm_batch){ .tokens = tokens, .count = COUNT }, &err), "%s", err.message);
    float prompt[VOCAB];
    memcpy(prompt, slm_logits(session, 0), sizeof prompt);
    ck_assert_msg(!slm_decode(session, &(slm_batch){ .tokens = tokens, .count = 1 }, &err), "%s", err.message);
    const float *next = slm_logits(session, 0);
    bool same = true, flat = true;
    for (int i = 0; i < VOCAB; i++) {
        ck_assert_msg(isfinite(prompt[i]) && isfinite(next[i]), "%s", shape.name);
        same &= prompt[i] == next[i];
        flat &= prompt[i] == prompt[0];
    }
    ck_assert_msg(!same && !flat, "%s", shape.name);
    slm_session_free(session);
    slm_model_free(model);
}
END_TEST

Suite *suite_shapes(void);
Suite *suite_shapes(void)
{
    Suite *suite = suite_create("shapes");
    TCase *tc = tcase_create("shapes");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, parameters);
    tcase_add_loop_test(tc, layers_decode, 0, SHAPES);
    suite_add_tcase(suite, tc);
    return suite;
}
