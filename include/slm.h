/* slm.h - the whole public API of libslm, written as its manual.
 *
 * libslm runs quantized small language models from GGUF files on CPUs.
 *
 *   slm_model *model;  slm_session *session;  slm_error err;
 *   if (slm_model_open("model.gguf", NULL, &model, &err)) return puts(err.message);
 *   if (slm_session_new(model, NULL, &session, &err)) return puts(err.message);
 *   ... slm_tokenize, slm_decode, slm_logits, slm_generate ...
 *   slm_session_free(session);
 *   slm_model_free(model);
 *
 * Rules that hold everywhere:
 *  - Errors. A function that can fail returns slm_status: SLM_OK (0) or what went wrong. The last parameter, `err`, may be
 *    NULL; otherwise it is filled on failure (what, where and what to do) and left alone on success. After a failure the
 *    objects passed in are as they were before the call, and an output pointer holds NULL.
 *  - NULL. An object or an output that is NULL gives SLM_INVALID unless the function says what NULL means; functions without a status
 *    then do nothing and return 0, false, NULL or SLM_TOKEN_NONE.
 *  - No exits. The library never aborts, exits, prints, installs a signal handler or changes locale or environment. (The OpenMP runtime
 *    ends a process that is refused a thread; the library tries beforehand whether the threads can be had.)
 *  - Ownership. Whoever calls *_new or *_open calls the matching *_free. Every *_free accepts NULL. Pointers returned by
 *    getters belong to the object and live as long as it does, or as long as the function says. Options are copied, strings in them
 *    too; the functions in them, and their `user`, must last as long as the object and those made from it.
 *  - Threads. A model is read-only once open: any number of threads may use it at once, each with its own session. A
 *    session and a sampler serve one thread at a time. There is no global state. In a child of fork(), the thread that forked must not
 *    compute on several threads if it has done so before (GNU's OpenMP would wait for workers that are gone): let a new thread do it.
 *  - Stack. A call takes less than 512 KiB of its thread's, whatever the file, the template and the text. Only hostile templates come near
 *    that: they nest as deeply as they may.
 *  - Strings are UTF-8. Where a text comes with a length it may hold any byte, NUL included. Sizes are in bytes unless the
 *    name says tokens.
 *  - ABI. Options structs begin with their own size; get one from its slm_*_default() and set what you need.
 *    A field added later takes its default in programs compiled earlier. NULL means all defaults.
 */
#ifndef SLM_H
#define SLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SLM_API __attribute__((visibility("default")))
#else
#define SLM_API
#endif

#define SLM_VERSION_MAJOR 0
#define SLM_VERSION_MINOR 1
#define SLM_VERSION_PATCH 0

/* "0.1.0", of the library that is linked (compare with the macros above). Static. */
SLM_API const char *slm_version(void);

/* ------------------------------------------------------------------ errors */

/* X(name, value, text) */
#define SLM_STATUS_LIST(X)                                                     \
    X(OK, 0, "ok")                                                             \
    X(INVALID, 1, "invalid argument")                                          \
    X(IO, 2, "input/output error")                                             \
    X(FORMAT, 3, "malformed file")                                             \
    X(UNSUPPORTED, 4, "not supported")                                         \
    X(MEMORY, 5, "out of memory")                                              \
    X(LIMIT, 6, "limit exceeded")                                              \
    X(CONTEXT, 7, "context is full")                                           \
    X(STOPPED, 8, "stopped by the callback")                                   \
    X(INTERNAL, 9, "internal error")

typedef enum slm_status {
#define SLM_STATUS_ENUM(name, value, text) SLM_##name = value,
    SLM_STATUS_LIST(SLM_STATUS_ENUM)
#undef SLM_STATUS_ENUM
} slm_status;

#define SLM_NO_OFFSET UINT64_MAX

/* What went wrong, where and what to do about it. Plain memory, filled by the library, owned by the caller. */
typedef struct slm_error {
    slm_status status;
    uint64_t offset;    /* byte offset in the file or text, SLM_NO_OFFSET where there is none */
    char message[256];  /* one line, NUL-terminated, no newline */
} slm_error;

/* A short text for a status ("malformed file"), static; "unknown status" for other values. */
SLM_API const char *slm_status_text(slm_status status);

