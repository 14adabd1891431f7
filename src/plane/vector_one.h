/**
 * @file vector_one.h
 * Vectors of one lane, in plain C, for what the scalar kernel shares with the others.
 */
#ifndef HM_VECTOR_ONE_H
#define HM_VECTOR_ONE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { V_FUSED_EVERY = 1 };

typedef double v_double_t;
typedef bool v_mask_t;

#define V_PIN(a) ((void)0)

static inline double v_all(double a) {
    return a;
}
static inline double v_add(double a, double b) {
    return a + b;
}
static inline double v_sub(double a, double b) {
    return a - b;
}
static inline double v_mul(double a, double b) {
    return a * b;
}
static inline double v_div(double a, double b) {
    return a / b;
}
static inline double v_sqrt(double a) {
    return sqrt(a);
}
__attribute__((always_inline)) static inline double v_fma(double a, double b, double c) {
    return fma(a, b, c);
}
__attribute__((always_inline)) static inline double v_fnma(double a, double b, double c) {
    return fma(-a, b, c);
}
static inline bool v_le(double a, double b) {
    return a <= b;
}
static inline bool v_not_le(double a, double b) {
    return !(a <= b);
}
static inline bool v_and(bool a, bool b) {
    return a && b;
}
static inline bool v_or(bool a, bool b) {
    return a || b;
}
static inline double v_select(bool mask, double a, double b) {
    return mask ? a : b;
}
static inline double v_exponent(double a) {
    return ilogb(a);
}
static inline double v_mantissa(double a) {
    return ldexp(a, -ilogb(a));
}

#endif
