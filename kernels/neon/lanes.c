/* The kernels that are written once for all vector tiers. */
#define TIER_NAME neon
#include "v16.h"

#include "../lanes/attend.h"
#include "../lanes/dense.h"
#include "../lanes/float.h"
