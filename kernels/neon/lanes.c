/* The kernels that are written once for all vector tiers. */
#include "v16.h"

#include "../lanes/attend.h"
#include "../lanes/dense.h"
#include "../lanes/float.h"
#include "../lanes/scores_q8_0.h"
#include "../lanes/values_q8_0.h"
