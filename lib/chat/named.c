/* Prompt formats by name, for models whose files have no template. Ours, and short: what the families' own templates make of plain
 * messages. */
#include "template.h"

#define EACH "{% for m in messages %}"
#define SYSTEM "{% if messages[0].role == 'system' %}"
/* Formats without a system role: its text goes in front of the first question. */
#define FOLD_SYSTEM                                                                                                            \
    "{% set s = namespace(text='') %}" SYSTEM "{% set s.text = messages[0].content ~ '\n\n' %}{% set messages = messages[1:] %}{% endif %}"
#define FOLDED "(s.text if loop.first else '') ~ (m.content | trim)"
#define PROMPT(text) "{% if add_generation_prompt %}{{ '" text "' }}{% endif %}"

static const struct {
    const char *name, *source;
} templates[] = {
    {"chatml", EACH "{{ '<|im_start|>' ~ m.role ~ '\n' ~ m.content ~ '<|im_end|>\n' }}{% endfor %}" PROMPT("<|im_start|>assistant\n")},
    {"llama2", FOLD_SYSTEM EACH
     "{% if m.role == 'user' %}{{ bos_token ~ '[INST] ' ~ (('<<SYS>>\n' ~ (s.text | trim) ~ '\n<</SYS>>\n\n') if s.text and loop.first "
     "else '') ~ (m.content | trim) ~ ' [/INST]' }}{% else %}{{ ' ' ~ (m.content | trim) ~ ' ' ~ eos_token }}{% endif %}{% endfor %}"},
    {"llama3", "{{ bos_token }}" EACH
     "{{ '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\n\n' ~ (m.content | trim) ~ '<|eot_id|>' }}{% endfor %}"
     PROMPT("<|start_header_id|>assistant<|end_header_id|>\n\n")},
    {"mistral", "{{ bos_token }}" FOLD_SYSTEM EACH
     "{% if m.role == 'user' %}{{ '[INST] ' ~ " FOLDED " ~ ' [/INST]' }}{% else %}{{ ' ' ~ (m.content | trim) ~ eos_token }}{% endif %}"
     "{% endfor %}"},
    {"gemma", "{{ bos_token }}" FOLD_SYSTEM EACH
     "{{ '<start_of_turn>' ~ ('model' if m.role == 'assistant' else m.role) ~ '\n' ~ " FOLDED " ~ '<end_of_turn>\n' }}{% endfor %}"
     PROMPT("<start_of_turn>model\n")},
    {"phi3", EACH "{{ '<|' ~ m.role ~ '|>\n' ~ m.content ~ '<|end|>\n' }}{% endfor %}" PROMPT("<|assistant|>\n")},
    {"zephyr", EACH "{{ '<|' ~ m.role ~ '|>\n' ~ m.content ~ eos_token ~ '\n' }}{% endfor %}" PROMPT("<|assistant|>\n")},
    {"granite", EACH "{{ '<|start_of_role|>' ~ m.role ~ '<|end_of_role|>' ~ m.content ~ '<|end_of_text|>\n' }}{% endfor %}"
     PROMPT("<|start_of_role|>assistant<|end_of_role|>")},
    {"deepseek", "{{ bos_token }}" EACH
     "{% if m.role == 'system' %}{{ m.content }}{% elif m.role == 'user' %}{{ '<｜User｜>' ~ m.content }}"
     "{% else %}{{ '<｜Assistant｜>' ~ m.content ~ eos_token }}{% endif %}{% endfor %}" PROMPT("<｜Assistant｜>")},
    {"vicuna", EACH "{% if m.role == 'system' %}{{ m.content ~ '\n\n' }}{% elif m.role == 'user' %}{{ 'USER: ' ~ m.content ~ '\n' }}"
     "{% else %}{{ 'ASSISTANT: ' ~ m.content ~ eos_token ~ '\n' }}{% endif %}{% endfor %}" PROMPT("ASSISTANT:")},
    {"alpaca", EACH "{% if m.role == 'system' %}{{ m.content ~ '\n\n' }}{% elif m.role == 'user' %}"
     "{{ '### Instruction:\n' ~ m.content ~ '\n\n' }}{% else %}{{ '### Response:\n' ~ m.content ~ eos_token ~ '\n\n' }}{% endif %}"
     "{% endfor %}" PROMPT("### Response:\n")},
};

const char *template_named(size_t index, const char **name)
{
    if (index >= sizeof templates / sizeof *templates)
        return NULL;
    *name = templates[index].name;
    return templates[index].source;
}
