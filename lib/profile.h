/* profile.h - where the time of a pass goes. Thread 0 marks the beginning of each operation; an operation lasts until the next mark,
 * the wait for other threads included. Without a profile a mark is a test of a pointer. */
#ifndef SLM_PROFILE_H
#define SLM_PROFILE_H

#include "ops.h"

struct profile {
    slm_op_profile *ops;        /* [SLM_OP_COUNT], the caller's */
    slm_op current;             /* SLM_OP_COUNT: none */
    uint64_t since;             /* ns, when it began */
};

void profile_switch(struct profile *profile, slm_op next);

/* An operation begins; SLM_OP_COUNT ends the last one. */
static inline void profile_mark(const struct pass *p, slm_op op)
{
    if (p->profile)
        profile_switch(p->profile, op);
}

/* Work of the operation that is running, of all threads together: bytes read from memory and arithmetic operations. */
static inline void profile_work(const struct pass *p, double bytes, double operations)
{
    if (p->profile) {
        p->profile->ops[p->profile->current].bytes += bytes;
        p->profile->ops[p->profile->current].operations += operations;
    }
}

#endif
