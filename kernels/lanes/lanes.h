/* lanes.h - what the bodies share. The includer has defined TIER_NAME and v16. */
#ifndef SLM_LANES_H
#define SLM_LANES_H

#include "../tier.h"
#include "slots.h"

#include <math.h>

/* Bodies whose parameters become constants; loops over them are unrolled so that arrays of v16 live in registers. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

LANES_DECLARE(TIER_NAME)

#endif
