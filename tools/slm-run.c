/* slm-run - answers a prompt, or continues a text. */
#include "chat_form.h"
#include "cli.h"
#include "pin.h"

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <unistd.h>

/* examples/models/demo-q8_0.gguf, linked in by demo_model.S */
extern const unsigned char demo_model[];
extern const uint64_t demo_model_size;

static struct {
    const char *model, *prompt, *file, *output, *pin;
    int64_t predict, context, threads, batch, top_k, repeat_last_n;
    float temperature, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
    uint64_t seed;
    struct cli_texts biases;
    bool no_chat, special, verbose, quiet;
} settings;

static const struct cli_option options[] = {
    {"-m, --model", "FILE", CLI_TEXT, &settings.model, 0, 0, "GGUF file (default: the built-in demo model)"},
    {"-p, --prompt", "TEXT", CLI_TEXT, &settings.prompt, 0, 0, "the prompt"},
    {"-f, --file", "FILE", CLI_TEXT, &settings.file, 0, 0, "read the prompt from a file, - for standard input"},
    {"-n, --predict, --n-predict", "N", CLI_INT, &settings.predict, -1, INT32_MAX,
     "tokens to generate at most (default -1: until the end)"},
    {"-c, --ctx-size", "N", CLI_INT, &settings.context, 0, INT32_MAX, "tokens of context (default 0: the model's, at most 4096)"},
    {"-t, --threads", "N", CLI_INT, &settings.threads, 0, 4096, "threads (default 0: one per usable core)"},
    {"--pin", "auto|none|LIST", CLI_TEXT, &settings.pin, 0, 0, "CPUs to run on: one of each usable core, any, a list (default none)"},
    {"-b, --batch-size", "N", CLI_INT, &settings.batch, 1, INT32_MAX, "prompt tokens computed at once (default 512)"},
    {"-s, --seed", "N", CLI_SEED, &settings.seed, 0, 0, "seed of the sampler (default 0; -1: a random one)"},
    {"--temp, --temperature", "T", CLI_FLOAT, &settings.temperature, 0, FLT_MAX, "temperature, 0: greedy (default 0.8)"},
    {"--top-k", "K", CLI_INT, &settings.top_k, 0, INT32_MAX, "sample from the K best tokens, 0: all (default 40)"},
    {"--top-p", "P", CLI_FLOAT, &settings.top_p, 0, 1, "... from the best with probability P, 1: all (default 0.95)"},
    {"--min-p", "P", CLI_FLOAT, &settings.min_p, 0, 1, "... with P times the best's probability (default 0.05)"},
    {"--repeat-penalty", "R", CLI_FLOAT, &settings.repeat_penalty, FLT_MIN, FLT_MAX, "penalize repetition, 1: no (default 1)"},
    {"--presence-penalty", "X", CLI_FLOAT, &settings.presence_penalty, -FLT_MAX, FLT_MAX, "taken from recent tokens (default 0)"},
    {"--frequency-penalty", "X", CLI_FLOAT, &settings.frequency_penalty, -FLT_MAX, FLT_MAX, "... per occurrence (default 0)"},
    {"--repeat-last-n", "N", CLI_INT, &settings.repeat_last_n, 0, 1 << 20, "tokens that are recent (default 64)"},
    {"--logit-bias", "TOKEN+X|TOKEN-X", CLI_TEXTS, &settings.biases, 0, 0, "make a token likelier or less likely; repeatable"},
    {"--no-chat", NULL, CLI_FLAG, &settings.no_chat, 0, 0, "continue the prompt as it stands, and print it first"},
    {"--special", NULL, CLI_FLAG, &settings.special, 0, 0, "special tokens: read them in the prompt, show them in the text"},
    {"-o, --output", "text|json", CLI_TEXT, &settings.output, 0, 0, "what standard output gets (default text)"},
    {"-v, --verbose", NULL, CLI_FLAG, &settings.verbose, 0, 0, "say more on standard error"},
    {"-q, --quiet", NULL, CLI_FLAG, &settings.quiet, 0, 0, "say nothing on standard error but errors"},
};

static const char usage[] = "slm-run - answers a prompt with a language model\n\n"
                            "  slm-run -m model.gguf -p \"Why is the sky blue?\"\n"
                            "  echo \"Is this good or bad?\" | slm-run -m model.gguf -q --temp 0\n";
