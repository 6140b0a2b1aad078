#include "../lib/mem.h"

#include "../lib/map.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

START_TEST(default_allocator)
{
    mem m;
    slm_error err;
    ck_assert_int_eq(mem_init(&m, _i ? &(slm_allocator){0} : NULL, &err), SLM_OK);
    static const size_t sizes[] = {0, 1, 63, 64, 4097, 2 * MIB - 1, 2 * MIB, 5 * MIB + 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *ptr = mem_alloc(&m, 1, sizes[i]);
        ck_assert_ptr_nonnull(ptr);
        ck_assert_uint_eq((uintptr_t)ptr % (sizes[i] >= 2 * MIB ? 2 * MIB : 64), 0);
        memset(ptr, 0xaa, sizes[i]);
        mem_free(&m, ptr);
        ptr = mem_zalloc(&m, sizes[i], 1);
        ck_assert_ptr_nonnull(ptr);
        for (size_t j = 0; j < sizes[i]; j++)
            if (ptr[j])
                ck_abort_msg("byte %zu of %zu is not zero", j, sizes[i]);
        mem_free(&m, ptr);
    }
    mem_free(&m, NULL);
    ck_assert_ptr_null(mem_alloc(&m, SIZE_MAX / 2, 3));     /* the product overflows to a small number */
    ck_assert_ptr_null(mem_zalloc(&m, SIZE_MAX / 2 + 1, 2));
    ck_assert_ptr_null(mem_alloc(&m, SIZE_MAX, 1));
    ck_assert_ptr_null(mem_zalloc(&m, SIZE_MAX / 2, 1));
}
END_TEST

struct log {
    size_t size, alignment;
    void *freed;
    char block[64];
};

static void *log_alloc(void *user, size_t size, size_t alignment)
{
    struct log *log = user;
    log->size = size;
    log->alignment = alignment;
    return size <= sizeof log->block ? log->block : NULL;
}

static void log_free(void *user, void *ptr)
{
    ((struct log *)user)->freed = ptr;
}

START_TEST(hooks)
{
    struct log log = {0};
    mem m;
    slm_error err;
    ck_assert_int_eq(mem_init(&m, &(slm_allocator){log_alloc, log_free, &log}, &err), SLM_OK);
    memset(log.block, 1, sizeof log.block);
    ck_assert_ptr_eq(mem_zalloc(&m, 3, 20), log.block);
    ck_assert(log.size == 60 && log.alignment == 64 && log.block[59] == 0 && log.block[60] == 1);
    ck_assert_ptr_nonnull(mem_alloc(&m, 0, 5));
    ck_assert_uint_eq(log.size, 1);
    ck_assert_ptr_null(mem_zalloc(&m, 1, 3 * MIB));
    ck_assert(log.size == 3 * MIB && log.alignment == 2 * MIB);
    mem_free(&m, NULL);
    ck_assert_ptr_null(log.freed);
    mem_free(&m, log.block);
    ck_assert_ptr_eq(log.freed, log.block);

    ck_assert_int_eq(mem_init(&m, &(slm_allocator){log_alloc, NULL, NULL}, &err), SLM_INVALID);
    ck_assert_int_eq(mem_init(&m, &(slm_allocator){NULL, log_free, NULL}, NULL), SLM_INVALID);
    ck_assert(err.status == SLM_INVALID && strstr(err.message, "allocator"));
}
END_TEST

