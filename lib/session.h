/* session.h - sequences in a KV cache and the memory to compute on them. */
#ifndef SLM_SESSION_H
#define SLM_SESSION_H

#include "kvcache.h"
#include "model.h"
#include "ops_internal.h"

struct slm_session {
    mem mem;
    const slm_model *model;
    int threads;
    uint32_t batch, outputs;
    struct kvcache kv;
    struct workspace work;
    float *buffers[MAX_BUFFERS];
    float *float_memory;        /* what the workspace's float pointers point into */
    slm_token *tokens;          /* [batch] of the pass being computed, ordered by sequence: */
    uint32_t *positions;        /* [batch] */
    uint32_t *sequences;        /* [batch] */
    uint32_t *wanted;           /* [batch] those of them whose logits are wanted, */
    uint32_t *kept_positions;   /* [batch] their positions */
    struct run *runs, *kept_runs; /* [batch] the runs of all and theirs */
    uint32_t *rank;             /* [batch] the how-manieth wanted token it is */
    uint32_t *counts;           /* [sequences] */
    slm_op_profile *profile;    /* the caller's, or NULL */
    size_t buffer_bytes;
    size_t logits_count;        /* rows of logits of the last decode */
    size_t *logits_rows;        /* [outputs] where they lie, in the order of the batch */
};

slm_status session_new(const slm_model *model, const slm_session_options *options, slm_session **session, slm_error *err);
void session_free(slm_session *session);

/* slm_session_plan and slm_session_get_info of slm.h, but for the size of *info. */
slm_status session_plan(const slm_model *model, const slm_session_options *options, slm_session_info *info, slm_error *err);
void session_info(const slm_session *session, slm_session_info *info);

/* slm_sequence_truncate of slm.h, for a sequence that there is. */
void session_truncate(slm_session *session, uint32_t sequence, size_t length);

/* slm_decode of slm.h, pointers checked. Where the batch names no sequences, all tokens are for `sequence`. */
slm_status session_decode(slm_session *session, const slm_batch *batch, uint32_t sequence, slm_error *err);

#endif
