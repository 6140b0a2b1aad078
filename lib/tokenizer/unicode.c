#include "unicode.h"

#include "unicode_table.h"

enum unicode_class unicode_class(uint32_t code_point)
{
    uint32_t block = code_point >> 7;
    if (block >= UNICODE_BLOCKS)
        block = UNICODE_BLOCKS - 1;
    uint8_t pair = unicode_blocks[unicode_index[block]][(code_point & 127) >> 1];
    return (enum unicode_class)(code_point & 1 ? pair >> 4 : pair & 15);
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
