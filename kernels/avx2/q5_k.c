#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_q5_k *t = packed;
    return _mm256_or_si256(avx2_nibble(t->sub[s].nibbles, half, g), avx2_bit(t->sub[s].bits, half, g, 4));
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_q5_k *t = packed;
    return (struct avx2_scales){
        .d = _mm256_mul_ps(avx2_f16(t->d + 8 * half), avx2_u8(t->sub[s].sc + 8 * half)),
        .m = _mm256_mul_ps(avx2_f16(t->dmin + 8 * half), avx2_u8(t->sub[s].m + 8 * half)),
    };
}

void TIER(linear_Q5_K)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {FAMILY_OF_Q5_K, -1, 4, 8, sizeof(struct tile_q5_k), vector, scales};
    avx2_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
