#include "pin.h"
#include "cli.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#if defined(__linux__)
/* A number without sign or spaces in front; -1 if there is none. */
static long number(const char **at)
{
    char *end;
    long n = **at >= '0' && **at <= '9' ? strtol(*at, &end, 10) : -1;
    if (n >= 0)
        *at = end;
    return n;
}

/* "0-3,8" */
static bool parse(const char *list, cpu_set_t *cpus)
{
    CPU_ZERO(cpus);
    for (const char *at = list;; at++) {
        long first = number(&at), last = first;
        if (*at == '-') {
            at++;
            last = number(&at);
        }
        if (first < 0 || last < first || last >= CPU_SETSIZE || (*at && *at != ','))
            return false;
        for (long cpu = first; cpu <= last; cpu++)
            CPU_SET((int)cpu, cpus);
        if (!*at)
            return true;
    }
}

bool pin(const char *how)
{
    if (strcmp(how, "none") == 0)
        return true;
    slm_topology topology = {.size = sizeof topology};
    if (strcmp(how, "auto") == 0) {
        slm_topology_get(&topology);
        how = topology.chosen;
    }
    cpu_set_t cpus;
    if (!parse(how, &cpus)) {
        cli_error("--pin: '%s': expected auto, none or a list of CPUs (0-3,8)", how);
        return false;
    }
    if (sched_setaffinity(0, sizeof cpus, &cpus)) {
        cli_error("--pin: can't run on CPUs %s: %s", how, errno == EINVAL ? "the machine or its control groups lack them"
                                                                          : strerror(errno));
        return false;
    }
    return true;
}
#else
bool pin(const char *how)
{
    if (strcmp(how, "none") == 0)
        return true;
    cli_error("--pin works on Linux only");
    return false;
}
#endif
