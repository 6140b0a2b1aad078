/* IQ4_NL: 32 values d * codebook[q]. */
#include "../blocks.h"
#include "../codebooks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_iq4_nl *from = block;
    struct tile_q4_0 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    pack_nibbles(t->nibbles, r, from->qs);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    decode_nibbles(t->nibbles, row, 0, out->w);
    decode_codebook(iq4_codebook, out->w);
    out->scale = half_to_float(t->d[row]);
}

REF_KERNELS(IQ4_NL, pack_row, decode)
