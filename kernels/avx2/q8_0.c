/* Q8_0. Two products of 8-bit weights fill the 16 bits of vpmaddubsw, so sums could not be added up before vpmaddwd, and the signs
 * would have to move to the activations, once for each pair of vectors. For many columns it is quicker to split w + 128 into
 * nibbles, hi and lo, whose products with q can be added up over the whole block:
 *
 *   isum = sum(lo * q) + 16 * sum(hi * q) - 128 * sum(q)        lo, hi 0..15: 8 vectors * 2 * 15 * 127 < 32768
 *
 * Few columns wait for memory, and do with |w| * (q with the sign of w), 128 * 127 * 2 < 32768, and no splitting. */
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

/* n columns of a block meet each pair of weight vectors while it is in registers. */
ALWAYS_INLINE void block_columns(const __m256i lo[8], const __m256i hi[8], __m256 dw, const struct act_block *x, int n, __m256 *acc)
{
    __m256i sum_lo[4], sum_hi[4];
    RELOAD();
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m256i l = lo[g], h = hi[g];
        UNROLL
        for (int c = 0; c < n; c++) {
            __m256i q = avx2_broadcast(x[c].q + 4 * g);
            __m256i by_lo = _mm256_maddubs_epi16(l, q), by_hi = _mm256_maddubs_epi16(h, q);
            sum_lo[c] = g ? _mm256_add_epi16(sum_lo[c], by_lo) : by_lo;
            sum_hi[c] = g ? _mm256_add_epi16(sum_hi[c], by_hi) : by_hi;
            KEEP(sum_lo[c]);
            KEEP(sum_hi[c]);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        __m256i isum = _mm256_add_epi32(_mm256_madd_epi16(sum_lo[c], _mm256_set1_epi16(1)),
                                        _mm256_madd_epi16(sum_hi[c], _mm256_set1_epi16(16)));
        isum = _mm256_add_epi32(isum, avx2_bias(7, &x[c].nsum));
        acc[c] = multiply_add(&x[c], dw, isum, acc[c]);
    }
}

static void many_columns(const struct tile_q8_0 *t, size_t k, int half, const struct act_block *x, size_t x_stride, int n, float *y,
                         size_t y_stride)
{
    const __m256i low = _mm256_set1_epi8(15), upper_bit = _mm256_set1_epi8(8);
    __m256 acc[MAX_COLS];
    for (int c = 0; c < n; c++)
        acc[c] = _mm256_setzero_ps();
    for (size_t b = 0; b < k / ACT_BLOCK; b++, t++, x += x_stride) {
        __m256i lo[8], hi[8];
        UNROLL
        for (int g = 0; g < 8; g++) {
            __m256i w = load(t, g, half);
            lo[g] = _mm256_and_si256(w, low);
            hi[g] = _mm256_xor_si256(_mm256_and_si256(_mm256_srli_epi16(w, 4), low), upper_bit);
        }
        __m256 dw = avx2_halves(t->d + 8 * half);
        int c = 0;
        for (; c + 4 <= n; c += 4)
            block_columns(lo, hi, dw, x + c, 4, acc + c);
        for (; c < n; c++)
            block_columns(lo, hi, dw, x + c, 1, acc + c);
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
