/* lanes.h - what the bodies share. The includer has defined TIER_NAME and v16. */
#ifndef SLM_LANES_H
#define SLM_LANES_H

#include "../tier.h"

#include <math.h>

#endif
