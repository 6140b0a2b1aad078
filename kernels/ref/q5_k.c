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
    UNROLL
    for (int s = 0; s < 8; s++) {
        t->sub[s].sc[r] = sc[s];
        t->sub[s].m[r] = m[s];
        uint32_t values[8];
        for (int g = 0; g < 8; g++) {
            const uint32_t nibbles = load_u32(from->qs + 32 * (s / 2) + 4 * g) >> s % 2 * 4 & 0x0f0f0f0f;
            values[g] = nibbles | (load_u32(from->qh + 4 * g) >> s & 0x01010101) << 4;
        }
        pack_fives(t->sub[s].fives, r, values);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q5_k *t = (const struct tile_q5_k *)tile + b / 8;
    decode_fives(t->sub[b % 8].fives, row, 0, out->w);
    out->scale = half_to_float(t->d[row]) * (float)t->sub[b % 8].sc[row];
    out->min = half_to_float(t->dmin[row]) * (float)t->sub[b % 8].m[row];
}

REF_KERNELS(Q5_K, pack_row, decode)
