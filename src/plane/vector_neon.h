/**
 * @file vector_neon.h
 * Vectors of kernel_body.h in AArch64's Advanced SIMD: 2 lanes, 32 registers.
 *
 * A mask has all bits of a lane set or clear. `bits` is the same as an integer, lane 0 lowest.
 */
#ifndef HM_VECTOR_NEON_H
#define HM_VECTOR_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    V_LANES = 2,
    V_FLIGHT = 10, /* x and y of ten fill 20 of 32 registers; c comes and goes */
    V_WINGS = 2,
    V_SLOPE = 5,
    V_TESTED = 4,
    V_SWEEP = 6,
    /* All units add as well as they multiply, so one operation less is one less everywhere. */
    V_FUSED_EVERY = 1
};

/** Pins a vector to a register here: what stands before it is computed before, in this order. */
#define V_PIN(a) __asm__ volatile("" : "+w"(a))

typedef float64x2_t v_double_t;
typedef uint64x2_t v_int_t;
typedef uint64x2_t v_mask_t;

static inline v_double_t v_load(const double *from) {
    return vld1q_f64(from);
}
static inline void v_store(double *to, v_double_t a) {
    vst1q_f64(to, a);
}
static inline v_double_t v_all(double a) {
    return vdupq_n_f64(a);
}
static inline v_double_t v_add(v_double_t a, v_double_t b) {
    return vaddq_f64(a, b);
}
static inline v_double_t v_sub(v_double_t a, v_double_t b) {
    return vsubq_f64(a, b);
}
static inline v_double_t v_mul(v_double_t a, v_double_t b) {
    return vmulq_f64(a, b);
}
/** a * b + c, rounded once. */
static inline v_double_t v_fma(v_double_t a, v_double_t b, v_double_t c) {
    return vfmaq_f64(c, a, b);
}
/** c - a * b, rounded once. */
static inline v_double_t v_fnma(v_double_t a, v_double_t b, v_double_t c) {
    return vfmsq_f64(c, a, b);
}

static inline v_double_t v_div(v_double_t a, v_double_t b) {
    return vdivq_f64(a, b);
}
static inline v_double_t v_sqrt(v_double_t a) {
    return vsqrtq_f64(a);
}
/** For normal a > 0 = m 2^e, 1 <= m < 2: e. */
static inline v_double_t v_exponent(v_double_t a) {
    const uint64x2_t biased = vshrq_n_u64(vreinterpretq_u64_f64(a), 52);
    return vsubq_f64(vcvtq_f64_u64(biased), vdupq_n_f64(1023.0));
}
/** The same: m. */
static inline v_double_t v_mantissa(v_double_t a) {
    const uint64x2_t bits = vdupq_n_u64(UINT64_C(0xfffffffffffff));
    return vreinterpretq_f64_u64(vorrq_u64(vandq_u64(vreinterpretq_u64_f64(a), bits),
                                           vreinterpretq_u64_f64(vdupq_n_f64(1.0))));
}
/** Rounded to float, side by side. */
static inline void v_store_float(float *to, v_double_t a) {
    vst1_f32(to, vcvt_f32_f64(a));
}

static inline v_mask_t v_le(v_double_t a, v_double_t b) {
    return vcleq_f64(a, b);
}
/** Not (a <= b): greater, or not a number. */
static inline v_mask_t v_not_le(v_double_t a, v_double_t b) {
    return veorq_u64(vcleq_f64(a, b), vdupq_n_u64(UINT64_MAX));
}
static inline v_mask_t v_equal(v_double_t a, v_double_t b) {
    return vceqq_f64(a, b);
}
static inline v_mask_t v_and(v_mask_t a, v_mask_t b) {
    return vandq_u64(a, b);
}
static inline v_mask_t v_or(v_mask_t a, v_mask_t b) {
    return vorrq_u64(a, b);
}
/** a where the mask is set, else b. */
static inline v_double_t v_select(v_mask_t mask, v_double_t a, v_double_t b) {
    return vbslq_f64(mask, a, b);
}
static inline v_double_t v_min(v_double_t a, v_double_t b) {
    return vminq_f64(a, b);
}
static inline v_mask_t v_none(void) {
    return vdupq_n_u64(0);
}
static inline unsigned v_bits(v_mask_t a) {
    return (unsigned)((vgetq_lane_u64(a, 0) & 1) | (vgetq_lane_u64(a, 1) & 2));
}
static inline bool v_any(v_mask_t a) {
    return vmaxvq_u32(vreinterpretq_u32_u64(a)) != 0;
}

/** 0, 1 */
static inline v_double_t v_lane_numbers(void) {
    return vsetq_lane_f64(1.0, vdupq_n_f64(0.0), 1);
}

static inline v_int_t v_int_zero(void) {
    return vdupq_n_u64(0);
}
static inline void v_int_store(int64_t *to, v_int_t a) {
    vst1q_s64(to, vreinterpretq_s64_u64(a));
}
/** a, one more in the lanes of the mask. */
static inline v_int_t v_int_count(v_int_t a, v_mask_t mask) {
    return vsubq_u64(a, mask);
}
/** Counts below 2^52 as doubles. */
static inline v_double_t v_of_counts(v_int_t a) {
    return vcvtq_f64_u64(a);
}
/** Whole numbers from 0 to 2^52 - 1 as integers, of which only the low 32 bits are right. */
static inline v_int_t v_int_low_of(v_double_t a) {
    return vcvtq_u64_f64(a);
}
/** The low 32 bits of every lane, side by side. */
static inline void v_int_store_low(uint32_t *to, v_int_t a) {
    vst1_u32(to, vmovn_u64(a));
}

/* Lane k of a compressed vector is the k-th lane whose bit is set; expanding is the inverse. With
 * two lanes the only ones to move are lane 1 to 0, or 0 to 1, when bit 1 stands alone. */

/** What compress and expand need to know about `bits`; worth keeping for several vectors. */
typedef uint64x2_t v_route_t;

/* All bits set when lane 1 is alone. */
static inline uint64x2_t v_alone(unsigned bits) {
    return vdupq_n_u64(bits == 2 ? UINT64_MAX : 0);
}
static inline v_route_t v_route_compress(unsigned bits) {
    return v_alone(bits);
}
static inline v_double_t v_compress(v_double_t a, v_route_t route) {
    return vbslq_f64(route, vdupq_laneq_f64(a, 1), a);
}

typedef struct v_filling_t {
    uint64x2_t alone, lanes;
} v_filling_t;

static inline v_filling_t v_route_expand(unsigned bits) {
    const uint64x2_t bit = vsetq_lane_u64(2, vdupq_n_u64(1), 1);
    return (v_filling_t){v_alone(bits), vtstq_u64(vdupq_n_u64(bits), bit)};
}
/** `old`, with the lanes of the filling replaced by the first lanes of `fresh`, in order. */
static inline v_double_t v_expand(v_double_t old, v_double_t fresh, v_filling_t filling) {
    const v_double_t spread = vbslq_f64(filling.alone, vdupq_laneq_f64(fresh, 0), fresh);
    return vbslq_f64(filling.lanes, spread, old);
}
static inline v_double_t v_refill(v_double_t old, v_double_t same, v_filling_t filling) {
    return vbslq_f64(filling.lanes, same, old);
}

#endif
