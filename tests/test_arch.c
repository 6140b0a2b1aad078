/* What architectures share: rope scaling from metadata, and files that lack a tensor or are read from memory. */
#include "tests.h"

#include "gguf_build.h"

#include "../kernels/kernels.h"
#include "../lib/arch/arch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ rope scaling */

enum { DIMENSIONS = 64, PAIRS = DIMENSIONS / 2 };

/* A rope bound from what a test has put into `b`. */
struct bound {
    uint8_t *file;
    mem mem;
    struct gguf gguf;
    struct kernels kernels;
    struct binder binder;
    slm_error err;
    struct rope rope;
};

static void bind(struct bound *x, struct gguf_build *b)
{
    size_t size;
    *x = (struct bound){ .file = gguf_build_finish(b, &size) };
    ck_assert(!mem_init(&x->mem, NULL, NULL));
    ck_assert(!gguf_open(&x->mem, x->file, size, &x->gguf, NULL));
    kernels_fill(&x->kernels, 0);
    x->binder = (struct binder){ .mem = &x->mem, .kernels = &x->kernels, .gguf = &x->gguf, .prefix = "llama", .err = &x->err };
    bind_rope(&x->binder, &x->rope, DIMENSIONS, 10000, true);
}

static void unbind(struct bound *x)
{
    for (size_t i = 0; i < x->binder.owned_count; i++)
        mem_free(&x->mem, x->binder.owned[i]);
    mem_free(&x->mem, x->binder.owned);
    gguf_close(&x->gguf);
    free(x->file);
}

static double plain(int i)
{
    return pow(10000, -2.0 * i / DIMENSIONS);
}

static void close_to(double got, double want)
{
    ck_assert_double_eq_tol(got, want, 1e-7 * want);
}

START_TEST(rope_none_and_linear)
{
    struct bound x;
    bind(&x, gguf_build_new());
    ck_assert(!x.binder.status && !x.rope.stretched && x.rope.magnitude == 1.0f && x.rope.pairs == PAIRS);
    for (int i = 0; i < PAIRS; i++)
        close_to(x.rope.frequency[i], plain(i));
    unbind(&x);

    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "llama.rope.scaling.type", "linear");
    gguf_put_f32(b, "llama.rope.scaling.factor", 8);
    bind(&x, b);
    for (int i = 0; i < PAIRS; i++)
        close_to(x.rope.frequency[i], plain(i) / 8);
    struct rope local;
    bind_local_rope(&x.binder, &local, &x.rope, 100);
    for (int i = 0; i < PAIRS; i++) /* another base, not scaled */
        close_to(local.frequency[i], pow(100, -2.0 * i / DIMENSIONS));
    unbind(&x);

    b = gguf_build_new();
    gguf_put_f32(b, "llama.rope.scaling.factor", 0); /* how some files say none */
    bind(&x, b);
    for (int i = 0; i < PAIRS; i++)
        close_to(x.rope.frequency[i], plain(i));
    unbind(&x);
}
END_TEST

/* Worked by hand: 64 ln(4096 / (2 pi 32)) / (2 ln 10000) = 10.47, with 1 instead of 32: 22.51. */
START_TEST(rope_yarn)
{
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "llama.rope.scaling.type", "yarn");
    gguf_put_f32(b, "llama.rope.scaling.factor", 4);
    gguf_put_u32(b, "llama.rope.scaling.original_context_length", 4096);
    struct bound x;
    bind(&x, b);
    ck_assert_msg(!x.binder.status, "%s", x.err.message);
    for (int i = 0; i <= 10; i++)
        close_to(x.rope.frequency[i], plain(i));
    for (int i = 23; i < PAIRS; i++)
        close_to(x.rope.frequency[i], plain(i) / 4);
    close_to(x.rope.frequency[16], 0.01 * 7 / 13 + 0.0025 * 6 / 13);
    close_to(x.rope.magnitude, 1.1386294);
    unbind(&x);
}
END_TEST

