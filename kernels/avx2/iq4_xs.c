#include "../codebooks.h"
#include "../tiles.h"
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

AVX2_LINEAR(IQ4_XS, tile_iq4_xs, .log2_z = -1, .run = 0, .blocks = 8)
