#include "topo.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef SLM_HWLOC
#include <hwloc.h>
#include <hwloc/glibc-sched.h>
#endif

/* ------------------------------------------------------------------ control groups */

/* The first bytes of a small file, NUL-terminated; false if there is no such file. */
static bool read_text(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t used = 0;
    ssize_t got;
    while (used < room - 1 && (got = read(fd, text + used, room - 1 - used)) > 0)
        used += (size_t)got;
    close(fd);
    text[used] = 0;
    return used > 0;
}

static double cpus_of(long long quota, long long period)
{
    double cpus = quota > 0 && period > 0 ? (double)quota / (double)period : INFINITY;
    return cpus < INT_MAX ? cpus : INFINITY;
}

/* The quota of one group: cpu.max holds "150000 100000" or "max 100000" (v2), two files hold the same numbers (v1). */
static double quota_at(const char *folder)
{
    char path[PATH_MAX + 32], text[64];
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (read_text(path, text, sizeof text)) {
        char *end;
        long long quota = strtoll(text, &end, 10); /* "max" gives 0: none */
        return cpus_of(quota, strtoll(end, NULL, 10));
    }
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_text(path, text, sizeof text))
        return INFINITY;
    long long quota = strtoll(text, NULL, 10);
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    return read_text(path, text, sizeof text) ? cpus_of(quota, strtoll(text, NULL, 10)) : INFINITY;
}

/* The smallest quota from root/mount/group up to root/mount. A container may see only a part of that path, or its own group as
 * the mount itself: levels that are missing say nothing. */
static double quota_along(const char *root, const char *mount, const char *group)
{
    char folder[PATH_MAX];
    int top = snprintf(folder, sizeof folder, "%s%s", root, mount);
    if (top < 0 || (size_t)top >= sizeof folder)
        return INFINITY;
    /* "/.." stands for a group outside of what this process may see */
    if (strstr(group, "/..") || snprintf(folder + top, sizeof folder - (size_t)top, "%s", group) >= (int)sizeof folder - top)
        folder[top] = 0;
    double least = INFINITY;
    for (;;) {
        double quota = quota_at(folder);
        if (quota < least)
            least = quota;
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

/* True if the comma-separated list has the controller "cpu". */
static bool has_cpu(const char *list, size_t length)
{
    for (const char *at = list, *end = list + length; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t n = (size_t)((comma ? comma : end) - at);
        if (n == 3 && memcmp(at, "cpu", 3) == 0)
            return true;
        at += n + 1;
    }
    return false;
}

/* Lines are "ID:CONTROLLERS:PATH"; version 2 has one, "0::PATH". */
double topo_quota(const char *groups, const char *root)
{
    double least = INFINITY;
    for (const char *line = groups; line && *line;) {
        const char *next = strchr(line, '\n');
        size_t length = next ? (size_t)(next - line) : strlen(line);
        const char *list = memchr(line, ':', length);
        const char *path = list ? memchr(list + 1, ':', length - (size_t)(list + 1 - line)) : NULL;
        if (path) {
            char group[PATH_MAX];
            snprintf(group, sizeof group, "%.*s", (int)(length - (size_t)(path + 1 - line)), path + 1);
            bool v2 = path == list + 1;
            static const char *const mounts[2][2] = {{"/cpu", "/cpu,cpuacct"}, {"", "/unified"}};
            for (int i = 0; i < 2 && (v2 || has_cpu(list + 1, (size_t)(path - list - 1))); i++) {
                double quota = quota_along(root, mounts[v2][i], group);
                if (quota < least)
                    least = quota;
            }
        }
        line = next ? next + 1 : NULL;
    }
    return least;
}

/* The quota of this process. */
static double process_quota(void)
{
    char groups[4096];
    return read_text("/proc/self/cgroup", groups, sizeof groups) ? topo_quota(groups, "/sys/fs/cgroup") : INFINITY;
}

/* ------------------------------------------------------------------ cores */

#ifdef SLM_HWLOC
/* The info attribute `name` of a kind of CPUs, or NULL. */
static const char *kind_info(const struct hwloc_info_s *infos, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(infos[i].name, name) == 0)
            return infos[i].value;
    return NULL;
}

/* Adds the fast CPUs to `fast`. Slow are Intel's efficiency cores and, where the kernel gives capacities (ARM), those with less
 * than half of the largest one. Cores that differ in frequency only are one kind to us. */
static void fast_cpus(hwloc_topology_t topology, hwloc_bitmap_t fast)
{
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    int kinds = cpus ? hwloc_cpukinds_get_nr(topology, 0) : 0;
    struct hwloc_info_s *infos;
    unsigned count;
    long largest = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < kinds; i++) {
            if (hwloc_cpukinds_get_info(topology, (unsigned)i, cpus, NULL, &count, &infos, 0))
                continue;
            const char *type = kind_info(infos, count, "CoreType"), *text = kind_info(infos, count, "LinuxCapacity");
            long capacity = text ? strtol(text, NULL, 10) : 0;
            if (pass == 0)
                largest = capacity > largest ? capacity : largest;
            else if (!(type && strcmp(type, "IntelAtom") == 0) && !(text && capacity < largest / 2))
                hwloc_bitmap_or(fast, fast, cpus);
        }
    }
    hwloc_bitmap_free(cpus);
}

