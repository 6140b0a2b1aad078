/* weights.h - tensors of a file, bound by name to the fields of a model, checked, and packed into tiles. */
#ifndef SLM_WEIGHTS_H
#define SLM_WEIGHTS_H

#include "gguf.h"
#include "map.h"

struct kernels;

/* A matrix in packed form, y = W x: `rows` outputs, `k` inputs. */
struct weight {
    uint32_t rows, k;           /* rows 0: the model has no such matrix */
    unsigned type;              /* enum weight_type */
    uint32_t tile_count;        /* ceil(rows / 16) */
    size_t tile_bytes;
    uint8_t *tiles;             /* [tile_count][tile_bytes], 64-byte aligned */
};

/* A matrix whose rows are only looked up, in the file's own format: it stays in the mapped file, or is copied from memory. */
struct table {
    uint32_t rows, k;
    unsigned type;              /* enum weight_type */
    size_t row_bytes;
    const uint8_t *data;        /* [rows][row_bytes] */
};

/* What an architecture's load function binds with. It names each tensor once; the tiles are filled after it returns. The first
 * failure is kept in `status` (and *err) and makes later calls do nothing, so a load function need not check each. */
struct binder {
    const mem *mem;
    const struct kernels *kernels;
    const struct gguf *gguf;
    const char *prefix;                 /* of the architecture's metadata: "llama" */
    struct map *maps;                   /* of the files, by a tensor's part: pages are dropped once packed; or NULL */
    const struct random_spec *random;   /* make random weights instead of reading tensors, or NULL */
    slm_error *err;
    slm_status status;
    struct binding *bindings;           /* every matrix bound so far */
    size_t count, room;
    void **owned;                       /* every vector and allocation, freed with the model */
    size_t owned_count, owned_room;
    uint64_t parameters;
    bool *used;                         /* [tensors of gguf]: bound, or NULL: nobody asks */
    struct map *kept;                   /* the one of the maps that a table points into: it must live as long as the model; or NULL */
};

/* A matrix of exactly this shape. Names are printf formats: bind_matrix(b, &w, 2048, 2048, "blk.%u.attn_q.weight", l). */
void bind_matrix(struct binder *b, struct weight *w, uint32_t rows, uint32_t k, const char *format, ...) PRINTF_LIKE(5, 6);

/* Rows `first` .. `first + rows - 1` of a matrix of `total` rows: one part of a tensor that holds several matrices. */
void bind_rows(struct binder *b, struct weight *w, uint32_t first, uint32_t rows, uint32_t total, uint32_t k, const char *format,
               ...) PRINTF_LIKE(7, 8);

void bind_table(struct binder *b, struct table *w, uint32_t rows, uint32_t k, const char *name);

/* A matrix that the file may lack: w->rows then stays 0. */
void bind_optional_matrix(struct binder *b, struct weight *w, uint32_t rows, uint32_t k, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* A vector of n floats (from F32, F16 or BF16), owned by the model. */
void bind_vector(struct binder *b, float **v, uint32_t n, const char *format, ...) PRINTF_LIKE(4, 5);

/* The same, but the file may lack it: *v is then NULL. */
void bind_optional_vector(struct binder *b, float **v, uint32_t n, const char *format, ...) PRINTF_LIKE(4, 5);

/* A tensor that files have and nothing reads. */
void bind_unread(struct binder *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Metadata, key under the architecture's prefix ("block_count"). Required: fails if it is missing or outside low..high.
 * Optional: keeps the default that *value holds if it is missing. An array (one value for each layer) may stand for its one value. */
void bind_u32(struct binder *b, uint32_t *value, uint32_t low, uint32_t high, const char *key);
void bind_optional_u32(struct binder *b, uint32_t *value, uint32_t low, uint32_t high, const char *key);
void bind_optional_f32(struct binder *b, float *value, float low, float high, const char *key);

/* Zeroed memory that the model owns; NULL after a failure. */
void *bind_alloc(struct binder *b, size_t count, size_t size);

/* Records a failure that the load function found itself. */
void bind_fail(struct binder *b, slm_status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* The i-th matrix bound so far, i < count. */
const struct weight *binder_weight(const struct binder *b, size_t i);

/* Bytes that the packed tiles need. */
uint64_t binder_bytes(const struct binder *b);

/* Fills every bound matrix's tiles, laid out one after the other in `arena`, on `threads` threads. */
slm_status binder_pack(struct binder *b, uint8_t *arena, int threads, slm_progress_fn *progress, void *user);

/* Frees the list of bindings. */
void binder_finish(struct binder *b);

#endif
