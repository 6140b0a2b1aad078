/* Matrix products: activations are prepared (quantized or interleaved) into panels, then tiles of rows are handed out. */
#include "ops_internal.h"
#include "profile.h"
#include "weights.h"

#include <string.h>

/* Packed weights that stay in a thread's L2 cache while all columns pass by. */
enum { CHUNK_BYTES = 256 << 10 };

/* `count` columns in panels of nearly equal width: panel i holds columns i * count / panels up to the next. */
struct panels {
    size_t count, panels;
};

static struct panels split(const struct pass *p, size_t count)
{
    const size_t widest = (size_t)p->kernels->cols;
    return (struct panels){ count, (count + widest - 1) / widest };
}

static size_t panel_start(struct panels s, size_t i)
{
    return s.count * i / s.panels;
}

static size_t panel_of(struct panels s, size_t column)
{
    return ((column + 1) * s.panels - 1) / s.count;
}

size_t act_bytes(uint32_t k, size_t count, bool dense)
{
    return dense ? count * k * sizeof(float) : count * (k / ACT_BLOCK) * sizeof(struct act_block);
}

/* Quantizes the thread's own rows of x [count, k] into panels: panel, block, column. */
static void prepare_blocks(struct pass *p, const float *x, uint32_t k, size_t count)
{
    const struct panels s = split(p, count);
    for (struct range r = own_range(p, count); r.first < r.last; r.first++) {
        const size_t i = panel_of(s, r.first), start = panel_start(s, i), width = panel_start(s, i + 1) - start;
        struct act_block *panel = p->work->act + start * (k / ACT_BLOCK);
        p->kernels->quantize(x + r.first * k, k, true, panel + (r.first - start), width);
    }
}

/* The same without rounding, for dense weights: panel, k, column. */
static void prepare_floats(struct pass *p, const float *x, uint32_t k, size_t count)
{
    const struct panels s = split(p, count);
    for (struct range r = own_range(p, count); r.first < r.last; r.first++) {
        const size_t i = panel_of(s, r.first), start = panel_start(s, i), width = panel_start(s, i + 1) - start;
        float *column = p->work->act_dense + start * k + (r.first - start);
        for (uint32_t j = 0; j < k; j++)
            column[j * width] = x[r.first * k + j];
    }
}

/* Tiles first .. last - 1 times all columns of one panel. */
static void tiles_panel(const struct pass *p, const struct product *product, size_t first, size_t last, struct panels s, size_t i)
{
    const struct weight *w = product->w;
    linear_fn *const kernel = p->kernels->linear[w->type];
    const size_t start = panel_start(s, i), width = panel_start(s, i + 1) - start;
    const void *act = quants[w->type].dense ? (const void *)(p->work->act_dense + start * w->k)
                                            : (const void *)(p->work->act + start * (w->k / ACT_BLOCK));
    const size_t whole = w->rows / TILE_ROWS, end = last < whole ? last : whole;
    float *y = product->y + start * w->rows;
    if (first < end)
        kernel(w->tiles + first * w->tile_bytes, end - first, w->k, act, width, (int)width, y + first * TILE_ROWS, w->rows);
    if (last == end)
        return;
    float rows[PANEL_COLS * TILE_ROWS]; /* the last tile has some that y has no place for */
    kernel(w->tiles + whole * w->tile_bytes, 1, w->k, act, width, (int)width, rows, TILE_ROWS);
    for (size_t c = 0; c < width; c++)
        memcpy(y + c * w->rows + whole * TILE_ROWS, rows + c * TILE_ROWS, w->rows % TILE_ROWS * sizeof *y);
}

/* Tiles first .. last - 1, counted over all products one after the other: each panel of columns meets the whole chunk before the
 * next panel comes. */
