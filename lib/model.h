/* model.h - an open model: read-only once made, shared by its sessions. */
#ifndef SLM_MODEL_H
#define SLM_MODEL_H

#include "arch/arch.h"
#include "random.h"
#include "tokenizer/tokenizer.h"

#include "../kernels/kernels.h"

struct slm_model {
    mem mem;
    struct kernels kernels;
    const struct arch *arch;        /* NULL: opened without weights */
    struct config config;
    void *params;                   /* the architecture's own struct */
    struct map map;                 /* of the file, if a part of it stays in use; else empty */
    struct tokenizer *tokenizer;    /* NULL: a random model */
    uint8_t *arena;                 /* packed tiles of all matrices */
    uint64_t arena_bytes, decode_bytes, parameters, layer_parameters, late_parameters;
    void **owned;                   /* everything that binding allocated */
    size_t owned_count;
    char *architecture, *name, *chat_template;  /* chat_template may be NULL */
    bool exact;                     /* all matrices are F32 */
    const char *type;               /* the weight type that most bytes are in */
    int cores;                      /* what topo_threads said, 0 if it was not asked */
    slm_log_fn *log;
    void *log_user;
};

/* Fills a model from a GGUF directory. `maps` are the mapped files that the tensors lie in, by their part, or NULL: one that the model
 * keeps using is taken over and left empty; `random` replaces the tensors. */
slm_status model_new(const struct gguf *gguf, struct map *maps, const struct random_spec *random,
                     const slm_model_options *options, slm_model **model, slm_error *err);
void model_free(slm_model *model);

/* Fails if the model was opened without weights. */
slm_status model_check_weights(const slm_model *model, slm_error *err);

#endif