/* ------------------------------------------------------------------- hooks */

/* Where memory comes from. alloc returns memory aligned to `alignment` (a power of two, at most 2 MiB), or NULL. Both may
 * be called from the thread that makes the call into the library, never from the library's workers: from several threads at once where
 * several use a model. `user` is passed on. */
typedef struct slm_allocator {
    void *(*alloc)(void *user, size_t size, size_t alignment);
    void (*free)(void *user, void *ptr);
    void *user;
} slm_allocator;

typedef enum slm_log_level { SLM_LOG_DEBUG, SLM_LOG_INFO, SLM_LOG_WARNING } slm_log_level;

/* Receives one line of text without newline, during the call that caused it and on its thread. Warnings are for the user: a model
 * opened, but the file holds tensors that its architecture does not know. */
typedef void slm_log_fn(void *user, slm_log_level level, const char *text);

/* Told how far loading is, from 0 to 1, on the calling thread. Return false to stop: the open fails with SLM_STOPPED. */
typedef bool slm_progress_fn(void *user, float fraction);

/* ------------------------------------------------------------------- model */

typedef struct slm_model slm_model;

typedef struct slm_model_options {
    size_t size;                /* sizeof(slm_model_options), set by slm_model_options_default() */
    int threads;                /* threads used for loading, at most 1024; 0: as many as the machine has usable cores */
    const char *isa;            /* "scalar"; "avx2", "avxvnni", "avx512"; "armv8", "neon", "i8mm"; NULL: $SLM_ISA, or else the best here */
    uint64_t memory_budget;     /* refuse with SLM_LIMIT a model whose weights need more bytes; 0: no budget */
    bool vocab_only;            /* read metadata and tokenizer, no weights, which may be of any type and architecture: slm_session_new
                                 * then fails */
    bool sizes_only;            /* check everything that slm_model_open checks, but take no memory for weights and read none: what
                                 * slm_model_get_info tells is right, and slm_session_new then fails */
    slm_allocator allocator;    /* all zero: the C library's */
    slm_log_fn *log;            /* NULL: silent */
    void *log_user;
    slm_progress_fn *progress;  /* NULL: none */
    void *progress_user;
} slm_model_options;
static inline slm_model_options slm_model_options_default(void)
{
    slm_model_options value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    return value;
}

/* Opens a GGUF file: maps it, checks it, packs its weights. Of a model that is split into several files (model-00001-of-00003.gguf),
 * `path` names any; the others must lie beside it. The file must not change during the call (where a mapped file has become shorter, or can't
 * be read, the system ends the process with SIGBUS) and is not needed afterwards, but for Gemma 3n: the table of its per-layer embeddings
 * stays in the mapped file, which must not change while the model is open. Fails with SLM_IO, SLM_FORMAT (message and offset say where),
 * SLM_UNSUPPORTED, SLM_LIMIT, SLM_MEMORY, SLM_INVALID (options out of range), SLM_STOPPED. */
SLM_API slm_status slm_model_open(const char *path, const slm_model_options *options, slm_model **model, slm_error *err);

/* The same from memory, a whole model, not a part of one. The library keeps no pointer into `data` after the call. */
SLM_API slm_status slm_model_open_memory(const void *data, size_t size, const slm_model_options *options, slm_model **model,
                                         slm_error *err);

/* Frees the model. Its sessions must have been freed before. NULL is allowed. */
SLM_API void slm_model_free(slm_model *model);

typedef struct slm_model_info {
    size_t size;                    /* set by slm_model_info_default() */
    const char *architecture;       /* "llama"; owned by the model */
    const char *name;               /* general.name, or "" */
    const char *type;               /* the weight type most bytes are in: "Q4_0" */
    uint32_t context_length;        /* tokens the model was trained for */
    uint32_t embedding_length;
    uint32_t layers, heads, kv_heads, vocab_size;
    uint64_t parameters;            /* number of weights */
    uint64_t layer_parameters;      /* of them, in the layers' matrices */
    uint64_t late_parameters;       /* of these, behind the last keys and values: only tokens with logits are multiplied with them */
    uint64_t weight_bytes;          /* packed, in memory */
    uint64_t decode_bytes;          /* weight bytes read to decode one token at depth 0 */
    uint64_t kv_bytes_per_token;    /* of all layers, in F16; slm_session_plan tells more */
    const char *isa;                /* tier in use */
    const char *chat_template;      /* Jinja source, or NULL */
} slm_model_info;
static inline slm_model_info slm_model_info_default(void)
{
    slm_model_info value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    return value;
}

