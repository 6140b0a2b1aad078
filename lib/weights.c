#include "weights.h"

#include "ops_internal.h"
#include "par.h"
#include "random.h"

#include "../kernels/kernels.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Tiles that are packed between two looks at the work counter: small enough that pages are dropped soon. */
enum { PACK_TILES = 8 };

/* Rows that a random model's table has at most: a real one is some gigabytes, of which a token touches one row. */
enum { RANDOM_ROWS = 1024 };

struct binding {
    struct weight *weight;
    const struct gguf_tensor *tensor;   /* NULL: random */
    uint32_t first_row;                 /* of the tensor */
    uint64_t first_unit;                /* index of its first PACK_TILES unit among all bindings' */
};

enum { BIND_NAME = 128 };

/* Records the first failure. */
static void fail_at(struct binder *b, slm_status status, uint64_t offset, const char *format, va_list args)
{
    char text[sizeof b->err->message];
    if (b->status)
        return;
    vsnprintf(text, sizeof text, format, args);
    b->status = fail(b->err, status, offset, "%s", text);
}

void bind_fail(struct binder *b, slm_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(b, status, SLM_NO_OFFSET, format, args);
    va_end(args);
}

/* A failure that stands at a place of the file. */
PRINTF_LIKE(4, 5) static void bind_fail_at(struct binder *b, slm_status status, uint64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(b, status, offset, format, args);
    va_end(args);
}

/* Makes room for one more element of a growing list; false after recording the failure. */
static bool grow(struct binder *b, void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? *room * 2 : 64;
    void *bigger = mem_alloc(b->mem, wanted, size);
    if (!bigger) {
        bind_fail(b, SLM_MEMORY, "no memory for the model's list of tensors");
        return false;
    }
    if (*list)
        memcpy(bigger, *list, count * size);
    mem_free(b->mem, *list);
    *list = bigger;
    *room = wanted;
    return true;
}

void *bind_alloc(struct binder *b, size_t count, size_t size)
{
    void *list = b->owned;
    if (b->status || !grow(b, &list, b->owned_count, &b->owned_room, sizeof *b->owned))
        return NULL;
    b->owned = list;
    void *p = mem_zalloc(b->mem, count, size);
    if (!p)
        bind_fail(b, SLM_MEMORY, "no memory for %zu x %zu bytes of the model", count, size);
    else
        b->owned[b->owned_count++] = p;
    return p;
}

static void shape_text(const struct gguf_tensor *t, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%llu", (unsigned long long)t->dims[0]);
    for (uint32_t i = 1; i < t->dims_count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, " x %llu", (unsigned long long)t->dims[i]);
}

/* Remembers that the model knows what the tensor is for. */
static void mark(struct binder *b, const struct gguf_tensor *t)
{
    if (b->used && t)
        b->used[t - b->gguf->tensors] = true;
}

/* Finds a tensor and checks its shape: k values a row, `rows` rows. NULL if it is absent and optional, or after a failure. */
static const struct gguf_tensor *find(struct binder *b, const char *name, uint32_t rows, uint32_t k, bool optional)
{
    const struct gguf_tensor *t = gguf_find_tensor(b->gguf, name);
    if (!t) {
        if (!optional)
            bind_fail(b, SLM_FORMAT, "tensor %s (%u x %u) is missing: the file is incomplete or not a %s model", name, k, rows,
                      b->prefix);
        return NULL;
    }
    if (t->dims[0] != k || t->rows != rows) {
        char found[96], part[GGUF_PART_TEXT];
        shape_text(t, found, sizeof found);
        bind_fail_at(b, SLM_FORMAT, t->entry, "%stensor %s is %s, expected %u x %u: the file does not fit its metadata",
                     gguf_part_text(t, part), name, found, k, rows);
        return NULL;
    }
    mark(b, t);
    return t;
}

