#include "map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static slm_status fail_errno(slm_error *err, const char *what, const char *path)
{
    char text[128];
    return fail(err, SLM_IO, SLM_NO_OFFSET, "cannot %s '%s': %s", what, path, strerror_r(errno, text, sizeof text));
}

static slm_status map_file(int file, const char *path, struct map *map, slm_error *err)
{
    struct stat info;
    if (fstat(file, &info))
        return fail_errno(err, "examine", path);
    if (S_ISDIR(info.st_mode))
        return fail(err, SLM_IO, SLM_NO_OFFSET, "'%s' is a directory: name the GGUF file inside it", path);
    if (!S_ISREG(info.st_mode))
        return fail(err, SLM_IO, SLM_NO_OFFSET, "'%s' is not a regular file: only those can be mapped", path);
    if (info.st_size == 0)
        return fail(err, SLM_FORMAT, 0, "the file is empty: download it again");
    if ((uintmax_t)info.st_size > SIZE_MAX)
        return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the file is too large for this machine's addresses");
    size_t size = (size_t)info.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        return fail_errno(err, "map", path);
    *map = (struct map){bytes, size};
    return SLM_OK;
}

slm_status map_open(const char *path, struct map *map, slm_error *err)
{
    *map = (struct map){NULL, 0};
    if (!path)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "the path is NULL");
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* non-blocking: a FIFO is refused, not waited for */
    if (file < 0)
        return fail_errno(err, "open", path);
    slm_status status = map_file(file, path, map, err);
    close(file); /* the mapping stays */
    return status;
}

void map_close(struct map *map)
{
    if (map->bytes)
        munmap((void *)(uintptr_t)map->bytes, map->size);
    *map = (struct map){NULL, 0};
}

void map_drop(const struct map *map, const void *start, size_t length)
{
    uintptr_t base = (uintptr_t)map->bytes, from = (uintptr_t)start;
    if (!map->bytes || from < base || from - base > map->size || length > map->size - (from - base))
        return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (from + page - 1) / page * page, last = (from + length) / page * page;
    if (first < last)
        (void)madvise((void *)first, last - first, MADV_DONTNEED);
}
