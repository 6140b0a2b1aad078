/* The kernels that are written once for all vector tiers. */
#include "v16.h"

#include "../lanes/attend.h"
#include "../lanes/attend_q8_0_linear.h"
#include "../lanes/dense.h"
#include "../lanes/float.h"
