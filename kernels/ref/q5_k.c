/* Q5_K: 8 sub-blocks of 32 values d * sc * q - dmin * m. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q5_k *from = block;
    struct tile_q5_k *t = tile;
    uint8_t sc[8], m[8];
    memcpy(&t->d[r], &from->d, 2);
    memcpy(&t->dmin[r], &from->dmin, 2);
    unpack_scales(from->scales, sc, m);
    for (int s = 0; s < 8; s++) {
        t->sub[s].sc[r] = sc[s];
        t->sub[s].m[r] = m[s];
        pack_half_nibbles(t->sub[s].nibbles, r, from->qs + 32 * (s / 2), s % 2 * 4);
        store_row(t->sub[s].bits, r, gather_bits(from->qh, s));
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q5_k *t = (const struct tile_q5_k *)tile + b / 8;
    decode_nibbles(t->sub[b % 8].nibbles, row, 0, out->w);
    decode_bits(t->sub[b % 8].bits, row, 4, out->w);
    out->scale = half_to_float(t->d[row]) * (float)t->sub[b % 8].sc[row];
    out->min = half_to_float(t->dmin[row]) * (float)t->sub[b % 8].m[row];
}

REF_KERNELS(Q5_K, pack_row, decode)
