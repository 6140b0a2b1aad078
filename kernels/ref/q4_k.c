/* Q4_K: 8 sub-blocks of 32 values d * sc * q - dmin * m. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

/* scales[12], as three words:   word 0: sc 0..3 in bits 0-5, upper bits of sc 4..7 in bits 6-7
 *                               word 1: m 0..3 in bits 0-5,  upper bits of m 4..7 in bits 6-7
 *                               word 2: sc 4..7 in bits 0-3, m 4..7 in bits 4-7 */
static void unpack_scales(const uint8_t scales[12], uint8_t sc[8], uint8_t m[8])
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

static void pack_row(const struct block_q4_k *from, int r, struct tile_q4_k *t)
{
    memcpy(&t->d[r], &from->d, 2);
    memcpy(&t->dmin[r], &from->dmin, 2);
    uint8_t sc[8], m[8];
    unpack_scales(from->scales, sc, m);
    for (int s = 0; s < 8; s++) {
        t->sub[s].sc[r] = sc[s];
        t->sub[s].m[r] = m[s];
    }
    /* Two sub-blocks share 32 bytes, the even one in the low nibbles; a tile's byte holds k and k + 16 of one sub-block. */
    for (int s = 0; s < 8; s += 2) {
        for (int v = 0; v < 4; v++) {
            uint32_t a = load_u32(from->qs + 16 * s + 4 * v), b = load_u32(from->qs + 16 * s + 16 + 4 * v);
            store_row(t->sub[s].nibbles[v], r, (a & 0x0f0f0f0f) | (b & 0x0f0f0f0f) << 4);
            store_row(t->sub[s + 1].nibbles[v], r, (a >> 4 & 0x0f0f0f0f) | (b & 0xf0f0f0f0));
        }
    }
}

void pack_Q4_K_ref(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile)
{
    struct tile_q4_k *t = tile;
    if (rows < TILE_ROWS)
        memset(tile, 0, blocks * sizeof *t);
    for (size_t b = 0; b < blocks; b++, t++) {
        for (int r = 0; r < rows; r++) {
            const struct block_q4_k *row = (const void *)((const uint8_t *)rows_data + (size_t)r * row_bytes);
            pack_row(row + b, r, t);
        }
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q4_k *t = (const struct tile_q4_k *)tile + b / 8;
    decode_nibbles(t->sub[b % 8].nibbles, row, 0, out->w);
    out->scale = half_to_float(t->d[row]) * (float)t->sub[b % 8].sc[row];
    out->min = half_to_float(t->dmin[row]) * (float)t->sub[b % 8].m[row];
}

void unpack_Q4_K_ref(const void *tile, int row, size_t k, float *out)
{
    unpack_ref(SCALE_MIN, decode, tile, row, k, out);
}

void linear_Q4_K_ref(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    linear_ref(SCALE_MIN, decode, tile, k, x, x_stride, cols, y, y_stride);
}
