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

/* 32 values d * q + m; qs as in Q4_0. */
struct PACKED block_q4_1 {
    uint16_t d, m; /* F16 */
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q4_1) == 20, "GGUF layout");

/* 32 values d * (q - 16). The low 4 bits of q are in qs as in Q4_0, bit 4 of value i is bit i of qh. */
struct PACKED block_q5_0 {
    uint16_t d; /* F16 */
    uint32_t qh;
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q5_0) == 22, "GGUF layout");

/* 32 values d * q + m; qh and qs as in Q5_0. */
struct PACKED block_q5_1 {
    uint16_t d, m; /* F16 */
    uint32_t qh;
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q5_1) == 24, "GGUF layout");

/* 32 values d * q. */
struct PACKED block_q8_0 {
    uint16_t d; /* F16 */
    int8_t qs[32];
};
static_assert(sizeof(struct block_q8_0) == 34, "GGUF layout");

/* The 2-bit numbers ("quarters") of 256 values: for each half of 128 values 32 bytes; value l (0..31) of quarter i (0..3) of the half
 * is bits 2i+1..2i of byte l. Q2_K, Q3_K and TQ2_0 keep theirs so. */

/* 256 values in 16 sub-blocks of 16: d * sc * q - dmin * m. scales: low nibble sc, high nibble m. qs: quarters. */
struct PACKED block_q2_k {
    uint8_t scales[16];
    uint8_t qs[64];
    uint16_t d, dmin; /* F16 */
};
static_assert(sizeof(struct block_q2_k) == 84, "GGUF layout");

/* 256 values in 16 sub-blocks of 16: d * (sc - 32) * (q - 4).
 * q: the low 2 bits are in qs, quarters; bit 2 of value l (0..31) of the n-th 32 values is bit n of hmask[l].
 * scales: 6-bit; sc 0..7 have their low 4 bits in the low nibbles of bytes 0..7, sc 8..15 in the high nibbles; the upper 2 bits of
 * sc 4i + j (j = 0..3) are bits 2i+1..2i of byte 8 + j. */
struct PACKED block_q3_k {
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12];
    uint16_t d; /* F16 */
};
static_assert(sizeof(struct block_q3_k) == 110, "GGUF layout");

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

/* 256 values as in Q4_K, with 5 bits: bit 4 of value l of sub-block j is bit j of qh[l]. */
struct PACKED block_q5_k {
    uint16_t d, dmin; /* F16 */
    uint8_t scales[12];
    uint8_t qh[32];
    uint8_t qs[128];
};
static_assert(sizeof(struct block_q5_k) == 176, "GGUF layout");

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

/* 32 values d * codebook[q] (codebooks.h); qs as in Q4_0. */
struct PACKED block_iq4_nl {
    uint16_t d; /* F16 */
    uint8_t qs[16];
};
static_assert(sizeof(struct block_iq4_nl) == 18, "GGUF layout");

/* 256 values in 8 sub-blocks of 32: d * (sc - 32) * codebook[q]. The low 4 bits of sc of sub-blocks 2i and 2i + 1 are the low and
 * the high nibble of scales_l[i]; its upper 2 bits are bits 2j+1..2j of scales_h. qs: 16 bytes per sub-block, as in Q4_0. */
struct PACKED block_iq4_xs {
    uint16_t d; /* F16 */
    uint16_t scales_h;
    uint8_t scales_l[4];
    uint8_t qs[128];
};
static_assert(sizeof(struct block_iq4_xs) == 136, "GGUF layout");

/* 32 values 2^(e - 128) * codebook[q]; qs as in Q4_0. (The codebook holds the E2M1 values doubled.) */
struct PACKED block_mxfp4 {
    uint8_t e; /* E8M0 */
    uint8_t qs[16];
};
static_assert(sizeof(struct block_mxfp4) == 17, "GGUF layout");

/* 256 values d * (q - 1), q = 0..2. A byte x holds 4 or 5 of them as a fraction of 256 in base 3, the first digit first:
 * digit n = the integer part of 3 * (x * 3^n mod 256) / 256. Values 0..159: digit n of qs[l] is value 32 n + l (l = 0..31);
 * 160..239: digit n of qs[32 + l] is value 160 + 16 n + l (l = 0..15); 240..255: digit n of qh[l] is value 240 + 4 n + l. */
struct PACKED block_tq1_0 {
    uint8_t qs[48];
    uint8_t qh[4];
    uint16_t d; /* F16 */
};
static_assert(sizeof(struct block_tq1_0) == 54, "GGUF layout");

/* 256 values d * (q - 1). qs: quarters. */
struct PACKED block_tq2_0 {
    uint8_t qs[64];
    uint16_t d; /* F16 */
};
static_assert(sizeof(struct block_tq2_0) == 66, "GGUF layout");

#endif
