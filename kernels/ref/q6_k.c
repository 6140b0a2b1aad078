/* Q6_K: 16 sub-blocks of 16 values d * sc * (q - 32). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

/* Each half of 128 values is four quarters of 32: the tile's sub-blocks. Quarter q takes its low 4 bits from ql bytes
 * 32 (q % 2) .. + 31, low nibbles for q < 2, else high; its upper 2 bits are bits 2q+1..2q of the 32 bytes of qh. */
static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q6_k *from = block;
    struct tile_q6_k *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    for (int s = 0; s < 8; s++) {
        int half = s / 4, q = s % 4;
        t->sub[s].sc_lo[r] = from->scales[2 * s];
        t->sub[s].sc_hi[r] = from->scales[2 * s + 1];
        pack_half_nibbles(t->sub[s].nibbles, r, from->ql + 64 * half + 32 * (q % 2), q / 2 * 4);
        pack_crumbs(t->sub[s].crumbs, r, from->qh, s);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    size_t s = b % 8;
    decode_nibbles(t->sub[s].nibbles, row, 32, out->w);
    decode_crumbs(t->sub[s].crumbs, row, 4, out->w);
    float d = half_to_float(t->d[row]);
    out->scale = d * (float)t->sub[s].sc_lo[row];
    out->scale_hi = d * (float)t->sub[s].sc_hi[row];
}

REF_KERNELS(Q6_K, pack_row, decode)
