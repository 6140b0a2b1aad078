/* charsmap.h - the rules by which a unigram vocabulary rewrites text before it looks for tokens: Unicode forms, kinds of spaces,
 * characters to drop. Files hold them compiled, in tokenizer.ggml.precompiled_charsmap:
 *
 *      4 bytes     size of the units in bytes, little-endian
 *      units       a double-array trie of what is rewritten, 32 bits each, see charsmap.c
 *      texts       what it becomes, each ended by a NUL
 */
#ifndef SLM_CHARSMAP_H
#define SLM_CHARSMAP_H

#include "../gguf.h"

struct charsmap {
    uint32_t *units;
    uint32_t unit_count;            /* 0: no rules */
    char *texts;
    size_t text_size;
};

#define CHARSMAP_MAX_TEXT 64        /* rules with more are left out: the longest of Unicode's forms has 33 bytes */

/* Copies the rules of the file; none if it has none. */
slm_status charsmap_open(const mem *m, const struct gguf *gguf, struct charsmap *map, slm_error *err);
void charsmap_close(const mem *m, struct charsmap *map);

/* The longest beginning of the text that has a rule: its length, and in *rewritten what it becomes. 0 if there is none. */
size_t charsmap_match(const struct charsmap *map, const char *text, size_t length, struct gguf_str *rewritten);

#endif
