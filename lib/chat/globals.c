/* The functions that every template has. */
#include "eval.h"

#include <time.h>

static bool run_range(struct call *call, struct value *out)
{
    int64_t part[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++) {
        if (call->given[i] && !is_int(call->arg[i]))
            return call->arg[i].kind == UNDEFINED ? undefined_fail(call->c, call->arg[i])
                                                  : chat_fail(call->c, "'%s' object cannot be interpreted as an integer", type_name(call->arg[i]));
        if (call->given[i])
            part[i] = int_of(call->arg[i]);
    }
    if (!call->given[1]) {
        part[1] = part[0];
        part[0] = 0;
    }
    struct range *r = chat_alloc(call->c, sizeof *r);
    if (!r)
        return false;
    *r = (struct range){part[0], part[1], part[2], 0};
    if (r->step == 0)
        return chat_fail(call->c, "range() arg 3 must not be zero");
    uint64_t span = r->step > 0 ? (uint64_t)r->stop - (uint64_t)r->start : (uint64_t)r->start - (uint64_t)r->stop;
    uint64_t step = r->step > 0 ? (uint64_t)r->step : 0 - (uint64_t)r->step;
    uint64_t count = (r->step > 0 ? r->stop > r->start : r->stop < r->start) ? (span - 1) / step + 1 : 0;
    if (count > CHAT_RANGE_MAX)
        return chat_fail_as(call->c, SLM_LIMIT, "a range of more than %d items", CHAT_RANGE_MAX);
    r->count = (size_t)count;
    *out = (struct value){.kind = RANGE, .as.range = r};
    return true;
}

/* dict(mapping or pairs, name=value...) */
static bool fill_dict(struct call *call, enum kind kind, struct value *out)
{
    struct list *items;
    if (!dict_new(call->c, kind, out))
        return false;
    if (call->rest.count > 1)
        return chat_fail(call->c, "dict() takes at most 1 argument (%zu given)", call->rest.count);
    if (call->rest.count == 1 && call->rest.items[0].kind == UNDEFINED)
        return undefined_fail(call->c, call->rest.items[0]);
    if (call->rest.count == 1 && (call->rest.items[0].kind == DICT || call->rest.items[0].kind == NAMESPACE)) {
        const struct dict *d = call->rest.items[0].as.dict;
        for (size_t i = 0; i < d->count; i++)
            if (!dict_set(call->c, out->as.dict, d->entries[i].key, d->entries[i].value))
                return false;
    } else if (call->rest.count == 1) {
        if (!value_items(call->c, call->rest.items[0], false, &items))
            return false;
        for (size_t i = 0; i < items->count; i++) {
            struct list *pair;
            if (!value_items(call->c, items->items[i], false, &pair))
                return false;
            if (pair->count != 2)
                return chat_fail(call->c, "dict() needs pairs; item %zu has %zu parts", i, pair->count);
            if (!dict_set(call->c, out->as.dict, pair->items[0], pair->items[1]))
                return false;
        }
    }
    for (size_t i = 0; i < call->rest.keyword_count; i++)
        if (!dict_set(call->c, out->as.dict, call->rest.keywords[i].key, call->rest.keywords[i].value))
            return false;
    return true;
}

static bool run_dict(struct call *call, struct value *out)
{
    return fill_dict(call, DICT, out);
}

static bool run_namespace(struct call *call, struct value *out)
{
    return fill_dict(call, NAMESPACE, out);
}

static bool run_joiner(struct call *call, struct value *out)
{
    struct value separator;
    if (!string_text(call->c, ", ", &separator) || !list_new(call->c, JOINER, 1, out))
        return false;
    return list_add(call->c, *out, call->given[0] ? call->arg[0] : separator);
}

static bool run_cycler(struct call *call, struct value *out)
{
    if (call->rest.count == 0)
        return chat_fail(call->c, "at least one item has to be provided");
    if (!list_new(call->c, CYCLER, call->rest.count, out))
        return false;
    for (size_t i = 0; i < call->rest.count; i++)
        if (!list_add(call->c, *out, call->rest.items[i]))
            return false;
    return true;
}

