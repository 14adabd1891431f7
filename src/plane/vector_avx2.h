/**
 * @file vector_avx2.h
 * Vectors of kernel_body.h in AVX2 and FMA3: 4 lanes, 16 registers.
 *
 * A mask is a vector with all bits of a lane set or clear. `bits` is the same as an integer, lane 0
 * lowest.
 */
#ifndef HM_VECTOR_AVX2_H
#define HM_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    V_LANES = 4,
    V_FLIGHT = 6, /* vectors in flight in the bare loop: x and y of six fill 12 of 16 registers */
    V_WINGS = 2,  /* so many times V_FLIGHT vectors fly by turns; 64 lanes at most */
    V_SLOPE = 3,  /* with derivatives: four registers of each */
    V_TESTED = 3, /* where every update is tested: also the squares and a count of each */
    V_SWEEP = 4,  /* where counts alone are wanted: three registers of each, see kernel_sweep.h */
    V_FUSED_EVERY = 3 /* see FORM_MIXED in kernel_update.h: two multipliers, two adders */
};

/** Pins a vector to a register here: what stands before it is computed before, in this order. */
#define V_PIN(a) __asm__ volatile("" : "+x"(a))

typedef __m256d v_double_t;
typedef __m256i v_int_t; /* 64 bits a lane; for counting only */
typedef __m256d v_mask_t;

static inline v_double_t v_load(const double *from) {
    return _mm256_loadu_pd(from);
}
static inline void v_store(double *to, v_double_t a) {
    _mm256_storeu_pd(to, a);
}
static inline v_double_t v_all(double a) {
    return _mm256_set1_pd(a);
}
static inline v_double_t v_add(v_double_t a, v_double_t b) {
    return _mm256_add_pd(a, b);
}
static inline v_double_t v_sub(v_double_t a, v_double_t b) {
    return _mm256_sub_pd(a, b);
}
static inline v_double_t v_mul(v_double_t a, v_double_t b) {
    return _mm256_mul_pd(a, b);
}
/** a * b + c, rounded once. */
static inline v_double_t v_fma(v_double_t a, v_double_t b, v_double_t c) {
    return _mm256_fmadd_pd(a, b, c);
}
/** c - a * b, rounded once. */
static inline v_double_t v_fnma(v_double_t a, v_double_t b, v_double_t c) {
    return _mm256_fnmadd_pd(a, b, c);
}

static inline v_double_t v_div(v_double_t a, v_double_t b) {
    return _mm256_div_pd(a, b);
}
static inline v_double_t v_sqrt(v_double_t a) {
    return _mm256_sqrt_pd(a);
}
/** For normal a > 0 = m 2^e, 1 <= m < 2: e. */
static inline v_double_t v_exponent(v_double_t a) {
    const __m256i bits = _mm256_srli_epi64(_mm256_castpd_si256(a), 52);
    const __m256d big = _mm256_set1_pd(0x1p52);
    return _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(bits), big),
                         _mm256_set1_pd(0x1p52 + 1023.0));
}
/** The same: m. */
static inline v_double_t v_mantissa(v_double_t a) {
    const __m256i bits = _mm256_set1_epi64x(INT64_C(0xfffffffffffff));
    return _mm256_or_pd(_mm256_and_pd(a, _mm256_castsi256_pd(bits)), _mm256_set1_pd(1.0));
}
/** Rounded to float, side by side. */
static inline void v_store_float(float *to, v_double_t a) {
    _mm_storeu_ps(to, _mm256_cvtpd_ps(a));
}

static inline v_mask_t v_le(v_double_t a, v_double_t b) {
    return _mm256_cmp_pd(a, b, _CMP_LE_OQ);
}
/** Not (a <= b): greater, or not a number. */
static inline v_mask_t v_not_le(v_double_t a, v_double_t b) {
    return _mm256_cmp_pd(a, b, _CMP_NLE_UQ);
}
static inline v_mask_t v_equal(v_double_t a, v_double_t b) {
    return _mm256_cmp_pd(a, b, _CMP_EQ_OQ);
}
static inline v_mask_t v_and(v_mask_t a, v_mask_t b) {
    return _mm256_and_pd(a, b);
}
static inline v_mask_t v_or(v_mask_t a, v_mask_t b) {
    return _mm256_or_pd(a, b);
}
/** a where the mask is set, else b. */
static inline v_double_t v_select(v_mask_t mask, v_double_t a, v_double_t b) {
    V_PIN(mask); /* or it is made anew from its own sign bits */
    return _mm256_blendv_pd(b, a, mask);
}
static inline v_double_t v_min(v_double_t a, v_double_t b) {
    return _mm256_min_pd(a, b);
}
static inline v_mask_t v_none(void) {
    return _mm256_setzero_pd();
}
static inline unsigned v_bits(v_mask_t a) {
    return (unsigned)_mm256_movemask_pd(a);
}
static inline bool v_any(v_mask_t a) {
    return v_bits(a) != 0;
}

