/* Q4_0: 32 values d * (q - 8). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

/* The file keeps value i and value i + 16 in one byte, as the tile does: four words of a row go to their place unchanged. */
static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q4_0 *from = block;
    struct tile_q4_0 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    pack_nibbles(t->nibbles, r, from->qs);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q4_0 *t = (const struct tile_q4_0 *)tile + b;
    decode_nibbles(t->nibbles, row, 8, out->w);
    out->scale = half_to_float(t->d[row]);
}

REF_KERNELS(Q4_0, pack_row, decode)
