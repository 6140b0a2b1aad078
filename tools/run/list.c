/* slm-run --list: the GGUF files below a folder. */
#include "info.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 16, TAIL = sizeof "-00001-of-00002.gguf" - 1 };

struct paths {
    char **items;
    size_t count, room;
    bool no_memory;
};

static void add(struct paths *paths, const char *path)
{
    if (paths->count == paths->room) {
        size_t room = paths->room ? paths->room * 2 : 64;
        char **items = realloc(paths->items, room * sizeof *items);
        if (!items) {
            paths->no_memory = true;
            return;
        }
        paths->items = items;
        paths->room = room;
    }
    paths->items[paths->count] = strdup(path);
    if (paths->items[paths->count])
        paths->count++;
    else
        paths->no_memory = true;
}

/* Of the parts of a split model only the first is listed; the others too where that is missing. */
static bool stands_for_itself(const char *path)
{
    char first[4096];
    size_t length = strlen(path);
    struct stat status;
    if (length < TAIL)
        return true;
    const char *tail = path + length - TAIL;
    if (tail[0] != '-' || strncmp(tail + 6, "-of-", 4) != 0 || strncmp(tail + 1, "00001", 5) == 0)
        return true;
    int printed = snprintf(first, sizeof first, "%.*s-00001%s", (int)(length - TAIL), path, tail + 6);
    return printed < 0 || (size_t)printed >= sizeof first || stat(first, &status) != 0;
}

/* Collects files below a folder. Links to files are followed, links to folders are not: they may lead back. */
static bool collect(const char *folder, int depth, struct paths *paths)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return false;
    for (struct dirent *entry; !cli_interrupted() && (entry = readdir(dir));) {
        char path[4096];
        struct stat status;
        const char *name = entry->d_name;
        size_t length = strlen(name);
        const char *between = folder[strlen(folder) - 1] == '/' ? "" : "/";
        const bool here = strcmp(folder, ".") == 0;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        int printed = here ? snprintf(path, sizeof path, "%s", name) : snprintf(path, sizeof path, "%s%s%s", folder, between, name);
        if (printed < 0 || (size_t)printed >= sizeof path || lstat(path, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode) && depth < MAX_DEPTH)
            collect(path, depth + 1, paths); /* one that can't be opened is passed over */
        else if (!S_ISDIR(status.st_mode) && length > 5 && strcmp(name + length - 5, ".gguf") == 0 && stands_for_itself(path))
            add(paths, path);
    }
    closedir(dir);
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_line(const char *path, const slm_file *file, const char *problem)
{
    slm_file_info info = slm_file_info_default();
    size_t length;
    if (!file) {
        printf("%10s  %-10s  %-8s  ", "-", "-", "-");
        cli_text(stdout, path, strlen(path));
        printf("  (%s)\n", problem);
        return;
    }
    slm_file_get_info(file, &info);
    const char *architecture = slm_file_string(file, "general.architecture", 0, &length);
    if (!architecture) {
        architecture = "unknown";
        length = strlen(architecture);
    }
    printf("%7.1f MB  ", (double)info.bytes / 1e6);
    cli_text(stdout, architecture, length);
    printf("%*s  %-8s  ", (int)(length < 10 ? 10 - length : 0), "", main_type(file));
    cli_text(stdout, path, strlen(path));
    if (info.parts > 1)
        printf("  (%u parts)", info.parts);
    putchar('\n');
}

static void print_object(const char *path, const slm_file *file, const char *problem)
{
    slm_file_info info = slm_file_info_default();
    size_t length;
    fputs("{\"file\": ", stdout);
    cli_json_text(stdout, path, strlen(path));
    if (file) {
        slm_file_get_info(file, &info);
        const char *architecture = slm_file_string(file, "general.architecture", 0, &length);
        printf(", \"bytes\": %llu, \"parts\": %u, \"architecture\": ", (unsigned long long)info.bytes, info.parts);
        cli_json_text(stdout, architecture ? architecture : "", architecture ? length : 0);
        printf(", \"type\": \"%s\"", main_type(file));
    } else {
        fputs(", \"problem\": ", stdout);
        cli_json_text(stdout, problem, strlen(problem));
    }
    putchar('}');
}

int list(const struct settings *settings)
{
    const char *folder = *settings->list ? settings->list : ".";
    struct paths paths = {.items = NULL};
    if (!collect(folder, 0, &paths)) {
        cli_error("can't read the folder %s: %s", folder, strerror(errno));
        return CLI_FAILED;
    }
    if (paths.count) /* qsort takes no NULL */
        qsort(paths.items, paths.count, sizeof *paths.items, compare);
    if (settings->json)
        putchar('[');
    for (size_t i = 0; i < paths.count && !cli_interrupted(); i++) {
        slm_file *file;
        slm_error err = {.message = ""};
        slm_file_open(paths.items[i], &file, &err);
        if (settings->json)
            fputs(i ? ",\n" : "\n", stdout);
        (settings->json ? print_object : print_line)(paths.items[i], file, err.message);
        slm_file_free(file);
    }
    if (settings->json)
        puts("\n]");
    if (paths.count == 0 && !settings->quiet && !cli_interrupted())
        cli_error("there is no GGUF file in %s or the folders in it", folder);
    for (size_t i = 0; i < paths.count; i++)
        free(paths.items[i]);
    free(paths.items);
    if (paths.no_memory) {
        cli_error("no memory for the list");
        return CLI_FAILED;
    }
    if (fflush(stdout))
        return cli_write_failed("standard output");
    return cli_interrupted() ? CLI_INTERRUPTED : CLI_OK;
}
