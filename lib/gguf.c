/* The layout of a GGUF file, all little-endian (the public GGUF specification, versions 2 and 3):
 *
 *   "GGUF"  u32 version  u64 tensor count  u64 metadata count
 *   metadata:   string key, u32 type, value          string: u64 length, bytes
 *               array: u32 element type, u64 count, elements
 *   directory:  string name, u32 dimensions, u64 each, u32 type, u64 offset from the start of the data
 *   padding to a multiple of general.alignment (32), then the tensors' data, each aligned the same way
 */
#include "gguf.h"

#include "../kernels/kernels.h"
#include "cursor.h"

#include <inttypes.h>
#include <stdio.h>

/* Every count is first held against the bytes that remain, so a lie costs nothing. The caps bound what an honest but absurd
 * file makes us allocate; each is well above what any published model has. */
enum {
    MAX_KV = 1 << 16,           /* models have tens */
    MAX_TENSORS = 1 << 16,      /* models have hundreds to a few thousand */
    MAX_STRINGS = 1 << 22,      /* in one array; the largest merge lists have half a million */
    MAX_KEY = 65535,            /* the specification's */
    MAX_TENSOR_NAME = 64,       /* the specification's */
    MAX_SHOWN = 80,             /* bytes of a name in a message, so that the rest of the message fits */
    MIN_KV_BYTES = 8 + 1 + 4 + 1,
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8,
    DEFAULT_ALIGNMENT = 32,     /* the specification's */
};

/* For printf's %.*s. */
#define SHOW(s) (int)((s).length < MAX_SHOWN ? (s).length : MAX_SHOWN), (s).data

static slm_status no_memory(slm_error *err, const char *what)
{
    return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for %s", what);
}

/* ------------------------------------------------------------------ header */

static bool starts_with(const uint8_t *bytes, size_t size, const char *text)
{
    size_t length = strlen(text);
    return size >= length && memcmp(bytes, text, length) == 0;
}

