/* IQ4_XS: 8 sub-blocks of 32 values d * (sc - 32) * codebook[q]. */
#include "../blocks.h"
#include "../codebooks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_iq4_xs *from = block;
    struct tile_iq4_xs *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    for (int s = 0; s < 8; s++) {
        int low = from->scales_l[s / 2] >> s % 2 * 4 & 15, upper = from->scales_h >> 2 * s & 3;
        t->sc[s][r] = (int8_t)((low | upper << 4) - 32);
        pack_nibbles(t->nibbles[s], r, from->qs + 16 * s);
    }
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_iq4_xs *t = (const struct tile_iq4_xs *)tile + b / 8;
    decode_nibbles(t->nibbles[b % 8], row, 0, out->w);
    decode_codebook(iq4_codebook, out->w);
    out->scale = half_to_float(t->d[row]) * (float)t->sc[b % 8][row];
}

REF_KERNELS(IQ4_XS, pack_row, decode)
