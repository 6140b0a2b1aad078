/* ref.h - what the reference kernels share. A quantized weight type is described once, in ref/<type>.c: pack, and the decoding
 * of one row of one k block; linear and unpack follow from that and the type's family. */
#ifndef SLM_REF_H
#define SLM_REF_H

#define TIER_NAME ref
#include "../half.h"
#include "../tier.h"

/* Every type has these two beside linear. */
#define QUANT(name, ...)                                                                                                   \
    pack_fn pack_##name##_ref;                                                                                             \
    unpack_fn unpack_##name##_ref;
#include "../quants.def"
#undef QUANT

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

/* 4 bits, one in each byte. */
static inline uint32_t spread_bits(uint32_t bits)
{
    return (bits & 15) * 0x00204081 & 0x01010101; /* copies 7 bits apart: bit i of copy i stands at 8 i */
}

/* The crumbs k = 4 g .. 4 g + 3 of one row for sub-block `sub` of 8: a quarter of 32 values, in bits 2 (sub % 4) of the 32 bytes of its
 * half. */
static inline uint32_t crumbs(const uint8_t from[64], int sub, int g)
{
    return load_u32(from + 32 * (sub / 4) + 4 * g) >> 2 * (sub % 4) & 0x03030303;
}

static inline void all_crumbs(const uint8_t from[64], int sub, uint32_t values[8])
{
    for (int g = 0; g < 8; g++)
        values[g] = crumbs(from, sub, g);
}

/* Two vectors of one row from the 2-bit values in the bytes of eight words: two of k 0..15, two of k 16..31, in turns. */
static inline void pack_crumbs(uint8_t to[2][64], int row, const uint32_t values[8])
{
    for (int h = 0; h < 2; h++)
        store_row(to[h], row, values[2 * h] | values[4 + 2 * h] << 2 | values[2 * h + 1] << 4 | values[5 + 2 * h] << 6);
}

/* Three vectors of one row from the 6-bit values in the bytes of four words: the fourth goes into the upper bits of the others. */
static inline void pack_sixes(uint8_t sixes[3][64], int row, const uint32_t values[4])
{
    for (int j = 0; j < 3; j++)
        store_row(sixes[j], row, values[j] | (values[3] >> 2 * j & 0x03030303) << 6);
}

/* Five vectors of one row from the 5-bit values in the bytes of eight words: the last three go into the upper bits of the others. */
static inline void pack_fives(uint8_t fives[5][64], int row, const uint32_t values[8])
{
    const uint32_t a = values[5], b = values[6], c = values[7];
    const uint32_t upper[5] = {
        a & 0x07070707,
        b & 0x07070707,
        c & 0x07070707,
        (a >> 3 & 0x03030303) | (c >> 1 & 0x04040404),
        (b >> 3 & 0x03030303) | (c >> 2 & 0x04040404),
    };
    for (int v = 0; v < 5; v++)
        store_row(fives[v], row, values[v] | upper[v] << 5);
}

/* The same from 16 bytes with the lower bits, value i in the low nibble of byte i and value i + 16 in the high one, and their upper bits. */
static inline void pack_nibbles_and_bits(uint8_t fives[5][64], int row, const uint8_t nibbles[16], uint32_t bits)
{
    uint32_t values[8];
    for (int g = 0; g < 8; g++)
        values[g] = (load_u32(nibbles + g % 4 * 4) >> g / 4 * 4 & 0x0f0f0f0f) | spread_bits(bits >> 4 * g) << 4;
    pack_fives(fives, row, values);
}

/* 16 bytes of one row, value i in the low nibble of byte i and value i + 16 in the high one, as in the tile. */
static inline void pack_nibbles(uint8_t nibbles[4][64], int row, const uint8_t from[16])
{
    for (int v = 0; v < 4; v++)
        store_row(nibbles[v], row, load_u32(from + 4 * v));
}

