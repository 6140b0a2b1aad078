#include "../codebooks.h"
#include "../tiles.h"
#include "linear.h"

ALWAYS_INLINE void unpack(const void *tile, size_t b, int half, struct neon_block *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    neon_nibbles(t->nibbles, half, out->w);
    neon_codebook(mxfp4_codebook, out->w);
    /* BF16 */
    out->dw[0] = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(t->d + 8 * half), 16));
    out->dw[1] = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(t->d + 8 * half + 4), 16));
}

NEON_LINEAR(MXFP4)