static const char notes[] =
    "\nThe text goes to standard output, everything else to standard error.\n"
    "Exit code: 0 done, 1 bad command line, 2 the model can't be opened, 3 failed later, 130 interrupted, 141 output closed.\n";

struct tokens {
    slm_token *items;
    size_t count, room;
};

/* One generation, and what its callback collects. */
struct run {
    const slm_model *model;
    struct tokens prompt, generated;
    char *text;                     /* for -o json */
    size_t text_length, text_room;
    double load_seconds, start, first, last; /* clock: before the prompt, at the first and the last token */
    int write_error;                /* errno of a failed write */
    bool no_memory;
    const char *finish;             /* why it ended */
};

static bool grow(void **items, size_t *room, size_t wanted, size_t size)
{
    if (wanted <= *room)
        return true;
    size_t larger = wanted + wanted / 2 + 64;
    void *grown = realloc(*items, larger * size);
    if (!grown)
        return false;
    *items = grown;
    *room = larger;
    return true;
}

static bool push(struct tokens *tokens, slm_token token)
{
    void *items = tokens->items;
    bool ok = grow(&items, &tokens->room, tokens->count + 1, sizeof *tokens->items);
    tokens->items = items;
    if (ok)
        tokens->items[tokens->count++] = token;
    return ok;
}

/* ---- the prompt */

/* The prompt's text, without a line break at the end of a file; NULL after a reported problem, with the exit code to end with. */
static char *read_prompt(size_t *length, int *code)
{
    *code = CLI_USAGE;
    if (settings.prompt && settings.file) {
        cli_error("-p and -f both give a prompt; leave one out");
        return NULL;
    }
    if (settings.prompt) {
        *length = strlen(settings.prompt);
        return strdup(settings.prompt);
    }
    if (!settings.file && isatty(STDIN_FILENO)) {
        cli_error("there is no prompt; give one with -p TEXT or -f FILE, or pipe it in (slm-run --help lists the options)");
        return NULL;
    }
    char *text = cli_read_file(settings.file ? settings.file : "-", length);
    if (!text) {
        *code = cli_interrupted() ? CLI_INTERRUPTED : CLI_FAILED;
        return NULL;
    }
    if (*length && text[*length - 1] == '\n')
        text[--*length] = 0;
    if (*length == 0) {
        cli_error("the prompt is empty; give one with -p TEXT or -f FILE, or pipe it in");
        free(text);
        return NULL;
    }
    return text;
}

/* Appends the tokens of a text. */
static bool tokenize(const slm_model *model, const char *text, size_t length, unsigned flags, struct tokens *tokens)
{
    slm_error err;
    size_t count = 0;
    void *items = tokens->items;
    bool ok = grow(&items, &tokens->room, tokens->count + length + 2, sizeof *tokens->items);
    tokens->items = items;
    if (!ok) {
        cli_error("no memory for the tokens of %zu bytes", length);
        return false;
    }
    if (slm_tokenize(model, text, length, flags, tokens->items + tokens->count, length + 2, &count, &err)) {
        cli_error("%s", err.message);
        return false;
    }
    tokens->count += count;
    return true;
}

/* Whether a text holds what would be read as special tokens. */
static bool has_special(const slm_model *model, const char *text, size_t length)
{
    struct tokens plain = {0}, special = {0};
    bool same = tokenize(model, text, length, 0, &plain) && tokenize(model, text, length, SLM_TOKENIZE_SPECIAL, &special) &&
                plain.count == special.count &&
                (plain.count == 0 || memcmp(plain.items, special.items, plain.count * sizeof *plain.items) == 0);
    free(plain.items);
    free(special.items);
    return !same;
}

/* The question in its form. It is tokenized with what stands around it, as chat templates are, unless it holds special tokens that
 * nobody asked to be read: a pasted text must not be able to end the user's turn. */
static bool tokenize_chat(const slm_model *model, const struct chat_form *form, const char *text, size_t length, struct tokens *tokens)
{
    size_t before = strlen(form->before), after = strlen(form->after);
    if (!settings.special && has_special(model, text, length))
        return tokenize(model, form->before, before, SLM_TOKENIZE_SPECIAL, tokens) && tokenize(model, text, length, 0, tokens) &&
               tokenize(model, form->after, after, SLM_TOKENIZE_SPECIAL, tokens);
    char *whole = malloc(before + length + after + 1);
    if (!whole) {
        cli_error("no memory for a prompt of %zu bytes", length);
        return false;
    }
    memcpy(whole, form->before, before);
    memcpy(whole + before, text, length);
    memcpy(whole + before + length, form->after, after);
    bool ok = tokenize(model, whole, before + length + after, SLM_TOKENIZE_SPECIAL, tokens);
    free(whole);
    return ok;
}

