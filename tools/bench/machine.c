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

int topology_print(FILE *f)
{
    slm_topology t = {.size = sizeof t};
    slm_topology_get(&t);
    if (t.cores)
        fprintf(f, "machine: %u package%s, %u NUMA node%s, %u core%s of %u kind%s, %u CPU%s%s\n", t.packages, t.packages == 1 ? "" : "s",
                t.numa_nodes, t.numa_nodes == 1 ? "" : "s", t.cores, t.cores == 1 ? "" : "s", t.kinds, t.kinds == 1 ? "" : "s",
                t.cpus, t.cpus == 1 ? "" : "s", t.cpus > t.cores ? " (SMT)" : "");
    else
        fprintf(f, "machine: %ld CPUs; %s\n", sysconf(_SC_NPROCESSORS_ONLN),
                t.hwloc ? "hwloc knows no more" : "built without hwloc, which would know more");
    fprintf(f, "affinity mask: CPUs %s (%u)\n", t.allowed, t.allowed_cpus);
    if (t.cores)
        fprintf(f, "cores in it: %u, of them fast: %u\n", t.allowed_cores, t.fast_cores);
    if (t.quota > 0)
        fprintf(f, "cgroup quota: %.4g CPUs\n", t.quota);
    else
        fputs("cgroup quota: none\n", f);
    fprintf(f, "chosen: %u thread%s, on CPUs %s with --pin auto\n", t.threads, t.threads == 1 ? "" : "s", t.chosen);
    fprintf(f, "why: %s\n", t.reason);
    if (t.memory_nodes > 1)
        fprintf(f, "weights: spread over %u NUMA nodes, page by page: the threads are on all of them and read all weights\n", t.memory_nodes);
    else
        fputs("weights: where they are first touched: the threads are on one NUMA node\n", f);
    return ferror(f) || fflush(f) ? cli_write_failed("standard output") : CLI_OK;
}
