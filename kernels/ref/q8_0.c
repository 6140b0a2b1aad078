/* Q8_0: 32 values d * q. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

void pack_Q8_0_ref(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile)
{
    struct tile_q8_0 *t = tile;
    if (rows < TILE_ROWS)
        memset(tile, 0, blocks * sizeof *t);
    for (size_t b = 0; b < blocks; b++, t++) {
        for (int r = 0; r < rows; r++) {
            const struct block_q8_0 *from = (const void *)((const uint8_t *)rows_data + (size_t)r * row_bytes);
            from += b;
            memcpy(&t->d[r], &from->d, 2);
            for (int v = 0; v < 8; v++)
                memcpy(t->values[v] + 4 * r, from->qs + 4 * v, 4);
        }
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q8_0 *t = (const struct tile_q8_0 *)tile + b;
    for (int v = 0; v < 8; v++)
        memcpy(out->w + 4 * v, t->values[v] + 4 * row, 4);
    out->scale = half_to_float(t->d[row]);
}

void unpack_Q8_0_ref(const void *tile, int row, size_t k, float *out)
{
    unpack_ref(ONE_SCALE, decode, tile, row, k, out);
}

void linear_Q8_0_ref(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    linear_ref(ONE_SCALE, decode, tile, k, x, x_stride, cols, y, y_stride);
}
