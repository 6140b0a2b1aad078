#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q8_0 *t = (const struct tile_q8_0 *)tile + b;
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm512_xor_si512(_mm512_loadu_si512(t->values[g]), sign); /* w + 128 */
    out->dw = avx512_halves(t->d);
}

AVX512_LINEAR(Q8_0, .log2_z = 7, .bytes = sizeof(struct tile_q8_0))