/* Fills *info, as many bytes of it as info->size says. */
SLM_API void slm_model_get_info(const slm_model *model, slm_model_info *info);

/* ------------------------------------------------------------------- files */

/* What a GGUF file says of itself, whether or not its model can be run: metadata and tensors. Of a split model any part stands for all.
 * It stays mapped (if opened by its path), and must not change, while it is open. Read-only: any number of threads may use it at once. */
typedef struct slm_file slm_file;

/* Opens and checks a file. Fails with SLM_IO, SLM_FORMAT (message and offset say where), SLM_LIMIT, SLM_MEMORY. */
SLM_API slm_status slm_file_open(const char *path, slm_file **file, slm_error *err);

/* The same from memory, which stays the caller's, is only read, and must last and not change as long as the file is open. A part of a split
 * model is refused with SLM_UNSUPPORTED. */
SLM_API slm_status slm_file_open_memory(const void *data, size_t size, slm_file **file, slm_error *err);

SLM_API void slm_file_free(slm_file *file);

typedef struct slm_file_info {
    size_t size;                    /* set by slm_file_info_default() */
    uint64_t bytes;                 /* of all parts */
    uint32_t parts;                 /* 1 unless it is split */
    uint32_t version;               /* of GGUF */
    size_t metadata_count, tensor_count;
} slm_file_info;
static inline slm_file_info slm_file_info_default(void)
{
    slm_file_info value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    return value;
}

/* Fills *info, as many bytes of it as info->size says. */
SLM_API void slm_file_get_info(const slm_file *file, slm_file_info *info);

/* The index-th key of the metadata ("general.name"), owned by the file; NULL past the last one. */
SLM_API const char *slm_file_key(const slm_file *file, size_t index);

/* Number of values that a key has: more than 1 in an array only. 0: there is no such key, or its array is empty. */
SLM_API uint64_t slm_file_length(const slm_file *file, const char *key);

/* The index-th value of a key (0: the only one). A string is owned by the file and not NUL-terminated: its size goes to *length (may be
 * NULL). A number is any integer (rounded above 2^53) or float, or a bool as 0 or 1. NULL, or false, if there is none or it is of the other kind. */
SLM_API const char *slm_file_string(const slm_file *file, const char *key, uint64_t index, size_t *length);
SLM_API bool slm_file_number(const slm_file *file, const char *key, uint64_t index, double *value);

typedef struct slm_tensor_info {
    size_t size;                    /* set by slm_tensor_info_default() */
    const char *name;               /* owned by the file */
    const char *type;               /* "Q4_0", static; NULL: not known */
    bool supported;                 /* the type */
    uint32_t dims_count;            /* 1 to 4 */
    uint64_t dims[4];               /* dims[0] is the length of a row; the others, from dims_count on, are 1 */
    uint64_t bytes;                 /* in the file; 0 if the type is not known */
    uint32_t part;                  /* of a split model, from 0 */
} slm_tensor_info;
static inline slm_tensor_info slm_tensor_info_default(void)
{
    slm_tensor_info value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    return value;
}

/* Fills *info with the index-th tensor, as many bytes of it as info->size says; false past the last one. */
SLM_API bool slm_file_tensor(const slm_file *file, size_t index, slm_tensor_info *info);

/* -------------------------------------------------------------- vocabulary */

typedef int32_t slm_token;
#define SLM_TOKEN_NONE (-1)

/* Special tokens of the model, SLM_TOKEN_NONE where it has none. */
SLM_API slm_token slm_token_bos(const slm_model *model);
SLM_API slm_token slm_token_eos(const slm_model *model);

/* True if `token` ends a generation (end of text, end of turn, end of message). False for ids out of range. */
SLM_API bool slm_token_is_end(const slm_model *model, slm_token token);

