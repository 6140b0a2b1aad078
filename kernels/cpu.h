/* cpu.h - which tiers this processor (and its operating system) can run: CPUID and XCR0, or the auxiliary vector. */
#ifndef SLM_CPU_H
#define SLM_CPU_H

#include "kernels.h"

bool isa_supported(enum isa isa);   /* compiled in, and this machine can run it */
enum isa isa_best(void);
const char *isa_name(enum isa isa); /* "avx2" */
enum isa isa_by_name(const char *name); /* ISA_COUNT if there is none of that name */

#endif
