/* ops_internal.h - what the files that implement ops.h share. */
#ifndef SLM_OPS_INTERNAL_H
#define SLM_OPS_INTERNAL_H

#include "ops.h"
#include "par.h"

#include "../kernels/kernels.h"

struct range {
    size_t first, last;
};

/* The calling thread's tokens, first .. last - 1, of `count`. */
struct range own_range(const struct pass *p, size_t count);

/* Bytes of a tile of ACT_BLOCK values, or of one block if that is longer, of any weight type. */
enum { TABLE_TILE = 8192 };

/* Positions whose attention is computed in one go; the results of spans are merged in order. Part of the canonical arithmetic. */
enum { SPAN = 512 };

/* Work is split over spans too when there are fewer panels than this for each thread. */
enum { SPLIT_BELOW = 2 };

/* Floats of workspace.partial: for sessions of `context` tokens on `threads` threads. */
size_t attention_partial_floats(int threads, uint32_t context, uint32_t head_dim);

/* Floats of each thread's scratch. */
size_t attention_scratch_floats(uint32_t head_dim);

/* Bytes of the prepared activations of `count` columns of k values. */
size_t act_bytes(uint32_t k, size_t count, bool dense);

#endif