/* The id of the token whose vocabulary text is exactly `text`, special ones included ("<|im_end|>"), or SLM_TOKEN_NONE. Most
 * vocabularies write a space as U+2581 or U+0120; for the tokens of a word as people write it call slm_tokenize. */
SLM_API slm_token slm_token_find(const slm_model *model, const char *text);

/* Whether the model wants its BOS token in front of a text. */
SLM_API bool slm_model_adds_bos(const slm_model *model);

enum {
    SLM_TOKENIZE_BOS = 1,     /* put the BOS token in front if the model wants one */
    SLM_TOKENIZE_SPECIAL = 2, /* text like "<|end|>" becomes the control token; without it, it is ordinary text */
    SLM_TOKENIZE_EOS = 4,     /* put the EOS or separator token behind if the model wants one: for texts to embed, not prompts */
};

/* Turns text into tokens. Writes at most `capacity` ids to `tokens` (may be NULL with capacity 0) and puts the number that
 * the text needs in *count; SLM_LIMIT if that is more than capacity: call again with room. Invalid UTF-8 is accepted.
 * Mostly far fewer tokens than bytes, and never more than 2 * length + 2, unless the vocabulary rewrites text ("t5": a ligature can become
 * several letters). Thread-safe. */
SLM_API slm_status slm_tokenize(const slm_model *model, const char *text, size_t length, unsigned flags, slm_token *tokens,
                                size_t capacity, size_t *count, slm_error *err);

/* The bytes of one token, which may be part of a UTF-8 character. Returns the number of bytes the token has and writes at
 * most `capacity` of them, no NUL. Control tokens have bytes only if `special`. 0 for ids out of range. Thread-safe. */
SLM_API size_t slm_token_bytes(const slm_model *model, slm_token token, bool special, char *bytes, size_t capacity);

/* Turns a stream of tokens into text that never ends in half a UTF-8 character. Plain memory owned by the caller: start it
 * with all zero bytes. Bytes that can't become a character come out as U+FFFD. */
typedef struct slm_detokenizer {
    uint8_t pending[4];
    uint8_t pending_length;
    bool started;           /* set after the first token, whose leading space some vocabularies drop */
    bool special;           /* show control tokens as text */
    bool tight;             /* the next word follows without a space ("bert" vocabularies) */
} slm_detokenizer;

/* Adds a token and writes the text that became complete, NUL-terminated, to `text` (as much as fits). Returns its length,
 * at most three times the token's bytes plus 12. SLM_TOKEN_NONE as token flushes what is pending, at the end of a text. */
SLM_API size_t slm_detokenize(const slm_model *model, slm_detokenizer *state, slm_token token, char *text, size_t capacity);

/* ----------------------------------------------------------------- session */

/* A session holds the KV cache of one or more sequences and computes on them. */
typedef struct slm_session slm_session;

typedef struct slm_session_options {
    size_t size;            /* set by slm_session_options_default() */
    uint32_t context;       /* tokens the KV cache holds, all sequences together, at most 16777216; 0: the model's context length, but
                             * not more than 4096 */
    uint32_t sequences;     /* number of sequences, ids 0 .. sequences - 1, at most 65536; 0: 1 */
    uint32_t batch;         /* tokens computed at once (longer batches are cut), at most 65536; 0: 512 */
    uint32_t outputs;       /* tokens of one slm_decode whose logits may be asked for; 0: as many as sequences */
    int threads;            /* at most 1024; 0: as many as the machine has usable cores */
    const char *type_k;     /* what keys are kept in: "f32", "f16", "q8_0" (about half the memory of f16); */
    const char *type_v;     /* and values. NULL or "auto": f32 for models whose matrices are all F32, otherwise f16 */
} slm_session_options;
static inline slm_session_options slm_session_options_default(void)
{
    slm_session_options value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    return value;
}

/* Makes a session. All its memory is taken here; nothing is allocated while decoding. The allocator is the model's. Fails with
 * SLM_INVALID (options out of range, or a model without weights), SLM_MEMORY, SLM_LIMIT (the system does not grant the threads). */
SLM_API slm_status slm_session_new(const slm_model *model, const slm_session_options *options, slm_session **session,
                                   slm_error *err);
