/**
 * @file kernel_finish.h
 * What the channels smooth and distance make of an orbit that has gone far away: |z|^2 > HM_FAR. On
 * the vectors of whichever vector_*.h came before; the scalar kernel's have one lane. Only single
 * operations, so the bits are the same everywhere.
 */
#ifndef HM_KERNEL_FINISH_H
#define HM_KERNEL_FINISH_H

#include <math.h>

#include "hm_kernel.h"
#include "kernel_update.h"

/**
 * Orbits are followed to |z| > 2^12, and for a Julia set's |c| > 1 to |z| > 2^12 sqrt(|c|). From
 * there on log |z| doubles with an error below |c| / |z|^2 <= 2^-24, which makes 1e-8 in smooth. In
 * the Mandelbrot iteration the first z is c itself, far away or not; one update more takes care of
 * that up to |c| = 2^50. (The worst is |c| = 64, where z = c^2 + c is just beyond 2^12: 4e-7.)
 */
#define HM_FAR 0x1p24
#define HM_FAR_FIRST 0x1p100

/** |z|^2 from which on an orbit is far away. */
static inline double far_square(const hm_formula_t *formula) {
    const double size = formula->julia ? fabs(formula->julia_re) + fabs(formula->julia_im) : 1.0;
    return HM_FAR * (size > 1.0 ? size : 1.0);
}

/** The same for the first z. */
static inline double far_first(const hm_formula_t *formula) {
    return formula->julia ? far_square(formula) : HM_FAR_FIRST;
}

/** From here on squares of the coordinates are taken to overflow (in one more update). */
#define HM_HUGE 0x1p800

/** An orbit whose count is below max_iter and that is not far after this many updates more is taken
 * for one that stays: with bailouts below 2 there are such. */
enum { HM_FAR_PATIENCE = 64 };

/** log2 of normal a > 0, to some 1e-11: ln m = 2 artanh((m - 1) / (m + 1)), as a series. */
HM_INLINE v_double_t finish_log2(v_double_t a) {
    const v_double_t one = v_all(1.0);
    v_double_t m = v_mantissa(a);
    v_double_t e = v_exponent(a);
    const v_mask_t large = v_not_le(m, v_all(1.4142135623730951));
    m = v_select(large, v_mul(m, v_all(0.5)), m);
    e = v_select(large, v_add(e, one), e);
    const v_double_t s = v_div(v_sub(m, one), v_add(m, one));
    const v_double_t s2 = v_mul(s, s);
    const v_double_t s4 = v_mul(s2, s2);
    const v_double_t low = v_add(one, v_mul(s2, v_all(1.0 / 3)));
    const v_double_t middle = v_add(v_all(1.0 / 5), v_mul(s2, v_all(1.0 / 7)));
    const v_double_t high = v_add(v_all(1.0 / 9), v_mul(s2, v_all(1.0 / 11)));
    const v_double_t sum = v_add(low, v_mul(s4, v_add(middle, v_mul(s4, high))));
    return v_add(e, v_mul(v_mul(s, sum), v_all(2.8853900817779268))); /* 2 / ln 2 */
}

/** m - log2(log2 |z|), for z after m updates. */
HM_INLINE v_double_t finish_smooth(v_double_t log_square, v_double_t m) {
    return v_sub(m, finish_log2(v_mul(log_square, v_all(0.5))));
}

/** 2 |z| ln |z| / |d| in units of the pixel step, for the derivative d of z = sqrt(size) * stretch.
 */
HM_INLINE v_double_t finish_distance(v_double_t size, v_double_t log_square, v_double_t dx,
                                     v_double_t dy, double stretch, double pixel_step) {
    const v_double_t steep = v_add(v_mul(dx, dx), v_mul(dy, dy));
    const v_double_t ratio = v_mul(v_sqrt(v_div(size, steep)), v_all(stretch));
    /* 2 |z| ln |z| = |z| log2(|z|^2) ln 2 */
    const v_double_t distance =
        v_mul(ratio, v_mul(log_square, v_all(0.69314718055994531 / pixel_step)));
    /* A derivative that has overflown: nearer than anything. */
    return v_select(v_le(v_all(0.0), distance), distance, v_all(0.0));
}

#endif
