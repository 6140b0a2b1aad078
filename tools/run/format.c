#include "format.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- the template */

/* For models whose files have no template: the vocabulary shows which prompts they know. */
static const struct {
    const char *token, *name;
} families[] = {
    {"<|im_start|>", "chatml"},    {"<|start_header_id|>", "llama3"},   {"<start_of_turn>", "gemma"}, {"<|start_of_role|>", "granite"},
    {"<｜Assistant｜>", "deepseek"}, {"[INST]", "mistral"},               {"<|assistant|>", "phi3"},
};
static const char last_resort[] = "chatml";

static const char *named(const char *name)
{
    const char *source, *known;
    for (size_t i = 0; (source = slm_chat_template_at(i, &known)); i++)
        if (strcmp(known, name) == 0)
            return source;
    return NULL;
}

const char *format_family(const char *source, size_t length)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (memmem(source, length, families[i].token, strlen(families[i].token)))
            return families[i].name;
    return NULL;
}

static int take_file(struct format *f, const char *path)
{
    size_t size;
    if (access(path, F_OK) != 0) {
        char names[512] = "";
        const char *name;
        for (size_t i = 0, used = 0; slm_chat_template_at(i, &name) && used < sizeof names; i++)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", name);
        cli_error("--chat-template: \"%s\" is neither a file nor one of %s", path, names);
        return CLI_USAGE;
    }
    f->file = cli_read_file(path, &size);
    if (!f->file)
        return cli_interrupted() ? CLI_INTERRUPTED : CLI_FAILED;
    if (strlen(f->file) != size || size == 0) {
        cli_error("--chat-template: %s is %s", path, size ? "no text file" : "empty");
        return CLI_FAILED;
    }
    f->source = f->file;
    f->name = path;
    return CLI_OK;
}

static void fall_back(struct format *f)
{
    f->name = last_resort;
    for (size_t i = sizeof families / sizeof *families; i-- > 0;)
        if (slm_token_find(f->model, families[i].token) != SLM_TOKEN_NONE)
            f->name = families[i].name;
    f->source = named(f->name);
    if (!f->settings->quiet)
        cli_error("the model's file has no chat template: %s is used; --chat-template NAME|FILE chooses another, --no-chat none", f->name);
}

int format_open(struct format *f, const slm_model *model, const struct settings *settings)
{
    *f = (struct format){.model = model, .settings = settings};
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(model, &info);
    int code = CLI_OK;
    if (settings->chat_template) {
        f->name = settings->chat_template;
        f->source = named(f->name);
        if (!f->source)
            code = take_file(f, settings->chat_template);
    } else if (info.chat_template && *info.chat_template) {
        f->source = info.chat_template;
        f->name = "the model's chat template";
    } else {
        fall_back(f);
    }
    if (code == CLI_OK && settings->thinking != SLM_THINKING_AUTO && !strstr(f->source, "thinking") && !settings->quiet)
        cli_error("%s knows no thinking: --think changes nothing", f->name);
    return code;
}

void format_free(struct format *f)
{
    free(f->file);
    free(f->variables);
}

/* ---- prompts */

/* `first` as in conversation_write. */
static slm_status render(struct format *f, const struct conversation *c, const struct text *first, slm_chat_options *o, char **text,
                         size_t *length, slm_error *err)
{
    const char *thinking = o->thinking == SLM_THINKING_AUTO ? "" : o->thinking == SLM_THINKING_ON ? "\"thinking\": true, "
                                                                                                 : "\"thinking\": false, ";
    size_t size;
    free(f->variables);
    f->variables = NULL;
    FILE *out = open_memstream(&f->variables, &size);
    if (out) /* Granite and some others call it `thinking`. Earlier thoughts are for templates that ask for them. */
        conversation_write(c, out, strstr(f->source, "reasoning_content") != NULL, first, thinking);
    if (!out || fclose(out)) {
        snprintf(err->message, sizeof err->message, "no memory for the prompt");
        return SLM_MEMORY;
    }
    o->variables = f->variables;
    return slm_chat_render(f->model, NULL, 0, o, text, length, err);
}

bool format_prompt(struct format *f, const struct conversation *c, char **text, size_t *length, struct tokens *tokens)
{
    slm_error err, ignored;
    slm_chat_options o = slm_chat_options_default();
    o.chat_template = f->source;
    o.thinking = f->settings->thinking;
    slm_status status = render(f, c, NULL, &o, text, length, &err);
    /* many templates refuse system prompts; their models were given such in the first question */
    struct text first = {0};
    if (status == SLM_FORMAT && c->system.length && text_add(&first, c->system.data, c->system.length) && text_add(&first, "\n\n", 2) &&
        text_add(&first, c->messages[0].text.data, c->messages[0].text.length) &&
        render(f, c, &first, &o, text, length, &ignored) == SLM_OK) {
        status = SLM_OK;
        if (!f->told && !f->settings->quiet)
            cli_error("%s takes no system prompt: it goes in front of the first question", f->name);
        f->told = true;
    }
    free(first.data);
    if (status) {
        cli_error("%s: %s", f->name, err.message);
        return false;
    }
    if (f->settings->special) /* control tokens are read in what people say, too */
        return tokens_add_text(tokens, f->model, *text, *length, SLM_TOKENIZE_SPECIAL) && tokens_begin(tokens, f->model);
    return tokens_add_chat(tokens, f->model, &o) && tokens_begin(tokens, f->model);
}
