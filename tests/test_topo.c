#include "../lib/topo.h"
#include "tests.h"

#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef SLM_HWLOC
#include <hwloc.h>
#endif

/* ------------------------------------------------------------------ control groups */

static const char *const root = test_folder;

/* Writes root/path, making its folders. */
static void put(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root); (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(quota_v2)
{
    ck_assert_double_eq(topo_quota("0::/a/b\n", root), INFINITY);
    put("/a/b/cpu.max", "max 100000\n");
    ck_assert_double_eq(topo_quota("0::/a/b\n", root), INFINITY);
    put("/a/b/cpu.max", "150000 100000\n"); /* 1.5 CPUs */
    ck_assert_double_eq(topo_quota("0::/a/b\n", root), 1.5);
    ck_assert_double_eq(topo_quota("0::/a\n", root), INFINITY);
    put("/a/cpu.max", "100000 100000\n"); /* a parent that grants less */
    ck_assert_double_eq(topo_quota("0::/a/b\n", root), 1);
    put("/a/cpu.max", "400000 100000\n");
    ck_assert_double_eq(topo_quota("0::/a/b\n", root), 1.5);
    put("/a/b/cpu.max", "1000 100000\n");
    ck_assert_double_eq(topo_quota("0::/a/b\n", root), 0.01);
}
END_TEST

/* Inside a container the path is of the host, the mount is the container's own group. */
START_TEST(quota_container)
{
    put("/cpu.max", "250000 100000\n");
    ck_assert_double_eq(topo_quota("0::/docker/0123456789\n", root), 2.5);
    ck_assert_double_eq(topo_quota("0::/../elsewhere\n", root), 2.5);
    ck_assert_double_eq(topo_quota("0::/", root), 2.5);
}
END_TEST

START_TEST(quota_v1)
{
    put("/cpu,cpuacct/x/cpu.cfs_quota_us", "350000\n");
    put("/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    ck_assert_double_eq(topo_quota("5:cpuset:/x\n4:cpuacct,cpu:/x\n0::/\n", root), 3.5);
    ck_assert_double_eq(topo_quota("5:cpuset:/x\n0::/\n", root), INFINITY);
    put("/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
    ck_assert_double_eq(topo_quota("4:cpu,cpuacct:/x\n", root), INFINITY);
    put("/unified/y/cpu.max", "200000 100000\n"); /* both versions at once */
    ck_assert_double_eq(topo_quota("4:cpu,cpuacct:/x\n0::/y\n", root), 2);
}
END_TEST

START_TEST(quota_nonsense)
{
    static const char *const groups[] = {"", "\n\n", ":", "::", "0:", "0::", "cpu", "1:cpu", "0::/a/b/c/d"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        ck_assert_double_eq(topo_quota(groups[i], root), INFINITY);
    static const char *const values[] = {"", "x", "0 0", "100000", "-5 100000", "100000 -1", "9999999999999999999 1"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        put("/g/cpu.max", values[i]);
        ck_assert_double_eq(topo_quota("0::/g", root), INFINITY);
    }
    char *deep = malloc(3 * PATH_MAX);
    memset(deep, '/', 3 * PATH_MAX);
    memcpy(deep, "0::", 3);
    deep[3 * PATH_MAX - 1] = 0;
    ck_assert_double_eq(topo_quota(deep, root), INFINITY);
    free(deep);
}
END_TEST

/* ------------------------------------------------------------------ cores */

#ifdef SLM_HWLOC
static hwloc_topology_t machine(const char *description)
{
    hwloc_topology_t topology;
    ck_assert_int_eq(hwloc_topology_init(&topology), 0);
    ck_assert_int_eq(hwloc_topology_set_synthetic(topology, description), 0);
    ck_assert_int_eq(hwloc_topology_load(topology), 0);
    return topology;
}

static hwloc_bitmap_t cpus(const char *list)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    ck_assert_int_eq(hwloc_bitmap_list_sscanf(set, list), 0);
    return set;
}

static void check_cores(hwloc_topology_t topology, const char *allowed, int want)
{
    hwloc_bitmap_t set = cpus(allowed);
    ck_assert_int_eq(topo_cores(topology, set, NULL), want);
    hwloc_bitmap_free(set);
}

static void kind(hwloc_topology_t topology, const char *list, int efficiency, char *name, char *value)
{
    struct hwloc_info_s info = {.name = name, .value = value};
    hwloc_bitmap_t set = cpus(list);
    ck_assert_int_eq(hwloc_cpukinds_register(topology, set, efficiency, 1, &info, 0), 0);
    hwloc_bitmap_free(set);
}

START_TEST(cores_smt)
{
    hwloc_topology_t topology = machine("package:1 core:4 pu:2");
    ck_assert_int_eq(topo_cores(topology, NULL, NULL), 4);
    check_cores(topology, "0-7", 4);
    check_cores(topology, "0-3", 2);    /* two whole cores */
    check_cores(topology, "0,2,4", 3);  /* one CPU each of three */
    check_cores(topology, "5", 1);
    check_cores(topology, "64", 0);
    hwloc_topology_destroy(topology);
}
END_TEST

START_TEST(cores_intel_hybrid)
{
    hwloc_topology_t topology = machine("package:1 core:12 pu:1");
    kind(topology, "0-1", 2, "CoreType", "IntelCore"); /* favoured cores are a kind of their own */
    kind(topology, "2-3", 1, "CoreType", "IntelCore");
    kind(topology, "4-11", 0, "CoreType", "IntelAtom");
    check_cores(topology, "0-11", 4);
    check_cores(topology, "3-11", 1);
    check_cores(topology, "4-11", 8); /* bound to slow cores: use them */
    hwloc_topology_destroy(topology);
}
END_TEST

START_TEST(cores_arm_hybrid)
{
    hwloc_topology_t topology = machine("package:1 core:8 pu:1");
    kind(topology, "0-3", 0, "LinuxCapacity", "290");
    kind(topology, "4-6", 1, "LinuxCapacity", "870");
    kind(topology, "7", 2, "LinuxCapacity", "1024");
    check_cores(topology, "0-7", 4);
    check_cores(topology, "0-5", 2);
    hwloc_topology_destroy(topology);
}
END_TEST

START_TEST(cores_frequency)
{
    hwloc_topology_t topology = machine("package:1 core:4 pu:1");
    kind(topology, "0", 1, "FrequencyMaxMHz", "5700");
    kind(topology, "1-3", 0, "FrequencyMaxMHz", "5400");
    check_cores(topology, "0-3", 4);
    hwloc_topology_destroy(topology);
}
END_TEST

/* What is chosen of the topology, which is destroyed. */
static slm_topology choice(hwloc_topology_t topology, const char *allowed, double quota)
{
    slm_topology t = {.size = sizeof t, .hwloc = true, .quota = quota};
    struct topo_cpus chosen = {.count = 0};
    hwloc_bitmap_t set = cpus(allowed);
    topo_survey(topology, set, &t, &chosen);
    hwloc_bitmap_free(set);
    hwloc_topology_destroy(topology);
    return t;
}

START_TEST(choice_two_sockets)
{
    slm_topology t = choice(machine("package:2 [numa(memory=1GB)] core:4 pu:2"), "0-15", 0);
    ck_assert_uint_eq(t.packages, 2);
    ck_assert_uint_eq(t.numa_nodes, 2);
    ck_assert_uint_eq(t.cores, 8);
    ck_assert_uint_eq(t.cpus, 16);
    ck_assert_uint_eq(t.kinds, 1);
    ck_assert_uint_eq(t.allowed_cores, 8);
    ck_assert_uint_eq(t.threads, 8);
    ck_assert_str_eq(t.chosen, "0,2,4,6,8,10,12,14"); /* one CPU of each core */
    ck_assert_str_eq(t.reason, "one thread for each physical core in the affinity mask");
    t = choice(machine("package:2 [numa(memory=1GB)] core:4 pu:2"), "1,3,8-11", 0);
    ck_assert_uint_eq(t.allowed_cores, 4);
    ck_assert_str_eq(t.chosen, "1,3,8,10");
    t = choice(machine("package:2 [numa(memory=1GB)] core:4 pu:2"), "0-15", 1.5); /* cores of one package come first */
    ck_assert_uint_eq(t.threads, 2);
    ck_assert_str_eq(t.chosen, "0,2");
    ck_assert_msg(strstr(t.reason, "quota of 1.5 CPUs"), "%s", t.reason);
    t = choice(machine("package:1 core:2 pu:1"), "0-1", 0.01); /* a hundredth of a CPU is still one thread */
    ck_assert_uint_eq(t.threads, 1);
    t = choice(machine("package:1 core:2 pu:1"), "0-1", 1e300);
    ck_assert_uint_eq(t.threads, 2);
}
END_TEST

/* The nodes of the chosen cores alone count. */
START_TEST(memory_nodes)
{
    static const struct {
        const char *machine, *allowed;
        double quota;
        unsigned nodes;
    } cases[] = {
        {"package:1 [numa(memory=1GB)] core:4 pu:1", "0-3", 0, 1},
        {"package:2 [numa(memory=1GB)] core:4 pu:2", "0-15", 0, 2},
        {"package:2 [numa(memory=1GB)] core:4 pu:2", "0-7", 0, 1},
        {"package:2 [numa(memory=1GB)] core:4 pu:2", "8-15", 0, 1},
        {"package:2 [numa(memory=1GB)] core:4 pu:2", "6-9", 0, 2},
        {"package:2 [numa(memory=1GB)] core:4 pu:2", "0-15", 3.5, 1}, /* four threads, which the first package has */
        {"package:2 [numa(memory=1GB)] core:4 pu:2", "0-15", 4.5, 2},
        {"package:2 [numa(memory=1GB)] [numa(memory=1GB)] core:2 pu:1", "0-3", 0, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const slm_topology t = choice(machine(cases[i].machine), cases[i].allowed, cases[i].quota);
        ck_assert_msg(t.memory_nodes == cases[i].nodes, "case %zu: %u nodes", i, t.memory_nodes);
    }
}
END_TEST

START_TEST(choice_hybrid)
{
    for (int slow_only = 0; slow_only <= 1; slow_only++) {
        hwloc_topology_t topology = machine("package:1 core:12 pu:1");
        kind(topology, "0-7", 0, "CoreType", "IntelAtom"); /* numbered first here */
        kind(topology, "8-11", 1, "CoreType", "IntelCore");
        slm_topology t = choice(topology, slow_only ? "0-7" : "0-11", 0);
        ck_assert_uint_eq(t.kinds, 2);
        ck_assert_str_eq(t.chosen, slow_only ? "0-7" : "8-11");
        ck_assert_int_eq(strstr(t.reason, "fast kind (4 of 12)") != NULL, !slow_only);
    }
}
END_TEST

/* A 4-core machine with SMT, as lstopo wrote it down (shortened): CPU n and n + 4 share a core. */
START_TEST(choice_xml)
{
    char xml[4096];
    /* In lines: hwloc's own parser wants them, libxml does not. */
    int used = snprintf(xml, sizeof xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n"
        "<object type=\"Machine\" os_index=\"0\" cpuset=\"0xff\" complete_cpuset=\"0xff\" allowed_cpuset=\"0xff\" "
        "nodeset=\"0x1\" complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"1\">"
        "<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0xff\" complete_cpuset=\"0xff\" nodeset=\"0x1\" "
        "complete_nodeset=\"0x1\" gp_index=\"2\" local_memory=\"1024\"/>");
    for (int core = 0; core < 4; core++) {
        used += snprintf(xml + used, sizeof xml - (size_t)used, "<object type=\"Core\" os_index=\"%d\" cpuset=\"0x%x\" "
                         "complete_cpuset=\"0x%x\" nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"%d\">",
                         core, 0x11 << core, 0x11 << core, 10 + core);
        for (int cpu = core; cpu < 8; cpu += 4)
            used += snprintf(xml + used, sizeof xml - (size_t)used, "<object type=\"PU\" os_index=\"%d\" cpuset=\"0x%x\" "
                             "complete_cpuset=\"0x%x\" nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"%d\"/>",
                             cpu, 1 << cpu, 1 << cpu, 20 + cpu);
        used += snprintf(xml + used, sizeof xml - (size_t)used, "</object>");
    }
    used += snprintf(xml + used, sizeof xml - (size_t)used, "</object>\n</topology>\n");
    hwloc_topology_t topology;
    ck_assert_int_eq(hwloc_topology_init(&topology), 0);
    ck_assert_int_eq(hwloc_topology_set_xmlbuffer(topology, xml, used + 1), 0);
    ck_assert_int_eq(hwloc_topology_load(topology), 0);
    slm_topology t = choice(topology, "1-7", 0);
    ck_assert_uint_eq(t.cores, 4);
    ck_assert_uint_eq(t.cpus, 8);
    ck_assert_str_eq(t.chosen, "1-4"); /* core 0 by its other CPU */
}
END_TEST
#endif

/* ------------------------------------------------------------------ this machine */

START_TEST(description)
{
    slm_topology t = {.size = sizeof t};
    slm_topology_get(&t);
    cpu_set_t mask;
    ck_assert_int_eq(sched_getaffinity(0, sizeof mask, &mask), 0);
    ck_assert_uint_eq(t.allowed_cpus, (unsigned)CPU_COUNT(&mask));
    ck_assert_int_eq((int)t.threads, topo_threads());
    ck_assert(*t.allowed && *t.chosen && *t.reason && !strchr(t.reason, '\n'));
    ck_assert(!t.cores || (t.allowed_cores >= t.fast_cores && t.cores >= t.allowed_cores && t.cpus >= t.cores));
    slm_topology_get(NULL);
    slm_topology part = {.size = offsetof(slm_topology, packages)}; /* a program with an older struct */
    memset(&part.packages, 0xa5, 4);
    slm_topology_get(&part);
    ck_assert_uint_eq(part.packages, 0xa5a5a5a5);
    ck_assert(part.hwloc == t.hwloc);
}
END_TEST

/* Whatever the machine is, the memory stays usable. */
START_TEST(interleaved_memory)
{
    enum { SIZE = 1 << 16 };
    unsigned char *p = aligned_alloc(4096, SIZE);
    ck_assert_ptr_nonnull(p);
    topo_interleave(p, SIZE);
    memset(p, 7, SIZE);
    ck_assert_int_eq(p[SIZE - 1], 7);
    free(p);
}
END_TEST

START_TEST(threads)
{
    cpu_set_t mask, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof mask, &mask), 0);
    int all = topo_threads();
    ck_assert_int_ge(all, 1);
    ck_assert_int_le(all, CPU_COUNT(&mask));
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &mask))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
        ck_assert_int_eq(topo_threads(), 1);
        break;
    }
    sched_setaffinity(0, sizeof mask, &mask);
}
END_TEST

Suite *suite_topo(void)
{
    Suite *suite = suite_create("topo");
    TCase *groups = tcase_create("cgroups");
    tcase_add_checked_fixture(groups, test_folder_make, test_folder_remove);
    tcase_add_test(groups, quota_v2);
    tcase_add_test(groups, quota_container);
    tcase_add_test(groups, quota_v1);
    tcase_add_test(groups, quota_nonsense);
    suite_add_tcase(suite, groups);
    TCase *cores = tcase_create("cores");
#ifdef SLM_HWLOC
    tcase_add_test(cores, cores_smt);
    tcase_add_test(cores, cores_intel_hybrid);
    tcase_add_test(cores, cores_arm_hybrid);
    tcase_add_test(cores, cores_frequency);
    tcase_add_test(cores, choice_two_sockets);
    tcase_add_test(cores, memory_nodes);
    tcase_add_test(cores, choice_hybrid);
    tcase_add_test(cores, choice_xml);
#endif
    tcase_add_test(cores, interleaved_memory);
    tcase_add_test(cores, threads);
    tcase_add_test(cores, description);
    suite_add_tcase(suite, cores);
    return suite;
}