static bool run_next(struct call *call, struct value *out)
{
    struct list *cycler = call->self.as.list;
    *out = cycler->items[cycler->next];
    cycler->next = (cycler->next + 1) % cycler->count;
    return true;
}

static bool run_reset(struct call *call, struct value *out)
{
    call->self.as.list->next = 0;
    *out = none_value();
    return true;
}

const struct function chat_cycler_methods[] = {{"next", "", run_next}, {"reset", "", run_reset}, {0}};

static bool run_raise(struct call *call, struct value *out)
{
    struct value text;
    (void)out;
    if (!to_string(call->c, call->arg[0], &text))
        return false;
    return chat_fail(call->c, "%.*s", (int)(text.as.string->length < 400 ? text.as.string->length : 400), text.as.string->data);
}

/* ---- the time */

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                                     "November", "December"};

/* From c->now, or the machine's local time. */
static bool now(struct chat *c, struct tm *tm)
{
    static const int places[6][2] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}};
    int64_t part[6] = {1970, 1, 1};
    bool overflow;
    *tm = (struct tm){0};
    if (!c->now) {
        time_t t = time(NULL);
        return localtime_r(&t, tm) != NULL || chat_fail(c, "the time of day can't be read");
    }
    size_t length = strlen(c->now);
    for (int i = 0; i < 6; i++)
        if (length >= (size_t)(places[i][0] + places[i][1]) &&
            !int_parse(c->now + places[i][0], (size_t)places[i][1], false, 10, &part[i], &overflow))
            return chat_fail_as(c, SLM_INVALID, "the time must look like 2026-11-22T09:30:00");
    if (length < 10 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31)
        return chat_fail_as(c, SLM_INVALID, "the time must look like 2026-11-22T09:30:00");
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int year = (int)part[0], y = year - (part[1] < 3);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    tm->tm_year = year - 1900;
    tm->tm_mon = (int)part[1] - 1;
    tm->tm_mday = (int)part[2];
    tm->tm_hour = (int)part[3];
    tm->tm_min = (int)part[4];
    tm->tm_sec = (int)part[5];
    tm->tm_yday = before[tm->tm_mon] + tm->tm_mday - 1 + (leap && tm->tm_mon > 1);
    static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4}; /* Sakamoto's day of the week */
    tm->tm_wday = (y + y / 4 - y / 100 + y / 400 + shift[tm->tm_mon] + tm->tm_mday) % 7;
    return true;
}

