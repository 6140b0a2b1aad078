/* Dense weights, F32, F16 and BF16: pack, unpack, linear. */
#include "kernel_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 8192 };

/* What double precision gives, and what errors are measured against. */
static double want[MAX_N], scale[MAX_N];

struct dense {
    enum weight_type type;
    size_t bytes;
};

static const struct dense dense_types[] = {{WEIGHT_F32, 4}, {WEIGHT_F16, 2}, {WEIGHT_BF16, 2}};

static double dense_value(const struct dense *d, const uint8_t *p)
{
    uint16_t bits;
    uint32_t wide;
    float f;
    memcpy(&bits, p, 2);
    if (d->type == WEIGHT_F16)
        return harness_half_value(bits);
    wide = (uint32_t)bits << 16;
    memcpy(&f, d->type == WEIGHT_F32 ? (const void *)p : &wide, 4);
    return (double)f;
}

static void fill_dense(struct harness *h, const struct dense *d, uint8_t *data, size_t n, enum floats kind)
{
    for (size_t i = 0; i < n; i++) {
        float f;
        harness_floats(h, &f, 1, kind);
        uint32_t wide;
        memcpy(&wide, &f, 4);
        uint16_t bits = d->type == WEIGHT_F16 ? harness_half_bits(f) : (uint16_t)(wide >> 16);
        memcpy(data + i * d->bytes, d->type == WEIGHT_F32 ? (const void *)&f : &bits, d->bytes);
    }
}

static void pack_dense_case(struct harness *h)
{
    const struct dense *d = h->arg;
    for (int i = 0; i < 2 * HARNESS_LENGTHS; i++) {
        size_t k = harness_length(i / 2), row_bytes = k * d->bytes + (size_t)(i % 3) * d->bytes;
        int rows = i % 2 ? TILE_ROWS : harness_int(h, 1, TILE_ROWS), row = harness_int(h, 0, TILE_ROWS - 1);
        if (k == 0)
            continue;
        harness_begin(h, "k=%zu rows=%d", k, rows);
        uint8_t *data = harness_input(h, (size_t)(rows - 1) * row_bytes + k * d->bytes, 1);
        fill_dense(h, d, data, ((size_t)(rows - 1) * row_bytes + k * d->bytes) / d->bytes, i % FLOAT_KINDS);
        struct pair tile = harness_output(h, k * TILE_ROWS * d->bytes, 64), out = harness_output(h, k * sizeof(float), 4);
        h->ref->pack[d->type](data, row_bytes, rows, k, tile.want);
        h->tier->pack[d->type](data, row_bytes, rows, k, tile.got);
        h->ref->unpack[d->type](tile.want, row, k, out.want);
        h->tier->unpack[d->type](tile.got, row, k, out.got);
        harness_same(h);
        for (size_t j = 0; j < k; j++)
            want[j] = row < rows ? dense_value(d, data + (size_t)row * row_bytes + j * d->bytes) : 0;
        harness_close(h, out.got, want, NULL, k, 0);
    }
    enum { K = 4096 };
    harness_begin(h, "bench");
    uint8_t *data = harness_input(h, TILE_ROWS * K * d->bytes, 64), *tile = harness_input(h, TILE_ROWS * K * d->bytes, 64);
    float *row = malloc(K * sizeof *row);
    BENCH(h, "pack, bytes of source", (double)(TILE_ROWS * K * d->bytes), "GB/s")
        h->tier->pack[d->type](data, K * d->bytes, TILE_ROWS, K, tile);
    BENCH(h, "unpack a row, bytes of floats", (double)(K * sizeof *row), "GB/s")
        h->tier->unpack[d->type](tile, 3, K, row);
    free(row);
}

static void check_linear(struct harness *h, const struct dense *d, size_t k, int cols, enum floats kind)
{
    size_t x_stride = (size_t)harness_int(h, cols, cols + 3), y_stride = (size_t)harness_int(h, TILE_ROWS, TILE_ROWS + 5);
    size_t x_count = k ? (k - 1) * x_stride + (size_t)cols : 0;
    harness_begin(h, "k=%zu cols=%d floats=%d strides %zu %zu", k, cols, (int)kind, x_stride, y_stride);
    uint8_t *tile = harness_input(h, k * TILE_ROWS * d->bytes, 64);
    fill_dense(h, d, tile, k * TILE_ROWS, kind == FLOATS_HUGE ? FLOATS_UNIFORM : kind);
    float *x = harness_input_floats(h, x_count, kind);
    for (size_t i = 0; i < x_count && kind == FLOATS_HUGE; i++)
        x[i] *= 0.01f; /* sums stay finite */
    size_t count = (size_t)(cols - 1) * y_stride + TILE_ROWS;
    struct pair y = harness_output_floats(h, count, FLOATS_UNIFORM);
    h->ref->linear[d->type](tile, 1, k, x, x_stride, cols, y.want, y_stride);
    h->tier->linear[d->type](tile, 1, k, x, x_stride, cols, y.got, y_stride);
    harness_same(h);
    for (size_t c = 0; c < (size_t)cols; c++) {
        for (size_t r = 0; r < TILE_ROWS; r++) {
            want[r] = scale[r] = 0;
            for (size_t i = 0; i < k; i++) {
                double product = dense_value(d, tile + (i * TILE_ROWS + r) * d->bytes) * (double)x[i * x_stride + c];
                want[r] += product;
                scale[r] += fabs(product);
            }
        }
        harness_close(h, (float *)y.got + c * y_stride, want, scale, TILE_ROWS, 6e-8 * ((double)k / 2 + 2));
    }
}

