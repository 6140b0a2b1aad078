/* tier.h - names of functions in sources that several tiers are compiled from: TIER(linear_Q4_0) is linear_Q4_0_avx2 where
 * TIER_NAME is avx2. */
#ifndef SLM_TIER_H
#define SLM_TIER_H

#define TIER(slot) TIER_PASTE(slot, TIER_NAME)
#define TIER_PASTE(slot, tier) TIER_PASTE_EXPANDED(slot, tier)
#define TIER_PASTE_EXPANDED(slot, tier) slot##_##tier

#endif
