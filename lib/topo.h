/* topo.h - the only user of hwloc: which cores to compute on. */
#ifndef SLM_TOPO_H
#define SLM_TOPO_H

#include "slm.h"

/* Threads that a computation should use: physical cores inside the affinity mask, performance cores where there are two kinds,
 * at most the cgroup's CPU quota (rounded up), at least 1. Without hwloc: the CPUs of the affinity mask and the quota.
 * Takes some milliseconds (hwloc reads the machine anew): ask once and keep the answer. */
int topo_threads(void);

/* The same with all that led to it: slm_topology_get of slm.h. */
void topo_describe(slm_topology *topology);

/* Spreads memory that is not yet touched, page by page, over the NUMA nodes of the cores to compute on, if they are more than one: each
 * thread reads all of it in turn, so no node is the right one. Without hwloc, or where it fails, each page comes from the node that
 * touches it first. */
void topo_interleave(void *data, size_t size);

/* --- their parts, apart so that tests can give them a machine of their own */

/* CPUs that the control groups grant; INFINITY where there is no quota. `groups` is the text of /proc/self/cgroup, `root` the
 * folder the hierarchies are mounted in (/sys/fs/cgroup). The group and all above it count. */
double topo_quota(const char *groups, const char *root);

enum { TOPO_CPUS = 1024 };
struct topo_cpus {
    int number[TOPO_CPUS];
    int count;
};

struct hwloc_topology;
struct hwloc_bitmap_s;

/* Physical cores of a loaded topology that have a CPU in `allowed` (NULL: all); of two kinds of cores the fast ones, unless
 * `allowed` has slow ones only. 0 if the topology knows of none. The first allowed CPU of each is added to `cpus`, unless that is
 * NULL. Only with SLM_HWLOC. */
int topo_cores(struct hwloc_topology *topology, const struct hwloc_bitmap_s *allowed, struct topo_cpus *cpus);

/* Fills what a loaded topology knows, and *cpus as topo_cores does; then, if there are any, chooses. Only with SLM_HWLOC. */
void topo_survey(struct hwloc_topology *topology, const struct hwloc_bitmap_s *allowed, slm_topology *t, struct topo_cpus *cpus);

/* Fills the choice and its reason from the rest and the candidates, one for each core, of which those not chosen are dropped. */
void topo_choose(slm_topology *t, struct topo_cpus *cpus);

#endif
