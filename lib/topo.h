/* topo.h - the only user of hwloc: which cores to compute on. */
#ifndef SLM_TOPO_H
#define SLM_TOPO_H

#include <stddef.h>

/* Threads that a computation should use: physical cores inside the affinity mask, performance cores where there are two kinds,
 * at most the cgroup's CPU quota (rounded up), at least 1. Without hwloc: the CPUs of the affinity mask and the quota.
 * Takes some milliseconds (hwloc reads the machine anew): ask once and keep the answer. */
int topo_threads(void);

/* --- its parts, apart so that tests can give them a machine of their own */

/* CPUs that the control groups grant, rounded up, at least 1; INT_MAX where there is no quota. `groups` is the text of
 * /proc/self/cgroup, `root` the folder the hierarchies are mounted in (/sys/fs/cgroup). The group and all above it count. */
int topo_quota(const char *groups, const char *root);

struct hwloc_topology;
struct hwloc_bitmap_s;

/* Physical cores of a loaded topology that have a CPU in `allowed` (NULL: all); of two kinds of cores the fast ones, unless
 * `allowed` has slow ones only. 0 if the topology knows of none. Only with SLM_HWLOC. */
int topo_cores(struct hwloc_topology *topology, const struct hwloc_bitmap_s *allowed);

#endif