SLM_API void slm_session_free(slm_session *session);

/* What a session is or would be. Layers that see a sliding window keep only the window and a batch before it, so their part of the
 * cache does not grow with the context. Pages of the cache that no token has come to yet take address space, not memory. */
typedef struct slm_session_info {
    size_t size;                    /* set by slm_session_info_default() */
    uint32_t context, sequences, batch, outputs;    /* of the options, defaults replaced */
    int threads;
    const char *type_k, *type_v;    /* "f16"; static */
    uint64_t kv_bytes;              /* of the whole KV cache */
    uint64_t buffer_bytes;          /* for computing: activations and logits */
    uint64_t kv_bytes_per_token;    /* in the layers that see everything, */
    uint64_t window_bytes_per_token; /* and in those that see a window */
    uint32_t window;                /* of this many positions; 0: there are none */
} slm_session_info;
static inline slm_session_info slm_session_info_default(void)
{
    slm_session_info value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    return value;
}

/* Tells what slm_session_new would make of these options, without making it: as many bytes of *info as info->size says. Works for models
 * opened with sizes_only, and for random ones with vocab_only, too. Fails with SLM_INVALID. Thread-safe. */
SLM_API slm_status slm_session_plan(const slm_model *model, const slm_session_options *options, slm_session_info *info,
                                    slm_error *err);

/* The same of a session: as many bytes of *info as info->size says. */
SLM_API void slm_session_get_info(const slm_session *session, slm_session_info *info);

/* Tokens for one call of slm_decode, in arrays of `count` elements owned by the caller. A token goes to the end of its
 * sequence; the tokens of a sequence stand in order. The logits of a token do not depend on what shares its batch, on how
 * a prompt is cut into batches, on the number of threads, nor (quantized weights) on the instruction set. */
typedef struct slm_batch {
    const slm_token *tokens;
    const uint32_t *sequences;  /* sequence of each token; NULL: all 0 */
    const bool *wants_logits;   /* for which tokens logits are computed; NULL: for the last token only */
    size_t count;
} slm_batch;

/* Computes the batch and appends it to the sequences. SLM_CONTEXT if the cache lacks room, SLM_LIMIT if more logits are wanted than
 * options.outputs, SLM_INVALID for no tokens, and ids or sequences out of range; in all cases nothing changed. */
SLM_API slm_status slm_decode(slm_session *session, const slm_batch *batch, slm_error *err);

/* The vocab_size logits of the index-th token that wanted them (0, 1, ...) in the last slm_decode, or NULL. Owned by the
 * session, valid until its next decode; the caller may change them. To classify a text, decode a prompt that asks for the class, and compare
 * the logits of the tokens that the answers begin with. */
SLM_API float *slm_logits(slm_session *session, size_t index);

/* Tokens in a sequence; 0 for a sequence out of range. */
SLM_API size_t slm_sequence_length(const slm_session *session, uint32_t sequence);

/* How many of these tokens the sequence begins with. A prompt that shares its beginning with what the sequence holds, as that of the next
 * turn of a conversation does, need not be decoded from the start: truncate the sequence to that length, and give slm_generate the rest,
 * at least one token. 0 for a sequence out of range. */
SLM_API size_t slm_sequence_match(const slm_session *session, uint32_t sequence, const slm_token *tokens, size_t count);

/* Shortens a sequence to its first `length` tokens; longer than it is: no effect. 0 empties it. What follows gets the same bits as
 * after a fresh start. This costs nothing, but for models with sliding windows that go back by more than options.batch tokens: where
 * the windows have lost what lies before the new end (a length from 1 to below slm_sequence_floor), the `length` tokens are computed
 * again, here. */
SLM_API slm_status slm_sequence_truncate(slm_session *session, uint32_t sequence, size_t length, slm_error *err);

/* The least length above 0 to which slm_sequence_truncate shortens a sequence without computing anything: 1 for models without
 * sliding windows. 0 for a sequence out of range. */
SLM_API size_t slm_sequence_floor(const slm_session *session, uint32_t sequence);

/* Number of threads the session computes with. */
SLM_API int slm_session_threads(const slm_session *session);

/* -------------------------------------------------------------------- chat */

