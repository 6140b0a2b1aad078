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

START_TEST(map_reads)
{
    enum { SIZE = 3 * 4096 + 100 };
    char folder[64], path[96];
    make_file(folder, path, SIZE);
    struct map map;
    slm_error err;
    ck_assert_int_eq(map_open(path, &map, &err), SLM_OK);
    unlink(path); /* the mapping stays */
    rmdir(folder);
    ck_assert_uint_eq(map.size, SIZE);
    map_drop(&map, map.bytes, SIZE); /* comes back from the file */
    for (size_t i = 0; i < SIZE; i++)
        ck_assert_uint_eq(map.bytes[i], i % 251);
    map_close(&map);
    ck_assert_ptr_null(map.bytes);
    map_close(&map);
}
END_TEST

/* Pages dropped from anonymous memory come back as zeros, which shows which ones they were. */
START_TEST(drops)
{
    enum { PAGES = 8 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    struct map map = {memory + page, (PAGES - 2) * page}; /* one page before it and one behind it must stay */
    const struct {
        ptrdiff_t start; /* from the beginning of the map */
        size_t length;
        int first, last; /* pages dropped: first <= page < last */
    } cases[] = {
        {0, 6 * page, 1, 7},
        {10, 4 * page, 2, 5},
        {10, 4 * page - 10, 2, 5},
        {1, 2 * page - 2, 0, 0}, /* no whole page inside */
        {0, page - 1, 0, 0},
        {(ptrdiff_t)page, page, 2, 3},
        {0, 0, 0, 0},
        {0, 6 * page + 1, 0, 0}, /* not inside the map */
        {0, 7 * page, 0, 0},
        {0, SIZE_MAX, 0, 0},
        {-(ptrdiff_t)page, page, 0, 0},
        {-(ptrdiff_t)page, 3 * page, 0, 0},
        {6 * (ptrdiff_t)page, page, 0, 0},
        {7 * (ptrdiff_t)page, page, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(memory, 1, PAGES * page);
        map_drop(&map, map.bytes + cases[i].start, cases[i].length);
        for (int p = 0; p < PAGES; p++)
            ck_assert_msg(memory[(size_t)p * page] == (p < cases[i].first || p >= cases[i].last), "case %d, page %d", (int)i, p);
    }
    map_drop(&(struct map){NULL, 0}, memory, PAGES * page);
    ck_assert(memory[0] == 1 && memory[page] == 1);
    munmap(memory, PAGES * page);
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
    tcase_add_test(files, map_reads);
    tcase_add_test(files, drops);
    suite_add_tcase(suite, files);
    return suite;
}
