/* The limits that the engine is held against: how many int8 operations the cores can do and how fast memory can be read, by the
 * same tier, on the same threads, with the same sharing out of work. A pass is some milliseconds long and the median pass counts, as
 * it does for what is held against it: on a shared machine the best moment is not what there is to be had for long. */
#include "isa.h"
#include "mem.h"
#include "par.h"
#include "topo.h"

#include <stdlib.h>
#include <time.h>

enum { MAX_PASSES = 1024, PAGE = 4096, CHUNK = 1 << 20 };
static const size_t MEMORY = (size_t)512 << 20, MEMORY_LEAST = (size_t)64 << 20; /* many times what caches hold */
static const size_t WINDOW = (size_t)64 << 20;                                   /* of it, read in a pass */

/* What the threads of a measurement share; thread 0 keeps the time. */
struct slm_limits {
    mem mem;
    struct kernels kernels;
    int threads;
    uint8_t *data;                  /* to read, size bytes: a multiple of the window */
    size_t size, window;            /* window: where the next pass begins */
    uint64_t rounds;                /* of peak, in a piece */
    size_t pieces;                  /* in a pass */
    double seconds;
    double rates[MAX_PASSES];       /* per second, of each pass */
    size_t passes;
    bool done;
    _Atomic uint64_t sum, operations;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Runs passes until the time is over. `pass` does one thread's part and `amount` says, after it, how much all did together. */
static void run_passes(struct slm_limits *l, struct par *par, int thread, void pass(struct slm_limits *, struct par *),
                       double amount(struct slm_limits *))
{
    double end = now() + l->seconds;
    do {
        double start = now(); /* before the others can begin: they may do all the work while this thread waits for its core */
        par_wait(par);
        pass(l, par);
        par_wait(par);
        if (thread == 0) {
            double stop = now();
            l->rates[l->passes++] = amount(l) / (stop - start);
            l->done = !(stop < end) || l->passes == MAX_PASSES;
        }
        par_wait(par);
    } while (!l->done);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double measure(slm_limits *l, double seconds, par_fn *thread)
{
    l->seconds = seconds;
    l->passes = 0;
    struct par par;
    par_run(l->threads, &par, thread, l);
    qsort(l->rates, l->passes, sizeof *l->rates, ascending);
    return l->rates[l->passes / 2] * 1e-9;
}

/* ------------------------------------------------------------------ int8 */

/* Small pieces, so that unequal cores finish together. */
static void peak_pass(struct slm_limits *l, struct par *par)
{
    while (par_next(par, 1) < l->pieces)
        l->operations += l->kernels.peak(l->rounds);
}

static double peak_amount(struct slm_limits *l)
{
    return (double)atomic_exchange(&l->operations, 0);
}

static void peak_thread(void *arg, struct par *par, int thread)
{
    run_passes(arg, par, thread, peak_pass, peak_amount);
}

double slm_limits_int8_gops(slm_limits *l, double seconds)
{
    return l ? measure(l, seconds, peak_thread) : 0;
}

/* Pieces of about 0.2 ms, 5 ms of them for each thread. */
static void size_pieces(struct slm_limits *l)
{
    l->rounds = 64;
    for (double elapsed = 0; elapsed < 2e-4 && l->rounds < UINT64_MAX / 2;) {
        l->rounds *= 2;
        double start = now();
        l->operations += l->kernels.peak(l->rounds);
        elapsed = now() - start;
    }
    l->operations = 0;
    l->pieces = 25 * (size_t)l->threads;
}

/* ------------------------------------------------------------------ memory */

static void read_pass(struct slm_limits *l, struct par *par)
{
    uint64_t sum = 0;
    for (size_t at; (at = par_next(par, CHUNK)) < WINDOW;)
        sum += l->kernels.read(l->data + l->window + at, CHUNK);
    l->sum += sum; /* so that reading can't be left out */
}

static double read_amount(struct slm_limits *l)
{
    l->window = (l->window + WINDOW) % l->size;
    return (double)WINDOW;
}

static void read_thread(void *arg, struct par *par, int thread)
{
    run_passes(arg, par, thread, read_pass, read_amount);
}

double slm_limits_read_gbps(slm_limits *l, double seconds)
{
    return l ? measure(l, seconds, read_thread) : 0;
}

/* The first write places a page near the thread that makes it. */
static void touch_thread(void *arg, struct par *par, int thread)
{
    (void)thread;
    struct slm_limits *l = arg;
    for (size_t at; (at = par_next(par, CHUNK)) < l->size;)
        for (size_t page = 0; page < CHUNK; page += PAGE)
            l->data[at + page] = 1;
}

/* ------------------------------------------------------------------ both */

slm_status slm_limits_new(const char *isa, int threads, slm_limits **limits, slm_error *err)
{
    if (!limits)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "slm_limits_new: limits is NULL");
    *limits = NULL;
    enum isa chosen;
    mem heap;
    TRY(par_check(threads, err));
    threads = threads ? threads : topo_threads();
    TRY(par_probe(threads, err));
    TRY(isa_choose(isa, &chosen, err));
    TRY(mem_init(&heap, NULL, err));
    slm_limits *l = mem_zalloc(&heap, 1, sizeof *l);
    if (!l)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for measuring");
    l->mem = heap;
    l->threads = threads;
    kernels_fill(&l->kernels, chosen);
    for (l->size = MEMORY; !(l->data = mem_alloc(&heap, l->size, 1)); l->size /= 2) {
        if (l->size > MEMORY_LEAST)
            continue;
        slm_limits_free(l);
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "no memory for measuring: %zu MiB are needed", MEMORY_LEAST >> 20);
    }
    struct par par;
    par_run(l->threads, &par, touch_thread, l);
    size_pieces(l);
    *limits = l;
    return SLM_OK;
}

void slm_limits_free(slm_limits *l)
{
    if (!l)
        return;
    mem heap = l->mem;
    mem_free(&heap, l->data);
    mem_free(&heap, l);
}
