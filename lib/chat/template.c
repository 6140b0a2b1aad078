/* From a template and its variables to a text. */
#include "template.h"

#include "eval.h"

#include "../status.h"

enum {
    SOURCE_MAX = 1 << 20,           /* bytes of a template: the largest known has 30 KB */
    HEADER = 64,                    /* in front of a text: its allocator */
};

/* Line ends become \n, and a single one at the end goes away, as Jinja2 does it. */
static bool take_source(struct chat *c, const char *source, size_t length)
{
    if (length > SOURCE_MAX)
        return chat_fail_as(c, SLM_LIMIT, "the chat template has %zu bytes; %d are allowed", length, SOURCE_MAX);
    char *copy = chat_alloc(c, length + 1), *to = copy;
    if (!copy)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (source[i] == '\r' && i + 1 < length && source[i + 1] == '\n')
            continue;
        *to++ = source[i] == '\r' ? '\n' : source[i];
    }
    if (to > copy && to[-1] == '\n')
        to--;
    c->source = copy;
    c->source_length = (size_t)(to - copy);
    return true;
}

static bool set(struct chat *c, struct value variables, const char *name, struct value value)
{
    struct value key;
    return string_text(c, name, &key) && dict_set(c, variables.as.dict, key, value);
}

static bool set_text(struct chat *c, struct value variables, const char *name, const char *text)
{
    struct value value;
    return !text || (string_text(c, text, &value) && set(c, variables, name, value));
}

static bool set_messages(struct chat *c, struct value variables, const slm_chat_message *messages, size_t count)
{
    struct value list, message, role, content;
    if (!list_new(c, LIST, count, &list))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!dict_new(c, DICT, &message) || !string_text(c, messages[i].role, &role) || !string_guard(c, &role) ||
            !set(c, message, "role", role) || !string_text(c, messages[i].content, &content) || !string_guard(c, &content) ||
            !set(c, message, "content", content) || !list_add(c, list, message))
            return false;
    return set(c, variables, "messages", list);
}

static bool take_variables(struct chat *c, const struct template_input *in, struct value *out)
{
    struct value tools, more;
    if (!dict_new(c, DICT, out) || !set_text(c, *out, "bos_token", in->bos_token) || !set_text(c, *out, "eos_token", in->eos_token) ||
        (in->message_count && !set_messages(c, *out, in->messages, in->message_count)) ||
        (in->add_generation_prompt && !set(c, *out, "add_generation_prompt", bool_value(*in->add_generation_prompt))) ||
        (in->enable_thinking && !set(c, *out, "enable_thinking", bool_value(*in->enable_thinking))) ||
        (in->tools && (!json_read(c, in->tools, strlen(in->tools), 0, &tools) || !set(c, *out, "tools", tools))))
        return false;
    if (!in->variables)
        return true;
    /* the variables and their names are the program's, and as they are; in their lists and objects stands what people say */
    if (!json_read(c, in->variables, in->variables_length, 2, &more))
        return false;
    if (more.kind != DICT)
        return chat_fail_as(c, SLM_INVALID, "the template's variables must be a JSON object");
    for (size_t i = 0; i < more.as.dict->count; i++)
        if (!dict_set(c, out->as.dict, more.as.dict->entries[i].key, more.as.dict->entries[i].value))
            return false;
    return true;
}

static bool run(struct chat *c, const struct template_input *in, struct buffer *out)
{
    struct value variables;
    struct node *tree;
    struct scope root = {0};
    struct parser parser = {.chat = c};
    if (!take_variables(c, in, &variables) || !take_source(c, in->source, in->source_length) || !chat_parse(&parser, &tree))
        return false;
    c->steps = 0;
    struct eval e = {.c = c, .parser = &parser, .variables = variables.as.dict, .root = &root, .scope = &root, .out = out};
    return exec_body(&e, tree) != FLOW_FAILED;
}

slm_status template_render(const mem *m, const struct template_input *input, char **text, size_t *length, slm_error *err)
{
    struct chat c = {.mem = *m, .guard = input->guard, .now = input->now, .err = err};
    struct buffer out = {0};
    c.seed = (uint64_t)(uintptr_t)&c ^ (uint64_t)(uintptr_t)input->source << 17;
    *text = NULL;
    if (run(&c, input, &out)) {
        char *block = mem_alloc(m, 1, HEADER + out.length + 1);
        if (block) {
            _Static_assert(sizeof *m <= HEADER, "the header holds an allocator");
            memcpy(block, m, sizeof *m);
            if (out.length)
                memcpy(block + HEADER, out.data, out.length);
            block[HEADER + out.length] = 0;
            *text = block + HEADER;
            if (length)
                *length = out.length;
        } else {
            c.source = NULL;
            chat_fail_as(&c, SLM_MEMORY, "no memory for a text of %zu bytes", out.length);
        }
    }
    chat_free_all(&c);
    return c.status;
}

void template_text_free(char *text)
{
    mem m;
    if (!text)
        return;
    memcpy(&m, text - HEADER, sizeof m);
    mem_free(&m, text - HEADER);
}