/* All of the prompt, with one BOS token in front where the model wants it: a prompt may bring its own. */
static bool tokenize_prompt(const slm_model *model, const struct chat_form *form, const char *text, size_t length,
                            struct tokens *tokens)
{
    slm_token bos = slm_token_bos(model);
    bool ok = form ? tokenize_chat(model, form, text, length, tokens)
                   : tokenize(model, text, length, settings.special ? SLM_TOKENIZE_SPECIAL : 0, tokens);
    if (!ok)
        return false;
    if (slm_model_adds_bos(model) && bos != SLM_TOKEN_NONE && (tokens->count == 0 || tokens->items[0] != bos)) {
        if (!push(tokens, bos)) {
            cli_error("no memory for the prompt");
            return false;
        }
        memmove(tokens->items + 1, tokens->items, (tokens->count - 1) * sizeof *tokens->items);
        tokens->items[0] = bos;
    }
    if (tokens->count == 0)
        cli_error("the prompt is empty, and this model has no token to begin a text with; give it some text with -p");
    return tokens->count > 0;
}

/* ---- generating */

static bool on_token(void *user, slm_token token, const char *text, size_t length)
{
    struct run *run = user;
    run->last = cli_now();
    if (run->generated.count == 0)
        run->first = run->last;
    if (token != SLM_TOKEN_NONE && !push(&run->generated, token)) { /* none: the end of an unfinished character */
        run->no_memory = true;
        return false;
    }
    if (settings.output) {
        void *grown = run->text;
        run->no_memory = !grow(&grown, &run->text_room, run->text_length + length, 1);
        run->text = grown;
        if (run->no_memory)
            return false;
        memcpy(run->text + run->text_length, text, length);
        run->text_length += length;
    } else if (fwrite(text, 1, length, stdout) != length || fflush(stdout)) {
        run->write_error = errno;
        return false;
    }
    return !cli_interrupted();
}

/* Decodes the prompt in pieces, so that an interrupt is noticed between them; the last piece goes with the generation. */
static slm_status generate(struct run *run, slm_session *session, slm_sampler *sampler, slm_error *err)
{
    size_t piece = (size_t)settings.batch, done = 0;
    bool *no_logits = calloc(piece < run->prompt.count ? piece : 1, sizeof *no_logits);
    slm_status status = no_logits ? SLM_OK : SLM_MEMORY;
    if (!no_logits)
        snprintf(err->message, sizeof err->message, "no memory for a batch of %zu tokens; give a smaller -b", piece);
    while (status == SLM_OK && run->prompt.count - done > piece && !cli_interrupted()) {
        slm_batch batch = {.tokens = run->prompt.items + done, .wants_logits = no_logits, .count = piece};
        status = slm_decode(session, &batch, err);
        done += piece;
    }
    free(no_logits);
    if (status || cli_interrupted())
        return status;
    size_t most = settings.predict < 0 ? SIZE_MAX : (size_t)settings.predict;
    return slm_generate(session, 0, run->prompt.items + done, run->prompt.count - done, sampler, most, settings.special, on_token, run,
                        NULL, err);
}

static void print_json(const struct run *run)
{
    double prefill = run->first - run->start, decode = run->last - run->first;
    size_t passes = run->generated.count ? run->generated.count - 1 : 0;
    fputs("{\"model\": ", stdout);
    cli_json_text(stdout, settings.model ? settings.model : "", settings.model ? strlen(settings.model) : 0);
    printf(", \"seed\": %llu, \"prompt_tokens\": [", (unsigned long long)settings.seed);
    for (size_t i = 0; i < run->prompt.count; i++)
        printf("%s%d", i ? ", " : "", run->prompt.items[i]);
    fputs("], \"text\": ", stdout);
    cli_json_text(stdout, run->text ? run->text : "", run->text_length);
    fputs(", \"tokens\": [", stdout);
    for (size_t i = 0; i < run->generated.count; i++)
        printf("%s%d", i ? ", " : "", run->generated.items[i]);
    printf("], \"finish_reason\": \"%s\", \"timings\": {\"load_seconds\": ", run->finish);
    cli_json_number(stdout, run->load_seconds);
    printf(", \"prefill_tokens\": %zu, \"prefill_seconds\": ", run->prompt.count);
    cli_json_number(stdout, prefill);
    fputs(", \"prefill_tokens_per_second\": ", stdout);
    cli_json_number(stdout, (double)run->prompt.count / prefill);
    printf(", \"decode_tokens\": %zu, \"decode_seconds\": ", passes);
    cli_json_number(stdout, decode);
    fputs(", \"decode_tokens_per_second\": ", stdout);
    cli_json_number(stdout, (double)passes / decode);
    fputs("}}\n", stdout);
}

