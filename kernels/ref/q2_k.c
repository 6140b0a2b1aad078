/* Q2_K: 16 sub-blocks of 16 values d * sc * q - dmin * m. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q2_k *from = block;
    struct tile_q2_k *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    memcpy(&t->dmin[r], &from->dmin, 2);
    for (int s = 0; s < 8; s++) {
        t->sub[s].lo[r] = from->scales[2 * s];
        t->sub[s].hi[r] = from->scales[2 * s + 1];
        pack_crumbs(t->sub[s].crumbs, r, from->qs, s);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q2_k *t = (const struct tile_q2_k *)tile + b / 8;
    size_t s = b % 8;
    memset(out->w, 0, sizeof out->w);
    decode_crumbs(t->sub[s].crumbs, row, 0, out->w);
    float d = half_to_float(t->d[row]), dmin = half_to_float(t->dmin[row]);
    out->scale = d * (float)(t->sub[s].lo[row] & 15);
    out->scale_hi = d * (float)(t->sub[s].hi[row] & 15);
    out->min = dmin * (float)(t->sub[s].lo[row] >> 4);
    out->min_hi = dmin * (float)(t->sub[s].hi[row] >> 4);
}

REF_KERNELS(Q2_K, pack_row, decode)
