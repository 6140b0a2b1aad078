/* Text in lines of a width, broken where Python's textwrap breaks it: at white space, behind the hyphens of compound words, around dashes
 * between words, and inside of words that are longer than a line. */
#include "eval.h"

struct line {
    uint32_t *chars;
    size_t count;
    bool hyphens;                   /* lines break behind them too */
};

/* The white space that parts words; other characters that are white space stand in words. */
static bool is_blank(uint32_t code_point)
{
    return code_point == ' ' || (code_point >= 9 && code_point <= 13);
}

static bool is_letter(uint32_t code_point)
{
    return is_word(code_point) && digit_kind(code_point) != DIGIT_DECIMAL;
}

/* Where the two or more hyphens end that begin at `at` and stand between words; `at` if none do. */
static size_t dash_end(const struct line *l, size_t at)
{
    const uint32_t before = at > 0 ? l->chars[at - 1] : 0;
    size_t end = at;
    if (!is_word(before) && !(before && before < 0x80 && strchr("!\"'&.,?", (int)before)))
        return at;
    while (end < l->count && l->chars[end] == '-')
        end++;
    return end - at >= 2 && end < l->count && is_word(l->chars[end]) ? end : at;
}

/* Whether there is a hyphen at `at` with a compound word around it: two letters on each side, or one and a hyphen and one more. */
static bool is_hyphen(const struct line *l, size_t at)
{
    const uint32_t *ch = l->chars;
    if (ch[at] != '-' || at < 2 || !is_letter(ch[at - 1]) || at + 1 == l->count || !is_letter(ch[at + 1]))
        return false;
    const size_t next = at + 2 + (at + 2 < l->count && ch[at + 2] == '-');
    return (is_letter(ch[at - 2]) || (at >= 3 && ch[at - 2] == '-' && is_letter(ch[at - 3]))) && next < l->count && is_letter(ch[next]);
}

/* Where the piece ends that begins at `at` and stays together if a line has room for it. */
static size_t piece_end(const struct line *l, size_t at)
{
    size_t end = at;
    if (at < l->count && is_blank(l->chars[at])) {
        while (end < l->count && is_blank(l->chars[end]))
            end++;
        return end;
    }
    if (l->hyphens && at < l->count && (end = dash_end(l, at)) > at)
        return end;
    for (; end < l->count && !is_blank(l->chars[end]); end++) {
        if (l->hyphens && end > at && is_hyphen(l, end))
            return end + 1;
        if (l->hyphens && end > at && dash_end(l, end) > end)
            break;
    }
    return end;
}

/* Where to cut the word at `at`, of which `room` characters fit: behind its last hyphen that fits, if there is more than hyphens before. */
static size_t cut_word(const struct line *l, size_t at, size_t room)
{
    size_t hyphen = at + room, other = at;
    while (l->hyphens && hyphen > at && l->chars[hyphen - 1] != '-')
        hyphen--;
    while (l->hyphens && other < hyphen && l->chars[other] == '-')
        other++;
    return l->hyphens && other + 1 < hyphen ? hyphen : at + room;
}

static bool all_space(const struct line *l, size_t from, size_t to)
{
    while (from < to && char_is_space(l->chars[from]))
        from++;
    return from == to;
}

static bool wrap(struct chat *c, struct buffer *b, const struct line *l, size_t width, bool break_words, struct value separator)
{
    bool first = true;
    for (size_t at = 0, end = piece_end(l, 0); at < l->count;) {
        if (!first && all_space(l, at, end)) { /* goes away where a line begins, but for the first one */
            at = end;
            end = piece_end(l, at);
        }
        const size_t start = at;
        size_t last = at; /* where the line's last piece begins */
        while (at < l->count && end - start <= width) {
            last = at;
            at = end;
            end = piece_end(l, at);
        }
        if (at < l->count && end - at > width && (break_words || at == start)) {
            last = at;
            at = break_words ? cut_word(l, at, width - (at - start)) : end;
            end = at < end ? end : piece_end(l, at);
        }
        const size_t stop = all_space(l, last, at) ? last : at;
        if (stop == start)
            continue;
        if (!chat_work(c, 1) || (!first && !buffer_string(c, b, separator)))
            return false;
        for (size_t i = start; i < stop; i++)
            if (!buffer_char(c, b, l->chars[i]))
                return false;
        first = false;
    }
    return true;
}

bool wrap_line(struct chat *c, struct buffer *b, struct value line, int64_t width, bool break_words, bool hyphens, struct value separator)
{
    const struct string *s = line.as.string;
    struct line l = {.chars = chat_alloc(c, s->length * sizeof *l.chars), .hyphens = hyphens};
    if (!l.chars || !chat_work(c, s->length / 2))
        return false;
    for (size_t i = 0; i < s->length; i += char_length(s->data, s->length, i))
        l.chars[l.count++] = char_at(s->data, s->length, i);
    return wrap(c, b, &l, (size_t)width, break_words, separator);
}