/* Weeks begin on Mondays and belong to the year that has their Thursday. */
static int iso_week(const struct tm *tm, int *year)
{
    int week = (tm->tm_yday + 11 - (tm->tm_wday ? tm->tm_wday : 7)) / 7;
    *year = tm->tm_year + 1900;
    if (week > 0 && week < 53)
        return week;
    int y = week ? *year : *year - 1; /* the year whose length decides */
    int first = (y - 1 + (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400) % 7; /* weekday of 1 January, Monday 0 */
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0, is_long = first == 3 || (first == 2 && leap);
    if (week == 0)
        return --*year, is_long ? 53 : 52;
    return is_long ? 53 : (++*year, 1);
}

static bool time_part(struct chat *c, struct buffer *b, const struct tm *tm, char letter, bool bare)
{
    const int hour12 = tm->tm_hour % 12 ? tm->tm_hour % 12 : 12, weekday = (tm->tm_wday + 6) % 7;
    int iso_year;
    const int week = iso_week(tm, &iso_year);
    const struct {
        char letter, width, fill;
        int number;
    } numbers[] = {
        {'Y', 1, '0', tm->tm_year + 1900}, {'m', 2, '0', tm->tm_mon + 1}, {'d', 2, '0', tm->tm_mday}, {'H', 2, '0', tm->tm_hour},
        {'M', 2, '0', tm->tm_min}, {'S', 2, '0', tm->tm_sec}, {'y', 2, '0', (tm->tm_year + 1900) % 100}, {'j', 3, '0', tm->tm_yday + 1},
        {'I', 2, '0', hour12}, {'e', 2, ' ', tm->tm_mday}, {'k', 2, ' ', tm->tm_hour}, {'l', 2, ' ', hour12}, {'w', 1, '0', tm->tm_wday},
        {'u', 1, '0', weekday + 1}, {'U', 2, '0', (tm->tm_yday + 7 - tm->tm_wday) / 7}, {'W', 2, '0', (tm->tm_yday + 7 - weekday) / 7},
        {'C', 2, '0', (tm->tm_year + 1900) / 100}, {'f', 6, '0', 0}, {'V', 2, '0', week}, {'G', 1, '0', iso_year},
        {'g', 2, '0', iso_year % 100},
    };
    const struct {
        char letter;
        const char *parts;
    } groups[] = {{'F', "Y-m-d"}, {'D', "m/d/y"}, {'x', "m/d/y"}, {'T', "H:M:S"}, {'X', "H:M:S"}, {'R', "H:M"}, {'c', "a b e H:M:S Y"},
                  {'r', "I:M:S p"}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].letter == letter) {
            struct buffer digits = {0};
            return print_repr(c, &digits, int_value(numbers[i].number)) &&
                   (bare || digits.length >= (size_t)numbers[i].width ||
                    buffer_fill(c, b, numbers[i].fill, (size_t)numbers[i].width - digits.length)) &&
                   buffer_add(c, b, digits.data, digits.length);
        }
    }
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (groups[i].letter != letter)
            continue;
        for (const char *p = groups[i].parts; *p; p++)
            if (strchr("-/: ", *p) ? !buffer_add(c, b, p, 1) : !time_part(c, b, tm, *p, false))
                return false;
        return true;
    }
    switch (letter) {
    case 'A':
        return buffer_text(c, b, days[tm->tm_wday]);
    case 'a':
        return buffer_add(c, b, days[tm->tm_wday], 3);
    case 'B':
        return buffer_text(c, b, months[tm->tm_mon]);
    case 'b':
    case 'h':
        return buffer_add(c, b, months[tm->tm_mon], 3);
    case 'p':
        return buffer_text(c, b, tm->tm_hour < 12 ? "AM" : "PM");
    case 'n':
        return buffer_text(c, b, "\n");
    case 't':
        return buffer_text(c, b, "\t");
    case 'z':
    case 'Z':
        return true; /* a time without zone */
    case '%':
        return buffer_text(c, b, "%");
    default:
        return buffer_text(c, b, "%") && buffer_add(c, b, &letter, 1);
    }
}

static bool format_time(struct chat *c, struct value format, struct value *out)
{
    struct buffer b = {0};
    struct tm tm;
    if (format.kind != STRING)
        return chat_fail(c, "strftime_now() needs a string, not %s", type_name(format));
    if (!now(c, &tm))
        return false;
    const char *s = format.as.string->data, *end = s + format.as.string->length;
    for (; s < end; s++) {
        bool bare = s[0] == '%' && end - s > 2 && s[1] == '-';
        if (s[0] != '%' || end - s < 2) {
            if (!buffer_add(c, &b, s, 1))
                return false;
        } else {
            s += bare ? 2 : 1;
            if (!chat_work(c, 1) || !time_part(c, &b, &tm, *s, bare))
                return false;
        }
    }
    return buffer_value(c, &b, out);
}

static bool run_strftime(struct call *call, struct value *out)
{
    return format_time(call->c, call->arg[0], out);
}

const struct function chat_globals[] = {
    {"range", "/start stop? step?", run_range}, {"dict", "*", run_dict}, {"namespace", "*", run_namespace}, {"joiner", "sep?", run_joiner},
    {"cycler", "*", run_cycler}, {"raise_exception", "message", run_raise}, {"strftime_now", "format", run_strftime}, {0},
};
