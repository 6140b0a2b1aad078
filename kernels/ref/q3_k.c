/* Q3_K: 16 sub-blocks of 16 values d * (sc - 32) * (q - 4). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

/* The 16 scales: their low 4 bits, then their upper 2, as blocks.h says; less 32 without a carry into the next byte. */
static inline void unpack_scales16(const uint8_t scales[12], int8_t sc[16])
{
    for (int i = 0; i < 4; i++) {
        const uint32_t low = load_u32(scales + i % 2 * 4) >> i / 2 * 4 & 0x0f0f0f0f, upper = load_u32(scales + 8) >> 2 * i & 0x03030303;
        const uint32_t four = ((low | upper << 4) + 0x60606060) ^ 0x80808080;
        memcpy(sc + 4 * i, &four, sizeof four);
    }
}

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q3_k *from = block;
    struct tile_q3_k *t = tile;
    int8_t sc[16];
    memcpy(&t->d[r], &from->d, 2);
    unpack_scales16(from->scales, sc);
    UNROLL
    for (int s = 0; s < 8; s++) {
        uint32_t v[8]; /* q of k 4 g .. 4 g + 3 */
        for (int g = 0; g < 8; g++)
            v[g] = crumbs(from->qs, s, g) | (load_u32(from->hmask + 4 * g) >> s & 0x01010101) << 2;
        const uint32_t sixes[4] = {v[0] | v[4] << 3, v[1] | v[5] << 3, v[2] | v[6] << 3, v[3] | v[7] << 3};
        pack_sixes(t->sub[s].sixes, r, sixes);
        memcpy(t->sub[s].sc[r], sc + 2 * s, 2);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q3_k *t = (const struct tile_q3_k *)tile + b / 8;
    size_t s = b % 8;
    for (int i = 0; i < 4; i++) {
        int values[4];
        decode_sixes(t->sub[s].sixes, row, i, values);
        for (int j = 0; j < 4; j++) {
            out->w[4 * j + i] = (int8_t)((values[j] & 7) - 4);
            out->w[16 + 4 * j + i] = (int8_t)((values[j] >> 3) - 4);
        }
    }
    out->scale = half_to_float(t->d[row]);
    out->sc[0] = t->sub[s].sc[row][0];
    out->sc[1] = t->sub[s].sc[row][1];
}

REF_KERNELS(Q3_K, pack_row, decode)
