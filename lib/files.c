#include "files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_PARTS = 1024,
    TAIL = sizeof "-00001-of-00002.gguf" - 1,
    MAX_PATH = 4096,
};

/* What a part says of itself. */
struct split {
    uint32_t number, count, tensors;    /* number from 0; tensors in all parts, 0: not said */
};

static slm_status read_split(const struct gguf *gguf, struct split *s, slm_error *err)
{
    *s = (struct split){.count = 1};
    TRY(gguf_u32(gguf, "split.no", &s->number, err));
    TRY(gguf_u32(gguf, "split.count", &s->count, err));
    TRY(gguf_u32(gguf, "split.tensors.count", &s->tensors, err));
    if (s->count > 1 && s->number >= s->count)
        return fail(err, SLM_FORMAT, gguf_find(gguf, "split.count")->offset, "the file says it is part %u of %u: damaged file",
                    s->number + 1, s->count);
    if (s->count > MAX_PARTS)
        return fail(err, SLM_LIMIT, gguf_find(gguf, "split.count")->offset, "the file is one of %u parts, %d are allowed", s->count,
                    MAX_PARTS);
    return SLM_OK;
}

/* Five digits. */
static uint32_t number_at(const char *text)
{
    uint32_t number = 0;
    for (int i = 0; i < 5; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    return number;
}

/* Reads the end of a part's name: number (from 1) and count. */
static bool parse_name(const char *path, uint32_t *number, uint32_t *count)
{
    const size_t length = strlen(path);
    if (length < TAIL)
        return false;
    const char *tail = path + length - TAIL;
    if (tail[0] != '-' || memcmp(tail + 6, "-of-", 4) || strcmp(tail + 15, ".gguf"))
        return false;
    *number = number_at(tail + 1);
    *count = number_at(tail + 10);
    return *number > 0 && *count > 0;
}

/* The path of another part of the same model; false if it is too long. */
static bool part_path(char out[MAX_PATH], const char *path, uint32_t part, uint32_t count)
{
    const size_t stem = strlen(path) - TAIL;
    return stem < MAX_PATH && snprintf(out, MAX_PATH, "%.*s-%05u-of-%05u.gguf", (int)stem, path, part + 1, count) < MAX_PATH;
}

/* The last component of a path, cut on the left to what a message can hold. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t length = strlen(name);
    return length > 100 ? name + length - 100 : name;
}

/* Whether a part says it belongs to the model that `first` and `wanted` are of. */
static slm_status check_part(const struct gguf *first, const struct gguf *part, const struct split *wanted, slm_error *err)
{
    static const char *const keys[] = {"general.architecture", "general.name"};
    struct split s;
    TRY(read_split(part, &s, err));
    if (s.number != wanted->number || s.count != wanted->count)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "its metadata says part %u of %u: renamed, download the parts again", s.number + 1,
                    s.count);
    if (s.tensors != wanted->tensors)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "its model has %u tensors, that of part 1 %u: parts of different models", s.tensors,
                    wanted->tensors);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct gguf_str a = {NULL, 0}, b = {NULL, 0};
        TRY(gguf_string(first, keys[i], &a, err));
        TRY(gguf_string(part, keys[i], &b, err));
        if (a.data && b.data && (a.length != b.length || memcmp(a.data, b.data, a.length)))
            return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "its %s is not that of part 1: parts of different models", keys[i]);
    }
    return SLM_OK;
}

static slm_status open_part(const mem *m, const char *path, struct map *map, struct gguf *gguf, slm_error *err)
{
    TRY(map_open(path, map, err));
    return gguf_open(m, map->bytes, map->size, gguf, err);
}