/* One message of a conversation. */
typedef struct slm_chat_message {
    const char *role;       /* "system", "user", "assistant", "tool" */
    const char *content;
} slm_chat_message;

/* What a template's variable enable_thinking is; models without a thinking mode ignore it. */
typedef enum slm_thinking { SLM_THINKING_AUTO, SLM_THINKING_ON, SLM_THINKING_OFF } slm_thinking;

typedef struct slm_chat_options {
    size_t size;                /* set by slm_chat_options_default() */
    const char *chat_template;  /* Jinja source; NULL: the model's own. slm_chat_template_at has some */
    bool add_generation_prompt; /* end with the opening of the assistant's answer; default true */
    slm_thinking thinking;      /* AUTO leaves the choice to the template */
    const char *tools;          /* JSON: the list of tools that the model may call, or NULL */
    const char *variables;      /* JSON: an object with more variables for the template, or NULL. They win over the others: with
                                 * "messages" in it, messages may have tool calls, images and what else the template knows */
    const char *now;            /* the local time that the template sees, "2026-11-22T09:30:00"; NULL: the clock's */
} slm_chat_options;
static inline slm_chat_options slm_chat_options_default(void)
{
    slm_chat_options value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    value.add_generation_prompt = true;
    return value;
}

/* Turns a conversation into the prompt for its next answer, in the form that the model was trained on: by its chat template (Jinja2 as
 * Hugging Face sets it up), with the BOS token in front where the model wants one. What looks like a control token in the messages, the
 * tools and the lists and objects of the variables stays ordinary text: nobody can end a turn by writing "<|im_end|>". Tokens, capacity and
 * *token_count are as in slm_tokenize, the other failures those of slm_chat_render. Thread-safe. */
SLM_API slm_status slm_chat_tokenize(const slm_model *model, const slm_chat_message *messages, size_t count, const slm_chat_options *options,
                                     slm_token *tokens, size_t capacity, size_t *token_count, slm_error *err);

/* The same as text, to look at or to tokenize in another way (with SLM_TOKENIZE_SPECIAL, and without SLM_TOKENIZE_BOS if it begins with
 * the BOS token's text, as most templates make it). *text is NUL-terminated and belongs to the caller: free it with slm_text_free. *length
 * (may be NULL) is its size in bytes. Fails with SLM_UNSUPPORTED if there is no template; with SLM_FORMAT if the template is wrong or
 * refuses these messages (many insist on roles that alternate): the message begins with "template line L, column C: "; with SLM_LIMIT if it
 * does not come to an end, or takes more than 256 MiB; with SLM_INVALID for options that make no sense. Thread-safe. */
SLM_API slm_status slm_chat_render(const slm_model *model, const slm_chat_message *messages, size_t count, const slm_chat_options *options,
                                   char **text, size_t *length, slm_error *err);

/* Frees a text that the library has made. NULL is allowed. */
SLM_API void slm_text_free(char *text);

/* Source of the index-th chat template that the library brings along, for models whose files have none, and in *name (may be NULL) what
 * it is called ("chatml", "llama3"). NULL past the last one. Both static. */
SLM_API const char *slm_chat_template_at(size_t index, const char **name);

/* ---------------------------------------------------------------- sampling */

/* Chooses tokens from logits. The order is fixed: logit bias, penalties, then greedy if temperature is 0, else top-k,
 * top-p, min-p, temperature, draw. The generator is PCG32 (O'Neill 2014) and all arithmetic is the library's own: one seed
 * gives one text on every machine. */
typedef struct slm_sampler slm_sampler;

typedef struct slm_logit_bias {
    slm_token token;
    float bias;             /* added to the logit; -INFINITY forbids the token */
} slm_logit_bias;

