/* slm-eval - numbers about a model: its logits, its tokens, its perplexity; and what a chat template makes of a conversation. */
#include "cli.h"
#include "pin.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { RECORD_SEPARATOR = 0x1e };

static struct {
    const char *model, *ids, *file, *text, *records, *out, *output, *template, *cases, *name, *pin, *type_k, *type_v;
    int64_t threads, batch, window;
    bool special, quiet;
} settings = {.batch = 512, .window = 256};

#define MODEL_OPTION {"-m, --model", "FILE", CLI_TEXT, &settings.model, 0, 0, "GGUF file"}
#define OUTPUT_OPTIONS                                                                                                   \
    {"-o, --output", "text|json", CLI_TEXT, &settings.output, 0, 0, "form of the report (default text)"},                \
        {"-q, --quiet", NULL, CLI_FLAG, &settings.quiet, 0, 0, "say nothing but results and errors"}
#define COMPUTE_OPTIONS                                                                                                  \
    {"-t, --threads", "N", CLI_INT, &settings.threads, 0, 1024, "threads (default 0: one per usable core)"},             \
        {"--pin", "auto|none|LIST", CLI_TEXT, &settings.pin, 0, 0,                                                       \
         "CPUs to run on: one of each usable core, any, a list (default none)"},                                         \
        {"-b, --batch-size", "N", CLI_INT, &settings.batch, 1, 65536, "tokens computed at once (default 512)"},      \
        {"-ctk, --cache-type-k", "TYPE", CLI_CACHE_TYPE, &settings.type_k, 0, 0, "keys are kept in: auto, f32, f16, q8_0"}, \
        {"-ctv, --cache-type-v", "TYPE", CLI_CACHE_TYPE, &settings.type_v, 0, 0, "values likewise"}

static const struct cli_option logits_options[] = {
    MODEL_OPTION,
    {"--ids", "FILE", CLI_TEXT, &settings.ids, 0, 0, "token ids, 32-bit little-endian integers"},
    {"--out", "FILE", CLI_TEXT, &settings.out, 0, 0, "receives the logits, 32-bit floats, [tokens, vocabulary]"},
    COMPUTE_OPTIONS,
    OUTPUT_OPTIONS,
};
static const struct cli_option tokenize_options[] = {
    MODEL_OPTION,
    {"-p, --prompt", "TEXT", CLI_TEXT, &settings.text, 0, 0, "a text"},
    {"-f, --file, --records", "FILE", CLI_TEXT, &settings.records, 0, 0, "or texts, separated by the byte 0x1e"},
    {"--out", "FILE", CLI_TEXT, &settings.out, 0, 0, "receives a line of ids for each text (default: standard output)"},
    {"--special", NULL, CLI_FLAG, &settings.special, 0, 0, "read special tokens such as <|end|> as such"},
    OUTPUT_OPTIONS,
};
static const struct cli_option perplexity_options[] = {
    MODEL_OPTION,
    {"--ids", "FILE", CLI_TEXT, &settings.ids, 0, 0, "token ids, 32-bit little-endian integers"},
    {"-f, --file", "FILE", CLI_TEXT, &settings.file, 0, 0, "a text instead"},
    {"-w, --window", "N", CLI_INT, &settings.window, 1, INT32_MAX, "tokens that are seen together (default 256)"},
    COMPUTE_OPTIONS,
    OUTPUT_OPTIONS,
};
static const struct cli_option template_options[] = {
    {"--template", "FILE", CLI_TEXT, &settings.template, 0, 0, "a chat template (Jinja)"},
    {"--cases", "FILE", CLI_TEXT, &settings.cases, 0, 0, "JSON: {\"bos_token\", \"eos_token\", \"now\", \"cases\": {NAME: variables}}"},
    {"--case", "NAME", CLI_TEXT, &settings.name, 0, 0, "which of the cases"},
};

