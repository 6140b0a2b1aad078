/* topo.h - the only user of hwloc: which cores to compute on. */
#ifndef SLM_TOPO_H
#define SLM_TOPO_H

/* Threads that a computation should use: physical cores inside the affinity mask, performance cores where there are two kinds,
 * at most the cgroup's CPU quota (rounded up), at least 1. Without hwloc: the CPUs of the affinity mask and the quota. */
int topo_threads(void);

#endif