/* The same from 32 bytes, of which this sub-block has the low nibbles (high = 0) or the high ones (high = 4). */
static inline void pack_half_nibbles(uint8_t nibbles[4][64], int row, const uint8_t from[32], int high)
{
    for (int v = 0; v < 4; v++) {
        uint32_t a = load_u32(from + 4 * v) >> high & 0x0f0f0f0f, b = load_u32(from + 16 + 4 * v) >> high & 0x0f0f0f0f;
        store_row(nibbles[v], row, a | b << 4);
    }
}

/* The scales of Q4_K and Q5_K, as three words: word 0: sc 0..3 in bits 0-5, upper bits of sc 4..7 in bits 6-7
 *                                              word 1: m 0..3 in bits 0-5,  upper bits of m 4..7 in bits 6-7
 *                                              word 2: sc 4..7 in bits 0-3, m 4..7 in bits 4-7 */
static inline void unpack_scales(const uint8_t scales[12], uint8_t sc[8], uint8_t m[8])
{
    uint32_t w0 = load_u32(scales), w1 = load_u32(scales + 4), w2 = load_u32(scales + 8);
    uint32_t words[4] = {
        w0 & 0x3f3f3f3f,
        (w2 & 0x0f0f0f0f) | (w0 >> 2 & 0x30303030),
        w1 & 0x3f3f3f3f,
        (w2 >> 4 & 0x0f0f0f0f) | (w1 >> 2 & 0x30303030),
    };
    memcpy(sc, words, 8);
    memcpy(m, words + 2, 8);
}

/* One row of one GGUF block, to row `row` of a packed block. */
typedef void ref_pack_fn(const void *block, int row, void *tile);

/* ---- decoding */

/* One row of one k block. */
struct ref_row {
    int8_t w[ACT_BLOCK];    /* signed: z is already taken away */
    float scale;            /* of the values, or of sc */
    float min;              /* subtracted from each value; or the scale of m */
    int sc[2], m[2];        /* two scales and minima: of k 0..15 and of k 16..31 */
};

/* Decodes row `row` of k block `b` (32 values) of a tile. */
typedef void ref_decode_fn(const void *tile, size_t b, int row, struct ref_row *out);

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

/* 2-bit values of one row, k 0..31, minus z. */
static inline void decode_crumbs(const uint8_t crumbs[2][64], int row, int z, int8_t w[ACT_BLOCK])
{
    for (int k = 0; k < ACT_BLOCK; k++)
        w[k] = (int8_t)((crumbs[k % 16 / 8][4 * row + k % 4] >> (k % 8 / 4 * 4 + k / 16 * 2) & 3) - z);
}

/* 5-bit values of one row, k 0..31, minus z. */
static inline void decode_fives(const uint8_t fives[5][64], int row, int z, int8_t w[ACT_BLOCK])
{
    for (int i = 0; i < 4; i++) {
        int upper[5];
        for (int v = 0; v < 5; v++) {
            const uint8_t byte = fives[v][4 * row + i];
            w[4 * v + i] = (int8_t)((byte & 31) - z);
            upper[v] = byte >> 5;
        }
        w[20 + i] = (int8_t)((upper[0] | (upper[3] & 3) << 3) - z);
        w[24 + i] = (int8_t)((upper[1] | (upper[4] & 3) << 3) - z);
        w[28 + i] = (int8_t)((upper[2] | upper[3] >> 2 << 3 | upper[4] >> 2 << 4) - z);
    }
}

/* The 6-bit values j = 0..3 of one row at byte i of its four: each vector has one in its low bits, and a third of the last one. */
static inline void decode_sixes(const uint8_t sixes[3][64], int row, int i, int values[4])
{
    values[3] = 0;
    for (int j = 0; j < 3; j++) {
        values[j] = sixes[j][4 * row + i] & 63;
        values[3] |= sixes[j][4 * row + i] >> 6 << 2 * j;
    }
}

