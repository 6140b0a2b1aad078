#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* More than any prompt needs. */
#define FILE_MAX ((size_t)1 << 30)

static const char *tool_name = "slm";
static volatile sig_atomic_t interrupted;
static int wake[2] = {-1, -1};  /* a pipe: a signal just before a wait, or in another thread, must end that wait too */

static void on_interrupt(int number)
{
    int before = errno;
    interrupted = number;
    if (wake[1] >= 0 && write(wake[1], "", 1) < 0)
        errno = before; /* full: there is enough to wake */
}

void cli_start(const char *tool)
{
    tool_name = tool;
    for (int fd = 0; fd <= 2; fd++) /* opened the wrong way round: using it still fails, as it would have */
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) == -1)
            _exit(CLI_FAILED);
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        wake[0] = wake[1] = -1; /* then only a signal during a wait ends it */
    /* What is being written is not lost (stdio would end at EINTR); cli_wait_input waits for what is read. */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool cli_interrupted(void)
{
    return interrupted;
}

bool cli_resume(void)
{
    if (interrupted && interrupted != SIGINT)
        return false;
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    for (char bytes[16]; read(wake[0], bytes, sizeof bytes) > 0;)
        ;
    interrupted = 0;
    return true;
}

int cli_wait_input(int fd)
{
    struct pollfd ready[2] = {{.fd = fd, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
    int count = interrupted ? 0 : poll(ready, 2, -1);
    if (interrupted)
        return 0;
    return count < 0 ? -1 : 1;
}

bool cli_obeys_escapes(void)
{
    const char *term = getenv("TERM");
    return term && strcmp(term, "dumb") != 0;
}

/* The bytes of a character that a terminal might obey, 0 if it is another: controls, U+0080 to U+009F among them; the separators of lines and what
 * turns the direction of writing, U+2028 to U+202E and U+2066 to U+2069. */
static size_t control_length(const unsigned char *s, size_t length)
{
    if (s[0] < 0x20 || s[0] == 0x7f)
        return 1;
    if (length >= 2 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
        return 2;
    if (length >= 3 && s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
        return 3;
    return 0;
}

void cli_text(FILE *out, const char *text, size_t length)
{
    size_t done = 0;
    for (size_t i = 0, bytes; i < length; i += bytes ? bytes : 1) {
        bytes = control_length((const unsigned char *)text + i, length - i);
        if (!bytes)
            continue;
        fwrite(text + done, 1, i - done, out);
        fputc('?', out);
        done = i + bytes;
    }
    fwrite(text + done, 1, length - done, out);
}

void cli_error(const char *format, ...)
{
    va_list args;
    char *line;
    va_start(args, format);
    if (vasprintf(&line, format, args) < 0)
        line = NULL;
    va_end(args);
    fprintf(stderr, "%s: ", tool_name);
    cli_text(stderr, line ? line : format, strlen(line ? line : format));
    fputc('\n', stderr);
    free(line);
}

/* ---- options */

static bool has_name(const struct cli_option *option, const char *name)
{
    for (const char *n = option->names; *n;) {
        size_t length = strcspn(n, ",");
        if (length == strlen(name) && memcmp(n, name, length) == 0)
            return true;
        n += length;
        n += strspn(n, ", ");
    }
    return false;
}

static bool parse_seed(const char *text, uint64_t *seed)
{
    if (strcmp(text, "-1") == 0) {
        uint32_t drawn = 0;
        if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
            drawn = (uint32_t)time(NULL);
        *seed = drawn;
        return true;
    }
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 0);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0;
}

bool cli_cache_type(const char *option, const char *text)
{
    static const char *const types[] = {"auto", "f32", "f16", "q8_0"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(text, types[i]) == 0)
            return true;
    cli_error("%s takes auto, f32, f16 or q8_0, not \"%s\"", option, text);
    return false;
}

/* Stores the value; false if it has been refused, with a message. */
static bool store(const struct cli_option *o, const char *name, const char *text)
{
    char *end;
    errno = 0;
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)o->target = true;
        return true;
    case CLI_TEXT:
    case CLI_OPTIONAL:
        *(const char **)o->target = text;
        return true;
    case CLI_TEXTS: {
        struct cli_texts *texts = o->target;
        if (texts->count < CLI_TEXTS_MAX) {
            texts->items[texts->count++] = text;
            return true;
        }
        cli_error("%s is given more than %d times", name, CLI_TEXTS_MAX);
        return false;
    }
    case CLI_INT: {
        long long value = strtoll(text, &end, 10);
        if (end != text && *end == 0 && errno == 0 && (double)value >= o->low && (double)value <= o->high) {
            *(int64_t *)o->target = value;
            return true;
        }
        cli_error("%s takes a whole number from %.0f to %.0f, not \"%s\"", name, o->low, o->high, text);
        return false;
    }
    case CLI_CACHE_TYPE:
        *(const char **)o->target = text;
        return cli_cache_type(name, text);
    case CLI_SEED:
        if (parse_seed(text, o->target))
            return true;
        cli_error("%s takes a whole number from 0 to 18446744073709551615, or -1 for a random one, not \"%s\"", name, text);
        return false;
    case CLI_FLOAT: {
        double value = strtod(text, &end);
        if (end != text && *end == 0 && value >= o->low && value <= o->high) {
            *(float *)o->target = (float)value;
            return true;
        }
        cli_error("%s takes a number from %g to %g, not \"%s\"", name, o->low, o->high, text);
        return false;
    }
    }
    return false;
}

static void print_help(const struct cli_option *options, int count, const char *usage, const char *notes)
{
    fputs(usage, stdout);
    puts("\nOptions:");
    for (int i = 0; i < count; i++) {
        int width = printf("  %s%s%s", options[i].names, options[i].value ? " " : "", options[i].value ? options[i].value : "");
        printf("%*s%s\n", width < 42 ? 42 - width : 1, "", options[i].help);
    }
    printf("  %-40s%s\n  %-40s%s\n", "-h, --help", "this text", "--version", "the version");
    fputs(notes, stdout);
}

int cli_parse(const struct cli_option *options, int option_count, const char *command, const char *usage, const char *notes, int count,
              char **arguments)
{
    for (int i = 0; i < count; i++) {
        char name[64];
        const char *value = strncmp(arguments[i], "--", 2) == 0 ? strchr(arguments[i], '=') : NULL; /* --name=value */
        int length = value ? (int)(value - arguments[i]) : (int)strlen(arguments[i]);
        snprintf(name, sizeof name, "%.*s", length, arguments[i]);
        if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
            print_help(options, option_count, usage, notes);
            return fflush(stdout) ? cli_write_failed("standard output") : CLI_OK;
        }
        if (strcmp(name, "--version") == 0) {
            printf("%s %s\n", tool_name, slm_version());
            return fflush(stdout) ? cli_write_failed("standard output") : CLI_OK;
        }
        if (name[0] != '-' || name[1] == 0) {
            cli_error("unexpected argument \"%s\": a file or text stands behind its option (%s%s%s --help lists them), several words in quotes",
                      name, tool_name, *command ? " " : "", command);
            return CLI_USAGE;
        }
        const struct cli_option *option = NULL;
        for (int o = 0; o < option_count && !option; o++)
            if (has_name(&options[o], name))
                option = &options[o];
        if (!option) {
            cli_error("there is no option %s (%s%s%s --help lists the options)", name, tool_name, *command ? " " : "", command);
            return CLI_USAGE;
        }
        if (value && option->kind == CLI_FLAG) {
            cli_error("%s takes no value", name);
            return CLI_USAGE;
        }
        bool left_out = option->kind == CLI_OPTIONAL && !value && (i + 1 == count || arguments[i + 1][0] == '-');
        if (value)
            value++;
        else if (left_out)
            value = "";
        else if (option->kind != CLI_FLAG && !(value = ++i < count ? arguments[i] : NULL)) {
            cli_error("%s needs a value: %s %s", name, name, option->value);
            return CLI_USAGE;
        }
        if (option->kind == CLI_OPTIONAL && !left_out && !*value) { /* a variable of a script that is not set, most likely */
            cli_error("%s: the name is empty", name);
            return CLI_USAGE;
        }
        if (!store(option, name, value))
            return CLI_USAGE;
    }
    return -1;
}