static void chunk_columns(const struct pass *p, const struct product *products, size_t first, size_t last, struct panels s)
{
    for (const struct product *product = products; first < last; product++) {
        const size_t own = product->w->tile_count, end = last < own ? last : own;
        for (size_t i = 0; first < end && i < s.panels; i++)
            tiles_panel(p, product, first, end, s, i);
        first = first > own ? first - own : 0;
        last = last > own ? last - own : 0;
    }
}

/* Where piece i of the tiles begins. Half of the tiles are handed out first, in a piece for each thread, then half of the rest, and so on
 * (guided self-scheduling: Polychronopoulos and Kuck, 1987): long runs, because what the processor fetches beyond the end of a piece is lost,
 * and short ones at last, so that no thread waits long for another. */
static size_t piece_start(size_t tiles, size_t threads, size_t i)
{
    const size_t round = i / threads, left = round < 64 ? tiles >> round : 0;
    return tiles - left + (left - left / 2) * (i % threads) / threads;
}

static void linear_columns(struct pass *p, const float *x, size_t count, const struct product *products, size_t n)
{
    if (!count)
        return;
    const uint32_t k = products[0].w->k;
    bool dense = false, blocks = false;
    size_t tiles = 0, largest = 1;
    for (size_t i = 0; i < n; i++) {
        const struct weight *w = products[i].w;
        *(quants[w->type].dense ? &dense : &blocks) = true;
        tiles += w->tile_count;
        largest = w->tile_bytes > largest ? w->tile_bytes : largest;
        profile_work(p, (double)w->tile_count * (double)w->tile_bytes, 2.0 * w->rows * w->k * (double)count);
    }
    if (blocks)
        prepare_blocks(p, x, k, count);
    if (dense)
        prepare_floats(p, x, k, count);
    par_wait(p->par);

    const size_t threads = (size_t)p->threads, chunk = largest < CHUNK_BYTES ? CHUNK_BYTES / largest : 1;
    const struct panels s = split(p, count);
    size_t i, first;
    while ((first = piece_start(tiles, threads, i = par_next(p->par, 1))) < tiles) {
        const size_t end = piece_start(tiles, threads, i + 1);
        for (; first < end; first += chunk)
            chunk_columns(p, products, first, end - first > chunk ? first + chunk : end, s);
    }
    par_wait(p->par);
}

void linear(struct pass *p, const float *x, const struct product *products, size_t n)
{
    profile_mark(p, SLM_OP_LINEAR);
    linear_columns(p, x, p->count, products, n);
    profile_mark(p, SLM_OP_OTHER);
}

void logits(struct pass *p, const float *x, const float *norm_w, float eps, const struct weight *w)
{
    if (!p->wanted_count)
        return;
    profile_mark(p, SLM_OP_LINEAR);
    par_wait(p->par); /* a wanted token may belong to another thread */
    float *rows = p->work->gathered;
    for (struct range r = own_range(p, p->wanted_count); r.first < r.last; r.first++)
        p->kernels->rms_norm(x + (p->wanted ? p->wanted[r.first] : r.first) * w->k, norm_w, w->k, eps, rows + r.first * w->k);
    linear_columns(p, rows, p->wanted_count, &(struct product){ w, p->work->logits + p->logits_row * w->rows }, 1);
    profile_mark(p, SLM_OP_OTHER);
}

/* The thread's share of the pass's logits, cut anywhere: what follows them is element by element. */
static float *own_logits(const struct pass *p, const struct weight *w, size_t *count)
{
    const struct range r = own_range(p, p->wanted_count * w->rows);
    *count = r.last - r.first;
    return p->work->logits + p->logits_row * w->rows + r.first;
}

void scale_logits(struct pass *p, const struct weight *w, float s)
{
    size_t count;
    float *y = own_logits(p, w, &count);
    p->kernels->scale(y, s, count);
}

void softcap_logits(struct pass *p, const struct weight *w, float cap)
{
    size_t count;
    float *y = own_logits(p, w, &count);
    p->kernels->softcap(y, cap, count);
}