/* `rows` rows, from `first`, of a tensor that has `total` */
static void add_matrix(struct binder *b, struct weight *w, uint32_t first, uint32_t rows, uint32_t total, uint32_t k, bool optional,
                       const char *name)
{
    const struct gguf_tensor *t = NULL;
    unsigned type;
    if (b->random) {
        type = random_type(b->random, name, k);
        if (type == WEIGHT_TYPES) {
            if (!optional)
                bind_fail(b, SLM_UNSUPPORTED, "no weight type '%s' for rows of %u values (tensor %s)", b->random->type, k, name);
            return;
        }
    } else {
        t = find(b, name, total, k, optional);
        if (!t)
            return;
        type = quant_by_gguf(t->type);
        if (type == WEIGHT_TYPES || !b->kernels->linear[type]) {
            b->status = gguf_unsupported(t, b->err);
            return;
        }
    }
    void *list = b->bindings;
    if (!grow(b, &list, b->count, &b->room, sizeof *b->bindings))
        return;
    b->bindings = list;
    *w = (struct weight){ .rows = rows, .k = k, .type = type, .tile_count = (rows + TILE_ROWS - 1) / TILE_ROWS,
                          .tile_bytes = tile_bytes(type, k) };
    b->bindings[b->count++] = (struct binding){ .weight = w, .tensor = t, .first_row = first };
    b->parameters += (uint64_t)rows * k;
}

void bind_table(struct binder *b, struct table *w, uint32_t rows, uint32_t k, const char *name)
{
    const struct gguf_tensor *t = b->status || b->random ? NULL : find(b, name, rows, k, false);
    const unsigned type = b->random ? WEIGHT_F16 : t ? quant_by_gguf(t->type) : WEIGHT_TYPES;
    if (b->status)
        return;
    if (type == WEIGHT_TYPES || quants[type].tile_bytes * (quants[type].block < ACT_BLOCK ? ACT_BLOCK : 1) > TABLE_TILE) {
        b->status = gguf_unsupported(t, b->err);
        return;
    }
    b->parameters += (uint64_t)rows * k;
    if (b->random && rows > RANDOM_ROWS)
        rows = RANDOM_ROWS;
    *w = (struct table){ .rows = rows, .k = k, .type = type, .row_bytes = (size_t)(k / quants[type].block) * quants[type].block_bytes };
    if (t && b->maps) {
        w->data = t->data;
        b->kept = &b->maps[t->part];
        return;
    }
    uint8_t *copy = bind_alloc(b, rows, w->row_bytes);
    if (copy && t)
        memcpy(copy, t->data, rows * w->row_bytes);
    else if (copy)
        random_halves((uint16_t *)(void *)copy, (size_t)rows * k);
    w->data = copy;
}

static void add_vector(struct binder *b, float **v, uint32_t n, bool optional, const char *name)
{
    *v = NULL;
    if (b->random && optional)
        return;
    const struct gguf_tensor *t = b->random ? NULL : find(b, name, 1, n, optional);
    if (!t && !b->random)
        return;
    float *out = bind_alloc(b, n, sizeof *out);
    if (!out)
        return;
    *v = out;
    b->parameters += n;
    if (!t) {
        for (uint32_t i = 0; i < n; i++)
            out[i] = 1.0f;
        return;
    }
    unsigned type = quant_by_gguf(t->type);
    if (type != WEIGHT_F32 && type != WEIGHT_F16 && type != WEIGHT_BF16) {
        const char *type_name = gguf_type_name(t->type);
        bind_fail_at(b, SLM_UNSUPPORTED, t->entry, "tensor %s has type %s: a vector must be F32, F16 or BF16", name,
                     type_name ? type_name : "unknown");
        return;
    }
    /* one value is a packed block of 16 rows: pack and unpack convert it */
    for (uint32_t i = 0; i < n; i++) {
        _Alignas(64) uint8_t tile[TILE_ROWS * sizeof(float)];
        const uint32_t size = quants[type].block_bytes;
        b->kernels->pack[type](t->data + (size_t)i * size, size, 1, 1, tile);
        b->kernels->unpack[type](tile, 0, 1, &out[i]);
    }
}

