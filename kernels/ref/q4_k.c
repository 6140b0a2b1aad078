/* Q4_K: 8 sub-blocks of 32 values d * sc * q - dmin * m. */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

/* Two sub-blocks share 32 bytes, the even one in the low nibbles. */
static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q4_k *from = block;
    struct tile_q4_k *t = tile;
    uint8_t sc[8], m[8];
    memcpy(&t->d[r], &from->d, 2);
    memcpy(&t->dmin[r], &from->dmin, 2);
    unpack_scales(from->scales, sc, m);
    UNROLL
    for (int s = 0; s < 8; s++) {
        t->sub[s].sc[r] = sc[s];
        t->sub[s].m[r] = m[s];
        pack_half_nibbles(t->sub[s].nibbles, r, from->qs + 32 * (s / 2), s % 2 * 4);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q4_k *t = (const struct tile_q4_k *)tile + b / 8;
    decode_nibbles(t->sub[b % 8].nibbles, row, 0, out->w);
    out->scale = half_to_float(t->d[row]) * (float)t->sub[b % 8].sc[row];
    out->min = half_to_float(t->dmin[row]) * (float)t->sub[b % 8].m[row];
}

REF_KERNELS(Q4_K, pack_row, decode)
