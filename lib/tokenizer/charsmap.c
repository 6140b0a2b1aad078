/* charsmap.c - a double-array trie. A unit is
 *
 *      31   30 ........ 10   9   8   7 ..... 0
 *      value?    offset    wide leaf   label        (label 0..255, with bit 31 clear: reached by that byte)
 *
 * The children of the unit at `index` stand at (index ^ offset) ^ byte, where offset is 256 times as far if `wide`. If `leaf`, the unit
 * at index ^ offset is a value: in its lower 31 bits, where the rewritten text starts. Nothing of this is trusted: every index is
 * checked, and a walk takes one step a byte. */
#include "charsmap.h"

#include "../cursor.h"

#include <string.h>

slm_status charsmap_open(const mem *m, const struct gguf *gguf, struct charsmap *map, slm_error *err)
{
    *map = (struct charsmap){0};
    const struct gguf_kv *kv = gguf_find(gguf, "tokenizer.ggml.precompiled_charsmap");
    if (!kv)
        return SLM_OK;
    if (!kv->is_array || (kv->type != GGUF_U8 && kv->type != GGUF_I8))
        return fail(err, SLM_FORMAT, kv->offset, "tokenizer.ggml.precompiled_charsmap must be an array of bytes");
    struct cursor c = {.bytes = kv->data, .size = kv->bytes};
    const uint8_t *units;
    uint32_t size;
    if (cursor_u32(&c, "size of the units", &size) || cursor_take(&c, "units", size, 1, &units) || size % 4 || !size || !cursor_left(&c))
        return fail(err, SLM_FORMAT, kv->offset, "tokenizer.ggml.precompiled_charsmap is cut short");
    map->unit_count = size / 4;
    map->text_size = cursor_left(&c);
    map->units = mem_alloc(m, map->unit_count, sizeof *map->units);
    map->texts = mem_alloc(m, map->text_size, 1);
    if (!map->units || !map->texts)
        return fail(err, SLM_MEMORY, SLM_NO_OFFSET, "out of memory for %u bytes of tokenizer.ggml.precompiled_charsmap", size);
    for (uint32_t i = 0; i < map->unit_count; i++)
        map->units[i] = load_u32(units + 4 * (size_t)i);
    memcpy(map->texts, c.bytes + c.at, map->text_size);
    return SLM_OK;
}

void charsmap_close(const mem *m, struct charsmap *map)
{
    mem_free(m, map->units);
    mem_free(m, map->texts);
    *map = (struct charsmap){0};
}

static uint32_t offset_of(uint32_t unit)
{
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* The text of a value; false if it is outside or too long. */
static bool text_at(const struct charsmap *map, size_t start, struct gguf_str *text)
{
    if (start >= map->text_size)
        return false;
    size_t most = map->text_size - start < CHARSMAP_MAX_TEXT + 1 ? map->text_size - start : CHARSMAP_MAX_TEXT + 1;
    const char *end = memchr(map->texts + start, 0, most);
    if (end)
        *text = (struct gguf_str){map->texts + start, (size_t)(end - (map->texts + start))};
    return end != NULL;
}

size_t charsmap_match(const struct charsmap *map, const char *text, size_t length, struct gguf_str *rewritten)
{
    size_t matched = 0;
    if (!map->unit_count)
        return 0;
    uint32_t index = offset_of(map->units[0]);
    for (size_t i = 0; i < length && text[i]; i++) {
        uint32_t byte = (uint8_t)text[i];
        index ^= byte;
        if (index >= map->unit_count || (map->units[index] & (1u << 31 | 0xff)) != byte)
            break;
        bool leaf = map->units[index] & 1u << 8;
        index ^= offset_of(map->units[index]);
        if (leaf && index < map->unit_count && text_at(map, map->units[index] & ~(1u << 31), rewritten))
            matched = i + 1;
    }
    return matched;
}
