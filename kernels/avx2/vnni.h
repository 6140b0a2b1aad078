/* vnni.h - products of bytes with AVX-VNNI:
 *
 *   w (u8)    | r0: k k+1 k+2 k+3 | r1: k k+1 k+2 k+3 | ... | r7 |
 *   q (s8)    |     k k+1 k+2 k+3 |     k k+1 k+2 k+3 | ... |    |   vpbroadcastd
 *   isum      | r0: += 4 products | r1: += 4 products | ... | r7 |   vpdpbusd
 *
 * It adds to s32, so there are no runs, and values of all 8 bits are like others, with z = 128. Two scales multiply sums of their own, as
 * floats, which are exact.
 *
 * Sums start at the bits of SUM_BIAS (kernels.h), and a subtraction makes them floats: unlike conversions and shifts it need not go to one of the
 * two ports that multiply. */
#ifndef SLM_AVX2_VNNI_H
#define SLM_AVX2_VNNI_H

ALWAYS_INLINE void avx2_prepare(struct avx2_type type, const void *packed, size_t s, int half, struct avx2_half *out)
{
    const struct avx2_scales scales = type.scales(packed, s, half);
    out->d = scales.d;
    out->m = scales.m;
    if (!avx2_two_scales(type))
        return;
    const __m256i lo = _mm256_srai_epi32(_mm256_slli_epi32(scales.sc, 16), 16), hi = _mm256_srai_epi32(scales.sc, 16);
    out->times[0] = _mm256_castps_si256(_mm256_cvtepi32_ps(lo));
    out->times[1] = _mm256_castps_si256(_mm256_cvtepi32_ps(hi));
    out->mins = scales.mins;
}

ALWAYS_INLINE __m256i avx2_vector(struct avx2_type type, struct avx2_source from, int half, int g)
{
    if (from.made_ready)
        return from.ready->w[half][g];
    const __m256i w = type.vector(from.packed, from.s, half, g);
    return type.run ? w : _mm256_add_epi8(w, _mm256_set1_epi8((char)128));
}

ALWAYS_INLINE void avx2_make_ready(struct avx2_type type, const void *packed, size_t s, struct avx2_ready *out)
{
    const struct avx2_source from = {.packed = packed, .s = s};
    UNROLL
    for (int half = 0; half < 2; half++) {
        avx2_prepare(type, packed, s, half, &out->half[half]);
        UNROLL
        for (int g = 0; g < 8; g++)
            out->w[half][g] = avx2_vector(type, from, half, g);
    }
}

/* Where the sum of vector g's products with activations starts, 0 or, with two scales, also 4: z times the negated sum of its activations, and the
 * bits of SUM_BIAS. The usual ones are ready to be loaded, other halves are shifted from those of z = 32 (SUM_BIAS_BITS end with zeros). */
ALWAYS_INLINE __m256i avx2_start(struct avx2_type type, const struct act_block *a, int g)
{
    const __m256i bits = _mm256_set1_epi32(SUM_BIAS_BITS);
    if (!type.run)
        return avx2_broadcast(&a->start128);
    if (type.log2_z < 0)
        return bits;
    if (!avx2_two_scales(type))
        return type.log2_z == 3 ? avx2_broadcast(&a->start8)
                                : _mm256_add_epi32(_mm256_slli_epi32(avx2_broadcast(&a->nsum), type.log2_z), bits);
    const int shift = 5 - type.log2_z;
    if (g)
        return _mm256_add_epi32(_mm256_srai_epi32(avx2_broadcast(&a->start32_hi), shift), bits);
    const __m256i start = _mm256_srai_epi32(avx2_broadcast(&a->start32_lo), shift);
    return shift ? _mm256_add_epi32(start, _mm256_set1_epi32(SUM_BIAS_BITS - (SUM_BIAS_BITS >> shift))) : start;
}

/* n columns (up to 4) of a k block: each broadcast of activations serves 16 rows, each vector of weights n columns; the sums stay in
 * registers. */
ALWAYS_INLINE void avx2_columns(struct avx2_type type, struct avx2_source from, const struct avx2_half half[2], const struct act_block *x,
                                int n, __m256 acc[][2])
{
    const int vectors = avx2_two_scales(type) ? 4 : 8; /* in a sum */
    __m256i sum[4][2];
    __m256 isum[4][2];
    UNROLL
    for (int g = 0; g < 8; g++) {
        const __m256i w[2] = {avx2_vector(type, from, 0, g), avx2_vector(type, from, 1, g)};
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m256i q = avx2_broadcast(x[c].q + 4 * g);
            UNROLL
            for (int h = 0; h < 2; h++) {
                sum[c][h] = _mm256_dpbusd_avx_epi32(g % vectors ? sum[c][h] : avx2_start(type, &x[c], g), w[h], q);
                KEEP(sum[c][h]);
                if ((g + 1) % vectors)
                    continue;
                const __m256 exact = _mm256_sub_ps(_mm256_castsi256_ps(sum[c][h]), _mm256_set1_ps(SUM_BIAS));
                const __m256 times = _mm256_castsi256_ps(half[h].times[g / 4]);
                if (vectors == 8)
                    isum[c][h] = exact;
                else
                    isum[c][h] = g < 4 ? _mm256_mul_ps(times, exact) : _mm256_fmadd_ps(times, exact, isum[c][h]);
            }
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int h = 0; h < 2; h++)
            acc[c][h] = avx2_add(type, &half[h], &x[c], isum[c][h], acc[c][h]);
    }
}

#endif
