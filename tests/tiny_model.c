#include "tiny_model.h"

#include "gguf_build.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { F32 = 0, Q8_0 = 8 };
enum { D = 32, KV = 16, F = 64, BYTES = 256, SPECIAL = 3, WORDS = 2, VOCAB = SPECIAL + BYTES + WORDS };

static bool left_out(const struct tiny_options *o, const char *name)
{
    return o->leave_out && !strcmp(o->leave_out, name);
}

static void put_matrix(struct gguf_build *b, const struct tiny_options *o, const char *name, uint64_t k, uint64_t rows, uint64_t *state)
{
    if (left_out(o, name))
        return;
    if (o->misshape && !strcmp(o->misshape, name))
        rows++;
    const size_t bytes = rows * (k / 32) * 34;
    uint8_t *data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)test_random(state);
    for (size_t i = 0; i < bytes; i += 34) { /* F16 scales of about 0.002 */
        data[i] = 0;
        data[i + 1] = 0x18;
    }
    gguf_put_tensor(b, name, Q8_0, 2, (uint64_t[]){ k, rows }, data, bytes);
    free(data);
}

static void put_norm(struct gguf_build *b, const struct tiny_options *o, const char *name)
{
    float ones[D];
    for (int i = 0; i < D; i++)
        ones[i] = 1.0f;
    if (!left_out(o, name))
        gguf_put_tensor(b, name, F32, 1, (uint64_t[]){ D }, ones, sizeof ones);
}

static void put_u32(struct gguf_build *b, const struct tiny_options *o, const char *key, uint32_t value)
{
    if (!left_out(o, key))
        gguf_put_u32(b, key, value);
}

static void put_vocabulary(struct gguf_build *b, const struct tiny_options *o)
{
    static char bytes[BYTES][8];
    const char *tokens[VOCAB] = { "<unk>", "<s>", "</s>" };
    float scores[VOCAB] = { 0 };
    int32_t kinds[VOCAB] = { 2, 3, 3 };
    for (int i = 0; i < BYTES; i++) {
        snprintf(bytes[i], sizeof bytes[i], "<0x%02X>", i);
        tokens[SPECIAL + i] = bytes[i];
        kinds[SPECIAL + i] = 6;
    }
    static const char *const words[WORDS] = { "\xe2\x96\x81", "a" };
    for (int i = 0; i < WORDS; i++) {
        tokens[SPECIAL + BYTES + i] = words[i];
        scores[SPECIAL + BYTES + i] = (float)-i;
        kinds[SPECIAL + BYTES + i] = 1;
    }
    if (!left_out(o, "tokenizer.ggml.model"))
        gguf_put_string(b, "tokenizer.ggml.model", "llama");
    gguf_put_strings(b, "tokenizer.ggml.tokens", tokens, VOCAB);
    gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, scores, VOCAB);
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, kinds, VOCAB);
    gguf_put_u32(b, "tokenizer.ggml.bos_token_id", 1);
    gguf_put_u32(b, "tokenizer.ggml.eos_token_id", 2);
}

void tiny_vocabulary(struct gguf_build *b)
{
    put_vocabulary(b, &(struct tiny_options){ 0 });
}

uint8_t *tiny_model(const struct tiny_options *options, size_t *size)
{
    const struct tiny_options none = { 0 }, *o = options ? options : &none;
    struct gguf_build *b = gguf_build_new();
    uint64_t state = test_seed();
    if (!left_out(o, "general.architecture"))
        gguf_put_string(b, "general.architecture", o->architecture ? o->architecture : "llama");
    gguf_put_string(b, "general.name", "tiny");
    put_u32(b, o, "llama.block_count", 1);
    put_u32(b, o, "llama.context_length", 256);
    put_u32(b, o, "llama.embedding_length", D);
    put_u32(b, o, "llama.feed_forward_length", F);
    put_u32(b, o, "llama.attention.head_count", o->heads ? o->heads : 2);
    put_u32(b, o, "llama.attention.head_count_kv", 1);
    put_vocabulary(b, o);
    put_matrix(b, o, "token_embd.weight", D, VOCAB, &state);
    put_norm(b, o, "output_norm.weight");
    put_norm(b, o, "blk.0.attn_norm.weight");
    put_matrix(b, o, "blk.0.attn_q.weight", D, D, &state);
    put_matrix(b, o, "blk.0.attn_k.weight", D, KV, &state);
    put_matrix(b, o, "blk.0.attn_v.weight", D, KV, &state);
    put_matrix(b, o, "blk.0.attn_output.weight", D, D, &state);
    put_norm(b, o, "blk.0.ffn_norm.weight");
    put_matrix(b, o, "blk.0.ffn_gate.weight", D, F, &state);
    put_matrix(b, o, "blk.0.ffn_up.weight", D, F, &state);
    put_matrix(b, o, "blk.0.ffn_down.weight", F, D, &state);
    return gguf_build_finish(b, size);
}
