#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q4_0 *t = packed;
    (void)s;
    avx512_nibbles(t->nibbles, out->w);
    avx512_codebook(mxfp4_codebook, 16, out->w);
    __m512i d = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)t->d));
    out->dw = _mm512_castsi512_ps(_mm512_slli_epi32(d, 16)); /* BF16 */
}

AVX512_LINEAR(MXFP4, tile_q4_0, .blocks = 1, .log2_z = 4, .large_scale = true)