static const char usage[] =
    "slm-eval - numbers about a language model\n\n"
    "  slm-eval logits     -m model.gguf --ids ids.i32 --out logits.f32    the logits of every position\n"
    "  slm-eval tokenize   -m model.gguf -p TEXT | -f texts                the tokens of texts\n"
    "  slm-eval perplexity -m model.gguf --ids ids.i32 | -f text.txt       how well a text is predicted\n"
    "  slm-eval template   --template t.jinja --cases c.json --case NAME   the text a chat template makes\n\n"
    "slm-eval COMMAND --help lists the options of a command.\n";
static const char notes[] =
    "\nIn place of a FILE, - is standard input, and with --out standard output; only a model must be a file.\n"
    "Exit code: 0 done, 1 bad command line, 2 the model can't be opened, 3 failed later, 130 interrupted, 141 output closed.\n";

struct ids {
    slm_token *items;
    size_t count;
};

/* ---- what the commands share */

static slm_model *open_model(bool vocab_only)
{
    slm_model_options o = slm_model_options_default();
    o.threads = (int)settings.threads;
    o.vocab_only = vocab_only;
    return cli_open_model(settings.model, &o);
}

/* Ids of a file, checked. After a failure that has been reported, items is NULL. */
static struct ids read_ids(const char *path, uint32_t vocab)
{
    struct ids ids = {0};
    size_t size;
    unsigned char *bytes = (unsigned char *)cli_read_file(path, &size);
    if (!bytes)
        return ids;
    if (size % 4 || size == 0) {
        cli_error("%s holds %zu bytes; token ids are 4 bytes each, and there must be some", cli_input_name(path), size);
        free(bytes);
        return ids;
    }
    ids.items = malloc(size);
    ids.count = size / 4;
    bool ok = ids.items != NULL;
    if (!ok)
        cli_error("no memory for %zu token ids", ids.count);
    for (size_t i = 0; ok && i < ids.count; i++) {
        const unsigned char *b = bytes + 4 * i;
        uint32_t id = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        ids.items[i] = (slm_token)id;
        ok = id < vocab;
        if (!ok)
            cli_error("%s: id %zu is %d; the model's tokens go from 0 to %u", cli_input_name(path), i, ids.items[i], vocab - 1);
    }
    free(bytes);
    if (!ok) {
        free(ids.items);
        ids.items = NULL;
    }
    return ids;
}

/* The tokens of a text, BOS in front where the model wants it. The same rules. */
static struct ids read_text(const char *path, const slm_model *model)
{
    struct ids ids = {0};
    slm_error err;
    size_t size;
    char *text = cli_read_file(path, &size);
    if (!text)
        return ids;
    ids.items = malloc((size + 2) * sizeof *ids.items);
    if (!ids.items) {
        cli_error("no memory for the tokens of %zu bytes", size);
    } else if (slm_tokenize(model, text, size, SLM_TOKENIZE_BOS, ids.items, size + 2, &ids.count, &err)) {
        cli_error("%s", err.message);
        free(ids.items);
        ids.items = NULL;
    }
    free(text);
    return ids;
}

static slm_session *new_session(const slm_model *model, size_t context, slm_error *err)
{
    slm_session_options o = slm_session_options_default();
    size_t batch = (size_t)settings.batch < context ? (size_t)settings.batch : context;
    slm_session *session;
    o.context = context < UINT32_MAX ? (uint32_t)context : UINT32_MAX;
    o.batch = o.outputs = (uint32_t)batch;
    o.threads = (int)settings.threads;
    o.type_k = settings.type_k;
    o.type_v = settings.type_v;
    return slm_session_new(model, &o, &session, err) ? NULL : session;
}

/* Receives the logits of the position-th token. False stops. */
typedef bool logits_fn(void *user, size_t position, const float *logits);

