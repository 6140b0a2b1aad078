/* The kernels of quantized weights: pack, unpack, linear of each type; quantize; the two measures.
 * A new type needs a plain decoder of its GGUF block and an entry in `formats`. */
#include "kernel_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the types mean, from the GGUF description alone, one value at a time */

static double half(const uint8_t *p)
{
    int bits = p[0] | p[1] << 8, exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}

static void decode_q4_0(const uint8_t *b, double *out)
{
    for (int i = 0; i < 32; i++)
        out[i] = half(b) * ((i < 16 ? b[2 + i] & 15 : b[2 + i - 16] >> 4) - 8);
}

static void decode_q8_0(const uint8_t *b, double *out)
{
    for (int i = 0; i < 32; i++)
        out[i] = half(b) * (int8_t)b[2 + i];
}

static void decode_q4_k(const uint8_t *b, double *out)
{
    const uint8_t *s = b + 4, *qs = b + 16;
    for (int i = 0; i < 256; i++) {
        int j = i / 32;
        int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        int m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
        uint8_t byte = qs[i / 64 * 32 + i % 32];
        out[i] = half(b) * sc * (j % 2 ? byte >> 4 : byte & 15) - half(b + 2) * m;
    }
}

static void decode_q6_k(const uint8_t *b, double *out)
{
    const uint8_t *ql = b, *qh = b + 128, *scales = b + 192;
    for (int i = 0; i < 256; i++) {
        int upper = i / 128, l = i % 32, quarter = i / 32 % 4;
        uint8_t low = ql[64 * upper + 32 * (quarter & 1) + l];
        int q = (quarter < 2 ? low & 15 : low >> 4) | (qh[32 * upper + l] >> 2 * quarter & 3) << 4;
        out[i] = half(b + 208) * (int8_t)scales[i / 16] * (q - 32);
    }
}

static void decode_q4_1(const uint8_t *b, double *out)
{
    for (int i = 0; i < 32; i++)
        out[i] = half(b) * (i < 16 ? b[4 + i] & 15 : b[4 + i - 16] >> 4) + half(b + 2);
}

/* 5-bit value i: fifth bits at qh, the others at qs. */
static int five_bits(const uint8_t *qh, const uint8_t *qs, int i)
{
    return (i < 16 ? qs[i] & 15 : qs[i - 16] >> 4) | (qh[i / 8] >> i % 8 & 1) << 4;
}

static void decode_q5_0(const uint8_t *b, double *out)
{
    for (int i = 0; i < 32; i++)
        out[i] = half(b) * (five_bits(b + 2, b + 6, i) - 16);
}

static void decode_q5_1(const uint8_t *b, double *out)
{
    for (int i = 0; i < 32; i++)
        out[i] = half(b) * five_bits(b + 4, b + 8, i) + half(b + 2);
}

