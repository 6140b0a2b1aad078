/* blocks.h - the blocks of GGUF's quantized types, as they stand in files (little-endian).
 * Layouts: the public GGUF specification and the type descriptions of the GGUF project. */
#ifndef SLM_BLOCKS_H
#define SLM_BLOCKS_H

#include <assert.h>
#include <stdint.h>

/* A block may stand at any address: nothing in a file is bound to be aligned. */
#define PACKED __attribute__((packed))

/* 32 values d * (q - 8). qs[i]: low nibble value i, high nibble value i + 16. */
struct PACKED block_q4_0 {
    uint16_t d; /* F16 */
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q4_0) == 18, "GGUF layout");

/* 32 values d * q. */
struct PACKED block_q8_0 {
    uint16_t d; /* F16 */
    int8_t qs[32];
};
static_assert(sizeof(struct block_q8_0) == 34, "GGUF layout");

/* 256 values in 8 sub-blocks of 32: d * sc * q - dmin * m.
 * scales: 6-bit sc and m of sub-blocks 0..3 in the low 6 bits of bytes 0..3 and 4..7; those of 4..7 have their low 4 bits in
 * bytes 8..11 (sc low nibble, m high nibble) and their upper 2 bits on top of bytes 0..3 and 4..7.
 * qs: for each pair of sub-blocks (2i, 2i+1) 32 bytes, low nibbles sub-block 2i, high nibbles 2i+1. */
struct PACKED block_q4_k {
    uint16_t d, dmin; /* F16 */
    uint8_t scales[12];
    uint8_t qs[128];
};
static_assert(sizeof(struct block_q4_k) == 144, "GGUF layout");

/* 256 values in 16 sub-blocks of 16: d * sc * (q - 32). For each half of 128 values: 64 bytes ql, 32 bytes qh;
 * value l (0..31) of quarter 0: ql[l] low nibble,  qh[l] bits 0-1;   quarter 1: ql[l+32] low,  bits 2-3;
 * of quarter 2: ql[l] high nibble, bits 4-5;                         quarter 3: ql[l+32] high, bits 6-7. */
struct PACKED block_q6_k {
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    uint16_t d; /* F16 */
};
static_assert(sizeof(struct block_q6_k) == 210, "GGUF layout");

#endif
