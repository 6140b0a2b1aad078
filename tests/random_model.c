#include "random_model.h"

#include <string.h>

slm_shape shape_of(const char *architecture)
{
    return (slm_shape){ .name = "tiny", .architecture = architecture, .layers = 8, .embedding = 64, .heads = 4, .kv_heads = 2,
                        .head_dim = 32, .feed_forward = 96, .vocab = RANDOM_VOCAB, .tied = true, .rope_base = 10000, .window = 20,
                        .shared_kv_layers = strcmp(architecture, "gemma3n") ? 0 : 2 };
}

slm_model *open_shape(const slm_shape *shape, const char *type, const char *isa)
{
    slm_model_options options = slm_model_options_default();
    options.isa = isa;
    slm_model *model = NULL;
    slm_error err;
    ck_assert_msg(!slm_model_random(shape, type, &options, &model, &err), "%s", err.message);
    return model;
}

void make_tokens(slm_token *tokens, size_t count)
{
    uint64_t state = test_seed();
    for (size_t i = 0; i < count; i++)
        tokens[i] = (slm_token)(test_random(&state) % RANDOM_VOCAB);
}

bool supported(const char *isa)
{
    slm_error err;
    return slm_isa(isa, &err) != NULL;
}