/* What people most often pass by mistake. */
static const char *looks_like(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *start, *what;
    } known[] = {
        {"version https://git-lfs", "a git-LFS pointer: fetch the file itself with `git lfs pull`"},
        {"PK\3\4", "a zip archive or a PyTorch checkpoint: convert the model to GGUF"},
        {"\x1f\x8b", "a gzip archive: unpack it first"},
        {"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"},
        {"<", "a web page: download the file itself"},
        {"{", "JSON: name the GGUF file instead"},
        {"lmgg", "the old GGML format: get a GGUF file"},
        {"fmgg", "the old GGMF format: get a GGUF file"},
        {"tjgg", "the old GGJT format: get a GGUF file"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (starts_with(bytes, size, known[i].start))
            return known[i].what;
    if (size > 8 && bytes[8] == '{' && load_u64(bytes) < UINT32_MAX) /* u64 length, JSON header */
        return "safetensors: convert the model to GGUF";
    return NULL;
}

static slm_status read_header(struct gguf *g, struct cursor *c)
{
    if (!starts_with(c->bytes, c->size, "GGUF")) {
        if (c->size < 4 && memcmp(c->bytes, "GGUF", c->size) == 0)
            return fail(c->err, SLM_FORMAT, 0, "the file ends after %zu bytes: truncated, download it again", c->size);
        const char *what = looks_like(c->bytes, c->size);
        return what ? fail(c->err, SLM_FORMAT, 0, "not a GGUF file; it looks like %s", what)
                    : fail(c->err, SLM_FORMAT, 0, "not a GGUF file: it does not begin with \"GGUF\"");
    }
    c->at = 4;
    TRY(cursor_u32(c, "version", &g->version));
    if (g->version == 1)
        return fail(c->err, SLM_UNSUPPORTED, 4, "GGUF version 1 is not supported: convert the model to version 3");
    if (g->version != 0 && (g->version & 0xffff) == 0)
        return fail(c->err, SLM_UNSUPPORTED, 4, "big-endian GGUF is not supported: get the little-endian file");
    if (g->version != 2 && g->version != 3)
        return fail(c->err, SLM_UNSUPPORTED, 4, "GGUF version %" PRIu32 " is not supported: versions 2 and 3 are", g->version);
    return SLM_OK;
}

/* A count from the header: what it counts must fit in the rest of the file. */
static slm_status read_count(struct cursor *c, const char *what, size_t min_bytes, uint64_t max, uint64_t *count)
{
    size_t at = c->at;
    TRY(cursor_u64(c, what, count));
    if (*count > cursor_left(c) / min_bytes)
        return fail(c->err, SLM_FORMAT, at, "%s %" PRIu64 " needs more than the %zu bytes that follow: truncated or damaged file", what,
                    *count, cursor_left(c));
    if (*count > max)
        return fail(c->err, SLM_LIMIT, at, "%s %" PRIu64 " is above the limit of %" PRIu64, what, *count, max);
    return SLM_OK;
}

static slm_status read_string(struct cursor *c, const char *what, struct gguf_str *s)
{
    uint64_t length;
    const uint8_t *data;
    TRY(cursor_u64(c, what, &length));
    TRY(cursor_take(c, what, 1, length, &data));
    *s = (struct gguf_str){(const char *)data, (size_t)length};
    return SLM_OK;
}

static slm_status read_name(struct cursor *c, const char *what, size_t max, struct gguf_str *s)
{
    size_t at = c->at;
    TRY(read_string(c, what, s));
    if (s->length == 0)
        return fail(c->err, SLM_FORMAT, at, "an empty %s: damaged file", what);
    if (s->length > max)
        return fail(c->err, SLM_LIMIT, at, "the %s '%.*s...' has %zu bytes, %zu are allowed", what, SHOW(*s), s->length, max);
    return SLM_OK;
}

/* ---------------------------------------------------------- lookup by name */

typedef int compare_fn(const struct gguf *g, uint32_t a, uint32_t b);

static int compare_names(struct gguf_str a, struct gguf_str b)
{
    if (a.length != b.length)
        return a.length < b.length ? -1 : 1;
    return memcmp(a.data, b.data, a.length);
}

static int compare_keys(const struct gguf *g, uint32_t a, uint32_t b)
{
    return compare_names(g->kv[a].key, g->kv[b].key);
}

static int compare_tensor_names(const struct gguf *g, uint32_t a, uint32_t b)
{
    return compare_names(g->tensors[a].name, g->tensors[b].name);
}

static int compare_tensor_offsets(const struct gguf *g, uint32_t a, uint32_t b)
{
    uint64_t x = g->tensors[a].offset, y = g->tensors[b].offset;
    return x < y ? -1 : x > y;
}

/* Heapsort of the positions 0..n-1: in place, and n log n for any input, so that no choice of names makes it slow. */
static void sort(const struct gguf *g, uint32_t *order, size_t n, compare_fn *compare)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t start = n / 2, end = n; end > 1;) {
        if (start > 0) {
            start--;            /* still building the heap */
        } else {
            end--;              /* the largest goes to its place */
            uint32_t largest = order[0];
            order[0] = order[end];
            order[end] = largest;
        }
        uint32_t sinking = order[start];
        size_t hole = start;
        for (size_t child; (child = 2 * hole + 1) < end; hole = child) {
            if (child + 1 < end && compare(g, order[child], order[child + 1]) < 0)
                child++;
            if (compare(g, sinking, order[child]) >= 0)
                break;
            order[hole] = order[child];
        }
        order[hole] = sinking;
    }
}

