#include "line.h"

#include "../cli.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* What is typed during an answer shows at the next prompt. */
static void set_echo(bool on)
{
    struct termios t;
    if (tcgetattr(STDIN_FILENO, &t) != 0)
        return;
    t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

#ifdef SLM_LIBEDIT
#include <histedit.h>
#include <wchar.h>

static struct {
    EditLine *edit;
    History *history;
    const char *prompt;
} terminal;

/* A terminal that is told to says where pasted text begins and ends; its line breaks then don't end the question. */
#define PASTE_MODE "\033[?2004"
#define PASTE_BEGIN "\033[200~"
#define PASTE_END L"\033[201~"

static unsigned char paste(EditLine *edit, int key)
{
    static const wchar_t end[] = PASTE_END;
    const size_t mark = sizeof end / sizeof *end - 1;
    wchar_t *text = NULL;
    size_t length = 0, room = 0;
    (void)key;
    do {
        if (length + 1 >= room) {
            room = room * 2 + 1024;
            wchar_t *grown = realloc(text, room * sizeof *text);
            if (!grown)
                break;
            text = grown;
        }
        if (el_wgetc(edit, &text[length]) != 1)
            break;
        if (text[length] == L'\r')
            text[length] = L'\n';
        length++;
    } while (length < mark || wmemcmp(text + length - mark, end, mark) != 0);
    bool whole = length >= mark && wmemcmp(text + length - mark, end, mark) == 0;
    if (whole) {
        length -= mark;
        length -= length && text[length - 1] == L'\n'; /* Enter is to be pressed */
        text[length] = 0;
        el_winsertstr(edit, text);
    }
    free(text);
    return whole ? CC_REFRESH : CC_ERROR;
}

/* Instead of libedit's own, which a signal that comes just before it reads does not end. */
static int get_character(EditLine *edit, wchar_t *to)
{
    mbstate_t state = {0};
    for (;;) {
        char byte;
        int ready = cli_wait_input(STDIN_FILENO);
        if (ready == 0)
            return 0;
        if (ready < 0) { /* the window has another size, or the process goes on after Ctrl-Z */
            el_resize(edit);
            el_set(edit, EL_PREP_TERM, 0); /* else the next line does nothing, although the shell has changed the terminal */
            el_set(edit, EL_PREP_TERM, 1);
            el_set(edit, EL_REFRESH);
            continue;
        }
        if (read(STDIN_FILENO, &byte, 1) != 1)
            return 0;
        switch (mbrtowc(to, &byte, 1, &state)) {
        case (size_t)-2: /* more of the character is to come */
            break;
        case (size_t)-1: /* not UTF-8 */
            memset(&state, 0, sizeof state);
            break;
        default:
            return 1;
        }
    }
}

static void on_change(int number)
{
    (void)number;
}

static char *prompt_of(EditLine *edit)
{
    (void)edit;
    return (char *)terminal.prompt;
}

bool line_open(void)
{
    HistEvent event;
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1) /* no locale is set: the terminal most likely speaks UTF-8 even so */
        setlocale(LC_CTYPE, "C.UTF-8");
    terminal.edit = el_init("slm-run", stdin, stdout, stderr);
    terminal.history = history_init();
    if (!terminal.edit || !terminal.history) {
        line_close();
        cli_error("no memory for the terminal");
        return false;
    }
    history(terminal.history, &event, H_SETSIZE, 1000);
    history(terminal.history, &event, H_SETUNIQUE, 1);
    el_set(terminal.edit, EL_PROMPT, prompt_of);
    el_set(terminal.edit, EL_EDITOR, "emacs");
    el_set(terminal.edit, EL_GETCFN, get_character);
    const struct sigaction change = {.sa_handler = on_change, .sa_flags = SA_RESTART};
    sigaction(SIGWINCH, &change, NULL);
    sigaction(SIGCONT, &change, NULL);
    el_set(terminal.edit, EL_HIST, history, terminal.history);
    el_source(terminal.edit, NULL); /* ~/.editrc */
    el_set(terminal.edit, EL_ADDFN, "slm-paste", "insert what the terminal pastes", paste);
    el_set(terminal.edit, EL_BIND, PASTE_BEGIN, "slm-paste", NULL);
    fputs(cli_obeys_escapes() ? PASTE_MODE "h" : "", stdout);
    return true;
}