/** 0, 1, 2, ... */
static inline v_double_t v_lane_numbers(void) {
    return _mm256_setr_pd(0.0, 1.0, 2.0, 3.0);
}

static inline v_int_t v_int_zero(void) {
    return _mm256_setzero_si256();
}
static inline void v_int_store(int64_t *to, v_int_t a) {
    _mm256_storeu_si256((__m256i *)to, a);
}
/** a, one more in the lanes of the mask. */
static inline v_int_t v_int_count(v_int_t a, v_mask_t mask) {
    return _mm256_sub_epi64(a, _mm256_castpd_si256(mask));
}
/** Counts below 2^52 as doubles. */
static inline v_double_t v_of_counts(v_int_t a) {
    const v_double_t big = _mm256_set1_pd(0x1p52);
    return _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(a), big), big);
}
/** Whole numbers from 0 to 2^52 - 1 as integers, of which only the low 32 bits are right. */
static inline v_int_t v_int_low_of(v_double_t a) {
    return _mm256_castpd_si256(_mm256_add_pd(a, _mm256_set1_pd(0x1p52)));
}
/** The low 32 bits of every lane, side by side. */
static inline void v_int_store_low(uint32_t *to, v_int_t a) {
    const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(a, even)));
}

/* Lane k of a compressed vector is the k-th lane whose bit is set (as pairs of 32-bit indices);
 * expanding is the inverse. What the other lanes hold does not matter. */
#define HM_PAIR(lane) 2 * (lane), 2 * (lane) + 1
#define HM_LANES4(a, b, c, d) \
    { HM_PAIR(a), HM_PAIR(b), HM_PAIR(c), HM_PAIR(d) }
static const int32_t v_compress_table[16][8] = {
    HM_LANES4(0, 0, 0, 0), HM_LANES4(0, 0, 0, 0), HM_LANES4(1, 0, 0, 0), HM_LANES4(0, 1, 0, 0),
    HM_LANES4(2, 0, 0, 0), HM_LANES4(0, 2, 0, 0), HM_LANES4(1, 2, 0, 0), HM_LANES4(0, 1, 2, 0),
    HM_LANES4(3, 0, 0, 0), HM_LANES4(0, 3, 0, 0), HM_LANES4(1, 3, 0, 0), HM_LANES4(0, 1, 3, 0),
    HM_LANES4(2, 3, 0, 0), HM_LANES4(0, 2, 3, 0), HM_LANES4(1, 2, 3, 0), HM_LANES4(0, 1, 2, 3),
};
static const int32_t v_expand_table[16][8] = {
    HM_LANES4(0, 0, 0, 0), HM_LANES4(0, 0, 0, 0), HM_LANES4(0, 0, 0, 0), HM_LANES4(0, 1, 0, 0),
    HM_LANES4(0, 0, 0, 0), HM_LANES4(0, 0, 1, 0), HM_LANES4(0, 0, 1, 0), HM_LANES4(0, 1, 2, 0),
    HM_LANES4(0, 0, 0, 0), HM_LANES4(0, 0, 0, 1), HM_LANES4(0, 0, 0, 1), HM_LANES4(0, 1, 0, 2),
    HM_LANES4(0, 0, 0, 1), HM_LANES4(0, 0, 1, 2), HM_LANES4(0, 0, 1, 2), HM_LANES4(0, 1, 2, 3),
};
#undef HM_LANES4
#undef HM_PAIR

/** What compress and expand need to know about `bits`; worth keeping for several vectors. */
typedef __m256i v_route_t;

static inline v_route_t v_route_compress(unsigned bits) {
    return _mm256_loadu_si256((const __m256i *)v_compress_table[bits]);
}
static inline v_double_t v_compress(v_double_t a, v_route_t route) {
    return _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(a), route));
}

typedef struct v_filling_t {
    __m256i route, lanes;
} v_filling_t;

static inline v_filling_t v_route_expand(unsigned bits) {
    const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);
    v_filling_t filling;
    filling.route = _mm256_loadu_si256((const __m256i *)v_expand_table[bits]);
    filling.lanes =
        _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x((int64_t)bits), bit), bit);
    V_PIN(filling.lanes);
    return filling;
}
/** `old`, with the lanes of the filling replaced by the first lanes of `fresh`, in order. */
static inline v_double_t v_expand(v_double_t old, v_double_t fresh, v_filling_t filling) {
    const __m256i spread = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(fresh), filling.route);
    return _mm256_blendv_pd(old, _mm256_castsi256_pd(spread), _mm256_castsi256_pd(filling.lanes));
}
/** `old`, with the lanes of the filling replaced by those of `same`, all of whose lanes are equal.
 */
static inline v_double_t v_refill(v_double_t old, v_double_t same, v_filling_t filling) {
    return _mm256_blendv_pd(old, same, _mm256_castsi256_pd(filling.lanes));
}

#endif
