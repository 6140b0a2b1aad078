#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *packed, size_t s, struct avx512_block *out)
{
    const struct tile_q8_0 *t = packed;
    (void)s;
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm512_xor_si512(_mm512_loadu_si512(t->values[g]), sign); /* w + 128 */
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q8_0, tile_q8_0, .blocks = 1, .log2_z = 7)
