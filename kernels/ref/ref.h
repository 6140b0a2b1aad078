/* ref.h - what the reference kernels share. A quantized weight type is described once, in ref/<type>.c: pack, and the decoding
 * of one row of one k block; linear and unpack follow from that and the type's family. */
#ifndef SLM_REF_H
#define SLM_REF_H

#include "../half.h"
#include "../kernels.h"
#include "../unroll.h"

/* Every type has these three. */
#define QUANT(name, ...)                                                                                                   \
    pack_fn pack_##name##_ref;                                                                                             \
    unpack_fn unpack_##name##_ref;                                                                                         \
    linear_fn linear_##name##_ref;
#include "../quants.def"
#undef QUANT

#define SLOT(name, type) type name##_ref;
KERNEL_SLOTS(SLOT)
#undef SLOT

/* ---- packing: unaligned words, in the order in which they stand in the file (little-endian machines only) */

static inline uint32_t load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Byte 4 r of a 64-byte vector: where row r's four consecutive k belong. */
static inline void store_row(uint8_t vector[64], int row, uint32_t values)
{
    memcpy(vector + 4 * row, &values, sizeof values);
}

/* ---- decoding */

/* One row of one k block. */
struct ref_row {
    int8_t w[ACT_BLOCK];    /* signed: z is already taken away */
    float scale;            /* of all values, or of k 0..15 */
    float scale_hi;         /* of k 16..31 (two scales of 16) */
    float min;              /* subtracted from each value (scale and minimum) */
};

/* Decodes row `row` of k block `b` (32 values) of a tile. */
typedef void ref_decode_fn(const void *tile, size_t b, int row, struct ref_row *out);

enum ref_family { ONE_SCALE, SCALE_MIN, TWO_SCALES };

/* 4-bit values of one row, k 0..31, minus z. */
static inline void decode_nibbles(const uint8_t nibbles[4][64], int row, int z, int8_t w[ACT_BLOCK])
{
    for (int v = 0; v < 4; v++) {
        for (int i = 0; i < 4; i++) {
            uint8_t byte = nibbles[v][4 * row + i];
            w[4 * v + i] = (int8_t)((byte & 15) - z);
            w[16 + 4 * v + i] = (int8_t)((byte >> 4) - z);
        }
    }
}

/* The bodies: linear_ref and unpack_ref of a type are one call each, with its decoder and family as constants. */


ALWAYS_INLINE float ref_block_value(enum ref_family family, const struct ref_row *row, const struct act_block *x)
{
    int32_t lo = 0, hi = 0;
    for (int i = 0; i < 16; i++) {
        lo += row->w[i] * x->q[i];
        hi += row->w[16 + i] * x->q[16 + i];
    }
    switch (family) {
    case SCALE_MIN:
        return __builtin_fmaf(row->min, (float)x->nsum, row->scale * (float)(lo + hi));
    case TWO_SCALES:
        return __builtin_fmaf(row->scale_hi, (float)hi, row->scale * (float)lo);
    case ONE_SCALE:
        break;
    }
    return row->scale * (float)(lo + hi);
}

ALWAYS_INLINE void linear_ref(enum ref_family family, ref_decode_fn *decode, const void *tile, size_t k, const void *x,
                              size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct act_block *blocks = x;
    float acc[MAX_COLS][TILE_ROWS] = {{0}};
    for (size_t b = 0; b < k / ACT_BLOCK; b++) {
        for (int r = 0; r < TILE_ROWS; r++) {
            struct ref_row row;
            decode(tile, b, r, &row);
            for (int c = 0; c < cols; c++) {
                const struct act_block *a = &blocks[b * x_stride + (size_t)c];
                acc[c][r] = __builtin_fmaf(a->d, ref_block_value(family, &row, a), acc[c][r]);
            }
        }
    }
    for (int c = 0; c < cols; c++)
        memcpy(y + (size_t)c * y_stride, acc[c], sizeof acc[c]);
}

/* Products are exact in float (at most 11 + 6 + 8 bits less what the types leave out), so only the minimum's subtraction rounds. */
ALWAYS_INLINE void unpack_ref(enum ref_family family, ref_decode_fn *decode, const void *tile, int row, size_t k, float *out)
{
    for (size_t b = 0; b < k / ACT_BLOCK; b++, out += ACT_BLOCK) {
        struct ref_row r;
        decode(tile, b, row, &r);
        for (int i = 0; i < ACT_BLOCK; i++) {
            float scale = family == TWO_SCALES && i >= 16 ? r.scale_hi : r.scale;
            out[i] = scale * (float)r.w[i] - (family == SCALE_MIN ? r.min : 0);
        }
    }
}

#endif
