#include "profile.h"

#include <time.h>

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void profile_switch(struct profile *p, slm_op next)
{
    const uint64_t time = now();
    if (p->current != SLM_OP_COUNT)
        p->ops[p->current].seconds += (double)(time - p->since) * 1e-9;
    p->current = next;
    p->since = time;
}