const struct gguf_kv *gguf_find(const struct gguf *g, const char *key)
{
    struct gguf_str name = {key, strlen(key)};
    for (size_t low = 0, high = (size_t)g->kv_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct gguf_kv *kv = &g->kv[g->kv_order[middle]];
        int order = compare_names(name, kv->key);
        if (order == 0)
            return kv;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name)
{
    struct gguf_str wanted = {name, strlen(name)};
    for (size_t low = 0, high = (size_t)g->tensor_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct gguf_tensor *t = &g->tensors[g->tensor_order[middle]];
        int order = compare_names(wanted, t->name);
        if (order == 0)
            return t;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---------------------------------------------------------------- metadata */

static slm_status read_strings(struct gguf *g, struct cursor *c, struct gguf_kv *kv)
{
    if (kv->count > cursor_left(c) / 8)
        return fail(c->err, SLM_FORMAT, c->at, "metadata '%.*s' claims %" PRIu64 " strings, %zu bytes follow: truncated or damaged file",
                    SHOW(kv->key), kv->count, cursor_left(c));
    if (kv->count > MAX_STRINGS)
        return fail(c->err, SLM_LIMIT, c->at, "metadata '%.*s' has %" PRIu64 " strings, %d are allowed", SHOW(kv->key), kv->count,
                    MAX_STRINGS);
    kv->strings = mem_alloc(&g->mem, (size_t)kv->count, sizeof *kv->strings);
    if (!kv->strings)
        return no_memory(c->err, "the strings of the metadata");
    for (size_t i = 0; i < kv->count; i++)
        TRY(read_string(c, "string", &kv->strings[i]));
    return SLM_OK;
}

static slm_status read_value(struct gguf *g, struct cursor *c, struct gguf_kv *kv)
{
    size_t at = c->at;
    uint32_t type;
    TRY(cursor_u32(c, "metadata type", &type));
    kv->count = 1;
    if (type == GGUF_ARRAY) {
        kv->is_array = true;
        at = c->at;
        TRY(cursor_u32(c, "type of the array", &type));
        TRY(cursor_u64(c, "length of the array", &kv->count));
    }
    if (type >= GGUF_VALUE_TYPES)
        return fail(c->err, SLM_FORMAT, at, "metadata '%.*s' has unknown type %" PRIu32 ": damaged or newer than this library",
                    SHOW(kv->key), type);
    kv->type = (enum gguf_value_type)type;
    if (kv->type == GGUF_ARRAY)
        return fail(c->err, SLM_UNSUPPORTED, at, "metadata '%.*s' is an array of arrays, which is not supported", SHOW(kv->key));

    size_t start = c->at;
    kv->data = c->bytes + start;
    if (kv->type == GGUF_STRING && !kv->is_array) {
        struct gguf_str s;
        TRY(read_string(c, "string", &s));
        kv->data = (const uint8_t *)s.data;
        kv->bytes = s.length;
        return SLM_OK;
    }
    if (kv->type == GGUF_STRING)
        TRY(read_strings(g, c, kv));
    else
        TRY(cursor_take(c, "metadata value", kv->count, gguf_value_size(kv->type), &kv->data));
    kv->bytes = c->at - start;
    for (size_t i = 0; kv->type == GGUF_BOOL && i < kv->bytes; i++)
        if (kv->data[i] > 1)
            return fail(c->err, SLM_FORMAT, start + i, "metadata '%.*s': a bool is %d, it must be 0 or 1: damaged file", SHOW(kv->key),
                        kv->data[i]);
    return SLM_OK;
}

static slm_status read_metadata(struct gguf *g, struct cursor *c, uint64_t count)
{
    g->kv = mem_zalloc(&g->mem, (size_t)count, sizeof *g->kv);
    g->kv_order = mem_alloc(&g->mem, (size_t)count, sizeof *g->kv_order);
    if (!g->kv || !g->kv_order)
        return no_memory(c->err, "the metadata");
    g->kv_count = count;
    for (size_t i = 0; i < count; i++) {
        struct gguf_kv *kv = &g->kv[i];
        kv->offset = c->at;
        TRY(read_name(c, "metadata key", MAX_KEY, &kv->key));
        TRY(read_value(g, c, kv));
    }
    sort(g, g->kv_order, (size_t)count, compare_keys);
    for (size_t i = 1; i < count; i++) {
        uint32_t a = g->kv_order[i - 1], b = g->kv_order[i];
        if (compare_keys(g, a, b) == 0)
            return fail(c->err, SLM_FORMAT, g->kv[a > b ? a : b].offset, "the metadata key '%.*s' stands twice: damaged file",
                        SHOW(g->kv[a].key));
    }
    return SLM_OK;
}

static slm_status read_alignment(struct gguf *g, struct cursor *c)
{
    g->alignment = DEFAULT_ALIGNMENT;
    TRY(gguf_u32(g, "general.alignment", &g->alignment, c->err));
    if (g->alignment < 8 || (g->alignment & (g->alignment - 1)))
        return fail(c->err, SLM_FORMAT, gguf_find(g, "general.alignment")->offset,
                    "general.alignment is %" PRIu32 ": it must be a power of two and at least 8", g->alignment);
    return SLM_OK;
}

/* ----------------------------------------------------------------- tensors */

/* Tensor types of GGUF that are not in quants.def, by number: files that hold them can be examined. */
static const struct foreign {
    const char *name;
    uint16_t block, block_bytes;
} foreign_types[] = {
    [9] = {"Q8_1", 32, 36},       [15] = {"Q8_K", 256, 292},   [16] = {"IQ2_XXS", 256, 66}, [17] = {"IQ2_XS", 256, 74},
    [18] = {"IQ3_XXS", 256, 98},  [19] = {"IQ1_S", 256, 50},   [21] = {"IQ3_S", 256, 110},  [22] = {"IQ2_S", 256, 82},
    [24] = {"I8", 1, 1},          [25] = {"I16", 1, 2},        [26] = {"I32", 1, 4},        [27] = {"I64", 1, 8},
    [28] = {"F64", 1, 8},         [29] = {"IQ1_M", 256, 56},   [31] = {"Q4_0_4_4", 32, 18}, [32] = {"Q4_0_4_8", 32, 18},
    [33] = {"Q4_0_8_8", 32, 18},
};

static const struct foreign *foreign_type(uint32_t type)
{
    const bool known = type < sizeof foreign_types / sizeof *foreign_types && foreign_types[type].name;
    return known ? &foreign_types[type] : NULL;
}

const char *gguf_type_name(uint32_t type)
{
    enum weight_type supported = quant_by_gguf(type);
    const struct foreign *foreign = foreign_type(type);
    return supported != WEIGHT_TYPES ? quants[supported].name : foreign ? foreign->name : NULL;
}

const char *gguf_part_text(const struct gguf_tensor *t, char text[GGUF_PART_TEXT])
{
    text[0] = 0;
    if (t->part)
        snprintf(text, GGUF_PART_TEXT, "part %" PRIu32 ": ", t->part + 1);
    return text;
}

slm_status gguf_unsupported(const struct gguf_tensor *t, slm_error *err)
{
    static const char supported[] =
#define QUANT(name, ...) " " #name
#include "../kernels/quants.def"
#undef QUANT
        ;
    char part[GGUF_PART_TEXT];
    gguf_part_text(t, part);
    if (gguf_type_name(t->type))
        return fail(err, SLM_UNSUPPORTED, t->entry, "%stensor '%.*s' has type %s, which is not supported; get the model in one of:%s",
                    part, SHOW(t->name), gguf_type_name(t->type), supported);
    return fail(err, SLM_UNSUPPORTED, t->entry, "%stensor '%.*s' has unknown type %" PRIu32 "; get the model in one of:%s", part,
                SHOW(t->name), t->type, supported);
}

/* Sizes of a tensor from its dimensions and type. */
static slm_status measure(struct gguf_tensor *t, slm_error *err)
{
    enum weight_type type = quant_by_gguf(t->type);
    const struct foreign *foreign = foreign_type(t->type);
    const char *name = gguf_type_name(t->type);
    uint32_t block = 1, block_bytes = 0;
    if (type != WEIGHT_TYPES) {
        block = quants[type].block;
        block_bytes = quants[type].block_bytes;
    } else if (foreign) {
        block = foreign->block;
        block_bytes = foreign->block_bytes;
    }
    if (t->dims[0] % block)
        return fail(err, SLM_FORMAT, t->entry, "tensor '%.*s': its rows of %" PRIu64 " values are not whole %s blocks of %" PRIu32
                    ": damaged file", SHOW(t->name), t->dims[0], name, block);
    uint64_t row_bytes, values;
    if (!checked_mul(t->dims[1], t->dims[2], &t->rows) || !checked_mul(t->rows, t->dims[3], &t->rows) ||
        !checked_mul(t->rows, t->dims[0], &values) || !checked_mul(t->dims[0] / block, block_bytes, &row_bytes) ||
        !checked_mul(row_bytes, t->rows, &t->bytes))
        return fail(err, SLM_FORMAT, t->entry, "tensor '%.*s': %" PRIu64 " x %" PRIu64 " x %" PRIu64 " x %" PRIu64
                    " values overflow: damaged file", SHOW(t->name), t->dims[0], t->dims[1], t->dims[2], t->dims[3]);
    return SLM_OK;
}

static slm_status read_tensor(struct cursor *c, struct gguf_tensor *t)
{
    t->entry = c->at;
    TRY(read_name(c, "tensor name", MAX_TENSOR_NAME, &t->name));
    TRY(cursor_u32(c, "number of dimensions", &t->dims_count));
    if (t->dims_count < 1 || t->dims_count > 4)
        return fail(c->err, SLM_FORMAT, t->entry, "tensor '%.*s' has %" PRIu32 " dimensions, it must be 1 to 4: damaged file",
                    SHOW(t->name), t->dims_count);
    for (uint32_t i = 0; i < 4; i++) {
        t->dims[i] = 1;
        if (i < t->dims_count)
            TRY(cursor_u64(c, "tensor dimension", &t->dims[i]));
        if (t->dims[i] == 0)
            return fail(c->err, SLM_FORMAT, t->entry, "tensor '%.*s': dimension %" PRIu32 " is 0: damaged file", SHOW(t->name), i);
    }
    TRY(cursor_u32(c, "tensor type", &t->type));
    TRY(cursor_u64(c, "tensor offset", &t->offset));
    return measure(t, c->err);
}

/* Turns an offset from the start of the data into one from the start of the file; the tensor must lie inside. */
static slm_status place(const struct gguf *g, uint64_t data_start, struct gguf_tensor *t, slm_error *err)
{
    if (t->offset % g->alignment)
        return fail(err, SLM_FORMAT, t->entry, "tensor '%.*s': offset %" PRIu64 " is not a multiple of the alignment %" PRIu32
                    ": damaged file", SHOW(t->name), t->offset, g->alignment);
    uint64_t end;
    if (!checked_add(data_start, t->offset, &t->offset) || !checked_add(t->offset, t->bytes, &end) || end > g->size)
        return fail(err, SLM_FORMAT, t->entry, "tensor '%.*s' (%" PRIu64 " bytes) lies beyond the end of the file (%zu bytes): "
                    "truncated or damaged, download it again", SHOW(t->name), t->bytes, g->size);
    t->data = g->bytes + t->offset;
    return SLM_OK;
}

/* Sorts the tensors by name for the lookups; no name may stand twice. */
static slm_status sort_tensors(struct gguf *g, slm_error *err)
{
    uint32_t *order = g->tensor_order;
    sort(g, order, (size_t)g->tensor_count, compare_tensor_names);
    for (size_t i = 1; i < g->tensor_count; i++) {
        const struct gguf_tensor *a = &g->tensors[order[i - 1]], *b = &g->tensors[order[i]];
        if (compare_names(a->name, b->name))
            continue;
        if (a->part != b->part)
            return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "the tensor '%.*s' stands in parts %" PRIu32 " and %" PRIu32
                        ": they are not of one model; download all parts again", SHOW(a->name), (a->part < b->part ? a : b)->part + 1,
                        (a->part < b->part ? b : a)->part + 1);
        return fail(err, SLM_FORMAT, a->entry > b->entry ? a->entry : b->entry, "the tensor '%.*s' stands twice: damaged file",
                    SHOW(a->name));
    }
    return SLM_OK;
}

static slm_status read_tensors(struct gguf *g, struct cursor *c, uint64_t count)
{
    g->tensors = mem_zalloc(&g->mem, (size_t)count, sizeof *g->tensors);
    g->tensor_order = mem_alloc(&g->mem, (size_t)count, sizeof *g->tensor_order);
    if (!g->tensors || !g->tensor_order)
        return no_memory(c->err, "the tensor directory");
    g->tensor_count = count;
    for (size_t i = 0; i < count; i++)
        TRY(read_tensor(c, &g->tensors[i]));

    uint64_t data_start = ((uint64_t)c->at + g->alignment - 1) / g->alignment * g->alignment;
    for (size_t i = 0; i < count; i++)
        TRY(place(g, data_start, &g->tensors[i], c->err));

    uint32_t *order = g->tensor_order;
    sort(g, order, (size_t)count, compare_tensor_offsets);
    for (size_t i = 1; i < count; i++) {
        const struct gguf_tensor *a = &g->tensors[order[i - 1]], *b = &g->tensors[order[i]];
        if (b->offset - a->offset < a->bytes)
            return fail(c->err, SLM_FORMAT, b->entry, "tensors '%.*s' and '%.*s' overlap: damaged file", SHOW(a->name), SHOW(b->name));
    }
    return sort_tensors(g, c->err);
}

/* ----------------------------------------------------------- open and read */

static slm_status read_all(struct gguf *g, struct cursor *c)
{
    uint64_t tensor_count, kv_count;
    TRY(read_header(g, c));
    TRY(read_count(c, "tensor count", MIN_TENSOR_BYTES, MAX_TENSORS, &tensor_count));
    TRY(read_count(c, "metadata count", MIN_KV_BYTES, MAX_KV, &kv_count));
    TRY(read_metadata(g, c, kv_count));
    TRY(read_alignment(g, c));
    return read_tensors(g, c, tensor_count);
}

slm_status gguf_open(const mem *m, const void *bytes, size_t size, struct gguf *g, slm_error *err)
{
    *g = (struct gguf){.mem = *m, .bytes = bytes, .size = size};
    if (!bytes || size == 0)
        return fail(err, SLM_FORMAT, 0, "the file is empty");
    struct cursor c = {bytes, size, 0, err};
    slm_status status = read_all(g, &c);
    if (status)
        gguf_close(g);
    return status;
}

void gguf_close(struct gguf *g)
{
    for (size_t i = 0; i < g->kv_count; i++)
        mem_free(&g->mem, g->kv[i].strings);
    mem_free(&g->mem, g->kv);
    mem_free(&g->mem, g->kv_order);
    mem_free(&g->mem, g->tensors);
    mem_free(&g->mem, g->tensor_order);
    *g = (struct gguf){.mem = g->mem};
}

slm_status gguf_join(struct gguf *parts, uint32_t count, slm_error *err)
{
    struct gguf *g = &parts[0];
    uint64_t total = 0, at = 0;
    for (uint32_t p = 0; p < count; p++)
        total += parts[p].tensor_count; /* MAX_TENSORS each: no overflow */
    if (total > MAX_TENSORS)
        return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the parts have %" PRIu64 " tensors, %d are allowed", total, MAX_TENSORS);
    struct gguf_tensor *tensors = mem_alloc(&g->mem, (size_t)total, sizeof *tensors);
    uint32_t *order = mem_alloc(&g->mem, (size_t)total, sizeof *order);
    if (!tensors || !order) {
        mem_free(&g->mem, tensors);
        mem_free(&g->mem, order);
        return no_memory(err, "the tensor directory");
    }
    for (uint32_t p = 0; p < count; p++) {
        for (uint64_t i = 0; i < parts[p].tensor_count; i++) {
            tensors[at] = parts[p].tensors[i];
            tensors[at++].part = p;
        }
        if (p > 0)
            gguf_close(&parts[p]);
    }
    mem_free(&g->mem, g->tensors);
    mem_free(&g->mem, g->tensor_order);
    g->tensors = tensors;
    g->tensor_order = order;
    g->tensor_count = total;
    return sort_tensors(g, err);
}
