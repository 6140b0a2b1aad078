/* vocab.h - the tokens of a vocabulary: texts, kinds, look-up by text, merges. */
#ifndef SLM_VOCAB_H
#define SLM_VOCAB_H

#include "../gguf.h"

/* Values of tokenizer.ggml.token_type. */
enum token_kind { TOKEN_UNDEFINED, TOKEN_NORMAL, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_USER, TOKEN_UNUSED, TOKEN_BYTE };

/* Caps. A file beyond them is refused. */
#define VOCAB_MAX_TOKENS (1u << 22)
#define VOCAB_MAX_MERGES (1u << 22)
#define VOCAB_MAX_BYTES (1u << 30)  /* of all token texts */
#define VOCAB_MAX_PROBES 256        /* steps of one look-up: more come only from texts made to collide */

/* Tokens with longer texts are never made from ordinary text by merging, nor looked for as special tokens. */
#define VOCAB_MAX_MERGED 1024
#define VOCAB_MAX_SPECIAL 256

struct vocab_slot {
    uint32_t hash;
    uint32_t id_plus_1;             /* 0: empty */
};

/* Two neighbouring tokens that become one. */
struct vocab_merge {
    uint32_t left, right;
    uint32_t rank;                  /* lowest first */
    uint32_t merged;                /* id; left == right == merged == UINT32_MAX marks an empty place */
};

struct vocab {
    mem mem;
    uint32_t count;
    char *texts;                    /* one after the other */
    uint32_t *starts;               /* [count + 1] */
    uint8_t *kinds;                 /* [count], enum token_kind */
    float *scores;                  /* [count], of SentencePiece and unigram vocabularies */
    struct vocab_slot *slots;       /* hash table of the texts; the first of equal texts is in it */
    uint32_t slot_mask;
    struct vocab_merge *merges;     /* hash table by (left, right), byte-level BPE only */
    uint32_t merge_mask;
};

/* Reads tokens and kinds; then scores or merges, which need them. On failure the vocabulary is empty, as after vocab_close. */
slm_status vocab_open(const mem *m, const struct gguf *gguf, struct vocab *vocab, slm_error *err);
slm_status vocab_read_scores(struct vocab *vocab, const struct gguf *gguf, slm_error *err);
slm_status vocab_read_merges(struct vocab *vocab, const struct gguf *gguf, slm_error *err);
void vocab_close(struct vocab *vocab);

struct gguf_str vocab_text(const struct vocab *vocab, uint32_t id);

/* The token with exactly this text, SLM_TOKEN_NONE if there is none. */
slm_token vocab_find(const struct vocab *vocab, const char *text, size_t length);

/* The same among the tokens that ordinary text can become: no control, unknown or byte tokens. */
slm_token vocab_find_plain(const struct vocab *vocab, const char *text, size_t length);

/* What two neighbouring tokens become, or NULL. */
const struct vocab_merge *vocab_merge(const struct vocab *vocab, uint32_t left, uint32_t right);

/* True for kinds that ordinary text can become: not control, unknown or byte tokens. */
static inline bool vocab_is_plain(const struct vocab *vocab, uint32_t id)
{
    uint8_t kind = vocab->kinds[id];
    return kind != TOKEN_CONTROL && kind != TOKEN_UNKNOWN && kind != TOKEN_BYTE;
}

/* True if no plain token has a space (U+2581) after something else: then none goes across from a word to the next. */
bool vocab_words_split(const struct vocab *vocab);

uint32_t vocab_hash(const char *text, size_t length);

#endif
