/* The prompt forms that are recognized without running the model's Jinja template, for one question and no system message.
 * The template interpreter of the chat module replaces this file. */
#include "chat_form.h"

#include <stddef.h>
#include <string.h>

/* The first row whose marks are both found is taken, so the special stand before the general. In a template a line break is
 * either itself or, inside a Jinja string, a backslash and an n. */
static const struct chat_form forms[] = {
    {"ChatML", {"<|im_start|>", NULL}, "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"},
    {"Llama 3", {"<|start_header_id|>", NULL}, "<|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"Gemma", {"<start_of_turn>", NULL}, "<start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n"},
    {"Phi 3", {"<|user|>\n", "<|end|>\n"}, "<|user|>\n", "<|end|>\n<|assistant|>\n"},
    {"Phi 3", {"<|user|>\\n", "<|end|>\\n"}, "<|user|>\n", "<|end|>\n<|assistant|>\n"},
    {"Zephyr", {"<|user|>\n", "eos_token"}, "<|user|>\n", "</s>\n<|assistant|>\n"},
    {"Zephyr", {"<|user|>\\n", "eos_token"}, "<|user|>\n", "</s>\n<|assistant|>\n"},
    {"libslm demo", {"+ '|>' + message['content'] + '<|end|>'", "'<|assistant|>'"}, "<|user|>", "<|end|><|assistant|>"},
    {"Llama 2", {"[INST] ", " [/INST]"}, "[INST] ", " [/INST]"},
    {"Mistral", {"[INST] ", "[/INST]"}, "[INST] ", "[/INST]"},
    {"Mistral", {"[INST]", "[/INST]"}, "[INST]", "[/INST]"},
};

const struct chat_form *chat_form_find(const char *chat_template)
{
    for (size_t i = 0; chat_template && i < sizeof forms / sizeof *forms; i++) {
        const struct chat_form *form = &forms[i];
        if (strstr(chat_template, form->marks[0]) && (!form->marks[1] || strstr(chat_template, form->marks[1])))
            return form;
    }
    return NULL;
}
