#include "unicode.h"

struct case_run {
    uint32_t first, last, step;
    int32_t delta;
};
#include "case_table.h"
#include "unicode_table.h"

enum unicode_class unicode_class(uint32_t code_point)
{
    uint32_t block = code_point >> 7;
    if (block >= UNICODE_BLOCKS)
        block = UNICODE_BLOCKS - 1;
    uint8_t pair = unicode_blocks[unicode_index[block]][(code_point & 127) >> 1];
    return (enum unicode_class)(code_point & 1 ? pair >> 4 : pair & 15);
}

static uint32_t convert(uint32_t code_point, const struct case_run *runs, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) { /* the last run that does not begin after it; runs may interleave, so the one before is tried too */
        size_t middle = (low + high) / 2;
        if (runs[middle].first <= code_point)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i-- > 0 && i + 3 > low;)
        if (code_point <= runs[i].last && (code_point - runs[i].first) % runs[i].step == 0)
            return (uint32_t)((int64_t)code_point + runs[i].delta);
    return code_point;
}

uint32_t unicode_upper(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point >= 'a' && code_point <= 'z' ? code_point - 32 : code_point;
    return convert(code_point, to_upper, sizeof to_upper / sizeof *to_upper);
}

uint32_t unicode_lower(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point;
    return convert(code_point, to_lower, sizeof to_lower / sizeof *to_lower);
}

uint32_t unicode_base(uint32_t code_point)
{
    if (code_point >= 0xac00 && code_point < 0xd7a4)
        return 0x1100 + (code_point - 0xac00) / 588; /* Hangul: 19 leading consonants times 588 syllables */
    size_t low = 0, high = sizeof unicode_bases / sizeof *unicode_bases;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (unicode_bases[middle][0] == code_point)
            return unicode_bases[middle][1];
        if (unicode_bases[middle][0] < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return code_point;
}

int utf8_decode(const char *text, size_t length, uint32_t *code_point)
{
    const uint8_t *s = (const uint8_t *)text;
    uint8_t lead = s[0];
    if (lead < 0x80) {
        *code_point = lead;
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    int size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t value = lead & (0x7fu >> size);
    /* the second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < size; i++) {
        if ((size_t)i >= length)
            return 0;
        if (s[i] < low || s[i] > high)
            return -i;
        value = value << 6 | (s[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *code_point = value;
    return size;
}

int utf8_encode(uint32_t code_point, char *bytes)
{
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    int size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (int i = size - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    bytes[0] = (char)((0xf00 >> size & 0xff) | code_point);
    return size;
}