static void print_summary(const struct run *run)
{
    double prefill = run->first - run->start, decode = run->last - run->first;
    fprintf(stderr, "slm-run: load %.0f ms, prefill %zu tokens %.1f tok/s, decode %zu tokens", run->load_seconds * 1e3,
            run->prompt.count, (double)run->prompt.count / prefill, run->generated.count);
    if (run->generated.count > 1) /* the first one comes with the prompt */
        fprintf(stderr, " %.1f tok/s", (double)(run->generated.count - 1) / decode);
    fputc('\n', stderr);
}

/* After slm_generate: tells how it went. */
static int finish(struct run *run, slm_status status, const slm_error *err, bool chat)
{
    size_t count = run->generated.count;
    if (count == 0)
        run->first = run->last = cli_now();
    if (run->no_memory) {
        cli_error("no memory for the generated text");
        return CLI_FAILED;
    }
    if (status && !(status == SLM_CONTEXT && count)) {
        cli_error("%s", err->message);
        return CLI_FAILED;
    }
    run->finish = cli_interrupted() ? "interrupted" : status ? "context" : (int64_t)count == settings.predict ? "length" : "stop";
    if (settings.output)
        print_json(run);
    else if (!run->write_error && (chat || isatty(STDOUT_FILENO)))
        putchar('\n');
    if (!run->write_error && fflush(stdout))
        run->write_error = errno;
    if (status && !settings.quiet)
        cli_error("the context is full: the text ends here; a larger one is given with -c");
    if (!settings.quiet)
        print_summary(run);
    errno = run->write_error;
    if (run->write_error)
        return cli_write_failed("standard output");
    return cli_interrupted() ? CLI_INTERRUPTED : CLI_OK;
}

/* ---- setting up */

/* "15043+1.5" or "15043-inf" */
static bool parse_bias(const char *text, slm_logit_bias *bias)
{
    char *sign, *end;
    long token = strtol(text, &sign, 10);
    float value = strtof(sign, &end);
    if (sign == text || (*sign != '+' && *sign != '-') || end == sign || *end || value != value || token < 0 || token > INT32_MAX) {
        cli_error("--logit-bias takes a token and what is added to its logit, such as 15043+1 or 15043-inf, not \"%s\"", text);
        return false;
    }
    *bias = (slm_logit_bias){(slm_token)token, value};
    return true;
}

static slm_sampler *make_sampler(const slm_model *model)
{
    static slm_logit_bias biases[CLI_TEXTS_MAX];
    slm_sampler_options o = slm_sampler_options_default();
    o.temperature = settings.temperature;
    o.top_k = (uint32_t)settings.top_k;
    o.top_p = settings.top_p;
    o.min_p = settings.min_p;
    o.repeat_penalty = settings.repeat_penalty;
    o.presence_penalty = settings.presence_penalty;
    o.frequency_penalty = settings.frequency_penalty;
    o.penalty_window = (uint32_t)settings.repeat_last_n;
    o.seed = settings.seed;
    for (int i = 0; i < settings.biases.count; i++)
        if (!parse_bias(settings.biases.items[i], &biases[i]))
            return NULL;
    o.bias = biases;
    o.bias_count = (size_t)settings.biases.count;
    slm_sampler *sampler;
    slm_error err;
    if (slm_sampler_new(model, &o, &sampler, &err))
        cli_error("%s", err.message);
    return sampler;
}

static void print_log(void *user, slm_log_level level, const char *text)
{
    (void)user;
    if (settings.verbose || level == SLM_LOG_WARNING)
        cli_error("%s", text);
}

