#include "mem.h"

#include "status.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
    ALIGNMENT = 64,         /* a cache line, and the widest vector */
    HUGE_PAGE = 2 << 20,    /* weights in huge pages: fewer TLB misses while they stream */
};

static void *default_alloc(void *user, size_t size, size_t alignment)
{
    (void)user;
    void *ptr;
    if (posix_memalign(&ptr, alignment, size))
        return NULL;
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_PAGE) /* only whole huge pages: the tail would be rounded up */
        (void)madvise(ptr, size - size % HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return ptr;
}

static void default_free(void *user, void *ptr)
{
    (void)user;
    free(ptr);
}

slm_status mem_init(mem *m, const slm_allocator *hooks, slm_error *err)
{
    *m = (mem){default_alloc, default_free, NULL};
    if (!hooks || (!hooks->alloc && !hooks->free))
        return SLM_OK;
    if (!hooks->alloc || !hooks->free)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "the allocator has only one of alloc and free: set both or none");
    *m = *hooks;
    return SLM_OK;
}

void *mem_alloc(const mem *m, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return m->alloc(m->user, bytes ? bytes : 1, bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGNMENT);
}

void *mem_zalloc(const mem *m, size_t count, size_t size)
{
    void *ptr = mem_alloc(m, count, size);
    return ptr ? memset(ptr, 0, count * size) : NULL;
}

void mem_free(const mem *m, void *ptr)
{
    if (ptr)
        m->free(m->user, ptr);
}
