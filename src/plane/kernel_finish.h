/**
 * @file kernel_finish.h
 * What the channels smooth and distance make of an orbit that has gone far away: |z|^2 > FAR. On
 * the vectors of whichever vector_*.h came before; the scalar kernel's have one lane. Only single
 * operations, so the bits are the same everywhere.
 */
#ifndef HM_KERNEL_FINISH_H
#define HM_KERNEL_FINISH_H

#include "kernel_update.h"

/** Orbits are followed to |z| > 2^20, where log |z| doubles with an error below |c| 2^-40. */
#define HM_FAR 0x1p40

/** An orbit whose count is below max_iter and that is not far after this many updates more is taken
 * for one that stays: with bailouts below 2 there are such. */
enum { HM_FAR_PATIENCE = 64 };

/** log2 of normal a > 0, to some 1e-15: ln m = 2 artanh((m - 1) / (m + 1)), as a series. */
HM_INLINE v_double_t finish_log2(v_double_t a) {
    const v_double_t one = v_all(1.0);
    v_double_t m = v_mantissa(a);
    v_double_t e = v_exponent(a);
    const v_mask_t large = v_not_le(m, v_all(1.4142135623730951));
    m = v_select(large, v_mul(m, v_all(0.5)), m);
    e = v_select(large, v_add(e, one), e);
    const v_double_t s = v_div(v_sub(m, one), v_add(m, one));
    const v_double_t ss = v_mul(s, s);
    v_double_t sum = v_all(1.0 / 19.0);
    HM_UNROLL for (int k = 17; k >= 1; k -= 2) {
        sum = v_add(v_mul(sum, ss), v_all(1.0 / k));
    }
    return v_add(e, v_mul(v_mul(s, sum), v_all(2.8853900817779268))); /* 2 / ln 2 */
}

/** What is known of far points. */
typedef struct finished_t {
    v_double_t smooth, distance;
} finished_t;

/**
 * z after m updates and its derivative d: smooth = m - log2(log2 |z|), distance = 2 |z| ln |z| /
 * |d| in units of the pixel step.
 */
HM_INLINE finished_t finish(v_double_t x, v_double_t y, v_double_t dx, v_double_t dy, v_double_t m,
                            double pixel_step, bool slope) {
    finished_t result;
    v_double_t size = v_add(v_mul(x, x), v_mul(y, y));
    /* Points of the plane themselves may be so far that squares overflow. */
    const v_mask_t huge = v_not_le(size, v_all(0x1p1000));
    const v_double_t shrink = v_select(huge, v_all(0x1p-540), v_all(1.0));
    const v_double_t small_x = v_mul(x, shrink);
    const v_double_t small_y = v_mul(y, shrink);
    size = v_add(v_mul(small_x, small_x), v_mul(small_y, small_y));
    const v_double_t log_square =
        v_add(finish_log2(size), v_select(huge, v_all(1080.0), v_all(0.0)));
    result.smooth = v_sub(m, finish_log2(v_mul(log_square, v_all(0.5))));
    result.distance = v_all(0.0);
    if (slope) {
        /* 2 |z| ln |z| = |z| log2(|z|^2) ln 2 */
        const v_double_t steepness = v_add(v_mul(dx, dx), v_mul(dy, dy));
        const v_double_t stretch = v_select(huge, v_all(0x1p540), v_all(1.0));
        const v_double_t ratio = v_mul(v_sqrt(v_div(size, steepness)), stretch);
        const v_double_t distance =
            v_mul(ratio, v_mul(log_square, v_all(0.69314718055994531 / pixel_step)));
        /* A derivative that has overflown: nearer than anything. */
        result.distance = v_select(v_le(v_all(0.0), distance), distance, v_all(0.0));
    }
    return result;
}

#endif