START_TEST(rope_divisors)
{
    float one[PAIRS], two[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        one[i] = 1 + (float)i;
        two[i] = 2 + (float)i;
    }
    struct gguf_build *b = gguf_build_new();
    gguf_put_tensor(b, "rope_freqs.weight", 0, 1, (uint64_t[]){ PAIRS }, one, sizeof one);
    struct bound x;
    bind(&x, b);
    for (int i = 0; i < PAIRS; i++)
        close_to(x.rope.frequency[i], plain(i) / one[i]);
    unbind(&x);

    b = gguf_build_new();
    gguf_put_u32(b, "llama.rope.scaling.original_context_length", 100);
    gguf_put_f32(b, "llama.rope.scaling.attn_factor", 1.25f);
    gguf_put_tensor(b, "rope_factors_short.weight", 0, 1, (uint64_t[]){ PAIRS }, one, sizeof one);
    gguf_put_tensor(b, "rope_factors_long.weight", 0, 1, (uint64_t[]){ PAIRS }, two, sizeof two);
    bind(&x, b);
    ck_assert_msg(!x.binder.status, "%s", x.err.message);
    ck_assert(x.rope.original == 100 && x.rope.magnitude == 1.25f);
    for (int i = 0; i < PAIRS; i++) {
        close_to(x.rope.frequency[i], plain(i) / one[i]);
        close_to(x.rope.stretched[i], plain(i) / two[i]);
    }
    struct rope local;
    bind_local_rope(&x.binder, &local, &x.rope, 10000); /* divided as well */
    ck_assert(local.original == 100 && local.magnitude == 1.25f && local.table == 1);
    ck_assert(!memcmp(local.frequency, x.rope.frequency, sizeof(double[PAIRS])));
    ck_assert(!memcmp(local.stretched, x.rope.stretched, sizeof(double[PAIRS])));
    unbind(&x);
}
END_TEST

START_TEST(rope_refusals)
{
    static const struct { const char *kind; slm_status status; const char *says; } cases[] = {
        { "wavy", SLM_UNSUPPORTED, "rope scaling 'wavy' is not supported (known: none, linear, yarn, llama3, longrope)" },
        { "longrope", SLM_FORMAT, "rope_factors_long.weight is missing" },
    };
    struct gguf_build *b = gguf_build_new();
    gguf_put_string(b, "llama.rope.scaling.type", cases[_i].kind);
    struct bound x;
    bind(&x, b);
    ck_assert_int_eq(x.binder.status, cases[_i].status);
    ck_assert_msg(strstr(x.err.message, cases[_i].says), "%s", x.err.message);
    unbind(&x);
}
END_TEST

/* One value for each layer stands for the value of all, if they are the same. */
START_TEST(arrays_of_one_value)
{
    static const struct { uint32_t values[3]; slm_status status; } cases[] = {
        { { 7, 7, 7 }, SLM_OK }, { { 7, 7, 8 }, SLM_UNSUPPORTED }, { { 99, 99, 99 }, SLM_FORMAT },
    };
    struct gguf_build *b = gguf_build_new();
    gguf_put_array(b, "llama.attention.head_count", GGUF_U32, cases[_i].values, 3);
    struct bound x;
    bind(&x, b);
    uint32_t heads = 1;
    bind_u32(&x.binder, &heads, 1, 50, "attention.head_count");
    ck_assert_int_eq(x.binder.status, cases[_i].status);
    ck_assert_uint_eq(heads, cases[_i].status ? 1 : 7);
    unbind(&x);
}
END_TEST

/* Ministral 3's temperature: nothing before the period, ln 2 and ln 4 of growth after one and three of them. */
START_TEST(far_queries)
{
    float y[3 * 4], want[3] = { 2, 2 * (1 + 0.5f * 0.69314718f), 2 * (1 + 0.5f * 1.38629436f) };
    for (int i = 0; i < 12; i++)
        y[i] = 2;
    struct kernels kernels;
    kernels_fill(&kernels, 0);
    struct pass p = { .kernels = &kernels, .threads = 1, .count = 3, .positions = (uint32_t[]){ 99, 199, 350 } };
    scale_far(&p, y, 0.5f, 100, 4);
    for (int i = 0; i < 12; i++)
        ck_assert_float_eq_tol(y[i], want[i / 4], 1e-6f);
}
END_TEST

/* ------------------------------------------------------------------ whole files */

static const char *const files[] = { "llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gemma3n", "phi3", "phi3-longrope",
                                     "granite", "smollm3", "olmo2" };
enum { FILES = sizeof files / sizeof *files };

static void *golden(const char *name, size_t *size)
{
    char path[128];
    snprintf(path, sizeof path, "golden/%s.gguf", name);
    void *bytes = read_file(shared_path(path), size);
    if (!bytes)
        skip(path, "no ../shared");
    return bytes;
}

