/* kernels.h - the kernel table: one slot per operation, filled with the C reference first, then overwritten by each
 * instruction set in ascending order up to the chosen tier. README.md beside this file is the contract: layouts, alignment,
 * tails, aliasing and the order of the arithmetic that makes every tier return the same bits. */
#ifndef SLM_KERNELS_H
#define SLM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX < UINT64_MAX
#error "libslm needs a 64-bit machine: models and their packed weights do not fit into smaller addresses"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "libslm needs a little-endian machine: GGUF files and packed weights are used as they lie in memory"
#endif

enum {
    TILE_ROWS = 16,     /* rows of a packed weight tile */
    ACT_BLOCK = 32,     /* activations that share a scale */
    KV_PAGE = 64,       /* positions in a page of the KV cache */
    PANEL_COLS = 32,    /* no tier takes wider panels of activations than this */
    ATTEND_COLS = 16,   /* queries that attend takes at once */
    QUANTIZE_LEVELS = 4, /* steps that are tried for activations: the largest of a block becomes 127, 126, .. (a power of 2) */
};

/* Weight types, in the order of quants.def (door 1). */
enum weight_type {
#define QUANT(name, ...) WEIGHT_##name,
#include "quants.def"
#undef QUANT
    WEIGHT_TYPES
};

/* How a type's scales enter the arithmetic (README.md). */
enum family {
    FAMILY_DENSE,           /* F32, F16, BF16: takes float activations; the others take int8 blocks */
    FAMILY_ONE_SCALE,       /* of 32 values */
    FAMILY_SCALE_MIN,       /* and a minimum of 32 values */
    FAMILY_TWO_SCALES,      /* of 16 values each */
    FAMILY_TWO_SCALES_MINS, /* and a minimum for each */
    /* the family of each type as a constant: FAMILY_OF_Q4_0 */
#define QUANT(name, gguf_type, block, block_bytes, tile_bytes, halves, bf16, family) FAMILY_OF_##name = FAMILY_##family,
#include "quants.def"
#undef QUANT
};

/* Tiers, in ascending order within a processor family (door 2). */
enum isa {
#define ISA(name) ISA_##name,
#include "isas.def"
#undef ISA
    ISA_COUNT
};

/* What a weight type is made of. */
struct quant {
    const char *name;       /* "Q4_0" */
    uint32_t gguf_type;     /* its number in GGUF */
    uint32_t block;         /* values per GGUF block; a row is a multiple of it */
    uint32_t block_bytes;   /* bytes of a GGUF block */
    uint32_t tile_bytes;    /* bytes of TILE_ROWS blocks in packed form */
    uint32_t halves;        /* a packed block begins with this many 16-bit scales (or values) */
    bool bf16;              /* which are BF16; else F16 */
    bool dense;             /* takes float activations; else int8 blocks */
};

extern const struct quant quants[WEIGHT_TYPES];

/* Bytes of a tile with rows of k values. */
static inline size_t tile_bytes(enum weight_type type, size_t k)
{
    return k / quants[type].block * quants[type].tile_bytes;
}

/* The type with this GGUF number or this name, or WEIGHT_TYPES. */
enum weight_type quant_by_gguf(uint32_t gguf_type);
enum weight_type quant_by_name(const char *name);

/* 32 activations in int8: value i is d * q[i], rounded to nearest even. A cache line.
 * Products use unsigned weights w + z, so each kernel needs -z * sum(q): the negated sums are kept here (set by act_sums). */
struct act_block {
    float d;                /* amax / 127, or / 126, .. */
    int32_t nsum;           /* -(q[0] + ... + q[31]) */
    int16_t nhalf[2];       /* the same of q[0..15] and of q[16..31], a pair for products with pairs */
    float fsum;             /* nsum */
    int32_t start8, start128, start32_lo; /* the bits of SUM_BIAS + 8 nsum, + 128 nsum, + 32 nhalf[0] */
    int32_t start32_hi;     /* 32 nhalf[1] */
    int8_t q[ACT_BLOCK];
};

/* 1.5 * 2^23. An integer sum that starts at its bits ends as the bits of SUM_BIAS + sum, a float without a conversion (|sum| < 2^22).
 * From it, fma(dw, SUM_BIAS + sum, -dw * SUM_BIAS) is dw * sum, rounded once as the product is: -dw * SUM_BIAS is exact for scales
 * of up to 22 bits. */
#define SUM_BIAS 12582912.0f
#define SUM_BIAS_BITS 0x4b400000

