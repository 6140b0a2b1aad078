/* isa.h - which tier of kernels to use. */
#ifndef SLM_ISA_H
#define SLM_ISA_H

#include "../kernels/cpu.h"
#include "status.h"

/* The tier called `name`; NULL or "": that of $SLM_ISA, or else the best this machine has. SLM_UNSUPPORTED for a name that is
 * not a tier or a tier that this machine lacks. */
slm_status isa_choose(const char *name, enum isa *isa, slm_error *err);

#endif
