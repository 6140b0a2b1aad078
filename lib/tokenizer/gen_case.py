#!/usr/bin/env python3
"""Writes case_table.h: how letters become upper, lower and title case, one character to one (what becomes several stays)."""
import unicodedata

LIMIT = 0x1E944


def lower(c):
    """The one letter that becomes two is a plain i where one must do."""
    return "i" if c == "\u0130" else c.lower()


def runs(convert):
    """(first, last, step, delta) of code points that are moved by the same amount."""
    pairs = [(c, ord(convert(chr(c))) - c) for c in range(0x80, LIMIT) if len(convert(chr(c))) == 1 and convert(chr(c)) != chr(c)]
    out = []
    for c, delta in pairs:
        if out:
            first, last, step, d = out[-1]
            if d == delta and (c - last == step or (step == 0 and c - last <= 2)):
                out[-1] = (first, c, c - last, d)
                continue
        out.append((c, c, 0, delta))
    return [(a, b, s or 1, d) for a, b, s, d in out]


print("/* Made by gen_case.py from Unicode %s; do not edit. First and last code point, step, what is added. */" % unicodedata.unidata_version)
for name, convert in (("to_upper", str.upper), ("to_lower", lower)):
    rows = runs(convert)
    print("static const struct case_run %s[%d] = {" % (name, len(rows)))
    line = "   "
    for row in rows:
        text = " {%d,%d,%d,%d}," % row
        if len(line) + len(text) > 120:
            print(line)
            line = "   "
        line += text
    print(line + "\n};")
