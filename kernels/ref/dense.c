/* Dense weight types: a tile is the matrix transposed, 16 values for each k. */
#include "ref.h"

#include <math.h>

static void pack16(const void *rows_data, size_t row_bytes, int rows, size_t k, uint16_t *tile)
{
    for (int r = 0; r < TILE_ROWS; r++) {
        const uint8_t *row = (const uint8_t *)rows_data + (size_t)r * row_bytes;
        for (size_t i = 0; i < k; i++) {
            uint16_t value = 0;
            if (r < rows)
                memcpy(&value, row + 2 * i, 2);
            tile[i * TILE_ROWS + (size_t)r] = value;
        }
    }
}

static float bf16_to_float(uint16_t bits)
{
    return float_from_bits((uint32_t)bits << 16);
}

static float same(float value)
{
    return value;
}

void pack_F16_ref(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile)
{
    pack16(rows_data, row_bytes, rows, blocks, tile);
}

void pack_BF16_ref(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile)
{
    pack16(rows_data, row_bytes, rows, blocks, tile);
}

void pack_F32_ref(const void *rows_data, size_t row_bytes, int rows, size_t blocks, void *tile)
{
    float *out = tile;
    for (int r = 0; r < TILE_ROWS; r++) {
        const uint8_t *row = (const uint8_t *)rows_data + (size_t)r * row_bytes;
        for (size_t i = 0; i < blocks; i++) {
            float value = 0;
            if (r < rows)
                memcpy(&value, row + 4 * i, 4);
            out[i * TILE_ROWS + (size_t)r] = value;
        }
    }
}

#define UNPACK_AND_LINEAR(name, type, to_float)                                                                            \
    void unpack_##name##_ref(const void *tile, int row, size_t k, float *out)                                              \
    {                                                                                                                      \
        const type *w = tile;                                                                                              \
        for (size_t i = 0; i < k; i++)                                                                                     \
            out[i] = to_float(w[i * TILE_ROWS + (size_t)row]);                                                             \
    }                                                                                                                      \
    TIER_LINEAR(name)                                                                                                      \
    {                                                                                                                      \
        const type *w = tile;                                                                                              \
        for (int c = 0; c < cols; c++) {                                                                                   \
            const float *column = (const float *)x + c;                                                                    \
            for (int r = 0; r < TILE_ROWS; r++) {                                                                          \
                float acc[2] = {0, 0}; /* k even, k odd */                                                                 \
                for (size_t i = 0; i < k; i++)                                                                             \
                    acc[i % 2] = fmaf(to_float(w[i * TILE_ROWS + (size_t)r]), column[i * x_stride], acc[i % 2]);           \
                y[(size_t)c * y_stride + (size_t)r] = acc[0] + acc[1];                                                     \
            }                                                                                                              \
        }                                                                                                                  \
    }

UNPACK_AND_LINEAR(F32, float, same)
UNPACK_AND_LINEAR(F16, uint16_t, half_to_float)
UNPACK_AND_LINEAR(BF16, uint16_t, bf16_to_float)