/* Cores with a CPU in both sets (NULL: any); the first such CPU of each is added to `cpus`, unless that is NULL. */
static int count_cores(hwloc_topology_t topology, hwloc_const_bitmap_t a, hwloc_const_bitmap_t b, struct topo_cpus *cpus)
{
    int count = 0;
    for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core));) {
        int first = -1, cpu;
        hwloc_bitmap_foreach_begin(cpu, core->cpuset)
            if (first < 0 && (!a || hwloc_bitmap_isset(a, (unsigned)cpu)) && (!b || hwloc_bitmap_isset(b, (unsigned)cpu)))
                first = cpu;
        hwloc_bitmap_foreach_end();
        count += first >= 0;
        if (first >= 0 && cpus && cpus->count < TOPO_CPUS)
            cpus->number[cpus->count++] = first;
    }
    return count;
}

int topo_cores(struct hwloc_topology *topology, const struct hwloc_bitmap_s *allowed, struct topo_cpus *cpus)
{
    hwloc_bitmap_t fast = hwloc_bitmap_alloc();
    int cores = 0;
    if (fast) {
        fast_cpus(topology, fast);
        cores = count_cores(topology, allowed, fast, cpus);
    }
    hwloc_bitmap_free(fast);
    return cores ? cores : count_cores(topology, allowed, NULL, cpus);
}

/* Puts the NUMA nodes of the CPUs into `nodes` and returns their number. */
static int nodes_of(struct hwloc_topology *topology, const struct topo_cpus *cpus, struct hwloc_bitmap_s *nodes)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    for (int i = 0; set && i < cpus->count; i++)
        hwloc_bitmap_set(set, (unsigned)cpus->number[i]);
    hwloc_bitmap_zero(nodes);
    if (set)
        hwloc_cpuset_to_nodeset(topology, set, nodes);
    hwloc_bitmap_free(set);
    return hwloc_bitmap_weight(nodes);
}

static uint32_t objects(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    int count = hwloc_get_nbobjs_by_type(topology, type);
    return count > 0 ? (uint32_t)count : 0;
}

void topo_survey(struct hwloc_topology *topology, const struct hwloc_bitmap_s *allowed, slm_topology *t, struct topo_cpus *cpus)
{
    t->packages = objects(topology, HWLOC_OBJ_PACKAGE);
    t->numa_nodes = objects(topology, HWLOC_OBJ_NUMANODE);
    t->cores = objects(topology, HWLOC_OBJ_CORE);
    t->cpus = objects(topology, HWLOC_OBJ_PU);
    int kinds = hwloc_cpukinds_get_nr(topology, 0);
    t->kinds = kinds > 0 ? (uint32_t)kinds : 1;
    t->allowed_cores = (uint32_t)count_cores(topology, allowed, NULL, NULL);
    t->fast_cores = (uint32_t)topo_cores(topology, allowed, cpus);
    if (!cpus->count)
        return;
    topo_choose(t, cpus);
    hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
    t->memory_nodes = nodes ? (uint32_t)nodes_of(topology, cpus, nodes) : 0;
    hwloc_bitmap_free(nodes);
}

