/* Q5_1: 32 values d * q + m. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q5_1 *from = block;
    struct tile_q5_1 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    t->min[r] = from->m ^ 0x8000; /* -m */
    pack_nibbles_and_bits(t->fives, r, from->qs, from->qh);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q5_1 *t = (const struct tile_q5_1 *)tile + b;
    decode_fives(t->fives, row, 0, out->w);
    out->scale = half_to_float(t->d[row]);
    out->min = half_to_float(t->min[row]);
}

REF_KERNELS(Q5_1, pack_row, decode)