/* Without any one tensor of its first layer or outside the layers, a file is refused by that tensor's name. */
START_TEST(missing_tensors)
{
    size_t size;
    uint8_t *bytes = golden(files[_i], &size);
    if (!bytes)
        return;
    mem m;
    struct gguf gguf;
    ck_assert(!mem_init(&m, NULL, NULL) && !gguf_open(&m, bytes, size, &gguf, NULL));
    int refused = 0;
    for (uint64_t t = 0; t < gguf.tensor_count; t++) {
        const struct gguf_str name = gguf.tensors[t].name;
        char text[128];
        snprintf(text, sizeof text, "%.*s", (int)name.length, name.data);
        if ((!strncmp(text, "blk.", 4) && strncmp(text, "blk.0.", 6)) || !strcmp(text, "output.weight") ||
            !strcmp(text, "rope_freqs.weight") || !strcmp(text, "rope_factors_long.weight"))
            continue; /* other layers, and what a file may lack */
        uint8_t *place = bytes + (name.data - (const char *)bytes);
        slm_model *model = NULL;
        slm_error err = { .message = "" };
        *place ^= 1;
        const slm_status status = slm_model_open_memory(bytes, size, NULL, &model, &err);
        *place ^= 1;
        slm_model_free(model);
        ck_assert_msg(status == SLM_FORMAT && strstr(err.message, text), "without %s: '%s'", text, err.message);
        refused++;
    }
    ck_assert_int_ge(refused, 8);
    gguf_close(&gguf);
    free(bytes);
}
END_TEST

/* A Qwen2 without any biases is a model too; without some of them it is damaged (above). */
START_TEST(biases_are_all_or_none)
{
    size_t size;
    uint8_t *bytes = golden("qwen2", &size);
    if (!bytes)
        return;
    mem m;
    struct gguf gguf;
    ck_assert(!mem_init(&m, NULL, NULL) && !gguf_open(&m, bytes, size, &gguf, NULL));
    int renamed = 0;
    for (uint64_t t = 0; t < gguf.tensor_count; t++) {
        const struct gguf_str name = gguf.tensors[t].name;
        if (name.length > 5 && !memcmp(name.data + name.length - 5, ".bias", 5)) {
            bytes[name.data - (const char *)bytes] ^= 1;
            renamed++;
        }
    }
    gguf_close(&gguf);
    slm_model *model = NULL;
    slm_error err = { .message = "" };
    ck_assert_int_ge(renamed, 6);
    ck_assert_msg(!slm_model_open_memory(bytes, size, NULL, &model, &err), "%s", err.message);
    slm_model_free(model);
    free(bytes);
}
END_TEST

static void first_logits(slm_model *model, float *out, size_t count)
{
    slm_session *session = NULL;
    slm_error err = { .message = "" };
    const slm_token tokens[] = { 5, 77, 200, 287, 3 };
    const slm_batch batch = { .tokens = tokens, .count = 5 };
    ck_assert_msg(!slm_session_new(model, NULL, &session, &err) && !slm_decode(session, &batch, &err), "%s", err.message);
    memcpy(out, slm_logits(session, 0), count * sizeof *out);
    slm_session_free(session);
}

/* A model gives the same from a file, parts of which may stay mapped, as from memory that is gone after the call. */
START_TEST(file_and_memory)
{
    enum { VOCAB = 288 };
    float mapped[VOCAB], copied[VOCAB];
    size_t size;
    uint8_t *bytes = golden(files[_i], &size);
    if (!bytes)
        return;
    slm_model *model = NULL;
    ck_assert(!slm_model_open_memory(bytes, size, NULL, &model, NULL));
    memset(bytes, 0xff, size);
    free(bytes);
    first_logits(model, copied, VOCAB);
    slm_model_free(model);
    char path[128];
    snprintf(path, sizeof path, "golden/%s.gguf", files[_i]);
    ck_assert(!slm_model_open(shared_path(path), NULL, &model, NULL));
    first_logits(model, mapped, VOCAB);
    slm_model_free(model);
    ck_assert(mapped[0] == mapped[0] && mapped[0] != mapped[1]);
    ck_assert(!memcmp(mapped, copied, sizeof mapped));
}
END_TEST

Suite *suite_arch(void);
Suite *suite_arch(void)
{
    Suite *suite = suite_create("arch");
    TCase *tc = tcase_create("arch");
    tcase_add_test(tc, rope_none_and_linear);
    tcase_add_test(tc, rope_yarn);
    tcase_add_test(tc, rope_divisors);
    tcase_add_loop_test(tc, rope_refusals, 0, 2);
    tcase_add_loop_test(tc, arrays_of_one_value, 0, 3);
    tcase_add_test(tc, far_queries);
    tcase_add_test(tc, biases_are_all_or_none);
    tcase_add_loop_test(tc, missing_tensors, 0, FILES);
    tcase_add_loop_test(tc, file_and_memory, 0, FILES);
    suite_add_tcase(suite, tc);
    return suite;
}