/* Decodes tokens at the end of sequence 0, a batch at a time, and hands out the logits of all. A failure is reported. */
static bool each_logits(slm_session *session, const slm_token *tokens, size_t count, logits_fn *fn, void *user)
{
    size_t step = (size_t)settings.batch < count ? (size_t)settings.batch : count;
    bool *wants = malloc(step ? step : 1);
    bool ok = wants != NULL;
    if (!ok)
        cli_error("no memory for a batch of %zu tokens; give a smaller -b", step);
    else
        memset(wants, true, step);
    for (size_t done = 0; ok && done < count && !cli_interrupted(); done += step) {
        slm_error err;
        slm_batch batch = {.tokens = tokens + done, .wants_logits = wants, .count = count - done < step ? count - done : step};
        if (slm_decode(session, &batch, &err)) {
            cli_error("%s", err.message);
            ok = false;
        }
        for (size_t i = 0; ok && i < batch.count; i++)
            ok = fn(user, done + i, slm_logits(session, i));
    }
    free(wants);
    return ok && !cli_interrupted();
}

/* The --out file, or standard output without one. */
static FILE *open_output(void)
{
    FILE *file = settings.out ? fopen(settings.out, "wb") : stdout;
    if (!file)
        cli_error("can't write to %s: %s", settings.out, strerror(errno));
    return file;
}

/* Closes it; a file that is not complete is removed, if it is a file and not a device or a link. */
static int close_output(FILE *file, int code)
{
    struct stat st;
    bool failed = ferror(file);
    if (settings.out ? fclose(file) : fflush(file))
        failed = true;
    if (failed && code == CLI_OK)
        code = cli_write_failed(settings.out ? settings.out : "standard output");
    if (code != CLI_OK && settings.out && lstat(settings.out, &st) == 0 && S_ISREG(st.st_mode))
        remove(settings.out);
    return code;
}

/* The report of commands whose result is a file: a line on standard error, or an object on standard output. */
static int report(const char *what, size_t count, const char *what_of, size_t count_of, double seconds)
{
    if (settings.output) {
        printf("{\"%s\": %zu, \"%s\": %zu, \"seconds\": ", what, count, what_of, count_of);
        cli_json_number(stdout, seconds);
        puts("}");
    } else if (!settings.quiet) {
        fprintf(stderr, "slm-eval: %s %zu, %s %zu, %.3f s\n", what, count, what_of, count_of, seconds);
    }
    return fflush(stdout) ? cli_write_failed("standard output") : CLI_OK;
}

static uint32_t vocabulary(const slm_model *model)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    return info.vocab_size;
}

/* ---- logits */

struct writer {
    FILE *file;
    uint32_t vocab;
};

/* Little-endian whatever the machine is. */
static bool write_logits(void *user, size_t position, const float *logits)
{
    const struct writer *w = user;
    (void)position;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return fwrite(logits, sizeof *logits, w->vocab, w->file) == w->vocab;
#else
    for (uint32_t i = 0; i < w->vocab; i++) {
        uint32_t bits;
        memcpy(&bits, &logits[i], sizeof bits);
        for (int byte = 0; byte < 4; byte++)
            putc((int)(bits >> 8 * byte & 0xff), w->file);
    }
    return !ferror(w->file);
#endif
}

static int run_logits(slm_model *model)
{
    struct writer w = {.vocab = vocabulary(model)};
    struct ids ids = read_ids(settings.ids, w.vocab);
    slm_error err;
    slm_session *session = ids.items ? new_session(model, ids.count, &err) : NULL;
    int code = CLI_FAILED;
    if (ids.items && !session)
        cli_error("%s", err.message);
    if (session && (w.file = open_output())) {
        double start = cli_now();
        bool ok = each_logits(session, ids.items, ids.count, write_logits, &w);
        code = close_output(w.file, ok || ferror(w.file) ? CLI_OK : CLI_FAILED);
        if (code == CLI_OK)
            code = report("tokens", ids.count, "vocabulary", w.vocab, cli_now() - start);
    }
    slm_session_free(session);
    free(ids.items);
    return code;
}

