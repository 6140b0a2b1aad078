#include "any_model.h"

#include "tests.h"
#include "tiny_model.h"

#include "slm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TENSORS = 512, MOST_VALUES = 1 << 16, MOST_QUESTIONS = 64, VOCAB = 261 };

struct tensor {
    char name[128];
    uint32_t k, rows;
};

struct list {
    struct tensor tensors[MOST_TENSORS];
    size_t count;
};

const char *any_model_key(char key[128], const char *architecture, const char *name)
{
    snprintf(key, 128, "%s.%s", architecture, name);
    return key;
}

static void small_sizes(void *user, struct gguf_build *b, const char *architecture)
{
    static const struct { const char *key; uint32_t value; } sizes[] = {
        { "block_count", 4 }, { "context_length", 256 }, { "embedding_length", 32 }, { "feed_forward_length", 32 },
        { "attention.head_count", 2 }, { "attention.head_count_kv", 1 }, { "attention.key_length", 16 },
        { "attention.value_length", 16 }, { "attention.sliding_window", 8 }, { "attention.sliding_window_pattern", 2 },
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

static uint8_t *build(const struct any_model *spec, const struct list *list, size_t *size)
{
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "general.architecture", spec->architecture);
    gguf_put_string(b, "general.name", "any");
    tiny_vocabulary(b);
    (spec->metadata ? spec->metadata : small_sizes)(spec->user, b, spec->architecture);
    for (size_t i = 0; i < list->count; i++) {
        const struct tensor *t = &list->tensors[i];
        (spec->tensor ? spec->tensor : small_tensor)(spec->user, b, t->name, t->k, t->rows);
    }
    return gguf_build_finish(b, size);
}

/* Puts a tensor on the list, or its shape right; false if neither can be. */
static bool add(struct list *list, const struct tensor *t)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->tensors[i].name, t->name)) {
            const bool other = list->tensors[i].k != t->k || list->tensors[i].rows != t->rows;
            list->tensors[i] = *t;
            return other;
        }
    if (list->count == MOST_TENSORS)
        return false;
    list->tensors[list->count++] = *t;
    return true;
}

/* Takes from a refusal which tensor the file lacks, or what shape one must have; false if it is about something else. */
static bool learn(struct list *list, const char *message)
{
    struct tensor t;
    if (sscanf(message, "tensor %127s (%u x %u) is missing", t.name, &t.k, &t.rows) != 3 &&
        sscanf(message, "tensor %127s is %*[0-9 x], expected %u x %u", t.name, &t.k, &t.rows) != 3)
        return false;
    if (!t.k || !t.rows || (uint64_t)t.k * t.rows > MOST_VALUES || !add(list, &t))
        return false;
    if (!strncmp(t.name, "blk.0.", 6)) /* most likely the same holds for the next layers */
        for (t.name[4] = '1'; t.name[4] <= '3'; t.name[4]++)
            add(list, &t);
    return true;
}

static uint8_t *ask(const struct any_model *spec, struct list *list, size_t *size)
{
    for (int i = 0; i < MOST_QUESTIONS; i++) {
        slm_model_options options = slm_model_options_default();
        slm_model *model = NULL;
        slm_error err = { .message = "" };
        options.threads = 1;
        options.memory_budget = 1; /* the last check before the weights are packed */
        uint8_t *file = build(spec, list, size);
        const slm_status status = slm_model_open_memory(file, *size, &options, &model, &err);
        slm_model_free(model);
        if (status == SLM_LIMIT)
            return file;
        free(file);
        if (!learn(list, err.message))
            break;
    }
    return NULL;
}

/* What small files of an architecture have, which is asked for once: others then need few questions. */
static const struct list *usual(const char *architecture)
{
    static struct { char name[32]; struct list list; } known[32];
    size_t i = 0, size;
    while (known[i].name[0] && strcmp(known[i].name, architecture))
        i++;
    if (!known[i].name[0]) {
        snprintf(known[i].name, sizeof known[i].name, "%s", architecture);
        add(&known[i].list, &(struct tensor){ "token_embd.weight", 32, VOCAB }); /* the file alone says how large the vocabulary is */
        free(ask(&(struct any_model){ .architecture = architecture }, &known[i].list, &size));
    }
    return &known[i].list;
}

uint8_t *any_model(const struct any_model *spec, size_t *size)
{
    struct list *list = malloc(sizeof *list);
    *list = *usual(spec->architecture);
    for (size_t i = 0; spec->optional && spec->optional[i]; i++) {
        struct tensor t = { .k = 1, .rows = 1 };
        snprintf(t.name, sizeof t.name, "%s", spec->optional[i]);
        add(list, &t);
    }
    uint8_t *file = ask(spec, list, size);
    free(list);
    return file;
}
