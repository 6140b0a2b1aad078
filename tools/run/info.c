/* slm-run --info: what a file is, and what its model would need. */
#include "info.h"

#include "format.h"

#include <malloc.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_TYPES = 64, SHOWN = 5, SHOWN_BYTES = 72 };

/* Bytes and tensors of one type. */
struct share {
    const char *type;
    bool supported;
    uint64_t bytes;
    size_t tensors;
};

/* All that is told. */
struct facts {
    const struct settings *settings;
    const char *path;
    const void *demo;                   /* NULL: it is the file at `path` */
    size_t demo_size;
    slm_file *file;
    slm_file_info info;
    char architecture[64];
    const char *main_type;
    uint64_t parameters, tensor_bytes;
    struct share shares[MAX_TYPES];     /* largest first */
    size_t share_count;
    slm_model *model;                   /* opened for its sizes; NULL: it can't be run, */
    slm_error why;                      /* and this is why */
    slm_model *vocabulary;              /* the model, or another that was opened for its vocabulary; NULL: that can't be read */
    uint64_t taken;                     /* bytes that the model takes without its weights */
    slm_model_info sizes;
    slm_session_info session;
};

/* ---- gathering */

static int by_bytes(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

/* Sums the tensors up by type; returns the number of types. */
static size_t sum_types(const slm_file *file, struct share *shares, uint64_t *values, uint64_t *bytes)
{
    slm_tensor_info t = slm_tensor_info_default();
    size_t count = 0;
    *values = *bytes = 0;
    for (size_t i = 0; slm_file_tensor(file, i, &t); i++) {
        const char *type = t.type ? t.type : "unknown";
        size_t at = 0;
        while (at < count && strcmp(shares[at].type, type) != 0)
            at++;
        if (at == count)
            shares[count++] = (struct share){.type = type, .supported = t.supported}; /* fewer types have names than MAX_TYPES */
        shares[at].bytes += t.bytes;
        shares[at].tensors++;
        *bytes += t.bytes;
        *values += t.dims[0] * t.dims[1] * t.dims[2] * t.dims[3];
    }
    qsort(shares, count, sizeof *shares, by_bytes);
    return count;
}

const char *main_type(const slm_file *file)
{
    struct share shares[MAX_TYPES];
    uint64_t values, bytes;
    return sum_types(file, shares, &values, &bytes) ? shares[0].type : "none";
}

/* The bytes that a model takes: its allocator counts them. */
static void *counted_alloc(void *user, size_t size, size_t alignment)
{
    void *block;
    if (posix_memalign(&block, alignment, size))
        return NULL;
    *(uint64_t *)user += malloc_usable_size(block);
    return block;
}

static void counted_free(void *user, void *block)
{
    *(uint64_t *)user -= malloc_usable_size(block);
    free(block);
}

/* A value of the architecture's own metadata; false if the file does not say. */
static bool own_number(const struct facts *f, const char *key, double *value)
{
    char name[128];
    double embedding, heads;
    snprintf(name, sizeof name, "%s.%s", f->architecture, key);
    if (slm_file_number(f->file, name, 0, value))
        return true;
    if (strcmp(key, "attention.key_length") != 0 || !own_number(f, "embedding_length", &embedding) ||
        !own_number(f, "attention.head_count", &heads) || !(heads > 0))
        return false;
    *value = embedding / heads; /* what it is where the file does not say */
    return true;
}

static slm_status open_model(const struct facts *f, const slm_model_options *o, slm_model **model, slm_error *err)
{
    return f->demo ? slm_model_open_memory(f->demo, f->demo_size, o, model, err) : slm_model_open(f->path, o, model, err);
}

static void open_models(struct facts *f)
{
    const struct settings *s = f->settings;
    slm_model_options o = slm_model_options_default();
    slm_error ignored;
    o.allocator = (slm_allocator){counted_alloc, counted_free, &f->taken};
    o.sizes_only = true;
    if (open_model(f, &o, &f->model, &f->why) == SLM_OK) {
        f->vocabulary = f->model;
        slm_model_get_info(f->model, &f->sizes);
        slm_session_options wanted = slm_session_options_default();
        wanted.context = (uint32_t)s->context;
        wanted.batch = (uint32_t)s->batch;
        wanted.threads = (int)s->threads;
        wanted.type_k = s->type_k;
        wanted.type_v = s->type_v;
        if (slm_session_plan(f->model, &wanted, &f->session, &f->why)) {
            slm_model_free(f->model);
            f->vocabulary = f->model = NULL;
        }
    }
    if (!f->vocabulary) {
        o = slm_model_options_default();
        o.vocab_only = true;
        open_model(f, &o, &f->vocabulary, &ignored);
    }
}

/* ---- as text */

static void title(const char *name)
{
    printf("%-15s ", name);
}

static void print_string(const struct facts *f, const char *key, const char *otherwise)
{
    size_t length;
    const char *text = slm_file_string(f->file, key, 0, &length);
    cli_text(stdout, text ? text : otherwise, text ? length : strlen(otherwise));
}

/* "layers 24", if the file says. */
static bool print_number(const struct facts *f, const char *what, const char *key, bool *first)
{
    double value;
    if (!own_number(f, key, &value))
        return false;
    printf("%s%s %.0f", *first ? "" : ", ", what, value);
    return *first = false, true;
}

static void print_sizes(const struct facts *f)
{
    bool first = true;
    title("sizes");
    print_number(f, "layers", "block_count", &first);
    print_number(f, "embedding", "embedding_length", &first);
    print_number(f, "feed-forward", "feed_forward_length", &first);
    print_number(f, "heads", "attention.head_count", &first);
    print_number(f, "heads of keys and values", "attention.head_count_kv", &first);
    print_number(f, "dimensions of a head", "attention.key_length", &first);
    if (first)
        fputs("the file does not say", stdout);
    putchar('\n');
    first = true;
    title("context");
    if (!print_number(f, "trained for", "context_length", &first))
        fputs("the file does not say", stdout);
    print_number(f, "sliding window of", "attention.sliding_window", &first);
    putchar('\n');
}

static void print_types(const struct facts *f)
{
    size_t bad = 0;
    slm_tensor_info t = slm_tensor_info_default();
    title("types");
    for (size_t i = 0; i < f->share_count; i++)
        printf("%s%s %.1f %%", i ? ", " : "", f->shares[i].type, 100.0 * (double)f->shares[i].bytes / (double)(f->tensor_bytes + !f->tensor_bytes));
    puts(f->share_count ? " of the bytes" : "none: the file holds no weights");
    title("tensors");
    printf("%zu", f->info.tensor_count);
    for (size_t i = 0; slm_file_tensor(f->file, i, &t); i++) {
        if (t.supported || bad++ >= SHOWN)
            continue;
        fputs(bad == 1 ? ", not supported: " : ", ", stdout);
        cli_text(stdout, t.name, strlen(t.name));
        printf(" (%s)", t.type ? t.type : "type unknown");
    }
    if (bad > SHOWN)
        printf(" and %zu more", bad - SHOWN);
    puts(bad || !f->info.tensor_count ? "" : ", all of supported types");
}

/* `"<|im_end|>" (151645)` */
static void print_token(const struct facts *f, slm_token token)
{
    size_t length;
    const char *text = slm_file_string(f->file, "tokenizer.ggml.tokens", (uint64_t)token, &length);
    putchar('"');
    cli_text(stdout, text ? text : "", text ? length : 0);
    printf("\" (%d)", token);
}

static void print_vocabulary(const struct facts *f)
{
    title("vocabulary");
    printf("%llu tokens, family ", (unsigned long long)slm_file_length(f->file, "tokenizer.ggml.tokens"));
    print_string(f, "tokenizer.ggml.model", "none");
    if (slm_file_string(f->file, "tokenizer.ggml.pre", 0, NULL)) {
        fputs(", splitter ", stdout);
        print_string(f, "tokenizer.ggml.pre", "");
    }
    puts(f->vocabulary ? "" : ", not supported");
    if (!f->vocabulary)
        return;
    title("special tokens");
    slm_token bos = slm_token_bos(f->vocabulary);
    const char *separator = "";
    if (bos != SLM_TOKEN_NONE) {
        fputs(slm_model_adds_bos(f->vocabulary) ? "begins with " : "BOS, not added, ", stdout);
        print_token(f, bos);
        separator = "; ";
    }
    const uint64_t count = slm_file_length(f->file, "tokenizer.ggml.tokens");
    size_t ends = 0;
    for (slm_token t = 0; (uint64_t)t < count; t++) {
        if (!slm_token_is_end(f->vocabulary, t))
            continue;
        fputs(ends++ ? ", " : separator, stdout);
        if (ends == 1)
            fputs("ends with ", stdout);
        print_token(f, t);
    }
    puts(bos == SLM_TOKEN_NONE && !ends ? "none" : "");
}

static const char *template_name(const struct facts *f, size_t *length)
{
    const char *source = slm_file_string(f->file, "tokenizer.chat_template", 0, length);
    return source ? format_family(source, *length) : NULL;
}

static void print_memory(const struct facts *f)
{
    title("memory");
    if (!f->model) {
        puts("not known");
        return;
    }
    const double weights = (double)f->sizes.weight_bytes, cache = (double)f->session.kv_bytes, buffers = (double)f->session.buffer_bytes;
    printf("%.1f MB for a context of %u tokens: weights %.1f, KV cache %.1f, buffers %.1f, vocabulary and vectors %.1f\n",
           (weights + cache + buffers + (double)f->taken) / 1e6, f->session.context, weights / 1e6, cache / 1e6, buffers / 1e6,
           (double)f->taken / 1e6);
}

/* One value of the metadata; a long text is cut behind a whole character. */
static void print_value(const slm_file *file, const char *key, uint64_t index)
{
    size_t length, shown;
    double value;
    const char *text = slm_file_string(file, key, index, &length);
    if (text) {
        for (shown = length < SHOWN_BYTES ? length : SHOWN_BYTES; shown < length && shown > 0 && (text[shown] & 0xc0) == 0x80; shown--)
            ;
        putchar('"');
        cli_text(stdout, text, shown);
        fputs(shown < length ? "..." : "", stdout);
        putchar('"');
    } else if (slm_file_number(file, key, index, &value)) {
        const bool whole = value > -1e15 && value < 1e15 && value == (double)(int64_t)value;
        printf(whole ? "%.0f" : "%.7g", value);
    }
}

/* Every key with its value, or how many values it has and the first ones. */
static void print_metadata(const struct facts *f)
{
    const char *key;
    putchar('\n');
    for (size_t i = 0; (key = slm_file_key(f->file, i)); i++) {
        const uint64_t count = slm_file_length(f->file, key);
        cli_text(stdout, key, strlen(key));
        fputs(" = ", stdout);
        if (count != 1)
            printf("%llu values%s", (unsigned long long)count, count ? ": " : "");
        for (uint64_t j = 0; j < count && j < SHOWN; j++) {
            fputs(j ? ", " : "", stdout);
            print_value(f->file, key, j);
        }
        puts(count > SHOWN ? ", ..." : "");
    }
}

static void print_facts(const struct facts *f)
{
    size_t length = 0;
    const char *family = template_name(f, &length);
    title("file");
    cli_text(stdout, f->path, strlen(f->path));
    if (f->info.parts > 1)
        printf(" (%u parts)", f->info.parts);
    printf("\n%-15s %.1f MB, GGUF version %u\n", "size", (double)f->info.bytes / 1e6, f->info.version);
    title("architecture");
    cli_text(stdout, f->architecture, strlen(f->architecture));
    putchar('\n');
    title("name");
    print_string(f, "general.name", "none");
    printf("\n%-15s %.1f million\n", "parameters", (double)f->parameters / 1e6);
    print_sizes(f);
    print_types(f);
    print_vocabulary(f);
    title("chat template");
    if (length)
        printf("%s, %zu bytes\n", family ? family : "own", length);
    else
        puts("none");
    print_memory(f);
    title("runs");
    if (f->model)
        puts("yes");
    else if (f->why.offset == SLM_NO_OFFSET)
        printf("no: %s\n", f->why.message);
    else
        printf("no: %s (at byte %llu)\n", f->why.message, (unsigned long long)f->why.offset);
    if (f->settings->verbose)
        print_metadata(f);
}

/* ---- as JSON */

static void json_string(const struct facts *f, const char *name, const char *key)
{
    size_t length;
    const char *text = slm_file_string(f->file, key, 0, &length);
    printf(", \"%s\": ", name);
    if (text)
        cli_json_text(stdout, text, length);
    else
        fputs("null", stdout);
}

static void json_own(const struct facts *f, const char *name, const char *key)
{
    double value = 0;
    const bool known = own_number(f, key, &value);
    printf(", \"%s\": ", name);
    if (known && isfinite(value)) /* JSON has no other numbers */
        printf("%.0f", value);
    else
        fputs("null", stdout);
}

static void json_tokens(const struct facts *f)
{
    const uint64_t count = slm_file_length(f->file, "tokenizer.ggml.tokens");
    const char *separator = "";
    printf(", \"vocabulary_size\": %llu, \"bos_token\": %d, \"end_tokens\": [", (unsigned long long)count, slm_token_bos(f->vocabulary));
    for (slm_token t = 0; (uint64_t)t < count; t++) {
        if (!slm_token_is_end(f->vocabulary, t))
            continue;
        printf("%s%d", separator, t);
        separator = ", ";
    }
    putchar(']');
}

static void json_types(const struct facts *f)
{
    slm_tensor_info t = slm_tensor_info_default();
    const char *separator = "";
    fputs(", \"types\": {", stdout);
    for (size_t i = 0; i < f->share_count; i++)
        printf("%s\"%s\": {\"tensors\": %zu, \"bytes\": %llu, \"supported\": %s}", i ? ", " : "", f->shares[i].type, f->shares[i].tensors,
               (unsigned long long)f->shares[i].bytes, f->shares[i].supported ? "true" : "false");
    printf("}, \"tensors\": %zu, \"unsupported_tensors\": [", f->info.tensor_count);
    for (size_t i = 0; slm_file_tensor(f->file, i, &t); i++) {
        if (t.supported)
            continue;
        fputs(separator, stdout);
        cli_json_text(stdout, t.name, strlen(t.name));
        separator = ", ";
    }
    putchar(']');
}

static void print_json(const struct facts *f)
{
    size_t length = 0;
    const char *family = template_name(f, &length);
    fputs("{\"file\": ", stdout);
    cli_json_text(stdout, f->path, strlen(f->path));
    printf(", \"bytes\": %llu, \"parts\": %u, \"gguf_version\": %u", (unsigned long long)f->info.bytes, f->info.parts, f->info.version);
    json_string(f, "architecture", "general.architecture");
    json_string(f, "name", "general.name");
    printf(", \"parameters\": %llu", (unsigned long long)f->parameters);
    json_own(f, "layers", "block_count");
    json_own(f, "embedding", "embedding_length");
    json_own(f, "feed_forward", "feed_forward_length");
    json_own(f, "heads", "attention.head_count");
    json_own(f, "kv_heads", "attention.head_count_kv");
    json_own(f, "head_size", "attention.key_length");
    json_own(f, "context", "context_length");
    json_own(f, "sliding_window", "attention.sliding_window");
    printf(", \"type\": \"%s\"", f->main_type);
    json_types(f);
    json_string(f, "vocabulary", "tokenizer.ggml.model");
    json_string(f, "splitter", "tokenizer.ggml.pre");
    json_tokens(f);
    printf(", \"chat_template\": ");
    if (length)
        printf("\"%s\"", family ? family : "own");
    else
        fputs("null", stdout);
    if (f->model)
        printf(", \"memory\": {\"context\": %u, \"weights\": %llu, \"kv_cache\": %llu, \"buffers\": %llu, \"other\": %llu}",
               f->session.context, (unsigned long long)f->sizes.weight_bytes, (unsigned long long)f->session.kv_bytes,
               (unsigned long long)f->session.buffer_bytes, (unsigned long long)f->taken);
    else
        fputs(", \"memory\": null", stdout);
    if (f->model) {
        fputs(", \"runs\": true, \"problem\": null, \"problem_offset\": null", stdout);
    } else {
        fputs(", \"runs\": false, \"problem\": ", stdout);
        cli_json_text(stdout, f->why.message, strlen(f->why.message));
        if (f->why.offset == SLM_NO_OFFSET)
            fputs(", \"problem_offset\": null", stdout);
        else
            printf(", \"problem_offset\": %llu", (unsigned long long)f->why.offset);
    }
    puts("}");
}

int info(const struct settings *settings, const void *demo, size_t demo_size)
{
    struct facts f = {.settings = settings, .info = slm_file_info_default(), .sizes = slm_model_info_default(),
                      .session = slm_session_info_default()};
    size_t length;
    f.path = *settings->info ? settings->info : settings->model;
    if (!f.path) {
        f.path = "the built-in demo model";
        f.demo = demo;
        f.demo_size = demo_size;
    }
    if (f.demo ? slm_file_open_memory(demo, demo_size, &f.file, &f.why) : slm_file_open(f.path, &f.file, &f.why)) {
        cli_open_failed(f.path, &f.why);
        return CLI_MODEL;
    }
    slm_file_get_info(f.file, &f.info);
    const char *architecture = slm_file_string(f.file, "general.architecture", 0, &length);
    if (!architecture)
        length = strlen(architecture = "unknown");
    length = length < sizeof f.architecture ? length : sizeof f.architecture - 1;
    snprintf(f.architecture, sizeof f.architecture, "%.*s", (int)length, architecture);
    f.share_count = sum_types(f.file, f.shares, &f.parameters, &f.tensor_bytes);
    f.main_type = f.share_count ? f.shares[0].type : "none";
    open_models(&f);
    (settings->json ? print_json : print_facts)(&f);
    if (f.vocabulary != f.model)
        slm_model_free(f.vocabulary);
    const int code = f.model ? CLI_OK : CLI_MODEL;
    slm_model_free(f.model);
    slm_file_free(f.file);
    return fflush(stdout) ? cli_write_failed("standard output") : code;
}