/* A loaded topology of this machine and the CPUs of the mask in it, or false. For the number of threads only cores are asked for,
 * and what would look for graphics cards or run on every CPU in turn stays out: 3 ms instead of 6. */
static bool load(const cpu_set_t *mask, bool everything, hwloc_topology_t *topology, hwloc_bitmap_t *allowed)
{
    static const char *const unneeded[] = {"x86", "pci", "opencl", "cuda", "nvml", "rsmi", "levelzero", "gl"};
    if (access("/sys/devices/system/cpu/cpu0/topology", F_OK)) /* without it hwloc finds nothing, and says so on stderr */
        return false;
    if (hwloc_topology_init(topology))
        return false;
    if (!everything) {
        hwloc_topology_set_all_types_filter(*topology, HWLOC_TYPE_FILTER_KEEP_NONE);
        hwloc_topology_set_type_filter(*topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    }
    for (size_t i = 0; i < sizeof unneeded / sizeof *unneeded; i++)
        hwloc_topology_set_components(*topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, unneeded[i]);
    *allowed = hwloc_bitmap_alloc();
    if (*allowed && hwloc_topology_load(*topology) == 0 &&
        hwloc_cpuset_from_glibc_sched_affinity(*topology, *allowed, mask, sizeof *mask) == 0)
        return true;
    hwloc_bitmap_free(*allowed);
    hwloc_topology_destroy(*topology);
    return false;
}

static int machine_cores(const cpu_set_t *mask)
{
    hwloc_topology_t topology;
    hwloc_bitmap_t allowed;
    if (!load(mask, false, &topology, &allowed))
        return 0;
    int cores = topo_cores(topology, allowed, NULL);
    hwloc_bitmap_free(allowed);
    hwloc_topology_destroy(topology);
    return cores;
}

static void survey_machine(const cpu_set_t *mask, slm_topology *t, struct topo_cpus *cpus)
{
    hwloc_topology_t topology;
    hwloc_bitmap_t allowed;
    if (!load(mask, true, &topology, &allowed))
        return;
    topo_survey(topology, allowed, t, cpus);
    hwloc_bitmap_free(allowed);
    hwloc_topology_destroy(topology);
}

/* "0" or "0-1": loading a topology only to find one node would cost more than it tells. */
static bool many_nodes(void)
{
    char online[64];
    return read_text("/sys/devices/system/node/online", online, sizeof online) && strpbrk(online, "-,");
}

void topo_interleave(void *data, size_t size)
{
    cpu_set_t mask;
    hwloc_topology_t topology;
    hwloc_bitmap_t allowed;
    if (!many_nodes() || sched_getaffinity(0, sizeof mask, &mask) || !load(&mask, true, &topology, &allowed))
        return;
    slm_topology t = {.quota = process_quota()};
    t.quota = isfinite(t.quota) ? t.quota : 0;
    struct topo_cpus cpus = {.count = 0};
    topo_survey(topology, allowed, &t, &cpus);
    if (t.memory_nodes > 1 && nodes_of(topology, &cpus, allowed) > 1)
        (void)hwloc_set_area_membind(topology, data, size, allowed, HWLOC_MEMBIND_INTERLEAVE, HWLOC_MEMBIND_BYNODESET);
    hwloc_bitmap_free(allowed);
    hwloc_topology_destroy(topology);
}
#else
void topo_interleave(void *data, size_t size)
{
    (void)data;
    (void)size;
}

static int machine_cores(const cpu_set_t *mask)
{
    (void)mask;
    return 0;
}

static void survey_machine(const cpu_set_t *mask, slm_topology *t, struct topo_cpus *cpus)
{
    (void)mask;
    (void)t;
    (void)cpus;
}
#endif

/* ------------------------------------------------------------------ this process */

/* CPUs that it may run on; false if there are too many for the mask. */
static bool process_mask(cpu_set_t *mask, int *cpus)
{
    if (sched_getaffinity(0, sizeof *mask, mask) == 0) { /* fails with more than 1024 CPUs */
        *cpus = CPU_COUNT(mask);
        return true;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    *cpus = online > 0 && online < INT_MAX ? (int)online : 1;
    return false;
}

/* Whole threads in a quota. */
static int quota_threads(double quota)
{
    return quota < INT_MAX ? (int)ceil(quota) : INT_MAX;
}

int topo_threads(void)
{
    cpu_set_t mask;
    int cpus, limit = quota_threads(process_quota());
    bool masked = process_mask(&mask, &cpus);
    if (masked && cpus > 1 && limit > 1) { /* else the answer is known */
        int cores = machine_cores(&mask);
        if (cores > 0 && cores < cpus)
            cpus = cores;
    }
    if (cpus > limit)
        cpus = limit;
    return cpus > 0 ? cpus : 1;
}

/* ------------------------------------------------------------------ in words */

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* "0-3,8": sorts the numbers first. What does not fit is left out, at a comma. */
static void list_cpus(struct topo_cpus *cpus, char *text, size_t room)
{
    qsort(cpus->number, (size_t)cpus->count, sizeof *cpus->number, compare);
    size_t used = 0;
    text[0] = 0;
    for (int i = 0, last; i < cpus->count; i = last + 1) {
        for (last = i; last + 1 < cpus->count && cpus->number[last + 1] == cpus->number[last] + 1; last++)
            ;
        char part[32];
        int length = last > i ? snprintf(part, sizeof part, "%s%d-%d", used ? "," : "", cpus->number[i], cpus->number[last])
                              : snprintf(part, sizeof part, "%s%d", used ? "," : "", cpus->number[i]);
        if (used + (size_t)length >= room)
            return;
        memcpy(text + used, part, (size_t)length + 1);
        used += (size_t)length;
    }
}

void topo_choose(slm_topology *t, struct topo_cpus *cpus)
{
    int limit = t->quota > 0 ? quota_threads(t->quota) : INT_MAX, all = cpus->count;
    t->threads = (uint32_t)(all < limit ? all : limit);
    t->threads = t->threads ? t->threads : 1;
    cpus->count = all < (int)t->threads ? all : (int)t->threads;
    list_cpus(cpus, t->chosen, sizeof t->chosen);
    int used = t->cores ? snprintf(t->reason, sizeof t->reason, "one thread for each physical core in the affinity mask")
                        : snprintf(t->reason, sizeof t->reason, "one thread for each CPU in the affinity mask (cores are unknown%s)",
                                   t->hwloc ? "" : ": built without hwloc");
    if (t->fast_cores < t->allowed_cores)
        used += snprintf(t->reason + used, sizeof t->reason - (size_t)used, ", of the fast kind (%u of %u)", t->fast_cores,
                         t->allowed_cores);
    if (all > limit)
        snprintf(t->reason + used, sizeof t->reason - (size_t)used, ", at most the quota of %.4g CPUs, rounded up", t->quota);
}

void topo_describe(slm_topology *t)
{
    cpu_set_t mask;
    struct topo_cpus cpus = {.count = 0}, allowed = {.count = 0};
    int count;
    memset(t, 0, sizeof *t);
    t->size = sizeof *t;
#ifdef SLM_HWLOC
    t->hwloc = true;
#endif
    bool masked = process_mask(&mask, &count);
    for (int cpu = 0; cpu < (masked ? CPU_SETSIZE : count) && allowed.count < TOPO_CPUS; cpu++)
        if (!masked || CPU_ISSET(cpu, &mask))
            allowed.number[allowed.count++] = cpu;
    list_cpus(&allowed, t->allowed, sizeof t->allowed);
    t->allowed_cpus = (uint32_t)count;
    double quota = process_quota();
    t->quota = isfinite(quota) ? quota : 0;
    if (masked)
        survey_machine(&mask, t, &cpus);
    if (!cpus.count)
        topo_choose(t, &allowed);
}
