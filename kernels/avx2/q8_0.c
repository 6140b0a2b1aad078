/* Q8_0: 8-bit weights fill the 16 bits of vpmaddubsw with two products, and the weights are the signed operand's kind, so:
 * |w| times q with the sign of w, widened after each vector (128 * 127 * 2 < 32768). The order of the loops differs from the
 * other types': a vector of weights meets all columns before the next one is read, the integer sums staying in registers. */
#include "../tiles.h"
#include "avx2.h"
#include "linear.h"

ALWAYS_INLINE void columns(const struct tile_q8_0 *t, size_t k, int first_half, int halves, const struct act_block *x,
                           size_t x_stride, int n, float *y, size_t y_stride)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 acc[2 * 6];
    UNROLL
    for (int i = 0; i < halves * n; i++)
        acc[i] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, t++, x += x_stride) {
        UNROLL
        for (int h = 0; h < halves; h++) {
            __m256i isum[6];
            UNROLL
            for (int g = 0; g < 8; g++) {
                __m256i w = _mm256_loadu_si256((const void *)(t->values[g] + 32 * (first_half + h))), abs = _mm256_abs_epi8(w);
                UNROLL
                for (int c = 0; c < n; c++) {
                    __m256i q = _mm256_sign_epi8(avx2_broadcast(x[c].q + 4 * g), w);
                    __m256i products = _mm256_madd_epi16(_mm256_maddubs_epi16(abs, q), ones);
                    isum[c] = g ? _mm256_add_epi32(isum[c], products) : products;
                }
            }
            __m256 dw = avx2_halves(t->d + 8 * (first_half + h));
            UNROLL
            for (int c = 0; c < n; c++)
                acc[h * n + c] = _mm256_fmadd_ps(_mm256_broadcast_ss(&x[c].d), _mm256_mul_ps(dw, _mm256_cvtepi32_ps(isum[c])),
                                                 acc[h * n + c]);
        }
    }
    UNROLL
    for (int h = 0; h < halves; h++) {
        UNROLL
        for (int c = 0; c < n; c++)
            _mm256_storeu_ps(y + (size_t)c * y_stride + 8 * (first_half + h), acc[h * n + c]);
    }
}

void linear_Q8_0_avx2(const void *tile, size_t k, const void *x, size_t x_stride, int cols, float *y, size_t y_stride)
{
    const struct act_block *a = x;
    while (cols > 0) {
        int n = cols < AVX2_WIDTH ? cols : AVX2_WIDTH;
        switch (n) {
        case 1:
            columns(tile, k, 0, 2, a, x_stride, 1, y, y_stride);
            break;
        case 2:
            columns(tile, k, 0, 2, a, x_stride, 2, y, y_stride);
            break;
        case 3:
            columns(tile, k, 0, 2, a, x_stride, 3, y, y_stride);
            break;
        default:
            for (int half = 0; half < 2; half++)
                columns(tile, k, half, 1, a, x_stride, AVX2_WIDTH, y, y_stride);
        }
        a += n;
        cols -= n;
        y += (size_t)n * y_stride;
    }
}
