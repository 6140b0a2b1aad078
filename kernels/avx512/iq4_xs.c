#include "../codebooks.h"
#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_iq4_xs *t = (const struct tile_iq4_xs *)tile + b / 8;
    avx512_nibbles(t->nibbles[b % 8], out->w);
    avx512_codebook(iq4_codebook, 128, out->w);
    out->dw = _mm512_mul_ps(avx512_halves(t->d), avx512_i8(t->sc[b % 8]));
}

void linear_IQ4_XS_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_IQ4_XS, .log2_z = 7, .bytes = sizeof(struct tile_iq4_xs) / 8};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