static inline void act_sums(struct act_block *a, int32_t nlo, int32_t nhi)
{
    a->nhalf[0] = (int16_t)nlo;
    a->nhalf[1] = (int16_t)nhi;
    a->nsum = nlo + nhi;
    a->fsum = (float)a->nsum;
    a->start8 = SUM_BIAS_BITS + 8 * a->nsum;
    a->start128 = SUM_BIAS_BITS + 128 * a->nsum;
    a->start32_lo = SUM_BIAS_BITS + 32 * nlo;
    a->start32_hi = 32 * nhi;
}

/* Types that keys and values can be kept in: X(name). */
#define KV_TYPE_LIST(X)                                                        \
    X(F32)                                                                     \
    X(F16)                                                                     \
    X(Q8_0)

enum kv_type {
#define KV_TYPE(name) KV_##name,
    KV_TYPE_LIST(KV_TYPE)
#undef KV_TYPE
    KV_TYPES
};

/* Bytes of a page of keys, or of values, of one KV head: a multiple of 64. */
size_t kv_k_bytes(enum kv_type type, size_t head_dim);
size_t kv_v_bytes(enum kv_type type, size_t head_dim);

/* Empties a page of values; one of keys is empty when all its bytes are zero. */
void kv_v_clear(enum kv_type type, size_t head_dim, void *page);

/* Packs `rows` (1..16) rows of `blocks` GGUF blocks each, `row_bytes` apart, into one tile; missing rows become zeros. */
typedef void pack_fn(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile);

/* Writes row `row` of a tile of k values as floats. */
typedef void unpack_fn(const void *tile, int row, size_t k, float *out);

/* y[c * y_stride + r] = sum over k of row[r][k] * x[k][c], for the rows r of `count` tiles, which lie one behind the other, and `cols`
 * columns c (1 .. the tier's cols). Quantized: x is struct act_block [k / 32][x_stride]. Dense: x is float [k][x_stride]. Column c stands
 * at element c. `k` is the row length in values. All 16 rows of each tile are written. */
typedef void linear_fn(const void *tiles, size_t count, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride);

/* One column of activations (k values, k a multiple of 32) to dst[0], dst[stride], ..., with the best of QUANTIZE_LEVELS levels, or,
 * unless `best`, which takes longer, with level 127 (README.md). */
typedef void quantize_fn(const float *x, size_t k, bool best, struct act_block *dst, size_t stride);

/* y = x / sqrt(mean(x^2) + eps) * w, n values. w may be NULL (ones). y may be x. */
typedef void rms_norm_fn(const float *x, const float *w, size_t n, float eps, float *y);

/* y += x */
typedef void add_fn(float *y, const float *x, size_t n);

/* y *= s */
typedef void scale_fn(float *y, float s, size_t n);

/* y = activation(gate) * up. y may be gate or up. */
typedef void gate_fn(const float *gate, const float *up, size_t n, float *y);

/* y = exp(x), the polynomial of README.md. y may be x. */
typedef void exp_fn(const float *x, size_t n, float *y);

/* y = cap * tanh(x / cap), in place. */
typedef void softcap_fn(float *y, float cap, size_t n);

/* Rotates `pairs` pairs of x in place: (x[2i], x[2i+1]) if adjacent, else (x[i], x[i + pairs]), by cos[i], sin[i]. */
typedef void rope_fn(float *x, size_t pairs, const float *cos, const float *sin, bool adjacent);

/* Writes the keys, or the values, of one position (slot 0..63) and one KV head into its page: see README.md for the layouts. The
 * page was empty before its first position. Values beyond the type's largest finite one saturate. */
typedef void kv_store_fn(const float *x, size_t head_dim, void *page, int slot);

/* s[c * KV_PAGE + j] = q[c] . K[j] for the positions 16 from <= j < 16 to of a page, 0 <= from <= to <= 4, and `cols` columns
 * (1..ATTEND_COLS). q holds the queries, multiplied by the attention scale: float [head_dim][cols]; for Q8_0 pages
 * struct act_block [ceil(head_dim / 32)][cols], the dimensions beyond head_dim zero. `next` is the page of keys that will be read next, NULL if
 * none: it is fetched in step with the reading of this one, and has the time of a page of values to arrive. */
typedef void scores_fn(const void *q, int cols, size_t head_dim, const void *k_page, const void *next, int from, int to, float *s);

/* A step of an online soft-max over the scores of one page: s [cols][KV_PAGE] becomes weights.
 *  first, last   per column: the visible slots are first[c] <= j < last[c], 0 <= first, last <= KV_PAGE; a column with
 *                first >= last sees nothing of this page and keeps its m and l. Scores of tiles that no column sees may be anything
 *  softcap       0: none
 *  m, l          float [cols]: running maximum and sum, started at -INFINITY and 0
 *  scale         float [cols], written: what the column's sums so far are to be multiplied by */
typedef void soft_max_fn(float *s, int cols, const int *first, const int *last, float softcap, float *m, float *l, float *scale);

