/* MXFP4: 32 values 2^(e - 128) * codebook[q]. */
#include "../blocks.h"
#include "../codebooks.h"
#include "../tiles.h"
#include "ref.h"

/* The scale as BF16 (bits 14-7 exponent with bias 127, 6-0 mantissa): 2^-128 and 2^-127 are subnormal. e = 255, not a number in
 * E8M0, is taken as 2^127. */
static inline uint16_t scale(uint8_t e)
{
    return (uint16_t)(e < 2 ? 0x20 << e : (e - 1) << 7);
}

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_mxfp4 *from = block;
    struct tile_q4_0 *t = tile;
    t->d[r] = scale(from->e);
    pack_nibbles(t->nibbles, r, from->qs);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    decode_nibbles(t->nibbles, row, 0, out->w);
    decode_codebook(mxfp4_codebook, out->w);
    out->scale = float_from_bits((uint32_t)t->d[row] << 16);
}

REF_KERNELS(MXFP4, pack_row, decode)
