#include "par.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <sched.h>
#endif
#ifdef SLM_OPENMP
#include <omp.h>
#include <pthread.h>
#endif

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Waiting spins this often, some tens of microseconds, which covers the usual time between two arrivals, and then sleeps: where
 * the cores are shared with other work, a spinning thread uses up the time that the one it waits for needs. With more threads than
 * cores that is always so, and none spins. */
enum { SPINS = 2000 };

/* Sleeps while the phase is still `phase`; may return early. */
static void sleep_in(struct par *par, unsigned phase)
{
#if defined(__linux__)
    atomic_fetch_add(&par->sleepers, 1);
    syscall(SYS_futex, &par->phase, FUTEX_WAIT_PRIVATE, phase, NULL, NULL, 0);
    atomic_fetch_sub(&par->sleepers, 1);
#else
    (void)par;
    (void)phase;
    sched_yield();
#endif
}

/* A sleeper counts itself before the kernel compares the phase, and the phase changes before the sleepers are counted, all in one
 * order (seq_cst): none is missed. */
static void open_phase(struct par *par, unsigned phase)
{
    atomic_store(&par->phase, phase);
#if defined(__linux__)
    if (atomic_load(&par->sleepers))
        syscall(SYS_futex, &par->phase, FUTEX_WAKE_PRIVATE, par->threads, NULL, NULL, 0);
#endif
}

slm_status par_check(int threads, slm_error *err)
{
    if (threads < 0 || threads > PAR_MOST)
        return fail(err, SLM_INVALID, SLM_NO_OFFSET, "%d threads, expected 0 (all cores) to %d", threads, PAR_MOST);
    return SLM_OK;
}

#ifdef SLM_OPENMP
/* Ends when all have been made. */
static void *wait_for_all(void *all)
{
    pthread_mutex_lock(all);
    pthread_mutex_unlock(all);
    return NULL;
}
#endif

slm_status par_probe(int threads, slm_error *err)
{
    int made = threads - 1;
#ifdef SLM_OPENMP
    pthread_t ids[PAR_MOST];
    pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&all);
    for (made = 0; made < threads - 1 && made < PAR_MOST; made++)
        if (pthread_create(&ids[made], NULL, wait_for_all, &all))
            break;
    pthread_mutex_unlock(&all);
    for (int i = 0; i < made; i++)
        pthread_join(ids[i], NULL);
#endif
    if (made < threads - 1)
        return fail(err, SLM_LIMIT, SLM_NO_OFFSET, "the system grants %d of %d threads: ask for fewer, or raise its limits (ulimit -u, -v)",
                    made + 1, threads);
    return SLM_OK;
}

void par_run(int threads, struct par *par, par_fn *fn, void *arg)
{
    atomic_init(&par->arrived, 0);
    atomic_init(&par->phase, 0);
    atomic_init(&par->sleepers, 0);
    atomic_init(&par->next[0], 0);
    atomic_init(&par->next[1], 0);
    par->threads = 1;
    par->spins = SPINS;
#ifdef SLM_OPENMP
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        {
#pragma omp single
            {
                par->threads = omp_get_num_threads();
                par->spins = par->threads > omp_get_num_procs() ? 0 : SPINS;
            }
            fn(arg, par, omp_get_thread_num());
        }
        return;
    }
#else
    (void)threads;
#endif
    fn(arg, par, 0);
}

/* The last to arrive opens the next phase. */
void par_wait(struct par *par)
{
    unsigned phase = atomic_load_explicit(&par->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&par->arrived, 1, memory_order_acq_rel) + 1 == par->threads) {
        atomic_store_explicit(&par->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&par->next[phase & 1], 0, memory_order_relaxed); /* used again in two phases */
        open_phase(par, phase + 1);
        return;
    }
    for (int spun = 0; atomic_load_explicit(&par->phase, memory_order_acquire) == phase; spun++) {
        if (spun < par->spins)
            relax();
        else
            sleep_in(par, phase);
    }
}

size_t par_next(struct par *par, size_t step)
{
    unsigned phase = atomic_load_explicit(&par->phase, memory_order_relaxed);
    return atomic_fetch_add_explicit(&par->next[phase & 1], step, memory_order_relaxed);
}
