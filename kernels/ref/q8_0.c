/* Q8_0: 32 values d * q. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q8_0 *from = block;
    struct tile_q8_0 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    for (int v = 0; v < 8; v++)
        memcpy(t->values[v] + 4 * r, from->qs + 4 * v, 4);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q8_0 *t = (const struct tile_q8_0 *)tile + b;
    for (int v = 0; v < 8; v++)
        memcpy(out->w + 4 * v, t->values[v] + 4 * row, 4);
    out->scale = half_to_float(t->d[row]);
}

REF_KERNELS(Q8_0, pack_row, decode)
