#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"
#include "neon.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    neon_nibbles(t->nibbles, half, out->w);
    neon_codebook(iq4_codebook, out->w);
    neon_halves(t->d + 8 * half, out->dw);
}

void linear_IQ4_NL_neon(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    neon_linear(FAMILY_OF_IQ4_NL, unpack, tile, k, x, x_stride, cols, y, y_stride);
}
