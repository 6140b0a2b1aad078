/* any_model.h - GGUF files of any architecture in memory, made by asking the loader which tensors it lacks. */
#ifndef SLM_ANY_MODEL_H
#define SLM_ANY_MODEL_H

#include "gguf_build.h"

struct any_model {
    const char *architecture;
    /* Puts the sizes and whatever else the file says; NULL: small ones that suit every architecture. Names and a vocabulary are there. */
    void (*metadata)(void *user, struct gguf_build *b, const char *architecture);
    /* Puts a tensor of `rows` rows of k values, the same at each call; NULL: Q8_0, or F32 where that does not fit. */
    void (*tensor)(void *user, struct gguf_build *b, const char *name, uint32_t k, uint32_t rows);
    void *user;
    const char *const *optional;    /* tensors that the file has beside those that it must have, ended by NULL; or NULL */
};

/* "<architecture>.<key>" */
const char *any_model_key(char key[128], const char *architecture, const char *name);

/* The file, to be freed with free(). NULL if the loader refuses it for another reason than a tensor, or wants a very large one,
 * or too many that small files of the architecture lack. */
uint8_t *any_model(const struct any_model *spec, size_t *size);

#endif
