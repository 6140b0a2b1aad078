#include "settings.h"

#include <float.h>
#include <stdlib.h>

static const char usage[] = "slm-run - answers a prompt with a language model, or converses\n\n"
                            "  slm-run -m model.gguf -p \"Why is the sky blue?\"\n"
                            "  echo \"Is this good or bad?\" | slm-run -m model.gguf -q --temp 0\n"
                            "  slm-run --info model.gguf\n"
                            "  slm-run -m model.gguf          a conversation, on a terminal; /help tells more\n";
static const char notes[] =
    "\nThe text goes to standard output, everything else to standard error.\n"
    "Exit code: 0 done, 1 bad command line, 2 the model can't be opened, 3 failed later, 130 interrupted, 141 output closed.\n";

/* What the command line says, before it is read further. */
struct words {
    const char *output, *think;
    struct cli_texts biases;
};

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

/* The first option given that only an answer has use for, besides -c, -b and others that --info counts memory with; NULL if there is none. */
static const char *answering(const struct settings *s, const struct settings *usual, const struct words *words)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"-p", s->prompt}, {"-f", s->file}, {"-sys", s->system}, {"--think", strcmp(words->think, "auto") != 0},
        {"--chat-template", s->chat_template}, {"--no-chat", s->no_chat}, {"-n", s->predict != usual->predict}, {"--pin", s->pin},
        {"-s", s->seed != usual->seed}, {"--temp", s->temperature != usual->temperature}, {"--top-k", s->top_k != usual->top_k},
        {"--top-p", s->top_p != usual->top_p}, {"--min-p", s->min_p != usual->min_p},
        {"--repeat-penalty", s->repeat_penalty != usual->repeat_penalty},
        {"--presence-penalty", s->presence_penalty != usual->presence_penalty},
        {"--frequency-penalty", s->frequency_penalty != usual->frequency_penalty},
        {"--repeat-last-n", s->repeat_last_n != usual->repeat_last_n}, {"--logit-bias", words->biases.count}, {"--special", s->special},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given)
            return options[i].name;
    return NULL;
}

static bool parse_words(struct settings *s, const struct settings *usual, const struct words *words)
{
    const char *idle = s->info || s->list ? answering(s, usual, words) : NULL;
    static const char *const thinking[] = {"auto", "on", "off"};
    _Static_assert(SLM_THINKING_AUTO == 0 && SLM_THINKING_ON == 1 && SLM_THINKING_OFF == 2, "the names are in this order");
    int think = 0;
    while (think < 3 && strcmp(words->think, thinking[think]) != 0)
        think++;
    s->thinking = (slm_thinking)think;
    s->json = strcmp(words->output, "json") == 0;
    if (think == 3)
        cli_error("--think takes on, off or auto, not \"%s\"", words->think);
    else if (!s->json && strcmp(words->output, "text") != 0)
        cli_error("-o takes text or json, not \"%s\"", words->output);
    else if (s->info && s->list)
        cli_error("--info and --list each end the program; leave one out");
    else if (idle)
        cli_error("%s answers no prompt: leave out %s", s->info ? "--info" : "--list", idle);
    else if (s->model && (s->list || (s->info && *s->info)))
        cli_error("%s tells about other files than -m: leave out one of the two", s->list ? "--list" : "--info FILE");
    else if (s->prompt && s->file)
        cli_error("-p and -f both give a prompt; leave one out");
    else if (s->no_chat && (s->system || s->chat_template || think))
        cli_error("--no-chat uses no chat template: leave out %s", s->system ? "-sys" : s->chat_template ? "--chat-template" : "--think");
    else {
        for (int i = 0; i < words->biases.count; i++)
            if (!parse_bias(words->biases.items[i], &s->biases[s->bias_count++]))
                return false;
        return true;
    }
    return false;
}

