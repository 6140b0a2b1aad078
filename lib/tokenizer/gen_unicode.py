#!/usr/bin/env python3
"""Writes unicode_table.h: the class of every Unicode code point, and the first character of those that decompose, from Python's unicodedata.

    python3.13 lib/tokenizer/gen_unicode.py > lib/tokenizer/unicode_table.h

Python 3.13 because its Unicode, 15.1, is that of the tokenizer which the others of GGUF files are compared with; the same goes for
gen_case.py and lib/chat/gen_letters.py.

Classes are a two-level table: the code point's upper bits choose a block of 128, its lower bits one of the block's classes, two classes
to a byte. Decompositions are pairs in order; those of Hangul syllables follow from arithmetic.
"""
import unicodedata

CLASSES = ["CONTROL", "LU", "LL", "LT", "LM", "LO", "M", "N", "P", "S", "SPACE", "UNASSIGNED"]
WHITE_SPACE = {*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
BLOCK = 128


def class_of(cp):
    if cp in WHITE_SPACE:
        return CLASSES.index("SPACE")
    category = unicodedata.category(chr(cp)).upper()
    if category == "CN":
        return CLASSES.index("UNASSIGNED")
    if category in CLASSES:
        return CLASSES.index(category)
    return CLASSES.index(category[0]) if category[0] in CLASSES else 0


def rows(values, per_line):
    for i in range(0, len(values), per_line):
        print("    " + ",".join(str(v) for v in values[i:i + per_line]) + ",")


def bases():
    for cp in range(0x80, 0x110000):
        base = unicodedata.normalize("NFD", chr(cp))[0] if not 0xD800 <= cp < 0xE000 else chr(cp)
        if base != chr(cp) and not 0xAC00 <= cp < 0xD7A4:
            yield "{%d,%d}" % (cp, ord(base))


def main():
    blocks, index = {}, []
    for start in range(0, 0x110000, BLOCK):
        classes = [class_of(cp) for cp in range(start, start + BLOCK)]
        packed = tuple(classes[i] | classes[i + 1] << 4 for i in range(0, BLOCK, 2))
        index.append(blocks.setdefault(packed, len(blocks)))
    while index[-1] == index[-2]:  # the last block stands for the rest
        index.pop()
    assert len(blocks) <= 256
    print(f"/* Made by gen_unicode.py from Unicode {unicodedata.unidata_version}; do not edit. */")
    print(f"#define UNICODE_BLOCKS {len(index)} /* the last one stands for all code points beyond */\n")
    print("static const uint8_t unicode_index[UNICODE_BLOCKS] = {")
    rows(index, 32)
    print("};\n")
    print(f"static const uint8_t unicode_blocks[{len(blocks)}][{BLOCK // 2}] = {{")
    for packed in blocks:
        print("    {" + ",".join(str(v) for v in packed) + "},")
    print("};\n")
    pairs = list(bases())
    print(f"static const uint32_t unicode_bases[{len(pairs)}][2] = {{")
    rows(pairs, 8)
    print("};")


main()
