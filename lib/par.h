/* par.h - the only user of OpenMP: one parallel region per forward pass, light barriers and shared work inside it. */
#ifndef SLM_PAR_H
#define SLM_PAR_H

#include "status.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What the threads of one region share. Memory of the caller; par_run initializes it. */
struct par {
    int threads;                        /* that really run: at most as many as asked for */
    int spins;                          /* of a wait before it sleeps */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint phase;
    atomic_int sleepers;
    _Alignas(64) atomic_size_t next[2]; /* work handed out in this phase and in the one being prepared */
};

typedef void par_fn(void *arg, struct par *par, int thread);

/* Whether an option may ask for so many: 0 (which stands for a default) to PAR_MOST. */
enum { PAR_MOST = 1024 };
slm_status par_check(int threads, slm_error *err);

/* Whether the system grants so many now. The OpenMP runtime ends the process if it is refused a thread, so they are tried before. */
slm_status par_probe(int threads, slm_error *err);

/* Runs fn on `threads` threads (thread = 0 .. par->threads - 1) and returns when all have. */
void par_run(int threads, struct par *par, par_fn *fn, void *arg);

/* Waits until every thread of the region is here. What was written before is visible to all after. */
void par_wait(struct par *par);

/* Hands out work between two barriers: returns the next start of `step` items, each given to one thread, until it is >= the
 * number of items. Every thread must use the same step, and one such loop only between two par_wait. */
size_t par_next(struct par *par, size_t step);

#endif
