#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    size_t s = b % 8;
    avx512_nibbles(t->sub[s].nibbles, out->w);
    const __m512i upper = _mm512_set1_epi8(0x30);
    /* Bits 2j+1..2j of a byte are the upper bits of vector j (k 0..15) or 4 + j (k 16..31). */
    UNROLL
    for (int h = 0; h < 2; h++) {
        __m512i x = _mm512_loadu_si512(t->sub[s].crumbs[h]), *w = out->w + 4 * h;
        w[0] = avx512_join(w[0], _mm512_slli_epi16(x, 4), upper);
        w[1] = avx512_join(w[1], _mm512_slli_epi16(x, 2), upper);
        w[2] = avx512_join(w[2], x, upper);
        w[3] = avx512_join(w[3], _mm512_srli_epi16(x, 2), upper);
    }
    __m512 d = avx512_halves(t->d);
    out->dw = _mm512_mul_ps(d, avx512_i8(t->sub[s].sc_lo));
    out->dw_hi = _mm512_mul_ps(d, avx512_i8(t->sub[s].sc_hi));
}

void linear_Q6_K_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_Q6_K, .log2_z = 5};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
