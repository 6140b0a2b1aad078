/* tokenizer.h - text to tokens and back, by the vocabulary of a GGUF file. */
#ifndef SLM_TOKENIZER_H
#define SLM_TOKENIZER_H

#include "../gguf.h"

struct tokenizer;

/* Builds the tokenizer that tokenizer.ggml.* describes. Copies what it needs: the file may go. SLM_UNSUPPORTED names an unknown
 * model or splitter and lists the known ones. A file without tokenizer.ggml.model gives SLM_FORMAT. */
slm_status tokenizer_new(const mem *m, const struct gguf *gguf, struct tokenizer **tokenizer, slm_error *err);
void tokenizer_free(struct tokenizer *tokenizer);

uint32_t tokenizer_size(const struct tokenizer *tokenizer);     /* tokens in the vocabulary */
slm_token tokenizer_bos(const struct tokenizer *tokenizer);
slm_token tokenizer_eos(const struct tokenizer *tokenizer);
bool tokenizer_adds_bos(const struct tokenizer *tokenizer);
bool tokenizer_is_end(const struct tokenizer *tokenizer, slm_token token);
bool tokenizer_guesses_splitter(const struct tokenizer *tokenizer);    /* the file names none: text may be cut as the model did not learn */
slm_token tokenizer_find(const struct tokenizer *tokenizer, const char *text);

/* The functions of slm.h of the same names, on a tokenizer. Scratch memory comes from the tokenizer's allocator and is freed. */
slm_status tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length, unsigned flags, slm_token *tokens,
                            size_t capacity, size_t *count, slm_error *err);

/* Control tokens in what people say are to stay text. A guard, a noncharacter that no text needs, stands inside of them, behind the first
 * character: tokenizer_needs_guard tells where, and tokenizer_encode_guarded takes the guards out of the text and lets no control token
 * reach over a place that had one. It reads the others as with SLM_TOKENIZE_SPECIAL, and puts the BOS token in front where the model wants
 * one and the text has none. */
#define TOKENIZER_GUARD "\xf4\x8f\xbf\xbe"   /* U+10FFFE */
#define TOKENIZER_GUARD_LENGTH 4
bool tokenizer_needs_guard(const struct tokenizer *tokenizer, const char *text, size_t length);
slm_status tokenizer_encode_guarded(const struct tokenizer *tokenizer, char *text, size_t length, slm_token *tokens, size_t capacity,
                                    size_t *count, slm_error *err);

size_t tokenizer_bytes(const struct tokenizer *tokenizer, slm_token token, bool special, char *bytes, size_t capacity);
size_t tokenizer_stream(const struct tokenizer *tokenizer, slm_detokenizer *state, slm_token token, char *text, size_t capacity);

#endif
