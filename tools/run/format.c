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

static bool collect_controls(struct format *f)
{
    slm_model_info info = slm_model_info_default();
    slm_model_get_info(f->model, &info);
    for (slm_token id = 0; (uint32_t)id < info.vocab_size; id++) {
        char text[256];
        if (slm_token_bytes(f->model, id, false, NULL, 0) != 0)
            continue;
        size_t size = slm_token_bytes(f->model, id, true, text + 1, sizeof text - 1);
        if (size == 0 || size > 255)
            continue;
        text[0] = (char)size;
        f->begins_control[(unsigned char)text[1]] = true;
        if (!text_add(&f->controls, text, size + 1))
            return false;
    }
    return true;
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
    if (code == CLI_OK && !settings->special && !collect_controls(f)) {
        cli_error("no memory for the control tokens");
        code = CLI_FAILED;
    }
    return code;
}

void format_free(struct format *f)
{
    free(f->file);
    free(f->controls.data);
}

/* ---- what people say is not to be read as control tokens: a pasted text must not end the user's turn */

/* Stand around text that is to be tokenized without control tokens. Noncharacters, which no text has: U+10FFFE and U+10FFFF. */
#define PLAIN_BEGIN "\xf4\x8f\xbf\xbe"
#define PLAIN_END "\xf4\x8f\xbf\xbf"
enum { PLAIN_SIZE = 4 };

static size_t control_at(const struct format *f, const char *text, size_t left)
{
    size_t longest = 0;
    if (!f->begins_control[(unsigned char)*text])
        return 0;
    for (size_t at = 0; at < f->controls.length;) {
        size_t size = (unsigned char)f->controls.data[at];
        if (size <= left && size > longest && memcmp(f->controls.data + at + 1, text, size) == 0)
            longest = size;
        at += size + 1;
    }
    return longest;
}

static bool is_plain_mark(const char *text, size_t left)
{
    return left >= PLAIN_SIZE && (memcmp(text, PLAIN_BEGIN, PLAIN_SIZE) == 0 || memcmp(text, PLAIN_END, PLAIN_SIZE) == 0);
}

/* A copy with the marks around all from the first control token to the last. */
static bool guard(const struct format *f, const struct text *from, struct text *to)
{
    size_t first = from->length, last = 0, size;
    for (size_t i = 0; i < from->length && !f->settings->special; i += size ? size : 1) {
        size = control_at(f, from->data + i, from->length - i);
        if (size) {
            first = i < first ? i : first;
            last = i + size;
        }
    }
    if (!text_add(to, "", 0))
        return false;
    for (size_t i = 0; i < from->length; i++) {
        if (is_plain_mark(from->data + i, from->length - i)) {
            i += PLAIN_SIZE - 1;
            continue;
        }
        if ((i == first && !text_add(to, PLAIN_BEGIN, PLAIN_SIZE)) || !text_add(to, from->data + i, 1) ||
            (i + 1 == last && !text_add(to, PLAIN_END, PLAIN_SIZE)))
            return false;
    }
    return true;
}

/* The conversation with all of its texts guarded; `fold` puts the system prompt in front of the first question. */
static bool guard_all(const struct format *f, const struct conversation *from, bool fold, struct conversation *to)
{
    struct text text = {0};
    bool ok = guard(f, &from->system, fold ? &text : &to->system) && (!fold || text_add(&text, "\n\n", 2));
    for (size_t i = 0; ok && i < from->count; i++) {
        ok = guard(f, &from->messages[i].text, &text) && conversation_add_answer(to, &text, &from->messages[i].thoughts);
        text.length = 0;
    }
    free(text.data);
    return ok;
}

static bool tokenize(const struct format *f, const char *text, size_t length, struct tokens *tokens)
{
    unsigned flags = SLM_TOKENIZE_SPECIAL;
    for (const char *end = text + length, *next; text < end; text = next + PLAIN_SIZE) {
        next = memmem(text, (size_t)(end - text), flags ? PLAIN_BEGIN : PLAIN_END, PLAIN_SIZE);
        if (!next)
            next = end;
        if (next > text && !tokens_add_text(tokens, f->model, text, (size_t)(next - text), flags))
            return false;
        flags ^= SLM_TOKENIZE_SPECIAL;
        if (next == end)
            break;
    }
    return tokens_begin(tokens, f->model);
}

/* ---- prompts */

static slm_status render(const struct format *f, const struct conversation *c, bool fold, char **text, size_t *length, slm_error *err)
{
    struct conversation guarded = {.count = 0};
    char *variables = NULL;
    size_t size;
    FILE *out = NULL;
    slm_status status = SLM_MEMORY;
    snprintf(err->message, sizeof err->message, "no memory for the prompt");
    if (guard_all(f, c, fold, &guarded) && (out = open_memstream(&variables, &size))) {
        slm_chat_options o = slm_chat_options_default();
        o.chat_template = f->source;
        o.thinking = f->settings->thinking;
        /* Granite and some others call it `thinking`. Earlier thoughts are for templates that ask for them. */
        conversation_write(&guarded, out, strstr(f->source, "reasoning_content") != NULL,
                           o.thinking == SLM_THINKING_AUTO ? "" : o.thinking == SLM_THINKING_ON ? "\"thinking\": true, " : "\"thinking\": false, ");
        if (fclose(out) == 0) {
            o.variables = variables;
            status = slm_chat_render(f->model, NULL, 0, &o, text, length, err);
        }
    }
    free(variables);
    conversation_free(&guarded);
    return status;
}

bool format_prompt(struct format *f, const struct conversation *c, char **text, size_t *length, struct tokens *tokens)
{
    slm_error err, ignored;
    slm_status status = render(f, c, false, text, length, &err);
    /* many templates refuse system prompts; their models were given such in the first question */
    if (status == SLM_FORMAT && c->system.length && render(f, c, true, text, length, &ignored) == SLM_OK) {
        status = SLM_OK;
        if (!f->told && !f->settings->quiet)
            cli_error("%s takes no system prompt: it goes in front of the first question", f->name);
        f->told = true;
    }
    if (status) {
        cli_error("%s: %s", f->name, err.message);
        return false;
    }
    return tokenize(f, *text, *length, tokens);
}
