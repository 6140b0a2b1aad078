#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q5_k *t = packed;
    return avx2_five(t->sub[s].fives, half, g);
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q5_k *t = packed;
    return (struct avx2_scales){
        .d = _mm256_mul_ps(avx2_f16(t->d + 8 * half), avx2_u8(t->sub[s].sc + 8 * half)),
        .m = _mm256_mul_ps(avx2_f16(t->dmin + 8 * half), avx2_u8(t->sub[s].m + 8 * half)),
    };
}

AVX2_LINEAR(Q5_K, tile_q5_k, .log2_z = -1, .run = 4, .blocks = 8)
