/* split.h - cuts text into the words that byte-level BPE encodes one by one, as a model's published pattern does. */
#ifndef SLM_SPLIT_H
#define SLM_SPLIT_H

#include "../mem.h"
#include "../status.h"

/* Properties of a character, as a set of bits: its class, and what the patterns single out besides. */
enum {
    IS_CONTROL = 1 << 0, IS_LU = 1 << 1, IS_LL = 1 << 2, IS_LT = 1 << 3, IS_LM = 1 << 4, IS_LO = 1 << 5, IS_M = 1 << 6,
    IS_N = 1 << 7, IS_P = 1 << 8, IS_S = 1 << 9, IS_SPACE = 1 << 10,      /* 1 << enum unicode_class */
    IS_UNASSIGNED = 1 << 11,
    IS_L = IS_LU | IS_LL | IS_LT | IS_LM | IS_LO,
    IS_BLANK = 1 << 12,         /* U+0020 alone */
    IS_NEWLINE = 1 << 13,       /* \r \n */
    IS_ASCII_UPPER = 1 << 14,
    IS_ASCII_LOWER = 1 << 15,
    IS_ASCII_DIGIT = 1 << 16,
    IS_ASCII_PUNCT = 1 << 17,   /* the ASCII characters of P and S */
    IS_ASCII_SYMBOL = 1 << 18,  /* those of S: $ + < = > ^ ` | ~ */
    IS_BACKTICK = 1 << 19,
    IS_SLASH = 1 << 20,
    IS_SET1 = 1 << 21,          /* in the splitter's own sets of ranges */
    IS_SET2 = 1 << 22,
    IS_SET3 = 1 << 23,
    IS_SET4 = 1 << 24,
    IS_ANY = 1 << 25            /* every character */
};

/* A step of a rule: `min` to `max` characters, as many as the rest of the rule allows, that have a property of `want` and none
 * of `deny`. */
struct split_step {
    uint32_t want, deny;
    uint8_t min, max;
};
#define SPLIT_MANY 255          /* max: without limit */

enum split_end {
    SPLIT_ANYWHERE,
    SPLIT_NOT_BEFORE_TEXT,      /* the match ends the text or stands before white space: (?!\S) */
    SPLIT_AT_END                /* the match ends the text: $ */
};

enum split_suffix { SPLIT_NO_SUFFIX, SPLIT_SUFFIX, SPLIT_SUFFIX_ANY_CASE };

#define SPLIT_STEPS 3
#define SPLIT_RULES 8
#define SPLIT_PASSES 6

/* A word: the steps one after the other (up to the first without `max`), then perhaps one of 's 't 're 've 'm 'll 'd: optional
 * after steps, required where there are none. */
struct split_rule {
    struct split_step steps[SPLIT_STEPS];
    enum split_end end;
    enum split_suffix suffix;
};

/* One pass over a text: at each position the first rule that matches makes a word, and what none matches is a word too. */
struct split_pass {
    struct split_rule rules[SPLIT_RULES];   /* up to the first empty one */
};

struct split_range {
    uint32_t first, last;
    uint32_t set;               /* IS_SET1.. */
};

/* How a family of models splits: the passes in order, each over every word of the one before. */
struct splitter {
    const char *names;          /* of tokenizer.ggml.pre, each between two spaces; the first is the family's */
    const struct split_pass *passes[SPLIT_PASSES + 1];   /* up to the first NULL */
    const struct split_range *ranges;       /* ascending, up to one whose set is 0; NULL: none */
    bool whole_words;           /* a word that is in the vocabulary is one token, whatever the merges say */
    bool adds_bos;              /* where the file does not say */
};

/* By name of tokenizer.ggml.pre (not NUL-terminated), or NULL. */
const struct splitter *splitter_find(const char *name, size_t length);

/* The index-th splitter, or NULL past the last one. */
const struct splitter *splitter_at(size_t index);

/* Receives the words in order, as ranges of the text. Returning anything but SLM_OK ends the split with that status. */
typedef slm_status split_word_fn(void *arg, size_t start, size_t end);

/* Calls `word` for every word of the text; together they are the text. A byte of invalid UTF-8 counts as a symbol. Takes 4 bytes
 * of memory per byte of text, and time in proportion to the text. */
slm_status split_text(const mem *m, const struct splitter *splitter, const char *text, size_t length, split_word_fn *word, void *arg,
                      slm_error *err);

#endif
