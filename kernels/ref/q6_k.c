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
    UNROLL
    for (int s = 0; s < 8; s++) {
        int half = s / 4, q = s % 4;
        const uint8_t *ql = from->ql + 64 * half + 32 * (q % 2);
        uint32_t v[8]; /* q of k 4 g .. 4 g + 3 */
        for (int g = 0; g < 8; g++)
            v[g] = (load_u32(ql + 4 * g) >> q / 2 * 4 & 0x0f0f0f0f) | crumbs(from->qh, s, g) << 4;
        pack_sixes(t->sub[s].sixes[0], r, v);
        pack_sixes(t->sub[s].sixes[1], r, v + 4);
        memcpy(t->sub[s].sc[r], from->scales + 2 * s, 2);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q6_k *t = (const struct tile_q6_k *)tile + b / 8;
    size_t s = b % 8;
    for (int i = 0; i < 8; i++) {
        int values[4];
        decode_sixes(t->sub[s].sixes[i / 4], row, i % 4, values);
        for (int j = 0; j < 4; j++)
            out->w[i / 4 * 16 + 4 * j + i % 4] = (int8_t)(values[j] - 32);
    }
    out->scale = half_to_float(t->d[row]);
    out->sc[0] = t->sub[s].sc[row][0];
    out->sc[1] = t->sub[s].sc[row][1];
}

REF_KERNELS(Q6_K, pack_row, decode)
