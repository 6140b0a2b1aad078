/* mem.h - the only door to the heap. Each object keeps a copy of the allocator that it was made with. */
#ifndef SLM_MEM_H
#define SLM_MEM_H

#include "slm.h"

typedef slm_allocator mem;

/* The given allocator, or the C library's where `hooks` is NULL or all zero. SLM_INVALID if only one hook is set. */
slm_status mem_init(mem *m, const slm_allocator *hooks, slm_error *err);

/* Uninitialized memory for count elements of `size` bytes, aligned to 64 bytes; NULL if it is not to be had or the product
 * overflows. Never NULL for want of elements: 0 counts as 1. Large blocks (2 MiB and more) are aligned for huge pages. */
void *mem_alloc(const mem *m, size_t count, size_t size);

/* The same, zeroed. */
void *mem_zalloc(const mem *m, size_t count, size_t size);

/* Frees; NULL is allowed. */
void mem_free(const mem *m, void *ptr);

#endif
