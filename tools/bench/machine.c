#include "machine.h"
#include "../cli.h"

#include <sys/utsname.h>
#include <unistd.h>

/* /proc/cpuinfo has "model name : NAME" on x86; ARM systems leave it out. */
void machine_name(char *name, size_t room)
{
    struct utsname system;
    snprintf(name, room, "%s", uname(&system) == 0 ? system.machine : "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\n")] = 0;
        snprintf(name, room, "%s", colon);
        break;
    }
    if (f)
        fclose(f);
}

int machine_print(FILE *f, const char *isa)
{
    slm_error err;
    const char *chosen = slm_isa(isa, &err);
    if (!chosen) {
        cli_error("%s", err.message);
        return CLI_USAGE;
    }
    char name[256];
    machine_name(name, sizeof name);
    fprintf(f, "processor: %s\n", name);
    fprintf(f, "CPUs: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    fprintf(f, "tiers:");
    for (size_t i = 0; slm_isa_at(i); i++)
        fprintf(f, " %s", slm_isa_at(i));
    fprintf(f, "\nchosen: %s\n\n", chosen);
    fprintf(f, "%-16s %s\n", "slot", "kernel");
    const char *slot, *function;
    for (size_t i = 0; slm_kernel_at(chosen, i, &slot, &function); i++)
        fprintf(f, "%-16s %s\n", slot, function ? function : "-");
    return ferror(f) || fflush(f) ? cli_write_failed("standard output") : CLI_OK;
}
