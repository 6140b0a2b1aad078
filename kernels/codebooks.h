/* codebooks.h - the values that the 4-bit numbers of non-linear types stand for (the public GGUF type descriptions). */
#ifndef SLM_CODEBOOKS_H
#define SLM_CODEBOOKS_H

#include <stdint.h>

/* IQ4_NL, IQ4_XS. */
static const int8_t iq4_codebook[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* MXFP4: E2M1 doubled. */
static const int8_t mxfp4_codebook[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

#endif