/* Value i of 256 2-bit numbers. */
static int two_bits(const uint8_t *qs, int i)
{
    return qs[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
}

static void decode_q2_k(const uint8_t *b, double *out)
{
    for (int i = 0; i < 256; i++)
        out[i] = half(b + 80) * (b[i / 16] & 15) * two_bits(b + 16, i) - half(b + 82) * (b[i / 16] >> 4);
}

static void decode_q3_k(const uint8_t *b, double *out)
{
    const uint8_t *s = b + 96;
    for (int i = 0; i < 256; i++) {
        int j = i / 16;
        int sc = (j < 8 ? s[j] & 15 : s[j - 8] >> 4) | (s[8 + j % 4] >> j / 4 * 2 & 3) << 4;
        int q = two_bits(b + 32, i) - (b[i % 32] >> i / 32 & 1 ? 0 : 4);
        out[i] = half(b + 108) * (sc - 32) * q;
    }
}

static void decode_q5_k(const uint8_t *b, double *out)
{
    const uint8_t *s = b + 4, *qh = b + 16, *qs = b + 48;
    for (int i = 0; i < 256; i++) {
        int j = i / 32;
        int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        int m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
        uint8_t byte = qs[i / 64 * 32 + i % 32];
        int q = (j % 2 ? byte >> 4 : byte & 15) + (qh[i % 32] >> j & 1 ? 16 : 0);
        out[i] = half(b) * sc * q - half(b + 2) * m;
    }
}

static const int iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static void decode_iq4_nl(const uint8_t *b, double *out)
{
    for (int i = 0; i < 32; i++)
        out[i] = half(b) * iq4_values[i < 16 ? b[2 + i] & 15 : b[2 + i - 16] >> 4];
}

static void decode_iq4_xs(const uint8_t *b, double *out)
{
    for (int i = 0; i < 256; i++) {
        int j = i / 32, l = i % 32;
        int sc = (b[4 + j / 2] >> j % 2 * 4 & 15) | ((b[2] | b[3] << 8) >> 2 * j & 3) << 4;
        uint8_t byte = b[8 + 16 * j + l % 16];
        out[i] = half(b) * (sc - 32) * iq4_values[l < 16 ? byte & 15 : byte >> 4];
    }
}

static void decode_mxfp4(const uint8_t *b, double *out)
{
    static const double e2m1[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    for (int i = 0; i < 32; i++) {
        int q = i < 16 ? b[1 + i] & 15 : b[1 + i - 16] >> 4;
        out[i] = ldexp(q & 8 ? -e2m1[q & 7] : e2m1[q & 7], b[0] - 127);
    }
}

static int digit(uint8_t byte, int n)
{
    static const int power[5] = {1, 3, 9, 27, 81};
    return byte * power[n] % 256 * 3 / 256;
}

static void decode_tq1_0(const uint8_t *b, double *out)
{
    for (int i = 0; i < 256; i++) {
        int q = i < 160 ? digit(b[i % 32], i / 32) : i < 240 ? digit(b[32 + i % 16], (i - 160) / 16) : digit(b[48 + i % 4], (i - 240) / 4);
        out[i] = half(b + 52) * (q - 1);
    }
}

static void decode_tq2_0(const uint8_t *b, double *out)
{
    for (int i = 0; i < 256; i++)
        out[i] = half(b + 64) * (two_bits(b, i) - 1);
}

static const struct format {
    enum weight_type type;
    void (*decode)(const uint8_t *block, double *out);
    int halves;         /* F16 scales in a GGUF block, and where; none: it begins with an E8M0 scale */
    int half_at[2];
} formats[WEIGHT_TYPES] = {
#define FORMAT(name, ...) [WEIGHT_##name] = {WEIGHT_##name, __VA_ARGS__}
    FORMAT(Q4_0, decode_q4_0, 1, {0}),
    FORMAT(Q4_1, decode_q4_1, 2, {0, 2}),
    FORMAT(Q5_0, decode_q5_0, 1, {0}),
    FORMAT(Q5_1, decode_q5_1, 2, {0, 2}),
    FORMAT(Q8_0, decode_q8_0, 1, {0}),
    FORMAT(Q2_K, decode_q2_k, 2, {80, 82}),
    FORMAT(Q3_K, decode_q3_k, 1, {108}),
    FORMAT(Q4_K, decode_q4_k, 2, {0, 2}),
    FORMAT(Q5_K, decode_q5_k, 2, {0, 2}),
    FORMAT(Q6_K, decode_q6_k, 1, {208}),
    FORMAT(IQ4_NL, decode_iq4_nl, 1, {0}),
    FORMAT(IQ4_XS, decode_iq4_xs, 1, {0}),
    FORMAT(MXFP4, decode_mxfp4, 0, {0}),
    FORMAT(TQ1_0, decode_tq1_0, 1, {52}),
    FORMAT(TQ2_0, decode_tq2_0, 1, {64}),
};

/* ---- weights */

enum weights { WEIGHTS_RANDOM, WEIGHTS_ALL_ONES, WEIGHTS_ALL_ZEROS, WEIGHTS_SCALE_0, WEIGHTS_SCALE_MAX,
               WEIGHTS_SCALE_SUBNORMAL, WEIGHT_KINDS, WEIGHTS_EXTREME };

/* Rows of GGUF blocks; every scale finite. */
static void fill_blocks(struct harness *h, const struct format *f, uint8_t *data, size_t blocks, enum weights kind)
{
    size_t bytes = quants[f->type].block_bytes;
    for (size_t i = 0; i < blocks * bytes; i++)
        data[i] = kind == WEIGHTS_ALL_ONES ? 0xff : kind == WEIGHTS_ALL_ZEROS ? 0 : (uint8_t)test_random(&h->random);
    for (size_t i = 0; kind == WEIGHTS_EXTREME && i < blocks * bytes; i++) /* 16 smallest or largest values, signed or not, in turn */
        data[i] = i % bytes % 16 ? data[i - 1] : (uint8_t[]){0, 0x7f, 0x80, 0xff}[data[i] % 4];
    for (size_t b = 0; b < blocks; b++) {
        if (!f->halves) {
            uint8_t *e = data + b * bytes;
            *e = kind == WEIGHTS_SCALE_MAX ? 180 : kind == WEIGHTS_SCALE_SUBNORMAL ? *e % 3 : kind == WEIGHTS_SCALE_0 ? 0 : 110 + *e % 8;
        }
        for (int i = 0; i < f->halves; i++) {
            uint32_t scale = 0x2000 + test_random(&h->random) % 0x0800, sign = test_random(&h->random) & 0x8000;
            if (kind == WEIGHTS_SCALE_0)
                scale = 0;
            if (kind == WEIGHTS_SCALE_MAX)
                scale = 0x7bff;
            if (kind == WEIGHTS_SCALE_SUBNORMAL)
                scale = test_random(&h->random) % 0x0400;
            scale |= sign;
            memcpy(data + b * bytes + (size_t)f->half_at[i], &(uint16_t){(uint16_t)scale}, 2);
        }
    }
}

/* A matrix of `rows` rows, packed by the reference; also its values, [16][k], zero beyond `rows`. */
static const void *make_tile(struct harness *h, const struct format *f, size_t blocks, int rows, enum weights kind, double *values)
{
    const struct quant *q = &quants[f->type];
    uint8_t *data = harness_input(h, (size_t)rows * blocks * q->block_bytes, 1);
    fill_blocks(h, f, data, (size_t)rows * blocks, kind);
    void *tile = harness_input(h, blocks * q->tile_bytes, 64);
    h->ref->pack[f->type](data, blocks * q->block_bytes, rows, blocks, tile);
    if (values)
        memset(values, 0, TILE_ROWS * blocks * q->block * sizeof *values);
    for (size_t b = 0; values && b < (size_t)rows * blocks; b++)
        f->decode(data + b * q->block_bytes, values + b * q->block);
    return tile;
}

static void check_pack(struct harness *h, const struct format *f)
{
    const struct quant *q = &quants[f->type];
    static const int row_counts[] = {16, 1, 7, 15};
    for (int i = 0; i < 4 * WEIGHT_KINDS; i++) {
        size_t blocks = 1 + test_random(&h->random) % 5, extra = i & 1 ? 13 : 0, k = blocks * q->block;
        int rows = row_counts[i % 4];
        harness_begin(h, "rows=%d blocks=%zu weights=%d", rows, blocks, i / 4);
        size_t row_bytes = blocks * q->block_bytes + extra;
        uint8_t *data = harness_input(h, (size_t)(rows - 1) * row_bytes + blocks * q->block_bytes, 1);
        for (int r = 0; r < rows; r++)
            fill_blocks(h, f, data + (size_t)r * row_bytes, blocks, i / 4);
        struct pair tile = harness_output(h, blocks * q->tile_bytes, 64);
        h->ref->pack[f->type](data, row_bytes, rows, blocks, tile.want);
        h->tier->pack[f->type](data, row_bytes, rows, blocks, tile.got);
        harness_same(h);
        double values[5 * 256];
        for (int r = 0; r < TILE_ROWS; r++) {
            struct pair out = harness_output(h, k * sizeof(float), 4);
            memset(values, 0, sizeof values);
            for (size_t b = 0; r < rows && b < blocks; b++)
                f->decode(data + (size_t)r * row_bytes + b * q->block_bytes, values + b * q->block);
            h->ref->unpack[f->type](tile.want, r, k, out.want);
            h->tier->unpack[f->type](tile.want, r, k, out.got);
            harness_close(h, out.got, values, NULL, k, 1e-7);
        }
        harness_same(h);
    }
}

/* ---- activations */

/* A panel [k / 32][stride] of which `cols` columns are used; it ends with the last column used. */
static struct act_block *make_panel(struct harness *h, size_t k, int cols, size_t stride, enum floats kind)
{
    size_t blocks = k / ACT_BLOCK;
    struct act_block *x = harness_input(h, ((blocks - 1) * stride + (size_t)cols) * sizeof *x, 16);
    float *column = malloc(k * sizeof *column);
    for (int c = 0; c < cols; c++) {
        harness_floats(h, column, k, kind);
        for (size_t i = 0; i < k && kind == FLOATS_HUGE; i++)
            column[i] *= 1e-18f; /* or else sums overflow, with the largest scales of MXFP4 too */
        h->ref->quantize(column, k, kind != FLOATS_SIGNS, x + c, stride);
    }
    free(column);
    return x;
}

static void check_linear(struct harness *h, const struct format *f, size_t blocks, int cols, int rows, enum weights kind)
{
    const struct quant *q = &quants[f->type];
    size_t k = blocks * q->block;
    size_t stride = (size_t)cols + (h->round % 3 == 0 ? 0 : test_random(&h->random) % 5);
    size_t y_stride = TILE_ROWS + (h->round % 2 ? 0 : test_random(&h->random) % 40);
    enum floats floats = h->round % FLOAT_KINDS;
    harness_begin(h, "k=%zu cols=%d rows=%d x_stride=%zu y_stride=%zu weights=%d floats=%d", k, cols, rows, stride, y_stride, kind,
                  floats);
    double *values = malloc(TILE_ROWS * k * sizeof *values);
    const void *tile = make_tile(h, f, blocks, rows, kind, values);
    const struct act_block *x = make_panel(h, k, cols, stride, floats);
    struct pair y = harness_output(h, ((size_t)(cols - 1) * y_stride + TILE_ROWS) * sizeof(float), 4);
    float *gap = malloc(((size_t)cols * y_stride + TILE_ROWS) * sizeof *gap);
    memcpy(gap, y.want, ((size_t)(cols - 1) * y_stride + TILE_ROWS) * sizeof *gap);
    h->ref->linear[f->type](tile, 1, k, x, stride, cols, y.want, y_stride);
    h->tier->linear[f->type](tile, 1, k, x, stride, cols, y.got, y_stride);
    harness_same(h);
    for (int c = 0; c < cols; c++) {
        double want[TILE_ROWS] = {0}, scale[TILE_ROWS] = {0};
        for (size_t i = 0; i < k; i++) {
            const struct act_block *a = &x[i / ACT_BLOCK * stride + (size_t)c];
            for (int r = 0; r < TILE_ROWS; r++) {
                double product = values[(size_t)r * k + i] * a->q[i % ACT_BLOCK] * (double)a->d;
                want[r] += product;
                scale[r] += fabs(product);
            }
        }
        harness_close(h, (float *)y.got + (size_t)c * y_stride, want, scale, TILE_ROWS, 1e-5);
        size_t after = (size_t)c * y_stride + TILE_ROWS;
        if (c + 1 < cols && memcmp((float *)y.want + after, gap + after, (y_stride - TILE_ROWS) * sizeof *gap) != 0)
            harness_fail(h, "wrote between columns %d and %d", c, c + 1);
    }
    free(values);
    free(gap);
}

/* Several tiles in one call, against one call each. */
static void check_tiles(struct harness *h, const struct format *f, size_t k, int cols, size_t count)
{
    const size_t bytes = tile_bytes(f->type, k), y_stride = count * TILE_ROWS + 3;
    harness_begin(h, "k=%zu cols=%d tiles=%zu", k, cols, count);
    uint8_t *tiles = harness_input(h, count * bytes, 64);
    for (size_t t = 0; t < count; t++)
        memcpy(tiles + t * bytes, make_tile(h, f, k / quants[f->type].block, TILE_ROWS, WEIGHTS_RANDOM, NULL), bytes);
    const struct act_block *x = make_panel(h, k, cols, (size_t)cols, FLOATS_UNIFORM);
    struct pair y = harness_output(h, ((size_t)(cols - 1) * y_stride + count * TILE_ROWS) * sizeof(float), 4);
    for (size_t t = 0; t < count; t++)
        h->ref->linear[f->type](tiles + t * bytes, 1, k, x, (size_t)cols, cols, (float *)y.want + t * TILE_ROWS, y_stride);
    h->tier->linear[f->type](tiles, count, k, x, (size_t)cols, cols, y.got, y_stride);
    harness_same(h);
}

/* 512 rows by 512 columns of k = 2048 as ops does it, panel by panel; and one column over 64 MB of weights. */
static void bench_linear(struct harness *h, const struct format *f)
{
    enum { K = 2048, TILES = 32, COLS = 512, COLUMN_TILES = 2048 };
    const struct quant *q = &quants[f->type];
    size_t bytes = tile_bytes(f->type, K);
    harness_begin(h, "bench");
    const void *one = make_tile(h, f, K / q->block, TILE_ROWS, WEIGHTS_RANDOM, NULL);
    size_t tiles = (size_t)64 * 1024 * 1024 / bytes;
    uint8_t *matrix = aligned_alloc(64, tiles * bytes / 64 * 64 + 64);
    for (size_t t = 0; t < tiles; t++)
        memcpy(matrix + t * bytes, one, bytes);
    int cols = h->tier->cols;
    struct act_block *panels = harness_input(h, (size_t)(COLS / cols + 1) * (size_t)cols * K / ACT_BLOCK * sizeof *panels, 64);
    const struct act_block *panel = make_panel(h, K, cols, (size_t)cols, FLOATS_UNIFORM);
    size_t panel_blocks = (size_t)cols * K / ACT_BLOCK;
    for (int c = 0; c < COLS; c += cols)
        memcpy(panels + (size_t)(c / cols) * panel_blocks, panel, panel_blocks * sizeof *panel);
    float *y = malloc((size_t)PANEL_COLS * TILES * TILE_ROWS * sizeof *y);
    linear_fn *linear = h->tier->linear[f->type];
    BENCH(h, "512 x 512 x 2048", 2.0 * TILES * TILE_ROWS * (COLS / cols * cols) * K, "Gop/s")
        for (int p = 0; p < COLS / cols; p++)
            linear(matrix, TILES, K, panels + (size_t)p * panel_blocks, (size_t)cols, cols, y, TILES * TILE_ROWS);
    for (int n = 1; n <= 4; n++) {
        char label[40];
        snprintf(label, sizeof label, "%d column%s from memory", n, n > 1 ? "s" : "");
        BENCH(h, label, (double)(tiles * bytes), "GB/s")
            for (size_t t = 0; t + 8 <= tiles; t += 8)
                linear(matrix + t * bytes, 8, K, panels, (size_t)cols, n, y, 8 * TILE_ROWS);
    }
    free(matrix);
    free(y);
}

static bool has_decoder(struct harness *h, const struct format *f)
{
    harness_begin(h, "decoder");
    if (!f->decode)
        harness_fail(h, "there is none: write one, and an entry in `formats`, in tests/harness_quant.c");
    return f->decode;
}

static void linear_case(struct harness *h)
{
    const struct format *f = h->arg;
    if (!has_decoder(h, f))
        return;
    for (int cols = 1; cols <= h->tier->cols; cols++)
        for (size_t blocks = 1; blocks <= 3; blocks++)
            check_linear(h, f, blocks, cols, TILE_ROWS, WEIGHTS_RANDOM);
    for (int kind = 0; kind < 3 * WEIGHT_KINDS; kind++)
        check_linear(h, f, 1 + test_random(&h->random) % 4, 1 + (int)(test_random(&h->random) % (uint64_t)h->tier->cols),
                     1 + (int)(test_random(&h->random) % TILE_ROWS), kind % WEIGHT_KINDS);
    for (int i = 0; i < 4 * FLOAT_KINDS; i++)
        check_linear(h, f, 1 + (size_t)i % 3, 1 + i % h->tier->cols, TILE_ROWS, WEIGHTS_EXTREME);
    check_linear(h, f, 11, h->tier->cols, TILE_ROWS, WEIGHTS_RANDOM);
    for (int cols = 1; cols <= 5; cols++)
        check_tiles(h, f, 2304, cols, 3); /* more of k than is taken apart at once */
    if (h->benching)
        bench_linear(h, f);
}

static void pack_case(struct harness *h)
{
    const struct format *f = h->arg;
    enum { BLOCKS_BYTES = 1 << 20 };
    if (!has_decoder(h, f))
        return;
    check_pack(h, f);
    if (!h->benching)
        return;
    const struct quant *q = &quants[f->type];
    size_t blocks = BLOCKS_BYTES / TILE_ROWS / q->block_bytes, row_bytes = blocks * q->block_bytes;
    harness_begin(h, "bench");
    uint8_t *data = harness_input(h, TILE_ROWS * row_bytes, 1);
    fill_blocks(h, f, data, TILE_ROWS * blocks, WEIGHTS_RANDOM);
    struct pair tile = harness_output(h, blocks * q->tile_bytes, 64);
    float *row = malloc(blocks * q->block * sizeof *row);
    BENCH(h, "pack, bytes of source", (double)(TILE_ROWS * row_bytes), "GB/s")
        h->tier->pack[f->type](data, row_bytes, TILE_ROWS, blocks, tile.got);
    BENCH(h, "unpack a row, bytes of floats", (double)(blocks * q->block * sizeof *row), "GB/s")
        h->tier->unpack[f->type](tile.got, 3, blocks * q->block, row);
    free(row);
}

/* ---- quantize */

static bool is_start(int32_t bits, int sum)
{
    float start;
    memcpy(&start, &bits, sizeof start);
    return start == SUM_BIAS + (float)sum;
}

/* The sum of squared errors of the values of a block, rounded to multiples of d. */
static double rounding_error(const float *x, double d)
{
    double sum = 0;
    for (int i = 0; i < ACT_BLOCK; i++) {
        const double rest = (double)x[i] - d * rint((double)x[i] / d);
        sum += rest * rest;
    }
    return sum;
}

/* Whether d is amax / 127, or of several levels the one with the least error, as far as floats tell. */
static bool is_scale(const float *x, double amax, int levels, double d)
{
    double least = INFINITY;
    bool found = false;
    for (int i = 0; i < levels; i++) {
        least = fmin(least, rounding_error(x, amax / (127 - i)));
        found = found || fabs(d - amax / (127 - i)) <= 2e-7 * d;
    }
    return found && rounding_error(x, d) <= least * 1.0001 + 1e-8 * d * d;
}

static void check_quantized(struct harness *h, const float *x, size_t k, int levels, const struct act_block *q, size_t stride)
{
    for (size_t b = 0; b < k / ACT_BLOCK; b++, x += ACT_BLOCK, q += stride) {
        double amax = 0, worst = 0;
        int lo = 0, hi = 0;
        for (int i = 0; i < ACT_BLOCK; i++) {
            amax = fmax(amax, fabs((double)x[i]));
            worst = fmax(worst, fabs((double)q->d * q->q[i] - (double)x[i]));
            *(i < 16 ? &lo : &hi) += q->q[i];
        }
        if (amax < 1e-30 ? q->d != 0 || q->nsum != 0 : !is_scale(x, amax, levels, (double)q->d))
            harness_fail(h, "block %zu: scale %g, largest value %g", b, (double)q->d, amax);
        if (worst > 0.50001 * (double)q->d + 1e-30)
            harness_fail(h, "block %zu: off by %g of a unit", b, worst / (double)q->d);
        const int nsum = -lo - hi;
        if (q->nhalf[0] != -lo || q->nhalf[1] != -hi || q->nsum != nsum || q->fsum != (float)nsum)
            harness_fail(h, "block %zu: wrong sums", b);
        if (!is_start(q->start8, 8 * nsum) || !is_start(q->start128, 128 * nsum) || !is_start(q->start32_lo, -32 * lo) || q->start32_hi != -32 * hi)
            harness_fail(h, "block %zu: wrong starts", b);
    }
}

static void quantize_case(struct harness *h)
{
    for (int i = 0; i < 20 * FLOAT_KINDS; i++) {
        size_t k = ACT_BLOCK * (1 + test_random(&h->random) % 9), stride = 1 + test_random(&h->random) % 17;
        const int levels = i / FLOAT_KINDS % 2 ? 1 : QUANTIZE_LEVELS;
        harness_begin(h, "k=%zu stride=%zu floats=%d levels=%d", k, stride, i % FLOAT_KINDS, levels);
        float *x = harness_input(h, k * sizeof *x, 4);
        harness_floats(h, x, k, i % FLOAT_KINDS);
        if (i / FLOAT_KINDS == 1) /* halves: ties to even */
            for (size_t j = 0; j < k; j++)
                x[j] = j % ACT_BLOCK == 5 ? -127 : (float)(test_random(&h->random) % 254) * 0.5f;
        struct pair q = harness_output(h, ((k / ACT_BLOCK - 1) * stride + 1) * sizeof(struct act_block), 16);
        h->ref->quantize(x, k, levels > 1, q.want, stride);
        h->tier->quantize(x, k, levels > 1, q.got, stride);
        harness_same(h);
        check_quantized(h, x, k, levels, q.got, stride);
    }
    for (size_t i = 0; i < 2 * ACT_BLOCK; i++) { /* one value that is no number makes its block's scale none, wherever it stands */
        harness_begin(h, "NaN at %zu", i);
        float *x = harness_input(h, 2 * ACT_BLOCK * sizeof *x, 4);
        harness_floats(h, x, 2 * ACT_BLOCK, FLOATS_UNIFORM);
        x[i] = i % 2 ? NAN : -NAN;
        struct act_block *q = harness_input(h, 2 * sizeof *q, 16);
        h->tier->quantize(x, 2 * ACT_BLOCK, true, q, 1);
        if (!isnan(q[i / ACT_BLOCK].d) || isnan(q[1 - i / ACT_BLOCK].d))
            harness_fail(h, "scales %g and %g", (double)q[0].d, (double)q[1].d);
    }
    enum { K = 2048 };
    harness_begin(h, "bench");
    float *x = harness_input(h, K * sizeof *x, 4);
    harness_floats(h, x, K, FLOATS_UNIFORM);
    struct act_block *q = harness_input(h, K / ACT_BLOCK * 16 * sizeof *q, 64);
    BENCH(h, "k=2048, bytes of floats", K * sizeof *x, "GB/s")
        h->tier->quantize(x, K, true, q, 16);
}

/* ---- measures */

static void peak_case(struct harness *h)
{
    harness_begin(h, "peak");
    uint64_t ops = h->tier->peak(1000);
    if (ops == 0 || ops % 1000 != 0 || h->tier->peak(3000) != 3 * ops)
        harness_fail(h, "1000 rounds are %llu operations", (unsigned long long)ops);
}

/* Depends on each byte: change any and the answer changes. */
static void read_case(struct harness *h)
{
    for (size_t n = 256; n <= 1024; n += 256) {
        harness_begin(h, "n=%zu", n);
        uint8_t *data = harness_input(h, n, 64);
        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)test_random(&h->random);
        uint64_t before = h->tier->read(data, n);
        for (size_t i = 0; i < n; i++) {
            data[i] ^= 0x10;
            if (h->tier->read(data, n) == before)
                harness_fail(h, "byte %zu does not count", i);
            data[i] ^= 0x10;
        }
    }
}

/* ---- the list */

const struct kernel_case quant_cases[] = {
#define DENSE(name) /* harness_dense.c */
#define QUANTIZED(name) {"pack " #name, pack_case, &formats[WEIGHT_##name]}, {"linear " #name, linear_case, &formats[WEIGHT_##name]},
#define ONE_SCALE(name) QUANTIZED(name)
#define TWO_SCALES(name) QUANTIZED(name)
#define SCALE_MIN(name) QUANTIZED(name)
#define TWO_SCALES_MINS(name) QUANTIZED(name)
#define QUANT(name, gguf, block, bytes, tile, halves, bf16, family) family(name)
#include "../kernels/quants.def"
    {"quantize", quantize_case, NULL},     {"peak", peak_case, NULL},
    {"read", read_case, NULL},             {NULL, NULL, NULL},
};
