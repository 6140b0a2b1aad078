#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q8_0 *t = packed;
    (void)s;
    return avx2_load(t->values[g] + 32 * half);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q8_0 *t = packed;
    (void)s;
    return (struct avx2_scales){.d = avx2_f16(t->d + 8 * half)};
}

AVX2_LINEAR(Q8_0, tile_q8_0, .log2_z = -1, .run = 0, .blocks = 1)
