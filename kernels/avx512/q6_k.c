#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    avx512_sixes(t->sub[b % 8].sixes[0], out->w);
    avx512_sixes(t->sub[b % 8].sixes[1], out->w + 4);
    UNROLL
    for (int g = 0; g < 8; g++)
        out->w[g] = _mm512_and_si512(out->w[g], _mm512_set1_epi8(63));
    avx512_two_scales(_mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)t->sub[b % 8].sc)), out->sc);
    out->dw = avx512_halves(t->d);
}

void linear_Q6_K_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_Q6_K, .log2_z = 5, .bytes = sizeof(struct tile_q6_k) / 8};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
