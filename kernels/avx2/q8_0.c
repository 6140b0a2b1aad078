/* Q8_0. The products of 8-bit weights fill the 16 bits of vpmaddubsw (|w| * q with the sign of w: 128 * 127 * 2 < 32768), so each
 * vector is widened on its own, and what limits is the number of operations on vectors. */
#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE __m256i load(const struct tile_q8_0 *t, int g, int half)
{
    return _mm256_loadu_si256((const void *)(t->values[g] + 32 * half));
}

ALWAYS_INLINE __m256 multiply_add(const struct act_block *a, __m256 dw, __m256i isum, __m256 acc)
{
    return _mm256_fmadd_ps(_mm256_broadcast_ss(&a->d), _mm256_mul_ps(dw, _mm256_cvtepi32_ps(isum)), acc);
}

ALWAYS_INLINE void few_columns(const struct tile_q8_0 *t, size_t k, const struct act_block *x, size_t x_stride, int n, float *y,
                               size_t y_stride)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 acc[2][3];
    UNROLL
    for (int c = 0; c < n; c++)
        acc[0][c] = acc[1][c] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, t++, x += x_stride) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            __m256i isum[3];
            UNROLL
            for (int g = 0; g < 8; g++) {
                __m256i w = load(t, g, half), magnitude = _mm256_abs_epi8(w);
                UNROLL
                for (int c = 0; c < n; c++) {
                    __m256i q = _mm256_sign_epi8(avx2_broadcast(x[c].q + 4 * g), w);
                    __m256i products = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, q), ones);
                    isum[c] = g ? _mm256_add_epi32(isum[c], products) : products;
                    KEEP(isum[c]);
                }
            }
            UNROLL
            for (int c = 0; c < n; c++)
                acc[half][c] = multiply_add(&x[c], avx2_halves(t->d + 8 * half), isum[c], acc[half][c]);
            RELOAD();
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        _mm256_storeu_ps(y + (size_t)c * y_stride, acc[0][c]);
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8, acc[1][c]);
    }
}

/* What a half tile of a block is turned into, in memory, to serve many columns. */
struct signed_block {
    __m256i magnitude[8];
    __m256i sign[8];
};

/* q with the sign of w. vpsignb shares its two ports with the multiplications, exclusive or and subtraction may use all four: three
 * vectors of eight by the one and five by the other keep all ports busy (Zen 4: 4 % over vpsignb alone). */
ALWAYS_INLINE bool by_vpsignb(int g)
{
    return g % 3 == 0;
}

ALWAYS_INLINE void split(const struct tile_q8_0 *t, int half, struct signed_block *out)
{
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m256i w = load(t, g, half);
        out->magnitude[g] = _mm256_abs_epi8(w);
        out->sign[g] = by_vpsignb(g) ? w : _mm256_cmpgt_epi8(_mm256_setzero_si256(), w); /* 0 or -1 */
    }
}

/* n columns meet each vector of weights while it is in registers. */
ALWAYS_INLINE void block_columns(const struct signed_block *w, __m256 dw, const struct act_block *x, int n, __m256 *acc)
{
    __m256i isum[8];
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m256i magnitude = w->magnitude[g], sign = w->sign[g];
        UNROLL
        for (int c = 0; c < n; c++) {
            __m256i q = avx2_broadcast(x[c].q + 4 * g);
            q = by_vpsignb(g) ? _mm256_sign_epi8(q, sign) : _mm256_sub_epi8(_mm256_xor_si256(q, sign), sign);
            __m256i products = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, q), _mm256_set1_epi16(1));
            isum[c] = g ? _mm256_add_epi32(isum[c], products) : products;
            KEEP(isum[c]);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++)
        acc[c] = multiply_add(&x[c], dw, isum[c], acc[c]);
}

static void many_columns(const struct tile_q8_0 *t, size_t k, int half, const struct act_block *x, size_t x_stride, int n, float *y,
                         size_t y_stride)
{
    __m256 acc[MAX_COLS];
    for (int c = 0; c < n; c++)
        acc[c] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, t++, x += x_stride) {
        struct signed_block w;
        split(t, half, &w);
        __asm__ volatile("" : : "r"(&w) : "memory"); /* or else the compiler copies it once more */
        __m256 dw = avx2_halves(t->d + 8 * half);
        int c = 0;
        for (; c + 8 <= n; c += 8)
            block_columns(&w, dw, x + c, 8, acc + c);
        for (; c < n; c++)
            block_columns(&w, dw, x + c, 1, acc + c);
    }
    for (int c = 0; c < n; c++)
        _mm256_storeu_ps(y + (size_t)c * y_stride + 8 * half, acc[c]);
}

void linear_Q8_0_avx2(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    switch (cols) {
    case 1:
        few_columns(tile, k, x, x_stride, 1, y, y_stride);
        break;
    case 2:
        few_columns(tile, k, x, x_stride, 2, y, y_stride);
        break;
    case 3:
        few_columns(tile, k, x, x_stride, 3, y, y_stride);
        break;
    default:
        for (int half = 0; half < 2; half++)
            many_columns(tile, k, half, x, x_stride, cols, y, y_stride);
    }
}
