/* internal.h - what the files of the tokenizer share. */
#ifndef SLM_TOKENIZER_INTERNAL_H
#define SLM_TOKENIZER_INTERNAL_H

#include "split.h"
#include "tokenizer.h"
#include "vocab.h"

#define SPACE_MARK "\xe2\x96\x81"   /* U+2581, a space in SentencePiece vocabularies */
#define SPACE_MARK_LENGTH 3
#define MAX_END_TOKENS 16

/* Tokens that are looked for in text, sorted by their texts. */
struct special_tokens {
    uint32_t *ids;
    uint32_t count;
    bool any_user;                  /* some are found even where special tokens are ordinary text */
    bool starts[256];               /* by first byte */
    bool *strips_after;             /* [count] white space after it is dropped; NULL: after none */
};

struct tokenizer {
    mem mem;
    struct vocab vocab;
    const struct splitter *splitter;    /* byte-level BPE; NULL: SentencePiece */
    struct special_tokens special;
    slm_token bos, eos, unknown;
    slm_token ends[MAX_END_TOKENS];
    uint32_t end_count;
    slm_token bytes[256];           /* the token of each byte, or `unknown` */
    bool adds_bos;
    bool adds_space;                /* SentencePiece: text begins with a space that was not written */
    bool words_split;               /* SentencePiece: no token has a space after something else, so words merge one by one */
};

slm_status special_tokens_open(const struct vocab *vocab, struct special_tokens *special, slm_error *err);
void special_tokens_close(const mem *m, struct special_tokens *special);

/* The longest special token that the text starts with, as an index of special->ids, or -1. `all`: not only user-defined ones. */
int64_t special_tokens_match(const struct special_tokens *special, const struct vocab *vocab, const char *text, size_t length, bool all);

/* Byte-level BPE writes each byte as a character of its own that prints: the printing ones of Latin-1 stand for themselves, the
 * others are moved up to U+0100.. in order. */
uint32_t byte_to_char(uint8_t byte);
int char_to_byte(uint32_t code_point);  /* -1 if it stands for none */

/* The value of a byte token's text "<0xNN>", or -1. */
int byte_token_value(struct gguf_str text);

#endif
