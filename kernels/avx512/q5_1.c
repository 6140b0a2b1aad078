#include "../tiles.h"
#include "avx512.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, struct avx512_block *out)
{
    const struct tile_q5_1 *t = (const struct tile_q5_1 *)tile + b;
    avx512_nibbles(t->nibbles, out->w);
    avx512_bits4(t->bits, out->w);
    out->dw = avx512_halves(t->d);
    out->dm = avx512_halves(t->min);
}

void linear_Q5_1_avx512(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct avx512_type type = {.family = FAMILY_OF_Q5_1, .log2_z = -1, .bytes = sizeof(struct tile_q5_1)};
    avx512_linear(type, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
