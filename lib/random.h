/* random.h - models with the sizes of real ones and random weights, for measuring without a file. */
#ifndef SLM_RANDOM_H
#define SLM_RANDOM_H

#include "gguf.h"

struct kernels;
struct weight;

struct random_spec {
    const slm_shape *shape;
    const char *type;       /* a weight type's name, or "Q4_K_M" */
};

/* The metadata of such a model as a GGUF file without tensors, in memory that the caller frees with mem_free. */
slm_status random_metadata(const mem *m, const struct random_spec *spec, uint8_t **bytes, size_t *size, slm_error *err);

/* Fails with the names of all if the type has none. */
slm_status random_check_type(const struct random_spec *spec, slm_error *err);

/* The weight type of the matrix of that name with rows of k values, WEIGHT_TYPES if the model has none of that name. */
unsigned random_type(const struct random_spec *spec, const char *name, uint32_t k);

/* Fills `count` F16 values likewise. */
void random_halves(uint16_t *halves, size_t count);

/* Fills tiles first .. last - 1 with random values of a usual size. */
void random_tiles(const struct weight *w, uint32_t first, uint32_t last);

#endif
