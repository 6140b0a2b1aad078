/* tiles.h - packed blocks: 16 rows of one GGUF block each (layouts drawn in README.md). */
#ifndef SLM_TILES_H
#define SLM_TILES_H

#include <assert.h>
#include <stdint.h>

/* Q4_0 and IQ4_NL; MXFP4 with scales in BF16. */
struct tile_q4_0 {
    uint16_t d[16];
    uint8_t nibbles[4][64];
};
static_assert(sizeof(struct tile_q4_0) == 288, "packed layout");

struct tile_q4_1 {
    uint16_t d[16], min[16]; /* the minimum with its sign turned: it is subtracted */
    uint8_t nibbles[4][64];
};
static_assert(sizeof(struct tile_q4_1) == 320, "packed layout");

struct tile_q5_0 {
    uint16_t d[16];
    uint8_t fives[5][64];
};
static_assert(sizeof(struct tile_q5_0) == 352, "packed layout");

struct tile_q5_1 {
    uint16_t d[16], min[16];
    uint8_t fives[5][64];
};
static_assert(sizeof(struct tile_q5_1) == 384, "packed layout");

struct tile_q8_0 {
    uint16_t d[16];
    int8_t values[8][64];
};
static_assert(sizeof(struct tile_q8_0) == 544, "packed layout");

struct tile_q2_k {
    uint16_t d[16], dmin[16];
    struct {
        uint8_t sc_m[16][2]; /* of k 0..15 and of k 16..31: low nibble sc, high nibble m */
        uint8_t crumbs[2][64];
    } sub[8];
};
static_assert(sizeof(struct tile_q2_k) == 1344, "packed layout");

struct tile_q3_k {
    uint16_t d[16];
    struct {
        int8_t sc[16][2]; /* of k 0..15 and of k 16..31; 32 is already taken away: -32 .. 31 */
        uint8_t sixes[3][64];
    } sub[8];
};
static_assert(sizeof(struct tile_q3_k) == 1824, "packed layout");

struct tile_q4_k {
    uint16_t d[16], dmin[16];
    struct {
        uint8_t sc[16], m[16];
        uint8_t nibbles[4][64];
    } sub[8];
};
static_assert(sizeof(struct tile_q4_k) == 2368, "packed layout");

struct tile_q5_k {
    uint16_t d[16], dmin[16];
    struct {
        uint8_t sc[16], m[16];
        uint8_t fives[5][64];
    } sub[8];
};
static_assert(sizeof(struct tile_q5_k) == 2880, "packed layout");

struct tile_q6_k {
    uint16_t d[16];
    struct {
        int8_t sc[16][2]; /* of k 0..15 and of k 16..31 */
        uint8_t sixes[2][3][64];
    } sub[8];
};
static_assert(sizeof(struct tile_q6_k) == 3360, "packed layout");

struct tile_iq4_xs {
    uint16_t d[16];
    int8_t sc[8][16]; /* 32 is already taken away; all scales in front, so that the vectors stay aligned */
    uint8_t nibbles[8][4][64];
};
static_assert(sizeof(struct tile_iq4_xs) == 2208, "packed layout");

/* TQ2_0, and TQ1_0 unfolded, so that one kernel serves both. */
struct tile_tq2_0 {
    uint16_t d[16];
    uint8_t crumbs[8][2][64];
};
static_assert(sizeof(struct tile_tq2_0) == 1056, "packed layout");

#endif