/* What each 4-bit value stands for. */
static inline void decode_codebook(const int8_t codebook[16], int8_t w[ACT_BLOCK])
{
    for (int k = 0; k < ACT_BLOCK; k++)
        w[k] = codebook[w[k]];
}

/* ---- the bodies, with the type's functions and family as constants */

ALWAYS_INLINE void pack_ref(enum weight_type type, ref_pack_fn *pack, const void *rows_data, size_t row_bytes, int rows,
                            size_t blocks, void *tile)
{
    const struct quant *q = &quants[type];
    uint8_t *to = tile;
    if (rows < TILE_ROWS)
        memset(tile, 0, blocks * q->tile_bytes);
    for (size_t b = 0; b < blocks; b++, to += q->tile_bytes)
        for (int r = 0; r < rows; r++)
            pack((const uint8_t *)rows_data + (size_t)r * row_bytes + b * q->block_bytes, r, to);
}

ALWAYS_INLINE float ref_block_value(enum family family, const struct ref_row *row, const struct act_block *x)
{
    int32_t lo = 0, hi = 0;
    for (int i = 0; i < 16; i++) {
        lo += row->w[i] * x->q[i];
        hi += row->w[16 + i] * x->q[16 + i];
    }
    if (family == FAMILY_ONE_SCALE)
        return row->scale * (float)(lo + hi);
    if (family == FAMILY_SCALE_MIN)
        return __builtin_fmaf(row->min, x->fsum, row->scale * (float)(lo + hi));
    float t = row->scale * (float)(row->sc[0] * lo + row->sc[1] * hi);
    if (family == FAMILY_TWO_SCALES_MINS)
        t = __builtin_fmaf(row->min, (float)(row->m[0] * x->nhalf[0] + row->m[1] * x->nhalf[1]), t);
    return t;
}

ALWAYS_INLINE void linear_ref(enum family family, ref_decode_fn *decode, const void *tile, size_t k, const void *x,
                              size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct act_block *blocks = x;
    float acc[PANEL_COLS][TILE_ROWS] = {{0}};
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

/* Products are exact in float (11 bits of d, and at most 13 of scale and value together), so only the minimum's subtraction rounds. */
ALWAYS_INLINE void unpack_ref(enum family family, ref_decode_fn *decode, const void *tile, int row, size_t k, float *out)
{
    for (size_t b = 0; b < k / ACT_BLOCK; b++, out += ACT_BLOCK) {
        struct ref_row r;
        decode(tile, b, row, &r);
        for (int i = 0; i < ACT_BLOCK; i++) {
            const bool two_scales = family == FAMILY_TWO_SCALES || family == FAMILY_TWO_SCALES_MINS;
            out[i] = r.scale * (float)(two_scales ? r.sc[i / 16] * r.w[i] : r.w[i]);
            if (family == FAMILY_SCALE_MIN)
                out[i] -= r.min;
            if (family == FAMILY_TWO_SCALES_MINS)
                out[i] -= r.min * (float)r.m[i / 16];
        }
    }
}

/* The three kernels of a quantized type from its two functions. */
#define REF_KERNELS(name, pack_row, decode)                                                                                \
    void pack_##name##_ref(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile)                   \
    {                                                                                                                      \
        pack_ref(WEIGHT_##name, pack_row, rows_data, row_bytes, rows, blocks, tile);                                       \
    }                                                                                                                      \
    void unpack_##name##_ref(const void *tile, int row, size_t k, float *out)                                              \
    {                                                                                                                      \
        unpack_ref(FAMILY_OF_##name, decode, tile, row, k, out);                                                           \
    }                                                                                                                      \
    TIER_LINEAR(name)                                                                                                      \
    {                                                                                                                      \
        linear_ref(FAMILY_OF_##name, decode, tile, k, x, x_stride, cols, y, y_stride);                                     \
    }

#endif
