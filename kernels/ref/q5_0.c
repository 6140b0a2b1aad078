/* Q5_0: 32 values d * (q - 16). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q5_0 *from = block;
    struct tile_q5_0 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    pack_nibbles(t->nibbles, r, from->qs);
    store_row(t->bits, r, spread_bits(from->qh));
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q5_0 *t = (const struct tile_q5_0 *)tile + b;
    decode_nibbles(t->nibbles, row, 16, out->w);
    decode_bits(t->bits, row, 4, out->w);
    out->scale = half_to_float(t->d[row]);
}

REF_KERNELS(Q5_0, pack_row, decode)
