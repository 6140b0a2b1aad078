/* random_model.h - small models of random weights, and tokens for them, for suites that compare logits with logits. */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include "tests.h"

enum { RANDOM_VOCAB = 301 };

/* Layers enough for each kind that the architecture has, and a window that a few tokens fill. */
slm_shape shape_of(const char *architecture);

/* `isa`: the tier, NULL for the best one. */
slm_model *open_shape(const slm_shape *shape, const char *type, const char *isa);

/* Whether this machine has that tier. */
bool supported(const char *isa);

/* The same ones each time. */
void make_tokens(slm_token *tokens, size_t count);

#endif