typedef struct slm_sampler_options {
    size_t size;                /* set by slm_sampler_options_default() */
    float temperature;          /* 0: greedy */
    uint32_t top_k;             /* keep the k best; 0: all */
    float top_p;                /* keep the smallest set with this probability; 1: all */
    float min_p;                /* drop tokens below this share of the best one's probability; 0: none */
    float repeat_penalty;       /* 1: none. Divides positive, multiplies negative logits of recent tokens */
    float presence_penalty;     /* subtracted once from the logit of a recent token */
    float frequency_penalty;    /* subtracted for each occurrence */
    uint32_t penalty_window;    /* how many tokens back are recent; 0: none */
    uint64_t seed;
    const slm_logit_bias *bias; /* copied; those of one token add up. NULL with bias_count 0: none */
    size_t bias_count;
} slm_sampler_options;
static inline slm_sampler_options slm_sampler_options_default(void)
{
    slm_sampler_options value;
    memset(&value, 0, sizeof value);
    value.size = sizeof value;
    value.temperature = 0.8f;
    value.top_k = 40;
    value.top_p = 0.95f;
    value.min_p = 0.05f;
    value.repeat_penalty = 1.0f;
    value.penalty_window = 64;
    return value;
}

/* Makes a sampler for a model's vocabulary; it does not need the model afterwards. Fails with SLM_INVALID (numbers that make no sense,
 * a model without weights) and SLM_MEMORY. */
SLM_API slm_status slm_sampler_new(const slm_model *model, const slm_sampler_options *options, slm_sampler **sampler,
                                   slm_error *err);
SLM_API void slm_sampler_free(slm_sampler *sampler);

/* Chooses a token from `logits` ([vocab_size], not changed) and remembers it for the penalties. A logit that is not a number is never
 * chosen while there are others; if there are none, token 0 is. */
SLM_API slm_token slm_sampler_next(slm_sampler *sampler, const float *logits);

/* Tells the sampler of a token that it did not choose (a prompt's), for the penalties. Tokens out of range are ignored. */
SLM_API void slm_sampler_accept(slm_sampler *sampler, slm_token token);

/* Forgets the accepted tokens and starts the generator again from the seed. */
SLM_API void slm_sampler_reset(slm_sampler *sampler);

/* -------------------------------------------------------------- generation */

/* Receives a generated token and the text that became complete with it (NUL-terminated, possibly empty), on the calling
 * thread; it must leave the session and the sampler alone. Return false to stop. If the text ends in an incomplete character, a last
 * call with SLM_TOKEN_NONE brings it. */
typedef bool slm_token_fn(void *user, slm_token token, const char *text, size_t length);

/* Decodes `prompt` at the end of `sequence`, then samples and decodes until an end token (not reported), `max_tokens` or a
 * false from the callback (both still SLM_OK; *generated, which may be NULL, tells how many tokens were reported). The
 * sequence then holds the prompt and the reported tokens, without the last one unless an end token came behind it. count is at least 1.
 * callback may be NULL. SLM_CONTEXT if the cache is
 * full, SLM_FORMAT if the logits are not finite numbers (damaged weights): what was generated has been reported. SLM_INVALID if the
 * sampler was made with a model of another vocabulary size. `special` shows control tokens as text. */
SLM_API slm_status slm_generate(slm_session *session, uint32_t sequence, const slm_token *prompt, size_t count,
                                slm_sampler *sampler, size_t max_tokens, bool special, slm_token_fn *callback, void *user,
                                size_t *generated, slm_error *err);

/* ------------------------------------------------------------ experimental */
/* For the project's own tools; may change in any release. */

/* Renders any Jinja template with the members of a JSON object as its variables, none from a model. `now`, the result and the failures
 * as in slm_chat_render. */
SLM_API slm_status slm_template_render(const char *source, size_t source_length, const char *variables, size_t variables_length,
                                       const char *now, char **text, size_t *length, slm_error *err);

/* Sizes of a real model, for measuring without a file. */
typedef struct slm_shape {
    const char *name;       /* "llama-3.2-1b" */
    const char *architecture;
    uint32_t layers, embedding, heads, kv_heads, head_dim, feed_forward, vocab;
    bool tied;              /* the output matrix is the token embedding */
    float rope_base;
    uint32_t window;        /* positions that local layers see, where the architecture has such; 0: all */
    uint32_t context;       /* tokens it was trained for; 0: 131072 */
    uint32_t rope_dimensions;   /* rotated ones of a head; 0: all */
    uint32_t shared_kv_layers;  /* last layers that read the keys and values of earlier ones (gemma3n) */
} slm_shape;

/* The index-th known shape, or NULL past the last one. Static. */
SLM_API const slm_shape *slm_shape_at(size_t index);

