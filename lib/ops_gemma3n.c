/* Token-wise operations that only Gemma 3n has. Sums are in double and in order; nothing depends on the instruction set. */
#include "ops_internal.h"
#include "weights.h"

#include <math.h>
#include <string.h>

void embed_table(struct pass *p, const struct table *w, float *x)
{
    _Alignas(64) uint8_t tile[TABLE_TILE];
    const struct quant *q = &quants[w->type];
    const uint32_t step = q->block > ACT_BLOCK ? q->block : ACT_BLOCK;
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++) {
        const uint32_t token = (uint32_t)p->tokens[r.first];
        const uint8_t *row = w->data + (token < w->rows ? token : 0) * w->row_bytes;
        for (uint32_t i = 0; i < w->k; i += step) { /* packing and unpacking a few blocks converts them */
            const uint32_t n = w->k - i < step ? w->k - i : step;
            p->kernels->pack[w->type](row + i / q->block * q->block_bytes, w->row_bytes, 1, n / q->block, tile);
            p->kernels->unpack[w->type](tile, 0, n, x + r.first * w->k + i);
        }
    }
}

void multiply(struct pass *p, const float *x, const float *w, uint32_t n, float *y)
{
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++)
        for (uint32_t i = 0; i < n; i++)
            y[r.first * n + i] = x[r.first * n + i] * w[i];
}

void squash(struct pass *p, float *y, uint32_t n)
{
    const struct range r = own_range(p, p->count);
    p->kernels->softcap(y + r.first * n, 1.0f, (r.last - r.first) * n);
}

void take_columns(struct pass *p, const float *x, uint32_t width, uint32_t first, uint32_t n, float *y)
{
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++)
        memcpy(y + r.first * n, x + r.first * width + first, n * sizeof *y);
}

static double sum_of_squares(const float *x, uint32_t n, double mean)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sum;
}

void match_magnitude(struct pass *p, float *y, const float *x, uint32_t n)
{
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++) {
        const double own = sum_of_squares(y + r.first * n, n, 0), other = sum_of_squares(x + r.first * n, n, 0);
        if (own > 0)
            p->kernels->scale(y + r.first * n, (float)sqrt(other / own), n);
    }
}

void keep_outliers(struct pass *p, float *y, float deviations, uint32_t n)
{
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++) {
        float *row = y + r.first * n;
        double mean = 0;
        for (uint32_t i = 0; i < n; i++)
            mean += (double)row[i];
        mean /= n;
        const double deviation = n > 1 ? sqrt(sum_of_squares(row, n, mean) / (n - 1)) : 0;
        const float least = (float)(mean + (double)deviations * deviation);
        for (uint32_t i = 0; i < n; i++)
            row[i] = row[i] > least ? row[i] - least : 0.0f;
    }
}

void altup_predict(struct pass *p, const float *x, const float *c, uint32_t streams, uint32_t n, float *y)
{
    const size_t stream = p->count * n;
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++)
        for (uint32_t o = 0; o < streams; o++) {
            const float *mix = c + (r.first * streams + o) * streams, *in = x + r.first * n;
            float *out = y + o * stream + r.first * n;
            memcpy(out, in + o * stream, n * sizeof *out);
            for (uint32_t s = 0; s < streams; s++)
                for (uint32_t i = 0; i < n; i++)
                    out[i] += mix[s] * in[s * stream + i];
        }
}

void altup_correct(struct pass *p, const float *x, const float *active, const float *c, uint32_t streams, uint32_t n, float *y)
{
    const size_t stream = p->count * n;
    for (struct range r = own_range(p, p->count); r.first < r.last; r.first++)
        for (uint32_t s = 0; s < streams; s++) {
            const float *first = x + r.first * n, *in = first + s * stream, *now = active + r.first * n;
            float *out = y + s * stream + r.first * n;
            for (uint32_t i = 0; i < n; i++)
                out[i] = in[i] + (c[r.first * streams + s] + 1.0f) * (now[i] - first[i]);
        }
}
