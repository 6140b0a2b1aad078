/* TQ2_0 and TQ1_0: 256 values d * (q - 1). */
#include "../blocks.h"
#include "../tiles.h"
#include "ref.h"

static inline void pack_row(const void *block, int r, void *tile)
{
    const struct block_tq2_0 *from = block;
    struct tile_tq2_0 *t = tile;
    memcpy(&t->d[r], &from->d, 2);
    UNROLL
    for (int s = 0; s < 8; s++) {
        uint32_t values[8];
        all_crumbs(from->qs, s, values);
        pack_crumbs(t->crumbs[s], r, values);
    }
}

/* Digit n of each of `count` bytes, most significant first. */
static inline uint8_t *take_digits(const uint8_t *bytes, int count, int n, uint8_t *out)
{
    static const uint8_t powers[5] = {1, 3, 9, 27, 81};
    for (int l = 0; l < count; l++)
        *out++ = (uint8_t)((uint8_t)(bytes[l] * powers[n]) * 3 >> 8);
    return out;
}

/* Unfolds the digits of TQ1_0 into crumbs. */
static inline void pack_digits(const void *block, int r, void *tile)
{
    const struct block_tq1_0 *from = block;
    struct tile_tq2_0 *t = tile;
    uint32_t values[64];
    uint8_t *end = (uint8_t *)values;
    for (int n = 0; n < 5; n++)
        end = take_digits(from->qs, 32, n, end);
    for (int n = 0; n < 5; n++)
        end = take_digits(from->qs + 32, 16, n, end);
    for (int n = 0; n < 4; n++)
        end = take_digits(from->qh, 4, n, end);
    memcpy(&t->d[r], &from->d, 2);
    UNROLL
    for (int s = 0; s < 8; s++)
        pack_crumbs(t->crumbs[s], r, values + 8 * s);
}

static inline void decode(const void *tile, size_t b, int row, struct ref_row *out)
{
    const struct tile_tq2_0 *t = (const struct tile_tq2_0 *)tile + b / 8;
    decode_crumbs(t->crumbs[b % 8], row, 1, out->w);
    out->scale = half_to_float(t->d[row]);
}

REF_KERNELS(TQ2_0, pack_row, decode)
REF_KERNELS(TQ1_0, pack_digits, decode)
