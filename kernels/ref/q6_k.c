/* Q6_K: 16 sub-blocks of 16 values d * sc * (q - 32). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

/* Each half of 128 values is four quarters of 32: the tile's sub-blocks. Quarter q takes its low 4 bits from ql bytes
 * 32 (q % 2) .. + 31, low nibbles for q < 2, else high; its upper 2 bits are bits 2q+1..2q of the 32 bytes of qh. */
static void pack_row(const struct block_q6_k *from, int r, struct tile_q6_k *t)
{
    memcpy(&t->d[r], &from->d, 2);
    for (int s = 0; s < 8; s++) {
        int half = s / 4, q = s % 4, high = q / 2 * 4;
        const uint8_t *ql = from->ql + 64 * half + 32 * (q % 2), *qh = from->qh + 32 * half;
        t->sub[s].sc_lo[r] = from->scales[2 * s];
        t->sub[s].sc_hi[r] = from->scales[2 * s + 1];
        for (int v = 0; v < 4; v++) {
            uint32_t a = load_u32(ql + 4 * v) >> high & 0x0f0f0f0f, b = load_u32(ql + 16 + 4 * v) >> high & 0x0f0f0f0f;
            store_row(t->sub[s].nibbles[v], r, a | b << 4);
        }
        for (int h = 0; h < 2; h++) {
            uint32_t crumbs = 0;
            for (int j = 0; j < 4; j++)
                crumbs |= (load_u32(qh + 16 * h + 4 * j) >> 2 * q & 0x03030303) << 2 * j;
            store_row(t->sub[s].crumbs[h], r, crumbs);
        }
    }
}

void pack_Q6_K_ref(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile)
{
    struct tile_q6_k *t = tile;
    if (rows < TILE_ROWS)
        memset(tile, 0, blocks * sizeof *t);
    for (size_t b = 0; b < blocks; b++, t++) {
        for (int r = 0; r < rows; r++) {
            const struct block_q6_k *row = (const void *)((const uint8_t *)rows_data + (size_t)r * row_bytes);
            pack_row(row + b, r, t);
        }
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    size_t s = b % 8;
    decode_nibbles(t->sub[s].nibbles, row, 32, out->w);
    for (int h = 0; h < 2; h++)
        for (int j = 0; j < 4; j++)
            for (int i = 0; i < 4; i++)
                out->w[16 * h + 4 * j + i] += (int8_t)((t->sub[s].crumbs[h][4 * row + i] >> 2 * j & 3) << 4);
    float d = half_to_float(t->d[row]);
    out->scale = d * (float)t->sub[s].sc_lo[row];
    out->scale_hi = d * (float)t->sub[s].sc_hi[row];
}

void unpack_Q6_K_ref(const void *tile, int row, size_t k, float *out)
{
    unpack_ref(TWO_SCALES, decode, tile, row, k, out);
}

void linear_Q6_K_ref(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    linear_ref(TWO_SCALES, decode, tile, k, x, x_stride, cols, y, y_stride);
}
