/**
 * @file kernel_update.h
 * The arithmetic of the kernels, on the vectors of whichever vector_*.h came before.
 *
 * Four forms of one update. All give the bits that hm_kernel.h promises:
 *
 * - FORM_PLAIN: the textbook's operations, one to one: 3 multiplications, 4 additions.
 * - FORM_MIXED: as plain, but in one of V_FUSED_EVERY vectors 2xy + ci is fma(xy, 2, ci). A product
 * with 2 is exact, so it is the same rounding of the same sum, with one operation less, but on the
 *   multipliers instead of the adders. Mixing both loads the two kinds of unit evenly: with two of
 *   each, (3 + f) / 2 = (4 - 2f) / 2 cycles a vector at f = 1/3. The one difference: (2x)y and
 *   2(xy) part where xy is subnormal (below 2^-1022). Then the sum with a ci of at least 2^-900
 *   rounds to ci either way; and when ci is 0 in the Mandelbrot iteration y is 0 for ever. Only
 *   other values of ci need the plain form. Overflow cannot tell them apart either while
 *   bailout^2 is far below it: the point has escaped before.
 * - FORM_FUSED: as mixed, but in all vectors: where the same units add and multiply, as Intel's
 *   do, an operation less is one less everywhere.
 * - FORM_FMA: the other arithmetic, HM_ARITH_FMA.
 */
#ifndef HM_KERNEL_UPDATE_H
#define HM_KERNEL_UPDATE_H

#if !defined(HM_UNROLL)
#define HM_UNROLL _Pragma("GCC unroll 16")
#endif
#define HM_INLINE static inline __attribute__((always_inline))

typedef enum form_t { FORM_PLAIN, FORM_MIXED, FORM_FUSED, FORM_FMA } form_t;

/** |z|^2 as the escape test takes it. */
HM_INLINE v_double_t square(v_double_t x, v_double_t y, form_t form) {
    return form == FORM_FMA ? v_fma(x, x, v_mul(y, y)) : v_add(v_mul(x, x), v_mul(y, y));
}

/**
 * One update of one vector; `index` says which of the vectors in flight it is. The pins fix the
 * order of the operations and leave the compiler no reason to spill: with them the bare loop is
 * a sixth faster than what it makes of the plain expressions.
 */
HM_INLINE void update(v_double_t *px, v_double_t *py, v_double_t cr, v_double_t ci, v_double_t two,
                      form_t form, int index) {
    v_double_t x = *px;
    v_double_t y = *py;
    if (form == FORM_FMA) {
        const v_double_t twice = v_add(x, x);
        x = v_fma(x, x, v_fnma(y, y, cr));
        y = v_fma(twice, y, ci);
        V_PIN(x);
        V_PIN(y);
    } else {
        const bool fused = form == FORM_FUSED || (form == FORM_MIXED && index % V_FUSED_EVERY == 0);
        v_double_t xx = v_mul(x, x);
        V_PIN(xx);
        if (!fused) {
            x = v_add(x, x);
            V_PIN(x);
        }
        v_double_t yy = v_mul(y, y);
        V_PIN(yy);
        y = v_mul(x, y);
        V_PIN(y);
        x = v_sub(xx, yy);
        V_PIN(x);
        y = fused ? v_fma(y, two, ci) : v_add(y, ci);
        V_PIN(y);
        x = v_add(x, cr);
        V_PIN(x);
    }
    *px = x;
    *py = y;
}

/** A vector whose every update is tested: the squares serve the test and the next update. */
typedef struct tested_t {
    v_double_t x, y, xx, yy;
} tested_t;

HM_INLINE tested_t tested_begin(v_double_t x, v_double_t y) {
    return (tested_t){x, y, v_mul(x, x), v_mul(y, y)};
}

/** One update; returns |z|^2. */
HM_INLINE v_double_t update_tested(tested_t *z, v_double_t cr, v_double_t ci, form_t form) {
    const v_double_t twice = v_add(z->x, z->x);
    if (form == FORM_FMA) {
        z->x = v_fma(z->x, z->x, v_fnma(z->y, z->y, cr));
        z->y = v_fma(twice, z->y, ci);
        return v_fma(z->x, z->x, v_mul(z->y, z->y));
    }
    z->y = v_add(v_mul(twice, z->y), ci);
    z->x = v_add(v_sub(z->xx, z->yy), cr);
    z->xx = v_mul(z->x, z->x);
    z->yy = v_mul(z->y, z->y);
    return v_add(z->xx, z->yy);
}

/** The derivative's update, dz' = 2 z dz + add, from the old z. It is no textbook's: fused
 * operations, the same in every kernel and arithmetic. */
HM_INLINE void update_slope(v_double_t *dx, v_double_t *dy, v_double_t x, v_double_t y,
                            v_double_t add) {
    const v_double_t x2 = v_add(x, x);
    const v_double_t y2 = v_add(y, y);
    const v_double_t old_x = *dx;
    *dx = v_fma(x2, old_x, v_fnma(y2, *dy, add));
    *dy = v_fma(x2, *dy, v_mul(y2, old_x));
}

/** update(), not mixed, and update_slope() together: they share the doubled x. `size`, unless NULL,
 * becomes |z|^2 of the old z. */
HM_INLINE void update_both(v_double_t *px, v_double_t *py, v_double_t *dx, v_double_t *dy,
                           v_double_t cr, v_double_t ci, v_double_t add, form_t form,
                           v_double_t *size) {
    v_double_t x = *px;
    v_double_t y = *py;
    v_double_t x2 = v_add(x, x);
    V_PIN(x2);
    v_double_t y2 = v_add(y, y);
    V_PIN(y2);
    if (form == FORM_FMA) {
        if (size) {
            *size = square(x, y, form);
        }
        x = v_fma(x, x, v_fnma(y, y, cr));
        y = v_fma(x2, y, ci);
    } else {
        x = v_mul(x, x);
        V_PIN(x);
        v_double_t yy = v_mul(y, y);
        V_PIN(yy);
        if (size) {
            *size = v_add(x, yy);
        }
        y = v_mul(x2, y);
        V_PIN(y);
        x = v_sub(x, yy);
        V_PIN(x);
        y = v_add(y, ci);
        V_PIN(y);
        x = v_add(x, cr);
    }
    V_PIN(x);
    V_PIN(y);
    v_double_t left = v_fnma(y2, *dy, add);
    V_PIN(left);
    y2 = v_mul(y2, *dx);
    V_PIN(y2);
    *dx = v_fma(x2, *dx, left);
    V_PIN(*dx);
    *dy = v_fma(x2, *dy, y2);
    V_PIN(*dy);
    *px = x;
    *py = y;
}

#endif
