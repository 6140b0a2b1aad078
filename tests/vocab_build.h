/* vocab_build.h - small vocabularies made in code, as GGUF files in memory, for tests. */
#ifndef SLM_VOCAB_BUILD_H
#define SLM_VOCAB_BUILD_H

#include "../lib/tokenizer/tokenizer.h"
#include "gguf_build.h"

#define VOCAB_SPECIALS 4    /* "<|end|>" (control), "<|user|>" (control), "<tool>" and "\n\n" (user-defined), the last ids */

/* What a charsmap of the tests rewrites, in no order; one begins like another, one drops a character, one makes more of one. */
extern const char *const vocab_build_rules[][2];
extern const size_t vocab_build_rule_count;

/* A vocabulary of single characters and random texts made of them, drawn with the seed. `model` is "llama", "gpt2", "bert" or "t5";
 * `pre` is a splitter's name (gpt2). Strings and arrays live until vocab_build_free. */
struct vocab_build {
    const char *model, *pre;
    uint32_t count;
    char **tokens;
    int32_t *kinds;
    float *scores;          /* llama, t5 */
    char **merges;          /* gpt2: "left right" */
    uint32_t merge_count;
    bool charsmap;          /* t5: with the rules above */
    bool adds_space, joins_spaces;  /* t5 */
};

/* `inner_spaces`: (llama, t5) some tokens have a space after something else. */
struct vocab_build *vocab_build_random(const char *model, const char *pre, uint64_t seed, bool inner_spaces);
void vocab_build_free(struct vocab_build *v);

/* A file that is nothing but this vocabulary, to be freed with free(). */
uint8_t *vocab_build_file(const struct vocab_build *v, size_t *size);

/* Its tokenizer; aborts if that fails. Free it with tokenizer_free. */
struct tokenizer *vocab_build_tokenizer(const struct vocab_build *v);

/* The tokenizer of a file of metadata, which is finished and freed; and where tokenizer_new may fail, what it returns. */
struct tokenizer *tokenizer_of_build(struct gguf_build *b);
slm_status tokenizer_open_build(struct gguf_build *b, struct tokenizer **t, slm_error *err);

#endif