/* ---- tokenize */

/* One line of ids. A failure other than that of writing is reported. */
static bool tokenize_record(const slm_model *model, const char *text, size_t length, struct ids *ids, FILE *out, size_t *total)
{
    slm_error err;
    unsigned flags = settings.special ? SLM_TOKENIZE_SPECIAL : 0;
    size_t count;
    slm_status status = slm_tokenize(model, text, length, flags, ids->items, ids->count, &count, &err);
    if (status == SLM_LIMIT && count > ids->count) {
        free(ids->items);
        ids->items = malloc(count * sizeof *ids->items);
        ids->count = ids->items ? count : 0;
        status = slm_tokenize(model, text, length, flags, ids->items, ids->count, &count, &err);
    }
    if (status) {
        cli_error("%s: %s", settings.text ? "-p" : cli_input_name(settings.records), err.message);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        fprintf(out, i ? " %d" : "%d", ids->items[i]);
    putc('\n', out);
    *total += count;
    return !ferror(out);
}

static int run_tokenize(slm_model *model)
{
    size_t size = settings.text ? strlen(settings.text) : 0, records = 0, total = 0;
    char *file = settings.text ? NULL : cli_read_file(settings.records, &size);
    const char *texts = settings.text ? settings.text : file;
    struct ids ids = {.items = texts ? malloc((size + 2) * sizeof *ids.items) : NULL}; /* enough for most vocabularies */
    ids.count = ids.items ? size + 2 : 0;
    int code = CLI_FAILED;
    FILE *out;
    if (texts && (out = open_output())) {
        double start = cli_now();
        bool ok = true;
        for (size_t at = 0; ok && at <= size && !cli_interrupted(); records++) {
            const char *end = settings.text ? NULL : memchr(texts + at, RECORD_SEPARATOR, size - at);
            size_t length = end ? (size_t)(end - (texts + at)) : size - at;
            ok = tokenize_record(model, texts + at, length, &ids, out, &total);
            at += length + 1;
        }
        code = close_output(out, !cli_interrupted() && (ok || ferror(out)) ? CLI_OK : CLI_FAILED);
        if (code == CLI_OK)
            code = report("records", records, "tokens", total, cli_now() - start);
    }
    free(ids.items);
    free(file);
    return code;
}

/* ---- perplexity */

struct score {
    const slm_token *next;  /* the token that follows each position */
    uint32_t vocab;
    double sum;             /* of -ln of its probability */
};

static bool add_score(void *user, size_t position, const float *logits)
{
    struct score *score = user;
    uint32_t best = 0;
    double others = 0; /* relative to the best's probability */
    for (uint32_t i = 1; i < score->vocab; i++)
        if (logits[i] > logits[best])
            best = i;
    for (uint32_t i = 0; i < score->vocab; i++)
        others += i == best ? 0 : exp((double)logits[i] - (double)logits[best]);
    score->sum += log1p(others) + (double)logits[best] - (double)logits[score->next[position]];
    return true;
}

/* Windows that do not overlap; each of a window's positions predicts the token that follows it in the text, the last one the first
 * token of the next window. */
static bool score_windows(slm_session *session, struct ids ids, size_t window, size_t windows, struct score *score)
{
    for (size_t w = 0; w < windows; w++) {
        slm_error err;
        if (slm_sequence_truncate(session, 0, 0, &err)) {
            cli_error("%s", err.message);
            return false;
        }
        score->next = ids.items + w * window + 1;
        if (!each_logits(session, ids.items + w * window, window, add_score, score))
            return false;
    }
    if (!isfinite(score->sum)) {
        cli_error("the model gives logits that are not numbers; its file is damaged or its type of model is not computed rightly");
        return false;
    }
    return true;
}

static int run_perplexity(slm_model *model)
{
    struct score score = {.vocab = vocabulary(model)};
    struct ids ids = settings.ids ? read_ids(settings.ids, score.vocab) : read_text(settings.file, model);
    size_t window = (size_t)settings.window, windows = ids.count ? (ids.count - 1) / window : 0;
    slm_error err;
    slm_session *session = NULL;
    int code = CLI_FAILED;
    if (ids.items && windows == 0)
        cli_error("%s has %zu tokens; a window needs %zu: give more text or a smaller -w",
                  cli_input_name(settings.ids ? settings.ids : settings.file), ids.count, window + 1);
    else if (ids.items && !(session = new_session(model, window, &err)))
        cli_error("%s", err.message);
    double start = cli_now();
    if (session && score_windows(session, ids, window, windows, &score)) {
        size_t tokens = windows * window;
        double nll = score.sum / (double)tokens, seconds = cli_now() - start;
        printf(settings.output ? "{\"perplexity\": %.9g, \"nll\": %.9g, \"tokens\": %zu, \"windows\": %zu, \"window\": %zu, "
                                 "\"seconds\": %.6f}\n"
                               : "perplexity %.6f, nll %.6f, tokens %zu, windows %zu of %zu, %.2f s\n",
               exp(nll), nll, tokens, windows, window, seconds);
        code = fflush(stdout) ? cli_write_failed("standard output") : CLI_OK;
    }
    slm_session_free(session);
    free(ids.items);
    return code;
}

/* ---- template */

/* What templates make of the file of cases: the interpreter reads JSON, and numbers stay as they are written. After a failure that has
 * been reported, NULL. */
static char *ask_cases(const char *question, const char *cases, size_t size)
{
    slm_error err;
    char *text;
    if (slm_template_render(question, strlen(question), cases, size, NULL, &text, NULL, &err)) {
        cli_error("%s: %s", cli_input_name(settings.cases), err.message);
        return NULL;
    }
    return text;
}

/* The variables of the case as JSON, its tokens among them; "null" if there is no such case. */
static char *find_case(const char *cases, size_t size)
{
    static const char head[] = "{% set name = '", tail[] =
        "' %}{{ (dict({'bos_token': bos_token | default(''), 'eos_token': eos_token | default('')}, **cases[name])"
        " if cases is mapping and name in cases else none) | tojson }}";
    char *question = malloc(sizeof head + sizeof tail + 2 * strlen(settings.name)), *to = question;
    if (!question) {
        cli_error("no memory for the name of a case");
        return NULL;
    }
    to += sprintf(to, "%s", head);
    for (const char *from = settings.name; *from; from++) {
        if (*from == '\'' || *from == '\\')
            *to++ = '\\';
        *to++ = *from;
    }
    strcpy(to, tail);
    char *text = ask_cases(question, cases, size);
    free(question);
    return text;
}

static int run_template(slm_model *none)
{
    slm_error err;
    size_t source_size, size, length;
    char *source = cli_read_file(settings.template, &source_size), *cases = source ? cli_read_file(settings.cases, &size) : NULL;
    char *variables = cases ? find_case(cases, size) : NULL, *now = variables ? ask_cases("{{ now }}", cases, size) : NULL, *text = NULL;
    int code = CLI_FAILED;
    (void)none;
    if (now && strcmp(variables, "null") == 0)
        cli_error("%s has no case \"%s\"", cli_input_name(settings.cases), settings.name);
    else if (now && slm_template_render(source, source_size, variables, strlen(variables), *now ? now : NULL, &text, &length, &err))
        cli_error("%s: %s", cli_input_name(settings.template), err.message);
    else if (now)
        code = fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0 ? CLI_OK : cli_write_failed("standard output");
    slm_text_free(text);
    slm_text_free(now);
    slm_text_free(variables);
    free(cases);
    free(source);
    return code;
}

/* ---- the command line */

enum needs { NEEDS_NO_MODEL, NEEDS_VOCABULARY, NEEDS_WEIGHTS };

/* False after a message that names the option that is missing or not understood. */
static bool check_settings(const char *command)
{
    struct {
        const char *command, *name, *value;
    } needed[] = {
        {"logits", "-m", settings.model}, {"logits", "--ids", settings.ids}, {"logits", "--out", settings.out},
        {"tokenize", "-m", settings.model}, {"perplexity", "-m", settings.model}, {"template", "--template", settings.template},
        {"template", "--cases", settings.cases}, {"template", "--case", settings.name},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (strcmp(needed[i].command, command) == 0 && !needed[i].value) {
            cli_error("%s needs %s %s (slm-eval %s --help lists the options)", command, needed[i].name,
                      strcmp(needed[i].name, "--case") == 0 ? "NAME" : "FILE", command);
            return false;
        }
    }
    if (strcmp(command, "perplexity") == 0 && !settings.ids == !settings.file) {
        cli_error("perplexity needs one of --ids FILE and -f FILE");
        return false;
    }
    if (strcmp(command, "tokenize") == 0 && !settings.text == !settings.records) {
        cli_error("tokenize needs one of -p TEXT and -f FILE");
        return false;
    }
    if (settings.template && strcmp(settings.template, "-") == 0 && settings.cases && strcmp(settings.cases, "-") == 0) {
        cli_error("--template and --cases can't both be read from standard input");
        return false;
    }
    if (settings.output && strcmp(settings.output, "text") == 0)
        settings.output = NULL;
    if (settings.output && strcmp(settings.output, "json") != 0) {
        cli_error("-o takes text or json, not \"%s\"", settings.output);
        return false;
    }
    if (settings.out && strcmp(settings.out, "-") == 0)
        settings.out = NULL;
    const bool has_out = strcmp(command, "logits") == 0 || strcmp(command, "tokenize") == 0;
    if (has_out && settings.output && !settings.out) {
        cli_error("-o json writes its report to standard output: give the result a file with --out FILE");
        return false;
    }
    return true;
}

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        const struct cli_option *options;
        int option_count;
        enum needs needs;
        int (*run)(slm_model *model);
    } commands[] = {
        {"logits", logits_options, COUNT(logits_options), NEEDS_WEIGHTS, run_logits},
        {"tokenize", tokenize_options, COUNT(tokenize_options), NEEDS_VOCABULARY, run_tokenize},
        {"perplexity", perplexity_options, COUNT(perplexity_options), NEEDS_WEIGHTS, run_perplexity},
        {"template", template_options, COUNT(template_options), NEEDS_NO_MODEL, run_template},
    };
    cli_start("slm-eval");
    int c = 0;
    while (c < COUNT(commands) && (argc < 2 || strcmp(argv[1], commands[c].name) != 0))
        c++;
    if (c == COUNT(commands)) {
        int code = argc > 1 && argv[1][0] == '-' ? cli_parse(NULL, 0, "COMMAND", usage, notes, 1, argv + 1) : CLI_USAGE;
        if (argc < 2)
            cli_error("give a command: logits, tokenize, perplexity or template (slm-eval --help tells more)");
        else if (argv[1][0] != '-')
            cli_error("there is no command \"%s\"; give logits, tokenize, perplexity or template (slm-eval --help tells more)", argv[1]);
        return code;
    }
    int code = cli_parse(commands[c].options, commands[c].option_count, commands[c].name, usage, notes, argc - 2, argv + 2);
    if (code >= 0)
        return code;
    if (!check_settings(commands[c].name) || (settings.pin && !pin(settings.pin)))
        return CLI_USAGE;
    slm_model *model = commands[c].needs == NEEDS_NO_MODEL ? NULL : open_model(commands[c].needs == NEEDS_VOCABULARY);
    code = model || commands[c].needs == NEEDS_NO_MODEL ? commands[c].run(model) : CLI_MODEL;
    slm_model_free(model);
    return cli_interrupted() && (code == CLI_MODEL || code == CLI_FAILED) ? CLI_INTERRUPTED : code;
}
