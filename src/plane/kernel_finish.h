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
 * Orbits are followed to |z| > 8, and for a Julia set's |c| > 1 to |z| > 8 sqrt(|c|): there they
 * are far away. Two more updates, which need no test, lead to |z| > 3000, from where on log |z|
 * doubles with an error below |c| / |z|^2 < 1e-6, which makes 1e-7 in smooth. Points so far away at
 * first that this would overflow are read off as they are.
 */
#define HM_FAR 64.0
#define HM_FAR_FIRST 0x1p100
/** The largest |z|^2 for far away, and where the two updates would overflow. */
#define HM_FAR_MOST 0x1p100
#define HM_FAR_AT_ONCE 0x1p24

/** Two updates after far away |z|^2 is beyond this. */
#define HM_LIMIT_MOST 0x1p22

/** |c| or more; 1 at least. */
static inline double far_scale(const hm_formula_t *formula) {
    const double size = formula->julia ? fabs(formula->julia_re) + fabs(formula->julia_im) : 1.0;
    return size > 1.0 ? size : 1.0;
}

/** Do two more updates follow? */
static inline bool far_goes_on(const hm_formula_t *formula) {
    return HM_FAR * far_scale(formula) <= HM_FAR_MOST;
}

/** |z|^2 from which on an orbit is far away. */
static inline double far_square(const hm_formula_t *formula) {
    return (far_goes_on(formula) ? HM_FAR : HM_FAR_AT_ONCE) * far_scale(formula);
}

/** |z|^2 from which on the first z is read off as it is. */
static inline double far_first(const hm_formula_t *formula) {
    return far_goes_on(formula) ? HM_FAR_FIRST * far_scale(formula) : far_square(formula);
}

/** From here on squares of the coordinates are taken to overflow (in one more update). */
#define HM_HUGE 0x1p800

/** An orbit whose count is below max_iter and that is not far after this many updates more is taken
 * for one that stays: with bailouts below 2 there are such. */
enum { HM_FAR_PATIENCE = 64 };

/** log2 of normal a > 0, within 1e-8: a polynomial that meets the logarithm in the Chebyshev points
 * of [1, 2). */
HM_INLINE v_double_t finish_log2(v_double_t a) {
    const v_double_t t = v_sub(v_mantissa(a), v_all(1.5));
    const v_double_t t2 = v_mul(t, t);
    const v_double_t t4 = v_mul(t2, t2);
    const v_double_t c01 = v_fma(t, v_all(0.961796697620120752), v_all(0.584962494648288551));
    const v_double_t c23 = v_fma(t, v_all(0.142487661668628582), v_all(-0.320597685666507701));
    const v_double_t c45 = v_fma(t, v_all(0.0380202699936950475), v_all(-0.0712826138284043129));
    const v_double_t c67 = v_fma(t, v_all(0.011806549800581234), v_all(-0.0206884103371798212));
    const v_double_t c89 = v_fma(t, v_all(0.00528349861554054474), v_all(-0.00886956972753884509));
    const v_double_t low = v_fma(t2, c23, v_add(c01, v_exponent(a)));
    const v_double_t high = v_fma(t4, c89, v_fma(t2, c67, c45));
    return v_fma(t4, high, low);
}

/** m - log2(log2 |z|), for z after m updates; `log_square` is log2(|z|^2). */
HM_INLINE v_double_t finish_smooth(v_double_t log_square, v_double_t m) {
    return v_sub(v_add(m, v_all(1.0)), finish_log2(log_square));
}

/** 2 |z| ln |z| / |d| in units of the pixel step, for |z|^2 = size * stretch^2, |d|^2 = steep. */
HM_INLINE v_double_t finish_distance(v_double_t size, v_double_t log_square, v_double_t steep,
                                     double stretch, double pixel_step) {
    const v_double_t ratio = v_mul(v_sqrt(v_div(size, steep)), v_all(stretch));
    /* 2 |z| ln |z| = |z| log2(|z|^2) ln 2 */
    const v_double_t distance =
        v_mul(ratio, v_mul(log_square, v_all(0.69314718055994531 / pixel_step)));
    /* A derivative that has overflown: nearer than anything. */
    return v_select(v_le(v_all(0.0), distance), distance, v_all(0.0));
}

/** What is read off. */
typedef struct finished_t {
    v_double_t smooth, distance;
    v_double_t size[3]; /* |z|^2, before and after the two updates */
} finished_t;

/**
 * From z, far away after m updates, and its derivative, where `slope`, two updates more. The second
 * one multiplies the derivative by 2z and so much more than 1 that adding 1 makes no difference:
 * below 1e-3 where |z| = 8 is the first z, below 1e-4 else.
 */
HM_INLINE finished_t finish(v_double_t x, v_double_t y, v_double_t dx, v_double_t dy, v_double_t cr,
                            v_double_t ci, v_double_t m, v_double_t add, double pixel_step,
                            form_t form, bool slope) {
    finished_t found;
    found.size[0] = square(x, y, form);
    if (slope) {
        update_both(&x, &y, &dx, &dy, cr, ci, add, form);
    } else {
        update(&x, &y, cr, ci, add, form, 1);
    }
    found.size[1] = square(x, y, form);
    update(&x, &y, cr, ci, add, form, 1);
    found.size[2] = square(x, y, form);
    const v_double_t log_square = finish_log2(found.size[2]);
    found.smooth = finish_smooth(log_square, v_add(m, v_all(2.0)));
    found.distance = add;
    if (slope) {
        const v_double_t steep = v_mul(found.size[1], v_fma(dx, dx, v_mul(dy, dy)));
        found.distance = finish_distance(found.size[2], log_square, steep, 0.5, pixel_step);
    }
    return found;
}

#endif
