#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

/* Puts bit g of each byte into bit 2 of vector g. */
ALWAYS_INLINE void bits2(const uint8_t bits[64], __m512i w[8])
{
    const __m512i bit = _mm512_set1_epi8(1 << 2);
    __m512i x = _mm512_loadu_si512(bits);
    w[0] = avx512_join(w[0], _mm512_slli_epi16(x, 2), bit);
    w[1] = avx512_join(w[1], _mm512_slli_epi16(x, 1), bit);
    w[2] = avx512_join(w[2], x, bit);
    w[3] = avx512_join(w[3], _mm512_srli_epi16(x, 1), bit);
    w[4] = avx512_join(w[4], _mm512_srli_epi16(x, 2), bit);
    w[5] = avx512_join(w[5], _mm512_srli_epi16(x, 3), bit);
    w[6] = avx512_join(w[6], _mm512_srli_epi16(x, 4), bit);
    w[7] = avx512_join(w[7], _mm512_srli_epi16(x, 5), bit);
}

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q3_k *t = (const struct tile_q3_k *)tile + b / 8;
    avx512_crumbs(t->sub[b % 8].crumbs, out->w);
    bits2(t->sub[b % 8].bits, out->w);
    __m512 d = avx512_halves(t->d);
    out->dw = _mm512_mul_ps(d, avx512_i8(t->sub[b % 8].sc_lo));
    out->dw_hi = _mm512_mul_ps(d, avx512_i8(t->sub[b % 8].sc_hi));
}

void linear_Q3_K_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_Q3_K, .log2_z = 2};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