static slm_model *open_model(double *seconds)
{
    double start = cli_now();
    slm_model_options o = slm_model_options_default();
    slm_model *model;
    slm_error err;
    o.threads = (int)settings.threads;
    o.log = settings.quiet ? NULL : print_log;
    if (settings.model)
        model = cli_open_model(settings.model, &o);
    else if (slm_model_open_memory(demo_model, (size_t)demo_model_size, &o, &model, &err))
        cli_error("the built-in model: %s", err.message);
    *seconds = cli_now() - start;
    return model;
}

/* What -v tells. */
static void describe(const slm_model *model, const slm_session *session, const struct chat_form *form)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    cli_error("model %s, %s, %s, %.1f million parameters, %.1f MB of weights, trained for %u tokens", info.name, info.architecture,
              info.type, (double)info.parameters / 1e6, (double)info.weight_bytes / 1e6, info.context_length);
    cli_error("%d threads, kernels %s, seed %llu, prompt form: %s", slm_session_threads(session), info.isa,
              (unsigned long long)settings.seed, form ? form->name : "none");
}

/* The form of the prompt; without one the text is continued. */
static const struct chat_form *find_form(const slm_model *model)
{
    if (settings.no_chat)
        return NULL;
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    const struct chat_form *form = chat_form_find(info.chat_template);
    if (!form && !settings.quiet)
        cli_error("%s: the prompt is continued as it stands (--no-chat)",
                  info.chat_template ? "the model's chat template is not of a kind known here" : "the model has no chat template");
    return form;
}

static int run_model(slm_model *model, struct run *run, const char *text, size_t length)
{
    const struct chat_form *form = find_form(model);
    if (!tokenize_prompt(model, form, text, length, &run->prompt))
        return CLI_FAILED;
    slm_session *session = NULL;
    slm_sampler *sampler = make_sampler(model);
    if (!sampler)
        return CLI_USAGE;
    slm_session_options o = slm_session_options_default();
    o.context = (uint32_t)settings.context;
    o.batch = (uint32_t)settings.batch;
    o.threads = (int)settings.threads;
    slm_error err;
    int code = CLI_FAILED;
    if (slm_session_new(model, &o, &session, &err)) {
        cli_error("%s", err.message);
    } else {
        if (settings.verbose)
            describe(model, session, form);
        if (!form && !settings.output)
            if (fwrite(text, 1, length, stdout) != length || fflush(stdout))
                run->write_error = errno;
        for (size_t i = 0; i < run->prompt.count; i++) /* repeating the prompt is repetition too */
            slm_sampler_accept(sampler, run->prompt.items[i]);
        run->start = cli_now();
        slm_status status = run->write_error ? SLM_OK : generate(run, session, sampler, &err);
        code = finish(run, status, &err, form != NULL);
    }
    slm_session_free(session);
    slm_sampler_free(sampler);
    return code;
}

int main(int argc, char **argv)
{
    cli_start("slm-run");
    slm_sampler_options d = slm_sampler_options_default();
    settings.predict = -1;
    settings.batch = 512;
    settings.temperature = d.temperature;
    settings.top_k = d.top_k;
    settings.top_p = d.top_p;
    settings.min_p = d.min_p;
    settings.repeat_penalty = d.repeat_penalty;
    settings.repeat_last_n = d.penalty_window;
    int code = cli_parse(options, sizeof options / sizeof *options, usage, notes, argc - 1, argv + 1);
    if (code >= 0)
        return code;
    if (settings.output && strcmp(settings.output, "text") == 0)
        settings.output = NULL;
    if (settings.output && strcmp(settings.output, "json") != 0) {
        cli_error("-o takes text or json, not \"%s\"", settings.output);
        return CLI_USAGE;
    }
    if (settings.pin && !pin(settings.pin))
        return CLI_USAGE;
    struct run run = {0};
    size_t length = 0;
    char *text = read_prompt(&length, &code);
    if (!text)
        return code;
    slm_model *model = open_model(&run.load_seconds);
    if (model) {
        if (!settings.model && !settings.quiet)
            cli_error("no -m: the built-in demo model answers, a toy that knows a few kinds of questions (capitals, stories, ...)");
        code = run_model(model, &run, text, length);
    } else {
        code = cli_interrupted() ? CLI_INTERRUPTED : CLI_MODEL;
    }
    slm_model_free(model);
    free(text);
    free(run.prompt.items);
    free(run.generated.items);
    free(run.text);
    return code;
}
