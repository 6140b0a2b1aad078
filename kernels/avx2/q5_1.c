#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q5_1 *t = packed;
    (void)s;
    return avx2_five(t->fives, half, g);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q5_1 *t = packed;
    (void)s;
    return (struct avx2_scales){.d = avx2_f16(t->d + 8 * half), .m = avx2_f16(t->min + 8 * half)};
}

AVX2_LINEAR(Q5_1, tile_q5_1, .log2_z = -1, .run = 4, .blocks = 1)