/* A file of `size` bytes in a new folder; the caller removes both. */
static void make_file(char folder[64], char path[96], size_t size)
{
    snprintf(folder, 64, "%s", "/tmp/slm-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, 96, "%s/file", folder);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < size; i++)
        putc((int)(i % 251), f);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(map_refusals)
{
    char folder[64], path[96];
    make_file(folder, path, 0);
    struct map map;
    slm_error err;
    ck_assert_int_eq(map_open(path, &map, &err), SLM_FORMAT);
    ck_assert(strstr(err.message, "is empty") && !map.bytes && err.offset == 0);
    map_close(&map);
    unlink(path);
    ck_assert_int_eq(map_open(path, &map, &err), SLM_IO);
    ck_assert(strstr(err.message, "No such file") && strstr(err.message, path) && err.offset == SLM_NO_OFFSET);
    ck_assert_int_eq(map_open(folder, &map, &err), SLM_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "is a directory"));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(map_open(path, &map, &err), SLM_IO); /* and does not wait for a writer */
    ck_assert_ptr_nonnull(strstr(err.message, "not a regular file"));
    ck_assert_int_eq(map_open("/dev/null", &map, NULL), SLM_IO);
    ck_assert_int_eq(map_open("", &map, &err), SLM_IO);
    ck_assert_int_eq(map_open(NULL, &map, &err), SLM_INVALID);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* Pages of the range that the process holds (not those in the page cache, which mincore would tell), or -1 if unknown. */
static int resident(const uint8_t *start, size_t length, size_t page)
{
    FILE *f = fopen("/proc/self/pagemap", "rb");
    if (!f)
        return -1;
    int count = 0;
    for (size_t i = 0; i < length / page; i++) {
        uint64_t entry = 0;
        ck_assert_int_eq(fseek(f, (long)(((uintptr_t)start / page + i) * 8), SEEK_SET), 0);
        ck_assert_uint_eq(fread(&entry, 8, 1, f), 1);
        count += (int)(entry >> 63);
    }
    fclose(f);
    return count;
}

START_TEST(map_and_drop)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 8 * page + 100;
    char folder[64], path[96];
    make_file(folder, path, size);
    struct map map;
    slm_error err;
    ck_assert_int_eq(map_open(path, &map, &err), SLM_OK);
    unlink(path); /* the mapping stays */
    rmdir(folder);
    ck_assert_uint_eq(map.size, size);
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        ck_assert_uint_eq(map.bytes[i], i % 251);
        sum += map.bytes[i];
    }
    if (resident(map.bytes, 8 * page, page) < 0) {
        skip("mem map_and_drop", "no /proc/self/pagemap");
        map_close(&map);
        return;
    }
    ck_assert_int_eq(resident(map.bytes, 8 * page, page), 8);
    map_drop(&map, map.bytes + 1, 2 * page - 2); /* no whole page inside */
    map_drop(&map, map.bytes + 1, SIZE_MAX);     /* not ranges of the map */
    map_drop(&map, map.bytes - page, page);
    map_drop(&map, map.bytes + size + 1, 0);
    map_drop(&map, NULL, 8 * page);
    map_drop(&(struct map){NULL, 0}, map.bytes, 8 * page);
    ck_assert_int_eq(resident(map.bytes, 8 * page, page), 8);
    map_drop(&map, map.bytes + 10, 4 * page); /* pages 1, 2, 3 */
    ck_assert_int_eq(resident(map.bytes, page, page), 1);
    ck_assert_int_eq(resident(map.bytes + page, 3 * page, page), 0);
    ck_assert_int_eq(resident(map.bytes + 4 * page, 4 * page, page), 4);
    for (size_t i = 0; i < size; i++) /* read again from the file */
        sum -= map.bytes[i];
    ck_assert_uint_eq(sum, 0);
    map_close(&map);
    ck_assert_ptr_null(map.bytes);
    map_close(&map);
}
END_TEST

Suite *suite_mem(void)
{
    Suite *suite = suite_create("mem");
    TCase *memory = tcase_create("mem");
    tcase_add_loop_test(memory, default_allocator, 0, 2);
    tcase_add_test(memory, hooks);
    suite_add_tcase(suite, memory);
    TCase *files = tcase_create("map");
    tcase_add_test(files, map_refusals);
    tcase_add_test(files, map_and_drop);
    suite_add_tcase(suite, files);
    return suite;
}