/* ---- models and files */

static bool not_interrupted(void *user, float fraction)
{
    (void)user;
    (void)fraction;
    return !interrupted;
}

void cli_open_failed(const char *path, const slm_error *err)
{
    if (err->status == SLM_IO) /* names the file itself */
        cli_error("%s", err->message);
    else if (err->offset == SLM_NO_OFFSET)
        cli_error("%s: %s", path, err->message);
    else
        cli_error("%s: %s (at byte %llu)", path, err->message, (unsigned long long)err->offset);
}

slm_model *cli_open_model(const char *path, slm_model_options *options)
{
    slm_model *model;
    slm_error err;
    options->progress = not_interrupted;
    if (slm_model_open(path, options, &model, &err) == SLM_OK)
        return model;
    if (!interrupted)
        cli_open_failed(path, &err);
    return NULL;
}

/* read(), but -1 as soon as SIGINT or SIGTERM has come. */
static ssize_t read_some(int fd, char *data, size_t room)
{
    int ready;
    ssize_t got;
    do {
        while ((ready = cli_wait_input(fd)) < 0)
            ;
        got = ready ? read(fd, data, room) : -1;
    } while (ready && got < 0 && errno == EAGAIN);
    return got;
}

const char *cli_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

char *cli_read_file(const char *path, size_t *size)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* read_some waits, and an interrupt ends that */
    char *data = NULL;
    size_t used = 0, room = 0;
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0) {
        if (room - used < 2) {
            room = room ? room * 2 : 1 << 16;
            char *grown = room <= FILE_MAX ? realloc(data, room) : NULL;
            if (!grown) {
                errno = room <= FILE_MAX ? ENOMEM : EFBIG;
                got = -1;
                break;
            }
            data = grown;
        }
        got = read_some(fd, data + used, room - used - 1);
        used += got > 0 ? (size_t)got : 0;
    }
    int error = errno;
    if (fd >= 0 && !is_stdin)
        close(fd);
    if (got < 0) {
        free(data);
        if (!interrupted)
            cli_error("can't read %s: %s", cli_input_name(path), strerror(error));
        return NULL;
    }
    data[used] = 0;
    *size = used;
    return data;
}

