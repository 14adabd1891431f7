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
 * Orbits are followed until they are far away: |z| > 4096, and for a Julia set's |c| > 1
 * |z| > 4096 sqrt(|c|). From there on log |z| doubles with an error below |c| / |z|^2, which is at
 * most 2e-7 (of the Mandelbrot set, where |c| may be 3.4) and makes 2e-8 in smooth. Whether they
 * are is asked after every HM_FAR_STEP updates only, counted from the first z, so that those
 * between need no test: they lead to |z|^2 < 2^900, which is no overflow. First z so far away that
 * it would be one are read off as they are.
 */
#define HM_FAR 0x1p24
#define HM_FAR_FIRST 0x1p100
enum { HM_FAR_STEP = 4 };
/** For larger |c| it is asked after every update. */
#define HM_FAR_SCALE_MOST 0x1p32

/** A bailout^2 below any for far away. */
#define HM_LIMIT_MOST 0x1p22

/** |c| or more; 1 at least. */
static inline double far_scale(const hm_formula_t *formula) {
    const double size = formula->julia ? fabs(formula->julia_re) + fabs(formula->julia_im) : 1.0;
    return size > 1.0 ? size : 1.0;
}

/** Updates from one question to the next. */
static inline unsigned far_step(const hm_formula_t *formula) {
    return far_scale(formula) <= HM_FAR_SCALE_MOST ? (unsigned)HM_FAR_STEP : 1u;
}

/** |z|^2 from which on an orbit is far away. Not infinity, or a Julia set's orbits would never be:
 * for |c| beyond 1e304, where z^2 overflows early, what is read off is rough. */
static inline double far_square(const hm_formula_t *formula) {
    return fmin(HM_FAR * far_scale(formula), 0x1p1020);
}

/** |z|^2 from which on the first z is read off as it is. */
static inline double far_first(const hm_formula_t *formula) {
    return HM_FAR_FIRST * far_scale(formula);
}

/** From here on squares of the coordinates are taken to overflow. */
#define HM_HUGE 0x1p960
enum { HM_HUGE_SCALED = 540 }; /* and scaled by 2 to the minus so much */

/** An orbit whose count is below max_iter and that is not far after this many updates more is taken
 * for one that stays: with bailouts below 2 there are such. */
enum { HM_FAR_PATIENCE = 64 };

enum { HM_LOGS_MOST = 8 }; /* vectors finished at once */

/** log2 of a[count], normal and > 0, within 1e-8: a polynomial that meets the logarithm in the
 * Chebyshev points of [1, 2). Several at once, as one alone is a long chain of operations. */
HM_INLINE void finish_log2(const v_double_t *a, v_double_t *log, int count) {
    static const double odd_c[] = {0.961796697620120752, 0.142487661668628582,
                                   0.0380202699936950475, 0.011806549800581234,
                                   0.00528349861554054474};
    static const double even_c[] = {0.584962494648288551, -0.320597685666507701,
                                    -0.0712826138284043129, -0.0206884103371798212,
                                    -0.00886956972753884509};
    enum { TERMS = 4 };
    v_double_t t[HM_LOGS_MOST], t2[HM_LOGS_MOST], odd[HM_LOGS_MOST], even[HM_LOGS_MOST];
    HM_UNROLL for (int g = 0; g < count; ++g) {
        t[g] = v_sub(v_mantissa(a[g]), v_all(1.5));
        t2[g] = v_mul(t[g], t[g]);
        odd[g] = v_all(odd_c[TERMS]);
        even[g] = v_all(even_c[TERMS]);
    }
    HM_UNROLL for (int k = TERMS - 1; k >= 0; --k) {
        HM_UNROLL for (int g = 0; g < count; ++g) {
            odd[g] = v_fma(odd[g], t2[g], v_all(odd_c[k]));
            even[g] = v_fma(even[g], t2[g], v_all(even_c[k]));
        }
    }
    HM_UNROLL for (int g = 0; g < count; ++g) {
        log[g] = v_add(v_fma(odd[g], t[g], even[g]), v_exponent(a[g]));
    }
}

/** What the channels are made of: vectors of orbits that are far away, and where they go. */
typedef struct finish_t {
    v_double_t size[HM_LOGS_MOST];  /* |z|^2 */
    v_double_t steep[HM_LOGS_MOST]; /* the same of the derivative */
    v_double_t made[HM_LOGS_MOST];  /* updates */
    v_double_t smooth[HM_LOGS_MOST], distance[HM_LOGS_MOST];
} finish_t;

/** m - log2(log2 |z|), for z after m updates, and 2 |z| ln |z| / |d| in units of the pixel step:
 * |z| log2(|z|^2) / |d| times `unit`, which is ln 2 by that step. Of `count` vectors. For a huge
 * z, `size` may be |z|^2 2^(-2 * scaled) instead. */
HM_INLINE void finish(finish_t *f, int count, double unit, int scaled, bool slope) {
    const v_double_t zero = v_all(0.0);
    v_double_t log_square[HM_LOGS_MOST], log_log[HM_LOGS_MOST];
    finish_log2(f->size, log_square, count);
    HM_UNROLL for (int g = 0; scaled && g < count; ++g) {
        log_square[g] = v_add(log_square[g], v_all(2.0 * scaled));
    }
    finish_log2(log_square, log_log, count);
    HM_UNROLL for (int g = 0; g < count; ++g) {
        f->smooth[g] = v_sub(v_add(f->made[g], v_all(1.0)), log_log[g]);
    }
    HM_UNROLL for (int g = 0; slope && g < count; ++g) {
        v_double_t ratio = v_sqrt(v_div(f->size[g], f->steep[g]));
        ratio = scaled ? v_mul(ratio, v_all(ldexp(1.0, scaled))) : ratio;
        const v_double_t distance = v_mul(ratio, v_mul(log_square[g], v_all(unit)));
        /* A derivative whose square has overflown: nearer than 1e-90 (with Julia constants up to
         * 2^32 than 1e-16, of sets larger than 2^16). */
        f->distance[g] = v_select(v_le(zero, distance), distance, zero);
    }
}

/** ln 2 by the pixel step. */
static inline double finish_unit(double pixel_step) {
    return 0.69314718055994531 / pixel_step;
}

#endif
