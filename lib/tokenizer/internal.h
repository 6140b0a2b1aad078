/* internal.h - what the files of the tokenizer share. */
#ifndef SLM_TOKENIZER_INTERNAL_H
#define SLM_TOKENIZER_INTERNAL_H

#include "charsmap.h"
#include "split.h"
#include "tokenizer.h"
#include "trie.h"
#include "vocab.h"

#define SPACE_MARK "\xe2\x96\x81"   /* U+2581, a space in SentencePiece vocabularies */
#define SPACE_MARK_LENGTH 3
#define MAX_END_TOKENS 32

/* Tokens that are looked for in text, sorted by their texts. */
struct special_tokens {
    uint32_t *ids;
    uint32_t count;
    bool any_user;                  /* some are found even where special tokens are ordinary text */
    bool starts[256];               /* by first byte */
    uint8_t *strips;                /* [count] which white space beside it is dropped, a set of the bits below */
};
enum { STRIPS_BEFORE = 1, STRIPS_AFTER = 2 };

/* What kinds of vocabularies do each in their way. */
struct encoder;
struct tokenizer_family {
    const char *model;              /* value of tokenizer.ggml.model */

    /* Fills the rest of a tokenizer whose vocabulary is open. */
    slm_status (*open)(struct tokenizer *t, const struct gguf *gguf, slm_error *err);

    /* Adds the tokens of text[start, end), in which there are no special ones. Not empty. */
    slm_status (*encode)(struct encoder *e, const char *text, size_t start, size_t end);

    /* Goes over all tokens in the end; may remove some. NULL: nothing to do. */
    void (*finish)(struct encoder *e);
};
extern const struct tokenizer_family sentencepiece_family, byte_level_family, wordpiece_family, unigram_family;

struct tokenizer {
    mem mem;
    struct vocab vocab;
    const struct tokenizer_family *family;
    const struct splitter *splitter;    /* byte-level BPE; NULL: the others, whose tokens spell a space SPACE_MARK */
    struct trie trie;               /* WordPiece, unigram: the tokens that ordinary text can become */
    struct charsmap charsmap;       /* unigram: how it rewrites text first */
    struct special_tokens special;
    slm_token bos, eos, unknown;
    slm_token closing;              /* what SLM_TOKENIZE_EOS adds, or SLM_TOKEN_NONE */
    slm_token ends[MAX_END_TOKENS];
    uint32_t end_count;
    slm_token bytes[256];           /* the token of each byte; SentencePiece: or `unknown` */
    float unknown_score;            /* unigram */
    bool guesses_splitter;
    bool adds_bos, adds_eos;
    bool adds_space;                /* text begins with a space that was not written */
    bool words_split;               /* no token has a space after something else, so words are encoded one by one */
    bool joins_spaces;              /* unigram: several spaces are one, and those at the ends none */
    bool has_bytes;                 /* unigram: what it lacks becomes byte tokens */
    bool lower_cases;               /* WordPiece */
    bool strips_accents;            /* WordPiece: of letters that have them */
    bool strips_marks;              /* WordPiece: those that stand as characters of their own */
};

/* The id that a key names; `otherwise` if it is missing or no id of the vocabulary (files use -1 for "none"). */
slm_token token_of_key(const struct tokenizer *t, const struct gguf *gguf, const char *key, slm_token otherwise);

/* Reads the ids of BOS, EOS and the unknown token, and whether the first two are added. What the file does not say stays as it is. */
slm_status tokenizer_read_keys(struct tokenizer *t, const struct gguf *gguf, slm_error *err);

slm_status special_tokens_open(const struct vocab *vocab, const struct gguf *gguf, struct special_tokens *special, slm_error *err);
void special_tokens_close(const mem *m, struct special_tokens *special);

/* The longest special token that the text starts with, as an index of special->ids, or -1. `all`: not only user-defined ones. */
int64_t special_tokens_match(const struct special_tokens *special, const struct vocab *vocab, const char *text, size_t length, bool all);

/* Byte-level BPE writes each byte as a character of its own that prints: the printing ones of Latin-1 stand for themselves, the
 * others are moved up to U+0100.. in order. */
uint32_t byte_to_char(uint8_t byte);
int char_to_byte(uint32_t code_point);  /* -1 if it stands for none */

/* The value of a byte token's text "<0xNN>", or -1; and the token of a byte, or SLM_TOKEN_NONE. */
int byte_token_value(struct gguf_str text);
slm_token byte_token_find(const struct vocab *vocab, uint8_t byte);

#endif
