#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE __m512 from_i8(const int8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)));
}

/* low, with bits 4 and 5 taken from upper. */
ALWAYS_INLINE __m512i join(__m512i low, __m512i upper)
{
    const __m512i bits = _mm512_set1_epi8(0x30);
    return _mm512_ternarylogic_epi32(low, upper, bits, 0xf8); /* low | (upper & bits) */
}

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    size_t s = b % 8;
    avx512_nibbles(t->sub[s].nibbles, out->w);
    /* Bits 2j+1..2j of a byte are the upper bits of vector j (k 0..15) or 4 + j (k 16..31). */
    UNROLL
    for (int h = 0; h < 2; h++) {
        __m512i x = _mm512_loadu_si512(t->sub[s].crumbs[h]), *w = out->w + 4 * h;
        w[0] = join(w[0], _mm512_slli_epi16(x, 4));
        w[1] = join(w[1], _mm512_slli_epi16(x, 2));
        w[2] = join(w[2], x);
        w[3] = join(w[3], _mm512_srli_epi16(x, 2));
    }
    __m512 d = avx512_halves(t->d);
    out->dw = _mm512_mul_ps(d, from_i8(t->sub[s].sc_lo));
    out->dw_hi = _mm512_mul_ps(d, from_i8(t->sub[s].sc_hi));
}

void linear_Q6_K_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = TWO_SCALES, .log2_z = 5};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
