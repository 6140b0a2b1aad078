/* slm-run - answers a prompt, continues a text, or converses. Parts in tools/run/. */
#include "pin.h"
#include "run/chat.h"
#include "run/info.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* examples/models/demo-q8_0.gguf, linked in by demo_model.S */
extern const unsigned char demo_model[];
extern const uint64_t demo_model_size;

static struct settings settings;

/* The prompt's text, without a line break at the end of a file; NULL after a reported problem, with the exit code to end with. */
static char *read_prompt(size_t *length, int *code)
{
    *code = CLI_USAGE;
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
static void describe(const struct engine *engine, const char *form)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(engine->model, &info);
    cli_error("model %s, %s, %s, %.1f million parameters, %.1f MB of weights, trained for %u tokens", info.name, info.architecture,
              info.type, (double)info.parameters / 1e6, (double)info.weight_bytes / 1e6, info.context_length);
    cli_error("%d threads, kernels %s, seed %llu, prompt form: %s", slm_session_threads(engine->session), info.isa,
              (unsigned long long)settings.seed, form);
}

/* ---- one answer */

/* What a single prompt becomes. */
struct once {
    struct tokens prompt;
    struct stream stream;
    double load_seconds;
    struct engine *engine;
};

/* Tokens decoded one by one: the first comes with the prompt. */
static size_t decoded(const struct stream *s)
{
    return s->tokens.count ? s->tokens.count - 1 : 0;
}

static void print_json(const struct once *o, enum ending ending)
{
    static const char *const reasons[] = {
        [ENDING_STOP] = "stop", [ENDING_LENGTH] = "length", [ENDING_CONTEXT] = "context", [ENDING_INTERRUPTED] = "interrupted"};
    const struct stream *s = &o->stream;
    double prefill = s->first - o->engine->start, decode = s->last - s->first;
    fputs("{\"model\": ", stdout);
    cli_json_text(stdout, settings.model ? settings.model : "", settings.model ? strlen(settings.model) : 0);
    printf(", \"seed\": %llu, \"prompt_tokens\": [", (unsigned long long)settings.seed);
    for (size_t i = 0; i < o->prompt.count; i++)
        printf("%s%d", i ? ", " : "", o->prompt.items[i]);
    fputs("], \"text\": ", stdout);
    cli_json_text(stdout, s->all.data ? s->all.data : "", s->all.length);
    fputs(", \"tokens\": [", stdout);
    for (size_t i = 0; i < s->tokens.count; i++)
        printf("%s%d", i ? ", " : "", s->tokens.items[i]);
    printf("], \"finish_reason\": \"%s\", \"timings\": {\"load_seconds\": ", reasons[ending]);
    cli_json_number(stdout, o->load_seconds);
    printf(", \"prefill_tokens\": %zu, \"prefill_seconds\": ", o->prompt.count);
    cli_json_number(stdout, prefill);
    fputs(", \"prefill_tokens_per_second\": ", stdout);
    cli_json_number(stdout, (double)o->prompt.count / prefill);
    printf(", \"decode_tokens\": %zu, \"decode_seconds\": ", decoded(s));
    cli_json_number(stdout, decode);
    fputs(", \"decode_tokens_per_second\": ", stdout);
    cli_json_number(stdout, (double)decoded(s) / decode);
    fputs("}}\n", stdout);
}

static void print_summary(const struct once *o)
{
    const struct stream *s = &o->stream;
    double prefill = s->first - o->engine->start, decode = s->last - s->first;
    fprintf(stderr, "slm-run: load %.0f ms, prefill %zu tokens %.1f tok/s, decode %zu tokens", o->load_seconds * 1e3, o->prompt.count,
            (double)o->prompt.count / prefill, decoded(s));
    if (decoded(s))
        fprintf(stderr, " %.1f tok/s", (double)decoded(s) / decode);
    fputc('\n', stderr);
}

