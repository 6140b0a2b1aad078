/* Q3_K: 16 sub-blocks of 16 values d * (sc - 32) * (q - 4). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

/* Scale n of 16: its low 4 bits, then its upper 2, as blocks.h says. */
static inline int8_t scale(const uint8_t scales[12], int n)
{
    int low = scales[n % 8] >> n / 8 * 4 & 15, upper = scales[8 + n % 4] >> n / 4 * 2 & 3;
    return (int8_t)((low | upper << 4) - 32);
}

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_q3_k *from = block;
    struct tile_q3_k *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    for (int s = 0; s < 8; s++) {
        t->sub[s].sc_lo[r] = scale(from->scales, 2 * s);
        t->sub[s].sc_hi[r] = scale(from->scales, 2 * s + 1);
        pack_crumbs(t->sub[s].crumbs, r, from->qs, s);
        store_row(t->sub[s].bits, r, gather_bits(from->hmask, s));
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_q3_k *t = (const struct tile_q3_k *)tile + b / 8;
    size_t s = b % 8;
    memset(out->w, -4, sizeof out->w);
    decode_crumbs(t->sub[s].crumbs, row, 0, out->w);
    decode_bits(t->sub[s].bits, row, 2, out->w);
    float d = half_to_float(t->d[row]);
    out->scale = d * (float)t->sub[s].sc_lo[row];
    out->scale_hi = d * (float)t->sub[s].sc_hi[row];
}

REF_KERNELS(Q3_K, pack_row, decode)