void line_close(void)
{
    set_echo(true);
    if (terminal.edit) {
        fputs(cli_obeys_escapes() ? PASTE_MODE "l" : "", stdout);
        fflush(stdout);
        el_end(terminal.edit);
    }
    if (terminal.history)
        history_end(terminal.history);
    terminal.edit = NULL;
    terminal.history = NULL;
}

/* A line with its line break, if it has one, valid until the next call. NULL at the end of the input or after a signal. */
static const char *get_line(const char *prompt, size_t *length)
{
    int count = 0;
    HistEvent event;
    terminal.prompt = prompt;
    el_set(terminal.edit, EL_PREP_TERM, 1); /* now, not behind the prompt: what comes between would lose a Ctrl-D */
    const char *line = el_gets(terminal.edit, &count);
    if (!line || count <= 0)
        return NULL;
    if (*line != '\n')
        history(terminal.history, &event, H_ENTER, line);
    *length = (size_t)count;
    return line;
}

#else

static char *buffer;
static size_t buffer_room;

bool line_open(void)
{
    return true;
}

void line_close(void)
{
    set_echo(true);
    free(buffer);
    buffer = NULL;
    buffer_room = 0;
}

static const char *get_line(const char *prompt, size_t *length)
{
    fputs(prompt, stdout);
    fflush(stdout);
    int ready;
    while ((ready = cli_wait_input(STDIN_FILENO)) < 0)
        ;
    ssize_t count = ready ? getline(&buffer, &buffer_room, stdin) : 0;
    clearerr(stdin); /* a terminal goes on after its end */
    *length = count > 0 ? (size_t)count : 0;
    return count > 0 ? buffer : NULL;
}

#endif

/* Takes `size` bytes off at the end. */
static void shorten(struct text *text, size_t size)
{
    text->length -= size;
    text->data[text->length] = 0;
}

static bool ends_in(const struct text *text, size_t begin, const char *end)
{
    size_t size = strlen(end);
    return text->length >= begin + size && memcmp(text->data + text->length - size, end, size) == 0;
}

/* What stands between the quotation marks; they may have lines of their own. */
static void unquote(struct text *text, size_t size)
{
    size_t begin = size + (text->length > size && text->data[size] == '\n');
    if (ends_in(text, begin, "\n"))
        shorten(text, 1);
    text->length -= begin;
    memmove(text->data, text->data + begin, text->length + 1);
}

static enum line read_lines(struct text *text)
{
    static const char quotes[] = "\"\"\"";
    const size_t size = sizeof quotes - 1;
    bool quoted = false, more = true;
    text->length = 0;
    for (bool first = true; more; first = false) {
        size_t length = 0;
        const char *line = get_line(first ? "> " : ". ", &length);
        if (cli_interrupted())
            return LINE_INTERRUPTED;
        if (!line && first)
            return LINE_END;
        if (length && line[length - 1] == '\n')
            length--;
        if (!text_add(text, line ? line : "", length)) {
            cli_error("no memory for the line");
            return LINE_INTERRUPTED;
        }
        if (first)
            quoted = text->length >= size && memcmp(text->data, quotes, size) == 0;
        more = quoted ? !ends_in(text, size, quotes) : ends_in(text, 0, "\\");
        if (more != quoted) /* the mark has been read */
            shorten(text, quoted ? size : 1);
        more = more && line;
        if (more && !text_add(text, "\n", 1))
            more = false;
    }
    if (quoted)
        unquote(text, size);
    return LINE_TEXT;
}

enum line line_read(struct text *text)
{
    set_echo(true);
    enum line line = read_lines(text);
    set_echo(false);
    return line;
}