/* Tells how it went. */
static int finish(struct once *o, enum ending ending)
{
    struct stream *s = &o->stream;
    if (ending == ENDING_FAILED)
        return CLI_FAILED;
    if (settings.json && ending != ENDING_WRITE)
        print_json(o, ending);
    else if (!s->write_error && (!settings.no_chat || isatty(STDOUT_FILENO)))
        putchar('\n');
    if (!s->write_error && fflush(stdout))
        s->write_error = errno;
    if (ending == ENDING_CONTEXT && !settings.quiet)
        cli_error("the context is full: the text ends here; a larger one is given with -c");
    if (!settings.quiet)
        print_summary(o);
    errno = s->write_error;
    if (s->write_error)
        return cli_write_failed("standard output");
    return cli_interrupted() ? CLI_INTERRUPTED : CLI_OK;
}

/* Text and tokens of the prompt; the text is shown if it is continued. */
static bool prepare(struct once *o, struct format *format, const char *text, size_t length)
{
    if (settings.no_chat) {
        o->stream.thoughts.state = THOUGHTS_OVER;
        if (!tokens_add_text(&o->prompt, o->engine->model, text, length, settings.special ? SLM_TOKENIZE_SPECIAL : 0) ||
            !tokens_begin(&o->prompt, o->engine->model))
            return false;
        if (!settings.json)
            stream_show(&o->stream, text, length);
        return true;
    }
    struct conversation conversation = {.count = 0};
    char *prompt = NULL;
    const char *system = settings.system ? settings.system : "";
    bool ok = conversation_set_system(&conversation, system, strlen(system)) && conversation_add(&conversation, text, length) &&
              format_prompt(format, &conversation, &prompt, &length, &o->prompt);
    if (ok)
        thoughts_start(&o->stream.thoughts, prompt, length);
    slm_text_free(prompt);
    conversation_free(&conversation);
    return ok;
}

static int answer_once(struct engine *engine, struct format *format, const char *text, size_t length, double load_seconds)
{
    struct once o = {.engine = engine, .load_seconds = load_seconds};
    stream_open(&o.stream, engine->model, settings.json ? NULL : stdout);
    int code = CLI_FAILED;
    if (prepare(&o, format, text, length))
        code = finish(&o, o.stream.write_error ? ENDING_WRITE : engine_answer(engine, &o.prompt, settings.seed, &o.stream));
    stream_free(&o.stream);
    free(o.prompt.items);
    return code;
}

/* A NULL text: a conversation. */
static int run_model(slm_model *model, const char *text, size_t length, double load_seconds)
{
    struct engine engine = {.model = NULL};
    struct format format = {.model = NULL};
    slm_sampler *sampler = settings_sampler(&settings, model, settings.seed); /* can there be one? */
    int code = sampler ? CLI_OK : CLI_USAGE;
    slm_sampler_free(sampler);
    if (code == CLI_OK && !settings.no_chat)
        code = format_open(&format, model, &settings);
    if (code == CLI_OK)
        code = engine_open(&engine, model, &settings);
    if (code == CLI_OK) {
        if (settings.verbose)
            describe(&engine, settings.no_chat ? "none" : format.name);
        code = text ? answer_once(&engine, &format, text, length, load_seconds) : chat(&settings, &engine, &format);
    }
    engine_free(&engine);
    format_free(&format);
    return code;
}

int main(int argc, char **argv)
{
    cli_start("slm-run");
    int code = settings_parse(&settings, argc, argv);
    if (code >= 0)
        return code;
    if (settings.info || settings.list)
        return settings.info ? info(&settings, demo_model, (size_t)demo_model_size) : list(&settings);
    if (settings.pin && !pin(settings.pin))
        return CLI_USAGE;
    size_t length = 0;
    double load_seconds;
    bool converse = !settings.prompt && !settings.file && !settings.no_chat && !settings.json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    char *text = converse ? NULL : read_prompt(&length, &code);
    if (!text && !converse)
        return code;
    slm_model *model = open_model(&load_seconds);
    if (model) {
        if (!settings.model && !settings.quiet)
            cli_error("no -m: the built-in demo model answers, a toy that knows a few kinds of questions (capitals, stories, ...)");
        code = run_model(model, text, length, load_seconds);
    } else {
        code = cli_interrupted() ? CLI_INTERRUPTED : CLI_MODEL;
    }
    slm_model_free(model);
    free(text);
    return code;
}
