/* tiles.h - packed blocks: 16 rows of one GGUF block each (layouts drawn in README.md). */
#ifndef SLM_TILES_H
#define SLM_TILES_H

#include <assert.h>
#include <stdint.h>

struct tile_q4_0 {
    uint16_t d[16];
    uint8_t nibbles[4][64];
};
static_assert(sizeof(struct tile_q4_0) == 288, "packed layout");

struct tile_q8_0 {
    uint16_t d[16];
    int8_t values[8][64];
};
static_assert(sizeof(struct tile_q8_0) == 544, "packed layout");

struct tile_q4_k {
    uint16_t d[16], dmin[16];
    struct {
        uint8_t sc[16], m[16];
        uint8_t nibbles[4][64];
    } sub[8];
};
static_assert(sizeof(struct tile_q4_k) == 2368, "packed layout");

struct tile_q6_k {
    uint16_t d[16];
    struct {
        int8_t sc_lo[16], sc_hi[16]; /* scales of k 0..15 and of k 16..31 */
        uint8_t nibbles[4][64];
        uint8_t crumbs[2][64];
    } sub[8];
};
static_assert(sizeof(struct tile_q6_k) == 3360, "packed layout");

#endif
