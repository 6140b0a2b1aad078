/* poly.h - the constants of exp, tanh and their kin: once, for every tier. README.md gives the sequence of operations. */
#ifndef SLM_POLY_H
#define SLM_POLY_H

/* exp(x) = 2^n * exp(r), x = n * ln 2 + r, |r| <= ln 2 / 2.
 * The range: 2^n stays a normal number at the lower end (below it the result is 0), the result stays finite at the upper. */
#define EXP_MIN -87.33654f
#define EXP_MAX 88.72283f
#define EXP_LOG2E 1.44269502f
#define EXP_LN2_HI 0.693147182f
#define EXP_LN2_LO -1.90465421e-09f /* ln 2 = hi + lo to 48 bits; x - n * hi is exact in one fma */

/* exp(r) = 1 + r + r^2 (C2 + C3 r + C4 r^2 + C5 r^3 + C6 r^4): minimax in relative error (3.8e-9 with these rounded values). */
#define EXP_C2 0.49999994f
#define EXP_C3 0.166665211f
#define EXP_C4 0.041668389f
#define EXP_C5 0.00836871658f
#define EXP_C6 0.00138145988f

/* From here on tanh is 1 in float. */
#define TANH_MAX 10.0f

/* gelu(x) = x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3))) */
#define GELU_X1 1.59576912f
#define GELU_X3 0.0713548163f

/* The largest finite F16. */
#define HALF_MAX 65504.0f

#endif
