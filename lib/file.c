/* What a file says of itself: the slm_file_* functions. */
#include "files.h"

#include "../kernels/kernels.h"

#include <string.h>

struct slm_file {
    mem mem;
    struct files files;
    char *names;            /* keys, then names of tensors, each NUL-terminated */
    const char **keys;      /* [kv_count] */
    const char **tensors;   /* [tensor_count] */
};

/* Appends a NUL-terminated copy. */
static const char *copy(char **at, struct gguf_str s)
{
    char *start = *at;
    memcpy(start, s.data, s.length);
    start[s.length] = 0;
    *at += s.length + 1;
    return start;
}

static slm_status copy_names(slm_file *f, slm_error *err)
{
    const struct gguf *g = &f->files.gguf;
    size_t bytes = 0; /* less than the file's */
    for (uint64_t i = 0; i < g->kv_count; i++)
        bytes += g->kv[i].key.length + 1;
    for (uint64_t i = 0; i < g->tensor_count; i++)
        bytes += g->tensors[i].name.length + 1;
    f->names = mem_alloc(&f->mem, bytes, 1);
    f->keys = mem_alloc(&f->mem, (size_t)g->kv_count, sizeof *f->keys);
    f->tensors = mem_alloc(&f->mem, (size_t)g->tensor_count, sizeof *f->tensors);
    if (!f->names || !f->keys || !f->tensors)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for the names in the file");
    char *at = f->names;
    for (uint64_t i = 0; i < g->kv_count; i++)
        f->keys[i] = copy(&at, g->kv[i].key);
    for (uint64_t i = 0; i < g->tensor_count; i++)
        f->tensors[i] = copy(&at, g->tensors[i].name);
    return SLM_OK;
}

/* Opens the file at `path`, or where that is NULL the one in memory. `source` is what the function calls it. */
static slm_status open_file(const char *function, const char *source, const char *path, const void *data, size_t size, slm_file **file,
                            slm_error *err)
{
    if (file)
        *file = NULL;
    if (!file || (!path && !data))
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "%s: %s is NULL", function, file ? source : "file");
    mem m;
    TRY(mem_init(&m, NULL, err));
    slm_file *f = mem_zalloc(&m, 1, sizeof *f);
    if (!f)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a file");
    f->mem = m;
    slm_status status = path ? files_open(&m, path, &f->files, err) : files_open_memory(&m, data, size, &f->files, err);
    if (!status)
        status = copy_names(f, err);
    if (status)
        slm_file_free(f);
    else
        *file = f;
    return status;
}

slm_status slm_file_open(const char *path, slm_file **file, slm_error *err)
{
    return open_file("slm_file_open", "path", path, NULL, 0, file, err);
}

slm_status slm_file_open_memory(const void *data, size_t size, slm_file **file, slm_error *err)
{
    return open_file("slm_file_open_memory", "data", NULL, data, size, file, err);
}

void slm_file_free(slm_file *f)
{
    if (!f)
        return;
    const mem m = f->mem;
    files_close(&f->files);
    mem_free(&m, f->names);
    mem_free(&m, f->keys);
    mem_free(&m, f->tensors);
    mem_free(&m, f);
}

void slm_file_get_info(const slm_file *f, slm_file_info *info)
{
    if (!f || !info || info->size < sizeof info->size)
        return;
    slm_file_info full = {
        .size = info->size,
        .bytes = f->files.bytes,
        .parts = f->files.count,
        .version = f->files.gguf.version,
        .metadata_count = (size_t)f->files.gguf.kv_count,
        .tensor_count = (size_t)f->files.gguf.tensor_count,
    };
    memcpy(info, &full, info->size < sizeof full ? info->size : sizeof full);
}

const char *slm_file_key(const slm_file *f, size_t index)
{
    return f && index < f->files.gguf.kv_count ? f->keys[index] : NULL;
}

/* Element `index` of a key's value, which has that many; NULL if there is none. */
static const struct gguf_kv *element(const slm_file *f, const char *key, uint64_t index)
{
    const struct gguf_kv *kv = f && key ? gguf_find(&f->files.gguf, key) : NULL;
    return kv && index < kv->count ? kv : NULL;
}

uint64_t slm_file_length(const slm_file *f, const char *key)
{
    const struct gguf_kv *kv = element(f, key, 0);
    return kv ? kv->count : 0;
}

const char *slm_file_string(const slm_file *f, const char *key, uint64_t index, size_t *length)
{
    size_t ignored = 0;
    size_t *out = length ? length : &ignored;
    const struct gguf_kv *kv = element(f, key, index);
    *out = 0;
    if (!kv || kv->type != GGUF_STRING)
        return NULL;
    *out = kv->is_array ? kv->strings[index].length : kv->bytes;
    return kv->is_array ? kv->strings[index].data : (const char *)kv->data;
}

bool slm_file_number(const slm_file *f, const char *key, uint64_t index, double *value)
{
    const struct gguf_kv *kv = element(f, key, index);
    return kv && value && gguf_element_f64(kv, index, value);
}

bool slm_file_tensor(const slm_file *f, size_t index, slm_tensor_info *info)
{
    if (!f || !info || info->size < sizeof info->size || index >= f->files.gguf.tensor_count)
        return false;
    const struct gguf_tensor *t = &f->files.gguf.tensors[index];
    slm_tensor_info full = {
        .size = info->size,
        .name = f->tensors[index],
        .type = gguf_type_name(t->type),
        .supported = quant_by_gguf(t->type) != WEIGHT_TYPES,
        .dims_count = t->dims_count,
        .dims = {t->dims[0], t->dims[1], t->dims[2], t->dims[3]},
        .bytes = t->bytes,
        .part = t->part,
    };
    memcpy(info, &full, info->size < sizeof full ? info->size : sizeof full);
    return true;
}
