#include "tests.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *shared_path(const char *name)
{
    static char path[4096];
    const char *base = getenv("SLM_SHARED");
    snprintf(path, sizeof path, "%s/%s", base ? base : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

static atomic_int *skips; /* shared with the process of each test */

void skip_init(void)
{
    void *page = mmap(NULL, sizeof *skips, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        abort();
    skips = page;
}

int skip_count(void)
{
    return *skips;
}

void skip(const char *test, const char *reason)
{
    ++*skips;
    printf("SKIP %s (%s)\n", test, reason);
    fflush(stdout);
}

void *read_file(const char *path, size_t *size)
{
    FILE *f = path ? fopen(path, "rb") : NULL;
    if (!f)
        return NULL;
    char *data = NULL;
    size_t used = 0, room = 0, got = 0;
    do {
        used += got;
        if (room - used < 2) {
            room = room ? room * 2 : 1 << 16;
            char *grown = realloc(data, room);
            if (!grown) {
                free(data);
                fclose(f);
                return NULL;
            }
            data = grown;
        }
    } while ((got = fread(data + used, 1, room - used - 1, f)) > 0);
    fclose(f);
    data[used] = 0;
    *size = used;
    return data;
}

static void *heap_alloc(void *user, size_t size, size_t alignment)
{
    struct heap *heap = user;
    heap->calls++;
    heap->bytes += size;
    heap->largest = size > heap->largest ? size : heap->largest;
    if (heap->left == 0)
        return NULL;
    heap->left -= heap->left > 0;
    void *p = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    heap->live += p != NULL;
    return p;
}

static void heap_free(void *user, void *p)
{
    ((struct heap *)user)->live -= p != NULL;
    free(p);
}

slm_allocator heap_allocator(struct heap *heap)
{
    return (slm_allocator){heap_alloc, heap_free, heap};
}

double relative_rms(const float *got, const float *want, size_t n)
{
    double error = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)got[i] - (double)want[i];
        error += d * d;
        scale += (double)want[i] * (double)want[i];
    }
    return sqrt(error / scale);
}

uint64_t test_seed(void)
{
    const char *s = getenv("SLM_TEST_SEED");
    return s ? strtoull(s, NULL, 0) : 20260101;
}

uint32_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

float test_uniform(uint64_t *state, float low, float high)
{
    return low + (high - low) * ((float)(test_random(state) >> 8) * 0x1p-24f);
}