/* The name that `format` makes, in `name`; false after a failure. */
static bool format_name(struct binder *b, char name[BIND_NAME], const char *format, va_list args)
{
    if (b->status)
        return false;
    int length = vsnprintf(name, BIND_NAME, format, args);
    if (length < 0 || length >= BIND_NAME)
        bind_fail(b, SLM_INTERNAL, "tensor name too long: %s", format);
    return !b->status;
}

#define BIND_BODY(call)                                                        \
    char name[BIND_NAME];                                                      \
    va_list args;                                                              \
    va_start(args, format);                                                    \
    if (format_name(b, name, format, args))                                    \
        call;                                                                  \
    va_end(args)

void bind_matrix(struct binder *b, struct weight *w, uint32_t rows, uint32_t k, const char *format, ...)
{
    BIND_BODY(add_matrix(b, w, 0, rows, rows, k, false, name));
}

void bind_rows(struct binder *b, struct weight *w, uint32_t first, uint32_t rows, uint32_t total, uint32_t k, const char *format,
               ...)
{
    BIND_BODY(add_matrix(b, w, first, rows, total, k, false, name));
}

void bind_optional_matrix(struct binder *b, struct weight *w, uint32_t rows, uint32_t k, const char *format, ...)
{
    BIND_BODY(add_matrix(b, w, 0, rows, rows, k, true, name));
}

void bind_vector(struct binder *b, float **v, uint32_t n, const char *format, ...)
{
    BIND_BODY(add_vector(b, v, n, false, name));
}

void bind_optional_vector(struct binder *b, float **v, uint32_t n, const char *format, ...)
{
    BIND_BODY(add_vector(b, v, n, true, name));
}

void bind_unread(struct binder *b, const char *format, ...)
{
    BIND_BODY(mark(b, gguf_find_tensor(b->gguf, name)));
}

/* The full key of a metadata value in `name`; false after a failure. */
static bool full_key(struct binder *b, char name[BIND_NAME], const char *key)
{
    if (!b->status && snprintf(name, BIND_NAME, "%s.%s", b->prefix, key) >= BIND_NAME)
        bind_fail(b, SLM_INTERNAL, "metadata key too long: %s", key);
    return !b->status;
}

void bind_optional_u32(struct binder *b, uint32_t *value, uint32_t low, uint32_t high, const char *key)
{
    char name[BIND_NAME];
    if (!full_key(b, name, key) || !gguf_find(b->gguf, name))
        return;
    uint32_t found = *value;
    const struct gguf_kv *kv = gguf_find(b->gguf, name);
    int64_t element = 0;
    if (kv->is_array && gguf_element_i64(kv, 0, &element) && element >= 0 && element <= UINT32_MAX) {
        found = (uint32_t)element;
        for (uint64_t i = 1; i < kv->count; i++)
            if (!gguf_element_i64(kv, i, &element) || element != found)
                bind_fail_at(b, SLM_UNSUPPORTED, kv->offset, "%s differs from layer to layer, which is not supported here", name);
    } else {
        b->status = gguf_u32(b->gguf, name, &found, b->err);
    }
    if (found < low || found > high)
        bind_fail_at(b, SLM_FORMAT, kv->offset, "%s is %u, expected %u to %u", name, found, low, high);
    if (!b->status)
        *value = found;
}

void bind_u32(struct binder *b, uint32_t *value, uint32_t low, uint32_t high, const char *key)
{
    char name[BIND_NAME];
    if (!full_key(b, name, key))
        return;
    if (!gguf_find(b->gguf, name))
        bind_fail(b, SLM_FORMAT, "metadata %s is missing: the file is incomplete", name);
    bind_optional_u32(b, value, low, high, key);
}