int settings_parse(struct settings *s, int argc, char **argv)
{
    static struct words words; /* large */
    words = (struct words){.output = "text", .think = "auto"};
    const slm_sampler_options d = slm_sampler_options_default();
    *s = (struct settings){.predict = -1, .batch = 512, .temperature = d.temperature, .top_k = d.top_k, .top_p = d.top_p,
                           .min_p = d.min_p, .repeat_penalty = d.repeat_penalty, .repeat_last_n = d.penalty_window};
    const struct cli_option table[] = {
        {"-m, --model", "FILE", CLI_TEXT, &s->model, 0, 0, "GGUF file (default: the built-in demo model)"},
        {"-p, --prompt", "TEXT", CLI_TEXT, &s->prompt, 0, 0, "the prompt"},
        {"-f, --file", "FILE", CLI_TEXT, &s->file, 0, 0, "read the prompt from a file, - for standard input"},
        {"-sys, --system-prompt", "TEXT", CLI_TEXT, &s->system, 0, 0, "tell the model beforehand who it is and how to answer"},
        {"--think", "on|off|auto", CLI_TEXT, &words.think, 0, 0, "whether a thinking model thinks (default auto: as its template has it)"},
        {"--chat-template", "NAME|FILE", CLI_TEXT, &s->chat_template, 0, 0, "write the prompt by this template, not the model's own"},
        {"--no-chat", NULL, CLI_FLAG, &s->no_chat, 0, 0, "continue the prompt as it stands, and print it first"},
        {"-n, --predict, --n-predict", "N", CLI_INT, &s->predict, -1, INT32_MAX, "tokens to generate at most (default -1: until the end)"},
        {"-c, --ctx-size", "N", CLI_INT, &s->context, 0, 1 << 24, "tokens of context (default 0: the model's, at most 4096)"},
        {"-t, --threads", "N", CLI_INT, &s->threads, 0, 1024, "threads (default 0: one per usable core)"},
        {"--pin", "auto|none|LIST", CLI_TEXT, &s->pin, 0, 0, "CPUs to run on: one of each usable core, any, a list (default none)"},
        {"-b, --batch-size", "N", CLI_INT, &s->batch, 1, 65536, "prompt tokens computed at once (default 512)"},
        {"-ctk, --cache-type-k", "TYPE", CLI_CACHE_TYPE, &s->type_k, 0, 0, "keys are kept in: auto, f32, f16, q8_0 (default auto)"},
        {"-ctv, --cache-type-v", "TYPE", CLI_CACHE_TYPE, &s->type_v, 0, 0, "values likewise"},
        {"-s, --seed", "N", CLI_SEED, &s->seed, 0, 0, "seed of the sampler (default 0; -1: a random one)"},
        {"--temp, --temperature", "T", CLI_FLOAT, &s->temperature, 0, FLT_MAX, "temperature, 0: greedy (default 0.8)"},
        {"--top-k", "K", CLI_INT, &s->top_k, 0, INT32_MAX, "sample from the K best tokens, 0: all (default 40)"},
        {"--top-p", "P", CLI_FLOAT, &s->top_p, 0, 1, "... from the best with probability P, 1: all (default 0.95)"},
        {"--min-p", "P", CLI_FLOAT, &s->min_p, 0, 1, "... with P times the best's probability (default 0.05)"},
        {"--repeat-penalty", "R", CLI_FLOAT, &s->repeat_penalty, FLT_MIN, FLT_MAX, "penalize repetition, 1: no (default 1)"},
        {"--presence-penalty", "X", CLI_FLOAT, &s->presence_penalty, -FLT_MAX, FLT_MAX, "taken from recent tokens (default 0)"},
        {"--frequency-penalty", "X", CLI_FLOAT, &s->frequency_penalty, -FLT_MAX, FLT_MAX, "... per occurrence (default 0)"},
        {"--repeat-last-n", "N", CLI_INT, &s->repeat_last_n, 0, 1 << 20, "tokens that are recent (default 64)"},
        {"--logit-bias", "TOKEN+X|TOKEN-X", CLI_TEXTS, &words.biases, 0, 0, "make a token likelier or less likely; repeatable"},
        {"--special", NULL, CLI_FLAG, &s->special, 0, 0, "special tokens: read them in the prompt, show them in the text"},
        {"-o, --output", "text|json", CLI_TEXT, &words.output, 0, 0, "what standard output gets (default text)"},
        {"--info", "[FILE]", CLI_OPTIONAL, &s->info, 0, 0, "tell what a file (or -m's) is, the memory it needs, whether it runs; -v: more"},
        {"--list", "[FOLDER]", CLI_OPTIONAL, &s->list, 0, 0, "list the GGUF files below a folder (default: the current one)"},
        {"-v, --verbose", NULL, CLI_FLAG, &s->verbose, 0, 0, "say more on standard error"},
        {"-q, --quiet", NULL, CLI_FLAG, &s->quiet, 0, 0, "say nothing on standard error but errors"},
    };
    const struct settings usual = *s;
    int code = cli_parse(table, sizeof table / sizeof *table, "", usage, notes, argc - 1, argv + 1);
    if (code >= 0)
        return code;
    return parse_words(s, &usual, &words) ? -1 : CLI_USAGE;
}

slm_sampler *settings_sampler(const struct settings *s, const slm_model *model, uint64_t seed)
{
    slm_sampler_options o = slm_sampler_options_default();
    o.temperature = s->temperature;
    o.top_k = (uint32_t)s->top_k;
    o.top_p = s->top_p;
    o.min_p = s->min_p;
    o.repeat_penalty = s->repeat_penalty;
    o.presence_penalty = s->presence_penalty;
    o.frequency_penalty = s->frequency_penalty;
    o.penalty_window = (uint32_t)s->repeat_last_n;
    o.seed = seed;
    o.bias = s->biases;
    o.bias_count = s->bias_count;
    slm_sampler *sampler;
    slm_error err;
    if (slm_sampler_new(model, &o, &sampler, &err))
        cli_error("%s", err.message);
    return sampler;
}