int cli_write_failed(const char *name)
{
    if (errno == EPIPE)
        return CLI_PIPE;
    cli_error("can't write to %s: %s", name, strerror(errno));
    return CLI_FAILED;
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- JSON */

/* Bytes of the UTF-8 character at s, of which `left` bytes may be read; 0 if there is none. */
static int character_length(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    int length = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    if ((size_t)length > left)
        return 0;
    for (int i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool outside = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90); /* surrogates, above U+10FFFF */
    return overlong || outside ? 0 : length;
}

void cli_json_text(FILE *out, const char *text, size_t length)
{
    static const char names[] = "btnvfr"; /* of 8 to 13; JSON has no \v */
    const unsigned char *s = (const unsigned char *)text, *end = s + length;
    fputc('"', out);
    while (s < end) {
        int bytes = character_length(s, (size_t)(end - s));
        if (bytes == 0)
            fputs("\xef\xbf\xbd", out);
        else if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s >= 8 && *s <= 13 && *s != '\v')
            fprintf(out, "\\%c", names[*s - 8]);
        else if (*s < 0x20)
            fprintf(out, "\\u%04x", *s);
        else
            fwrite(s, 1, (size_t)bytes, out);
        s += bytes ? bytes : 1;
    }
    fputc('"', out);
}

void cli_json_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.9g", value);
    else
        fputs("null", out);
}