void bind_optional_f32(struct binder *b, float *value, float low, float high, const char *key)
{
    char name[BIND_NAME];
    if (!full_key(b, name, key) || !gguf_find(b->gguf, name))
        return;
    float found = *value;
    b->status = gguf_f32(b->gguf, name, &found, b->err);
    if (!(found >= low && found <= high))
        bind_fail_at(b, SLM_FORMAT, gguf_find(b->gguf, name)->offset, "%s is %g, expected %g to %g", name, (double)found, (double)low,
                     (double)high);
    if (!b->status)
        *value = found;
}

static uint64_t weight_bytes(const struct weight *w)
{
    uint64_t bytes = (uint64_t)w->tile_count * w->tile_bytes;
    return (bytes + 63) & ~(uint64_t)63;
}

const struct weight *binder_weight(const struct binder *b, size_t i)
{
    return b->bindings[i].weight;
}

uint64_t binder_bytes(const struct binder *b)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < b->count; i++)
        bytes += weight_bytes(b->bindings[i].weight);
    return bytes;
}

struct packing {
    struct binder *b;
    uint64_t units;
    atomic_bool stop;
    slm_progress_fn *progress;
    void *user;
};

static void pack_unit(const struct binder *b, const struct binding *binding, uint32_t first)
{
    const struct weight *w = binding->weight;
    uint32_t last = first + PACK_TILES < w->tile_count ? first + PACK_TILES : w->tile_count;
    if (!binding->tensor) {
        random_tiles(w, first, last);
        return;
    }
    const struct quant *q = &quants[w->type];
    const size_t blocks = w->k / q->block, row_bytes = blocks * q->block_bytes;
    const uint8_t *data = binding->tensor->data + binding->first_row * row_bytes;
    for (uint32_t t = first; t < last; t++) {
        uint32_t row = t * TILE_ROWS, rows = w->rows - row < TILE_ROWS ? w->rows - row : TILE_ROWS;
        b->kernels->pack[w->type](data + row * row_bytes, row_bytes, (int)rows, blocks, w->tiles + t * w->tile_bytes);
    }
    if (b->maps) {
        uint32_t row = first * TILE_ROWS, end = last * TILE_ROWS < w->rows ? last * TILE_ROWS : w->rows;
        map_drop(&b->maps[binding->tensor->part], data + row * row_bytes, (end - row) * row_bytes);
    }
}

static void pack_share(void *arg, struct par *par, int thread)
{
    struct packing *p = arg;
    size_t at = 0, unit;
    while ((unit = par_next(par, 1)) < p->units && !atomic_load_explicit(&p->stop, memory_order_relaxed)) {
        while (at + 1 < p->b->count && p->b->bindings[at + 1].first_unit <= unit)
            at++;
        const struct binding *binding = &p->b->bindings[at];
        pack_unit(p->b, binding, (uint32_t)(unit - binding->first_unit) * PACK_TILES);
        if (thread == 0 && p->progress && !p->progress(p->user, (float)unit / (float)p->units))
            atomic_store_explicit(&p->stop, true, memory_order_relaxed);
    }
}

slm_status binder_pack(struct binder *b, uint8_t *arena, int threads, slm_progress_fn *progress, void *user)
{
    struct packing packing = { .b = b, .progress = progress, .user = user };
    for (size_t i = 0; i < b->count; i++) {
        struct weight *w = b->bindings[i].weight;
        b->bindings[i].first_unit = packing.units;
        packing.units += (w->tile_count + PACK_TILES - 1) / PACK_TILES;
        w->tiles = arena;
        arena += weight_bytes(w);
    }
    atomic_init(&packing.stop, false);
    struct par par;
    par_run(threads, &par, pack_share, &packing);
    if (atomic_load(&packing.stop) || (progress && !progress(user, 1.0f)))
        return fail(b->err, SLM_STOPPED, SLM_NO_OFFSET, "loading was stopped by the progress callback");
    return SLM_OK;
}

void binder_finish(struct binder *b)
{
    mem_free(b->mem, b->bindings);
    b->bindings = NULL;
    b->count = b->room = 0;
}
