/**
 * @file kernel_known.h
 * What can be said of a point without following its orbit, or from where its orbit ends. On the
 * vectors of whichever vector_*.h came before; the scalar kernel's have one lane.
 */
#ifndef HM_KERNEL_KNOWN_H
#define HM_KERNEL_KNOWN_H

#include "kernel_update.h"

/*
 * Points whose orbit as computed in doubles never leaves, for any number of updates, by proof: the
 * multiplier lambda of the attracting fixed point has |lambda|^2 <= 1 - h, h = 0.001; or that of
 * the cycle of period 2, 4 (c + 1), has modulus at most 0.998. With m = |1 - 4c|,
 * |lambda|^2 = 1 + m - sqrt(2 (m + 1 - 4 Re c)), so the first is
 * (m^2 + h^2 - 2 (1 - 4 Re c))^2 <= 4 (1 - h)^2 m^2.
 *
 * Why rounding cannot push such an orbit out: on the immediate basin D of the fixed point a, z^2 +
 * c is conjugate to a Blaschke product of degree 2, which shrinks hyperbolic length at z by tanh of
 * the distance from z to the critical point 0 (z^2 itself does: 2r / (1 + r^2)); at a that is
 * |lambda|, so R = d(0, a) = artanh |lambda|. In the ball of radius R + s around a (s = 0.1) the
 * factor is at most k = tanh(2R + s), and a Euclidean error e is a hyperbolic one of at most 2e /
 * dist(z, edge of D). With D containing the disc of radius 1 - |lambda| around a, Koebe's theorem
 * gives dist >= (1 - |lambda|) (1 - t)^2 / (4 (1 + t)^2), t = tanh((R + s) / 2). The ball, where
 * the orbit starts, is never left if 2e / dist <= (1 - k) (R + s). Here |z| < 1.6, so that an
 * update's rounding is e < 1.1e-15: 8.5e-8 against 4.4e-7. For period 2 the same holds of two
 * updates together (e < 6e-15, |z| < 1.73, D contains a disc of radius (1 - |lambda|) / 3.5): 1e-7
 * against 5.9e-6.
 */
HM_INLINE v_mask_t known_inside(v_double_t cr, v_double_t ci) {
    const double h = 0.001;
    const double disc = 0.998 / 4.0;
    const v_double_t a = v_sub(v_all(1.0), v_mul(v_all(4.0), cr));
    const v_double_t b = v_mul(v_all(4.0), ci);
    const v_double_t mm = v_add(v_mul(a, a), v_mul(b, b));
    const v_double_t t = v_sub(v_add(mm, v_all(h * h)), v_add(a, a));
    const v_mask_t cardioid =
        v_and(v_le(v_mul(t, t), v_mul(v_all(4.0 * (1.0 - h) * (1.0 - h)), mm)),
              v_le(mm, v_all(16.0))); /* far away both sides overflow */
    const v_double_t from_minus_1 = v_add(cr, v_all(1.0));
    const v_double_t away = v_add(v_mul(from_minus_1, from_minus_1), v_mul(ci, ci));
    return v_or(cardioid, v_le(away, v_all(disc * disc)));
}

/** Left of this lies the disc, right of it the cardioid. */
#define HM_DISC_EDGE (-0.75)

/** The period of a point that is known_inside(). */
static inline uint32_t known_period(double cr) {
    return cr < HM_DISC_EDGE ? 2 : 1;
}

/*
 * The period of a point of the set is looked for from z after max_iter updates: wherever the orbit
 * comes back to z more closely than ever before, and to within a thousandth, hm_cycle_period() says
 * whether a cycle attracts it. Where none has been found within so many updates, the period is
 * unknown.
 */
#define HM_PERIOD_NEAR_SQUARE 1e-6

static inline int period_most(uint32_t max_iter) {
    const uint32_t most = 32 + max_iter / 16;
    return most < 4096 ? (int)most : 4096;
}

#endif
