#include "any_model.h"

#include "tests.h"
#include "tiny_model.h"

#include "slm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TENSORS = 512, MOST_VALUES = 1 << 16, VOCAB = 261 };

struct tensor {
    char name[128];
    uint32_t k, rows;
};

const char *any_model_key(char key[128], const char *architecture, const char *name)
{
    snprintf(key, 128, "%s.%s", architecture, name);
    return key;
}

static void small_sizes(void *user, struct gguf_build *b, const char *architecture)
{
    static const struct { const char *key; uint32_t value; } sizes[] = {
        { "block_count", 4 }, { "context_length", 256 }, { "embedding_length", 64 }, { "feed_forward_length", 64 },
        { "attention.head_count", 2 }, { "attention.head_count_kv", 1 }, { "attention.key_length", 32 },
        { "attention.value_length", 32 }, { "attention.sliding_window", 8 }, { "attention.sliding_window_pattern", 2 },
        { "embedding_length_per_layer_input", 32 },
    };
    char key[128];
    (void)user;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        gguf_put_u32(b, any_model_key(key, architecture, sizes[i].key), sizes[i].value);
}

static void small_tensor(void *user, struct gguf_build *b, const char *name, uint32_t k, uint32_t rows)
{
    enum { F32 = 0, Q8_0 = 8 };
    const size_t values = (size_t)k * rows;
    uint64_t state = test_seed() + values;
    (void)user;
    if (rows == 1 || k % 32) {
        float *data = malloc(values * sizeof *data);
        for (size_t i = 0; i < values; i++)
            data[i] = rows == 1 ? 1.0f : test_uniform(&state, -0.3f, 0.3f);
        gguf_put_tensor(b, name, F32, rows == 1 ? 1 : 2, (uint64_t[]){ k, rows }, data, values * sizeof *data);
        free(data);
        return;
    }
    const size_t bytes = values / 32 * 34;
    uint8_t *data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = i % 34 == 0 ? 0 : i % 34 == 1 ? 0x18 : (uint8_t)test_random(&state); /* F16 scales of about 0.002 */
    gguf_put_tensor(b, name, Q8_0, 2, (uint64_t[]){ k, rows }, data, bytes);
    free(data);
}

static uint8_t *build(const struct any_model *spec, const struct tensor *tensors, size_t count, size_t *size)
{
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "general.architecture", spec->architecture);
    gguf_put_string(b, "general.name", "any");
    tiny_vocabulary(b);
    (spec->metadata ? spec->metadata : small_sizes)(spec->user, b, spec->architecture);
    for (size_t i = 0; i < count; i++)
        (spec->tensor ? spec->tensor : small_tensor)(spec->user, b, tensors[i].name, tensors[i].k, tensors[i].rows);
    return gguf_build_finish(b, size);
}

/* Puts a tensor on the list, or its shape right; false if neither can be. */
static bool add(const struct tensor *t, struct tensor *tensors, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if (!strcmp(tensors[i].name, t->name)) {
            const bool other = tensors[i].k != t->k || tensors[i].rows != t->rows;
            tensors[i] = *t;
            return other;
        }
    if (*count == MOST_TENSORS)
        return false;
    tensors[(*count)++] = *t;
    return true;
}

/* Takes from a refusal which tensor the file lacks, or what shape one must have; false if it is about something else. */
static bool learn(const char *message, struct tensor *tensors, size_t *count)
{
    struct tensor t;
    const bool missing = sscanf(message, "tensor %127s (%u x %u) is missing", t.name, &t.k, &t.rows) == 3;
    if (!missing && sscanf(message, "tensor %127s is %*[0-9 x], expected %u x %u", t.name, &t.k, &t.rows) != 3)
        return false;
    if (!t.k || !t.rows || (uint64_t)t.k * t.rows > MOST_VALUES || !add(&t, tensors, count))
        return false;
    if (missing && !strncmp(t.name, "blk.0.", 6)) /* most likely the next layers lack it too */
        for (t.name[4] = '1'; t.name[4] <= '3'; t.name[4]++)
            add(&t, tensors, count);
    return true;
}

uint8_t *any_model(const struct any_model *spec, size_t *size)
{
    struct tensor *tensors = calloc(MOST_TENSORS, sizeof *tensors);
    size_t count = 0;
    tensors[count++] = (struct tensor){ "token_embd.weight", 32, VOCAB }; /* the file alone says how large the vocabulary is */
    for (size_t i = 0; spec->optional && spec->optional[i]; i++) {
        tensors[count] = (struct tensor){ .k = 1, .rows = 1 };
        snprintf(tensors[count++].name, sizeof tensors->name, "%s", spec->optional[i]);
    }
    uint8_t *file;
    for (;;) {
        slm_model_options options = slm_model_options_default();
        slm_model *model = NULL;
        slm_error err = { .message = "" };
        options.threads = 1;
        options.memory_budget = 1; /* the last check before the weights are packed */
        file = build(spec, tensors, count, size);
        const slm_status status = slm_model_open_memory(file, *size, &options, &model, &err);
        slm_model_free(model);
        if (status == SLM_LIMIT)
            break;
        free(file);
        file = NULL;
        if (!learn(err.message, tensors, &count))
            break;
    }
    free(tensors);
    return file;
}