/* Opens all parts: those before and after the one that was named are found by its name. */
static slm_status open_parts(const mem *m, const char *path, struct files *f, struct gguf *parts, struct split *s, slm_error *err)
{
    for (uint32_t i = 0; i < s->count; i++) {
        char name[MAX_PATH];
        slm_error why = {.status = SLM_INVALID, .offset = SLM_NO_OFFSET, .message = "the name is too long"};
        slm_status status = SLM_INVALID;
        s->number = i;
        if (part_path(name, path, i, s->count)) {
            status = open_part(m, name, &f->maps[i], &parts[i], &why);
            if (status == SLM_IO && access(name, F_OK))
                return fail(err, SLM_IO, SLM_NO_OFFSET, "part %u of %u is missing: put '%s' beside the others", i + 1, s->count,
                            file_name(name));
            if (!status)
                status = check_part(&parts[0], &parts[i], s, &why);
        }
        if (status)
            return fail(err, status, why.offset, "part %u of %u, '%s': %s", i + 1, s->count, file_name(name), why.message);
    }
    TRY(gguf_join(parts, s->count, err));
    if (s->tensors && parts[0].tensor_count != s->tensors)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "the %u parts have %llu tensors, their metadata says %u: download all parts again",
                    s->count, (unsigned long long)parts[0].tensor_count, s->tensors);
    return SLM_OK;
}

static slm_status open_split(const mem *m, const char *path, struct files *f, struct split *s, slm_error *err)
{
    uint32_t number, count;
    if (!parse_name(path, &number, &count))
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "this file is part %u of %u of a model: its name must end in -%05u-of-%05u.gguf for "
                    "the other parts to be found", s->number + 1, s->count, s->number + 1, s->count);
    if (number != s->number + 1 || count != s->count)
        return fail(err, SLM_FORMAT, SLM_NO_OFFSET, "the name says part %u of %u, the metadata part %u of %u: renamed, download the parts "
                    "again", number, count, s->number + 1, s->count);
    map_close(&f->maps[0]);
    mem_free(m, f->maps);
    gguf_close(&f->gguf);
    f->maps = mem_zalloc(m, s->count, sizeof *f->maps);
    f->count = f->maps ? s->count : 0;
    struct gguf *parts = mem_zalloc(m, s->count, sizeof *parts);
    slm_status status = SLM_OK;
    if (!f->maps || !parts)
        status = fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for %u parts of a model", s->count);
    for (uint32_t i = 0; !status && i < s->count; i++)
        parts[i].mem = *m;
    if (!status)
        status = open_parts(m, path, f, parts, s, err);
    for (uint32_t i = status ? 0 : 1; parts && i < s->count; i++)
        gguf_close(&parts[i]);
    if (!status)
        f->gguf = parts[0];
    mem_free(m, parts);
    return status;
}

slm_status files_open(const mem *m, const char *path, struct files *f, slm_error *err)
{
    struct split s;
    *f = (struct files){.gguf.mem = *m};
    f->maps = mem_zalloc(m, 1, sizeof *f->maps);
    if (!f->maps)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for a file");
    f->count = 1;
    slm_status status = open_part(m, path, &f->maps[0], &f->gguf, err);
    if (!status)
        status = read_split(&f->gguf, &s, err);
    if (!status && s.count > 1)
        status = open_split(m, path, f, &s, err);
    for (uint32_t i = 0; !status && i < f->count; i++)
        f->bytes += f->maps[i].size;
    if (status)
        files_close(f);
    return status;
}

slm_status files_open_memory(const mem *m, const void *data, size_t size, struct files *f, slm_error *err)
{
    struct split s;
    *f = (struct files){.gguf.mem = *m, .count = 1, .bytes = size};
    slm_status status = gguf_open(m, data, size, &f->gguf, err);
    if (!status)
        status = read_split(&f->gguf, &s, err);
    if (!status && s.count > 1)
        status = fail(err, SLM_UNSUPPORTED, gguf_find(&f->gguf, "split.count")->offset, "this is part %u of %u of a model, which can't be "
                      "opened from memory: open its file by name, or merge the parts (llama-gguf-split --merge)", s.number + 1, s.count);
    if (status)
        files_close(f);
    return status;
}

void files_close(struct files *f)
{
    const mem m = f->gguf.mem;
    gguf_close(&f->gguf);
    for (uint32_t i = 0; f->maps && i < f->count; i++)
        map_close(&f->maps[i]);
    mem_free(&m, f->maps);
    *f = (struct files){.gguf.mem = m};
}