/* Several tiles in one call, against one call each. */
static void check_tiles(struct harness *h, const struct dense *d, size_t k, int cols, size_t count)
{
    const size_t bytes = tile_bytes(d->type, k), y_stride = count * TILE_ROWS + 3;
    harness_begin(h, "k=%zu cols=%d tiles=%zu", k, cols, count);
    uint8_t *tiles = harness_input(h, count * bytes, 64);
    fill_dense(h, d, tiles, count * k * TILE_ROWS, FLOATS_UNIFORM);
    const float *x = harness_input_floats(h, k * (size_t)cols, FLOATS_UNIFORM);
    struct pair y = harness_output_floats(h, (size_t)(cols - 1) * y_stride + count * TILE_ROWS, FLOATS_UNIFORM);
    for (size_t t = 0; t < count; t++)
        h->ref->linear[d->type](tiles + t * bytes, 1, k, x, (size_t)cols, cols, (float *)y.want + t * TILE_ROWS, y_stride);
    h->tier->linear[d->type](tiles, count, k, x, (size_t)cols, cols, y.got, y_stride);
    harness_same(h);
}

static void linear_dense_case(struct harness *h)
{
    const struct dense *d = h->arg;
    for (int cols = 1; cols <= h->tier->cols; cols++)
        for (size_t k = 0; k < 8; k++)
            check_linear(h, d, k, cols, FLOATS_UNIFORM);
    for (int i = 0; i < 60; i++)
        check_linear(h, d, (size_t)harness_int(h, 1, 100), harness_int(h, 1, h->tier->cols), i % FLOAT_KINDS);
    for (int cols = 1; cols <= h->tier->cols; cols += 5)
        check_linear(h, d, 172, cols, FLOATS_OUTLIERS);
    for (int cols = 1; cols <= 5; cols++)
        check_tiles(h, d, 37, cols, 3);
    if (!h->benching)
        return;
    enum { K = 2048 };
    size_t bytes = tile_bytes(d->type, K), tiles = ((size_t)256 << 20) / bytes;
    harness_begin(h, "bench");
    uint8_t *matrix = calloc(tiles, bytes);
    for (size_t t = 0; matrix && t < tiles; t++)
        memset(matrix + t * bytes, 0x3c, bytes);
    float *x = harness_input_floats(h, K * PANEL_COLS, FLOATS_UNIFORM), y[PANEL_COLS * TILE_ROWS];
    static const int cols[] = {1, 2, 3, 4, 8, 16};
    for (size_t i = 0; matrix && i < sizeof cols / sizeof cols[0]; i++) {
        char label[40];
        snprintf(label, sizeof label, "%d cols from memory", cols[i]);
        BENCH(h, label, (double)(tiles * bytes), "GB/s")
            for (size_t t = 0; t < tiles; t++)
                h->tier->linear[d->type](matrix + t * bytes, 1, K, x, (size_t)cols[i], cols[i], y, TILE_ROWS);
        snprintf(label, sizeof label, "%d cols", cols[i]);
        BENCH(h, label, 2.0 * K * TILE_ROWS * cols[i], "GFLOP/s")
            h->tier->linear[d->type](matrix, 1, K, x, (size_t)cols[i], cols[i], y, TILE_ROWS);
    }
    free(matrix);
}

/* ---- the list */

const struct kernel_case dense_cases[] = {
    {"pack F32", pack_dense_case, &dense_types[0]},
    {"linear F32", linear_dense_case, &dense_types[0]},
    {"pack F16", pack_dense_case, &dense_types[1]},
    {"linear F16", linear_dense_case, &dense_types[1]},
    {"pack BF16", pack_dense_case, &dense_types[2]},
    {"linear BF16", linear_dense_case, &dense_types[2]},
    {NULL, NULL, NULL},
};
