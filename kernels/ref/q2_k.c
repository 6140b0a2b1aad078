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
    UNROLL
    for (int s = 0; s < 8; s++) {
        memcpy(t->sub[s].sc_m[r], from->scales + 2 * s, 2);
        uint32_t values[8];
        all_crumbs(from->qs, s, values);
        pack_crumbs(t->sub[s].crumbs, r, values);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q2_k *t = (const struct tile_q2_k *)tile + b / 8;
    size_t s = b % 8;
    decode_crumbs(t->sub[s].crumbs, row, 0, out->w);
    out->scale = half_to_float(t->d[row]);
    out->min = half_to_float(t->dmin[row]);
    for (int h = 0; h < 2; h++) {
        out->sc[h] = t->sub[s].sc_m[row][h] & 15;
        out->m[h] = t->sub[s].sc_m[row][h] >> 4;
    }
}

REF_KERNELS(Q2_K, pack_row, decode)
