#include "../codebooks.h"
#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE __m256i vector(const void *packed, size_t s, int half, int g)
{
    const struct tile_iq4_xs *t = packed;
    return avx2_code(iq4_codebook, 0, avx2_nibble(t->nibbles[s], half, g));
}

ALWAYS_INLINE struct avx2_scales scales(const void *packed, size_t s, int half)
{
    const struct tile_iq4_xs *t = packed;
    return (struct avx2_scales){.d = _mm256_mul_ps(avx2_f16(t->d + 8 * half), avx2_i8(t->sc[s] + 8 * half))};
}

void TIER(linear_IQ4_XS)(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx2_type type = {FAMILY_OF_IQ4_XS, -1, 0, 8, sizeof(struct tile_iq4_xs), vector, scales};
    avx2_linear(type, tile, k, x, x_stride, cols, y, y_stride);
}
