#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q5_0 *t = packed;
    (void)s;
    return avx2_five(t->fives, half, g);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q5_0 *t = packed;
    (void)s;
    return (struct avx2_scales){.d = avx2_f16(t->d + 8 * half)};
}

AVX2_LINEAR(Q5_0, tile_q5_0, .log2_z = 4, .run = 4, .blocks = 1)
