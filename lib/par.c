#include "par.h"

#include <sched.h>
#ifdef SLM_OPENMP
#include <omp.h>
#endif

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void par_run(int threads, struct par *par, par_fn *fn, void *arg)
{
    atomic_init(&par->arrived, 0);
    atomic_init(&par->phase, 0);
    atomic_init(&par->next[0], 0);
    atomic_init(&par->next[1], 0);
    par->threads = 1;
#ifdef SLM_OPENMP
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        {
#pragma omp single
            par->threads = omp_get_num_threads();
            fn(arg, par, omp_get_thread_num());
        }
        return;
    }
#else
    (void)threads;
#endif
    fn(arg, par, 0);
}

/* The last to arrive opens the next phase. Waiting spins for some microseconds, which is the usual time between two arrivals,
 * then yields: with more threads than cores the others need the processor. */
void par_wait(struct par *par)
{
    unsigned phase = atomic_load_explicit(&par->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&par->arrived, 1, memory_order_acq_rel) + 1 == par->threads) {
        atomic_store_explicit(&par->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&par->next[phase & 1], 0, memory_order_relaxed); /* used again in two phases */
        atomic_store_explicit(&par->phase, phase + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&par->phase, memory_order_acquire) == phase; spins++) {
        if (spins < 2000)
            relax();
        else
            sched_yield();
    }
}

size_t par_next(struct par *par, size_t step)
{
    unsigned phase = atomic_load_explicit(&par->phase, memory_order_relaxed);
    return atomic_fetch_add_explicit(&par->next[phase & 1], step, memory_order_relaxed);
}
