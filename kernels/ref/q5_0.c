/* Q5_0: 32 values d * (q - 16). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q5_0 *from = block;
    struct tile_q5_0 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    pack_nibbles_and_bits(t->fives, r, from->qs, from->qh);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q5_0 *t = (const struct tile_q5_0 *)tile + b;
    decode_fives(t->fives, row, 16, out->w);
    out->scale = half_to_float(t->d[row]);
}

REF_KERNELS(Q5_0, pack_row, decode)
