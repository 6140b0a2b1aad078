/* Q4_1: 32 values d * q + m. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q4_1 *from = block;
    struct tile_q4_1 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    t->min[r] = from->m ^ 0x8000; /* -m */
    pack_nibbles(t->nibbles, r, from->qs);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q4_1 *t = (const struct tile_q4_1 *)tile + b;
    decode_nibbles(t->nibbles, row, 0, out->w);
    out->scale = half_to_float(t->d[row]);
    out->min = half_to_float(t->min[row]);
}

REF_KERNELS(Q4_1, pack_row, decode)
