/* encode.h - one call's work of turning text into tokens, and what the families of vocabularies share in it. */
#ifndef SLM_ENCODE_H
#define SLM_ENCODE_H

#include "internal.h"

/* Words seen in this text and their tokens, as ranges of the source and of the tokens. A newer word replaces an older one. */
struct known_word {
    uint32_t start, length;         /* length 0: empty */
    uint32_t first, count;
};

struct encoder {
    const struct tokenizer *t;
    const char *source;             /* what words are ranges of: the text, or where the family rewrites it first, what comes of it */
    slm_token *tokens;
    size_t count, room;
    struct known_word *words;
    uint32_t word_mask;
    char *mapped;                   /* the word as the vocabulary spells it */
    char *rewritten;                /* unigram: the text, part after part, as its tokens spell it */
    size_t rewritten_length;
    void *work[2];                  /* arrays of the merging or of the search, one element per character */
    size_t mapped_room, rewritten_room, work_room;
    size_t base;                    /* of the part that is being split */
    size_t *guards;                 /* offsets over which no control token reaches, ascending */
    size_t guard_count, guard_at;   /* guards[guard_at] is the first one behind the place that is looked at */
    slm_error *err;
};

/* Encodes the word source[start, end) anew, adding at most 2 tokens a byte. */
typedef slm_status encode_word_fn(struct encoder *e, size_t start, size_t end);

/* The same, or repeats the tokens that it had before. */
slm_status encode_word(struct encoder *e, size_t start, size_t end, encode_word_fn *encode);

/* Cuts source[start, end) before each space that follows something else, if no token goes across (t->words_split), and encodes the
 * words. Spaces are U+0020 and U+2581. `first` encodes the first one. */
slm_status encode_spaced_words(struct encoder *e, size_t start, size_t end, encode_word_fn *first, encode_word_fn *encode);

/* No-op for SLM_TOKEN_NONE. */
static inline void add_token(struct encoder *e, slm_token token)
{
    if (token != SLM_TOKEN_NONE)
        e->tokens[e->count++] = token;
}

slm_status encode_no_memory(struct encoder *e, size_t length);

/* Room for `length` bytes in e->mapped; what was in it is lost. For `count` elements of these sizes in e->work; the same. For `more`
 * further tokens. */
slm_status reserve_mapped(struct encoder *e, size_t length);
slm_status reserve_work(struct encoder *e, size_t count, size_t size0, size_t size1);
slm_status reserve_tokens(struct encoder *e, size_t more);

#endif
