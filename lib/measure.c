/* The limits that the engine is held against: how many int8 operations the cores can do and how fast memory can be read, by the
 * same tier, on the same threads, with the same sharing out of work. A pass is some milliseconds long and the best pass counts:
 * what disturbs a pass can only slow it down. */
#include "isa.h"
#include "mem.h"
#include "par.h"
#include "topo.h"

#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

enum { MAX_THREADS = 1024 };

/* What the threads of a measurement share; thread 0 keeps the time. */
struct measurement {
    struct kernels kernels;
    double seconds;
    double best;                    /* per second */
    bool done;
    uint64_t rounds;                /* of peak, in a piece */
    size_t pieces;                  /* in a pass */
    uint8_t *data;                  /* for read */
    size_t size;
    _Atomic uint64_t sum, operations;
};

static bool prepare(struct measurement *m, const char *isa, int *threads, double seconds)
{
    enum isa chosen;
    if (isa_choose(isa, &chosen, NULL) != SLM_OK)
        return false;
    if (*threads <= 0)
        *threads = topo_threads();
    if (*threads > MAX_THREADS)
        *threads = MAX_THREADS;
    *m = (struct measurement){.seconds = seconds};
    kernels_fill(&m->kernels, chosen);
    return true;
}

/* Runs passes until the time is over. `pass` does one thread's part and `amount` says, after it, how much all did together. */
static void run_passes(struct measurement *m, struct par *par, int thread, void pass(struct measurement *, struct par *),
                       double amount(struct measurement *))
{
    double end = now() + m->seconds;
    do {
        par_wait(par);
        double start = now();
        pass(m, par);
        par_wait(par);
        if (thread == 0) {
            double stop = now(), rate = amount(m) / (stop - start);
            if (rate > m->best)
                m->best = rate;
            m->done = !(stop < end);
        }
        par_wait(par);
    } while (!m->done);
}

/* ------------------------------------------------------------------ int8 */

/* Small pieces, so that unequal cores finish together. */
static void peak_pass(struct measurement *m, struct par *par)
{
    while (par_next(par, 1) < m->pieces)
        m->operations += m->kernels.peak(m->rounds);
}

static double peak_amount(struct measurement *m)
{
    return (double)atomic_exchange(&m->operations, 0);
}

static void peak_thread(void *arg, struct par *par, int thread)
{
    run_passes(arg, par, thread, peak_pass, peak_amount);
}

double slm_measure_int8_gops(const char *isa, int threads, double seconds)
{
    struct measurement m;
    if (!prepare(&m, isa, &threads, seconds))
        return 0;
    /* pieces of about 0.2 ms, 5 ms of them for each thread */
    m.rounds = 64;
    for (double elapsed = 0; elapsed < 2e-4 && m.rounds < UINT64_MAX / 2;) {
        m.rounds *= 2;
        double start = now();
        m.operations += m.kernels.peak(m.rounds);
        elapsed = now() - start;
    }
    m.operations = 0;
    m.pieces = 25 * (size_t)threads;
    struct par par;
    par_run(threads, &par, peak_thread, &m);
    return m.best * 1e-9;
}

/* ------------------------------------------------------------------ memory */

enum { CHUNK = 1 << 20, PAGE = 4096 };

static void read_pass(struct measurement *m, struct par *par)
{
    uint64_t sum = 0;
    for (size_t at; (at = par_next(par, CHUNK)) < m->size;)
        sum += m->kernels.read(m->data + at, CHUNK);
    m->sum += sum; /* so that reading can't be left out */
}

static double read_amount(struct measurement *m)
{
    return (double)m->size;
}

static void read_thread(void *arg, struct par *par, int thread)
{
    struct measurement *m = arg;
    /* the first write places a page near the thread that makes it */
    for (size_t at; (at = par_next(par, CHUNK)) < m->size;)
        for (size_t page = 0; page < CHUNK; page += PAGE)
            m->data[at + page] = 1;
    run_passes(m, par, thread, read_pass, read_amount);
}

double slm_measure_read_gbps(const char *isa, int threads, double seconds)
{
    struct measurement m;
    mem heap;
    if (!prepare(&m, isa, &threads, seconds) || mem_init(&heap, NULL, NULL) != SLM_OK)
        return 0;
    /* many times what caches hold, and less only where memory is short */
    void *data = NULL;
    for (m.size = (size_t)512 << 20; !data && m.size >= (size_t)64 << 20; m.size /= 2)
        if ((data = mem_alloc(&heap, m.size, 1)))
            break;
    if (!data)
        return 0;
    m.data = data;
    struct par par;
    par_run(threads, &par, read_thread, &m);
    mem_free(&heap, data);
    return m.best * 1e-9;
}