/* Makes a model of that shape with random weights of one type (a GGUF type's name, or "Q4_K_M"), directly in packed form.
 * It has no vocabulary: tokenizing fails. With options.vocab_only it has no weights either, and only slm_model_get_info and
 * slm_session_plan work. */
SLM_API slm_status slm_model_random(const slm_shape *shape, const char *type, const slm_model_options *options,
                                    slm_model **model, slm_error *err);

/* Kinds of operations of a forward pass: matrix products (with the quantizing of their input), attention, norms, and the rest
 * (embedding, rotation, gates, residuals). */
typedef enum slm_op { SLM_OP_LINEAR, SLM_OP_ATTENTION, SLM_OP_NORM, SLM_OP_OTHER, SLM_OP_COUNT } slm_op;

typedef struct slm_op_profile {
    double seconds;         /* of the thread that called, waiting for the others included */
    double bytes;           /* read at least: weights once a pass, keys and values once a pass, the norms' activations; not of the rest */
    double operations;      /* multiplications and additions; not of the rest */
} slm_op_profile;

/* From now on slm_decode adds where its time goes to ops[0 .. SLM_OP_COUNT - 1], memory of the caller, who zeroes it first and keeps
 * it until the session is freed or profiling ends: ops NULL. */
SLM_API void slm_session_profile(slm_session *session, slm_op_profile *ops);

/* Name of the index-th kernel slot and of the function in it ("linear.Q4_0", "linear_q4_0_avx2") for a tier (NULL: the
 * one that would be chosen). False past the last slot or for a tier that this machine lacks. Both names are static, and either may
 * be NULL. */
SLM_API bool slm_kernel_at(const char *isa, size_t index, const char **slot, const char **function);

/* Name of the tier that `isa` (NULL: $SLM_ISA or the best) selects, or NULL with err filled. Static. */
SLM_API const char *slm_isa(const char *isa, slm_error *err);

/* Name of the index-th tier that this machine can run, in ascending order, or NULL past the last. Static. */
SLM_API const char *slm_isa_at(size_t index);

/* What the machine looks like to a computation, and what threads = 0 makes of it. Numbers are 0 where unknown. */
typedef struct slm_topology {
    size_t size;                    /* sizeof(slm_topology), set by the caller */
    bool hwloc;                     /* the library was built with hwloc, which knows the cores */
    uint32_t packages, numa_nodes, cores, cpus, kinds;  /* of the whole machine; kinds of cores, which differ in speed */
    uint32_t allowed_cpus, allowed_cores, fast_cores;   /* inside the affinity mask; of the cores, those of the fast kind */
    double quota;                   /* CPUs that the control groups (version 1 or 2) grant, 0: no limit */
    uint32_t threads;               /* chosen: at least 1 */
    char allowed[256], chosen[256]; /* CPUs of the affinity mask, and one of each chosen core: "0-3,8" */
    char reason[256];               /* why, one line */
    uint32_t memory_nodes;          /* NUMA nodes of the chosen cores; weights are spread over them if they are more than one */
} slm_topology;

/* Fills *topology, as many bytes of it as topology->size says. Takes some milliseconds. */
SLM_API void slm_topology_get(slm_topology *topology);

/* Measures the limits of the machine, with a tier's instructions and a number of threads (0: as many as the machine has usable
 * cores): the peak rate of int8 multiply-adds (two operations each), in 1e9 op/s, and the rate at which memory can be read, in
 * 1e9 byte/s. Each measurement takes about `seconds`; the median of many short passes counts. slm_limits_new fails with SLM_INVALID (more
 * than 1024 threads), SLM_UNSUPPORTED (the tier), SLM_MEMORY, SLM_LIMIT (the system does not grant the threads). */
typedef struct slm_limits slm_limits;
SLM_API slm_status slm_limits_new(const char *isa, int threads, slm_limits **limits, slm_error *err); /* takes 512 MiB */
SLM_API void slm_limits_free(slm_limits *limits);
SLM_API double slm_limits_int8_gops(slm_limits *limits, double seconds);
SLM_API double slm_limits_read_gbps(slm_limits *limits, double seconds);

#ifdef __cplusplus
}
#endif
#endif
