/**
 * @file vector_avx512.h
 * Vectors of kernel_body.h in AVX-512 (F, DQ): 8 lanes, 32 registers, masks of their own.
 */
#ifndef HM_VECTOR_AVX512_H
#define HM_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    V_LANES = 8,
    V_FLIGHT = 8, /* 16 of 32 registers hold x and y */
    V_WINGS = 1,
    V_SLOPE = 4,
    V_TESTED = 4,
    V_SWEEP = 4,
    V_FUSED_EVERY = 3
};

#define V_PIN(a) __asm__ volatile("" : "+v"(a))

typedef __m512d v_double_t;
typedef __m512i v_int_t;
typedef __mmask8 v_mask_t;

static inline v_double_t v_load(const double *from) {
    return _mm512_loadu_pd(from);
}
static inline void v_store(double *to, v_double_t a) {
    _mm512_storeu_pd(to, a);
}
static inline v_double_t v_all(double a) {
    return _mm512_set1_pd(a);
}
static inline v_double_t v_add(v_double_t a, v_double_t b) {
    return _mm512_add_pd(a, b);
}
static inline v_double_t v_sub(v_double_t a, v_double_t b) {
    return _mm512_sub_pd(a, b);
}
static inline v_double_t v_mul(v_double_t a, v_double_t b) {
    return _mm512_mul_pd(a, b);
}
static inline v_double_t v_fma(v_double_t a, v_double_t b, v_double_t c) {
    return _mm512_fmadd_pd(a, b, c);
}
static inline v_double_t v_fnma(v_double_t a, v_double_t b, v_double_t c) {
    return _mm512_fnmadd_pd(a, b, c);
}

static inline v_double_t v_div(v_double_t a, v_double_t b) {
    return _mm512_div_pd(a, b);
}
static inline v_double_t v_sqrt(v_double_t a) {
    return _mm512_sqrt_pd(a);
}
static inline v_double_t v_exponent(v_double_t a) {
    return _mm512_getexp_pd(a);
}
static inline v_double_t v_mantissa(v_double_t a) {
    return _mm512_getmant_pd(a, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
}
static inline void v_store_float(float *to, v_double_t a) {
    _mm256_storeu_ps(to, _mm512_cvtpd_ps(a));
}

static inline v_mask_t v_le(v_double_t a, v_double_t b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
}
static inline v_mask_t v_not_le(v_double_t a, v_double_t b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_NLE_UQ);
}
static inline v_mask_t v_equal(v_double_t a, v_double_t b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}
static inline v_mask_t v_and(v_mask_t a, v_mask_t b) {
    return (v_mask_t)(a & b);
}
static inline v_mask_t v_or(v_mask_t a, v_mask_t b) {
    return (v_mask_t)(a | b);
}
static inline v_double_t v_select(v_mask_t mask, v_double_t a, v_double_t b) {
    return _mm512_mask_blend_pd(mask, b, a);
}
static inline v_double_t v_min(v_double_t a, v_double_t b) {
    return _mm512_min_pd(a, b);
}
static inline v_mask_t v_none(void) {
    return 0;
}
static inline unsigned v_bits(v_mask_t a) {
    return a;
}
static inline bool v_any(v_mask_t a) {
    return a != 0;
}

static inline v_double_t v_lane_numbers(void) {
    return _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
}

static inline v_int_t v_int_zero(void) {
    return _mm512_setzero_si512();
}
static inline void v_int_store(int64_t *to, v_int_t a) {
    _mm512_storeu_si512(to, a);
}
static inline v_int_t v_int_count(v_int_t a, v_mask_t mask) {
    return _mm512_mask_add_epi64(a, mask, a, _mm512_set1_epi64(1));
}
static inline v_double_t v_of_counts(v_int_t a) {
    return _mm512_cvtepi64_pd(a);
}
static inline v_int_t v_int_low_of(v_double_t a) {
    return _mm512_castpd_si512(_mm512_add_pd(a, _mm512_set1_pd(0x1p52)));
}
static inline void v_int_store_low(uint32_t *to, v_int_t a) {
    _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi64_epi32(a));
}

typedef __mmask8 v_route_t;

static inline v_route_t v_route_compress(unsigned bits) {
    return (v_route_t)bits;
}
static inline v_double_t v_compress(v_double_t a, v_route_t route) {
    return _mm512_maskz_compress_pd(route, a);
}

typedef __mmask8 v_filling_t;

static inline v_filling_t v_route_expand(unsigned bits) {
    return (v_filling_t)bits;
}
static inline v_double_t v_expand(v_double_t old, v_double_t fresh, v_filling_t filling) {
    return _mm512_mask_expand_pd(old, filling, fresh);
}
static inline v_double_t v_refill(v_double_t old, v_double_t same, v_filling_t filling) {
    return _mm512_mask_mov_pd(old, filling, same);
}

#endif
