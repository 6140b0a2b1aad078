#!/usr/bin/env python3
"""Writes letters_table.h: where upper, title and folded case are not what unicode_upper and unicode_lower give (several characters, or
another), and which characters str.isdigit and the like know besides what their class says."""
import unicodedata

LIMIT = 0x1E944


def specials(convert, usual):
    """{code point, text} where convert does not give what `usual` does."""
    return ['{%d,"%s"}' % (c, convert(chr(c))) for c in range(0x80, LIMIT) if convert(chr(c)) != usual(chr(c))]


def ranges(test):
    """{first, last} of code points that pass."""
    out = []
    for c in range(0x80, 0x110000):
        if test(chr(c)):
            if out and out[-1][1] == c - 1:
                out[-1][1] = c
            else:
                out.append([c, c])
    return ["{%d,%d}" % (a, b) for a, b in out]


def single(convert):
    return lambda c: convert(c) if len(convert(c)) == 1 else c


def write(declaration, rows):
    print("static const struct %s[%d] = {" % (declaration, len(rows)))
    line = "   "
    for row in rows:
        if len(line) + len(row) + 2 > 120:
            print(line)
            line = "   "
        line += " " + row + ","
    print(line + "\n};")


category = unicodedata.category
print("/* Made by gen_letters.py from Unicode %s; do not edit. A code point and its text; first and last code point. */"
      % unicodedata.unidata_version)
write("case_special special_upper", specials(str.upper, single(str.upper)))
write("case_special special_title", specials(str.title, single(str.upper)))
write("case_special special_fold", specials(str.casefold, single(str.lower)))
write("char_range decimals", ranges(str.isdecimal))
write("char_range digits", ranges(lambda c: c.isdigit() and not c.isdecimal()))
write("char_range numbers", ranges(lambda c: c.isnumeric() and category(c)[0] != "N"))
write("char_range lower_marks", ranges(lambda c: c.islower() and category(c) != "Ll"))
write("char_range upper_marks", ranges(lambda c: c.isupper() and category(c) != "Lu"))