/* o[c] = o[c] * scale[c] + sum over j of p[c * KV_PAGE + j] V[j], p >= 0, all 64 slots.
 *  next   the page of values that will be read next, or NULL, as above
 *  o      float [cols][round16(head_dim)]: running weighted sum of V, started at 0; the caller divides by l at the end */
typedef void values_fn(const float *p, int cols, size_t head_dim, const void *v_page, const void *next, const float *scale, float *o);

/* Merges span (m2, l2, o2) into (m, l, o), one column of n lanes; (m, l, o) stands for earlier positions. */
typedef void merge_fn(float *m, float *l, float *o, float m2, float l2, const float *o2, size_t n);

/* Runs the tier's int8 dot product on registers; returns the number of operations (a multiply and an add are two). */
typedef uint64_t peak_fn(uint64_t rounds);

/* Reads n bytes (a multiple of 256, 64-byte aligned) and returns something that depends on each. */
typedef uint64_t read_fn(const void *data, size_t n);

/* Every slot that is not per weight type: X(slot, type). */
#define KERNEL_SLOTS(X)                                                        \
    X(quantize, quantize_fn)                                                   \
    X(rms_norm, rms_norm_fn)                                                   \
    X(add, add_fn)                                                             \
    X(scale, scale_fn)                                                         \
    X(silu_gate, gate_fn)                                                      \
    X(gelu_gate, gate_fn)                                                      \
    X(exp, exp_fn)                                                             \
    X(softcap, softcap_fn)                                                     \
    X(rope, rope_fn)                                                           \
    X(soft_max, soft_max_fn)                                                   \
    X(merge, merge_fn)                                                         \
    X(peak, peak_fn)                                                           \
    X(read, read_fn)

/* Every slot that is there for each type of the KV cache: X(slot, type). */
#define KV_SLOTS(X)                                                            \
    X(kv_store_k, kv_store_fn)                                                 \
    X(kv_store_v, kv_store_fn)                                                 \
    X(scores, scores_fn)                                                       \
    X(values, values_fn)

struct kernels {
    enum isa isa;
    int cols;                               /* widest panel that linear takes, up to PANEL_COLS */
    pack_fn *pack[WEIGHT_TYPES];
    unpack_fn *unpack[WEIGHT_TYPES];
    linear_fn *linear[WEIGHT_TYPES];
#define SLOT(name, type) type *name[KV_TYPES];
    KV_SLOTS(SLOT)
#undef SLOT
#define SLOT(name, type) type *name;
    KERNEL_SLOTS(SLOT)
#undef SLOT
    struct {                                /* the functions' names, for slm-bench --cpu */
        const char *pack[WEIGHT_TYPES], *unpack[WEIGHT_TYPES], *linear[WEIGHT_TYPES];
#define SLOT(name, type) const char *name[KV_TYPES];
        KV_SLOTS(SLOT)
#undef SLOT
#define SLOT(name, type) const char *name;
        KERNEL_SLOTS(SLOT)
#undef SLOT
    } names;
};

/* Fills a slot with FUNCTION_SUFFIX and records its name: KERNEL_SET(k, rms_norm, avx2). The suffix may be a macro. */
#define KERNEL_SET(k, slot, suffix) KERNEL_SET_EXPANDED(k, slot, suffix)
#define KERNEL_SET_EXPANDED(k, slot, suffix) ((k)->slot = slot##_##suffix, (k)->names.slot = #slot "_" #suffix)
/* The same for a per-type slot: KERNEL_SET_TYPE(k, linear, Q4_0, avx2) takes linear_Q4_0_avx2. */
#define KERNEL_SET_TYPE(k, slot, type, suffix) KERNEL_SET_TYPE_EXPANDED(k, slot, type, suffix)
#define KERNEL_SET_TYPE_EXPANDED(k, slot, type, suffix)                                                                    \
    ((k)->slot[WEIGHT_##type] = slot##_##type##_##suffix, (k)->names.slot[WEIGHT_##type] = #slot "_" #type "_" #suffix)

/* And for a slot of a type of the KV cache. */
#define KERNEL_SET_KV(k, slot, type, suffix) KERNEL_SET_KV_EXPANDED(k, slot, type, suffix)
#define KERNEL_SET_KV_EXPANDED(k, slot, type, suffix)                                                                      \
    ((k)->slot[KV_##type] = slot##_##type##_##suffix, (k)->names.slot[KV_##type] = #slot "_" #type "_" #suffix)

/* Fills the table for a tier: the reference, then every tier up to `isa` that this machine can run. The tier must be one of them. */
void kernels_fill(struct kernels *k, enum isa isa);

/* Each tier's own slots (init.c of its folder). */
#define ISA(name) void kernels_init_##name(struct kernels *k);
#include "isas.def"
#undef ISA

#endif
