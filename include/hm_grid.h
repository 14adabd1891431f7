/**
 * @file hm_grid.h
 * A view sampled at width x height points. Coordinates come from global indices alone, so every
 * rank derives the same doubles. Row 0 is the first row as asked for (the top: the largest
 * imaginary part, by default).
 */
#ifndef HM_GRID_H
#define HM_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_error.h"

typedef enum hm_coords_t {
    HM_COORDS_EXACT, /**< origin + index * step, one multiplication and one addition in double */
    HM_COORDS_ACCUMULATED /**< origin, then the step added again and again while below the end
                             (EuroSciPy 2012 tutorial) */
} hm_coords_t;

/** What the user asks for, as text where precision must not be lost. NULL: not given. */
typedef struct hm_view_t {
    const char *center; /**< "RE,IM", decimal strings of any length */
    const char *span;   /**< width along the real axis, decimal, > 0 */
    const char *region; /**< "RE0:RE1,IM0:IM1"; excludes center and span */
    int64_t width, height;
    hm_coords_t coords;
} hm_view_t;

/** The sampled view. A plain value: copy it freely. */
typedef struct hm_grid_t {
    int64_t width, height; /**< points; with accumulated coordinates they follow from the loop and
                              may exceed what was asked */
    double re0, re_step;   /**< real part of column i: re0 + i * re_step */
    double im0,
        im_step; /**< imaginary part of row j: im0 + j * im_step; im_step < 0 when rows go down */
    hm_coords_t coords;
    bool fine; /**< true when the step is below the spacing of doubles here: neighbours coincide */
} hm_grid_t;

/**
 * Makes the grid. With `region`: re_step = (RE1 - RE0) / width and im_step = (IM1 - IM0) / height
 * in double, from the correctly rounded ends. With center and span (arbitrary precision, rounded
 * once at the end): step = span / width, re0 = RE - span / 2, im0 = IM + (step * height) / 2,
 * im_step = -step. HM_EUSAGE: text that is no number, span <= 0, empty or infinite region, sizes
 * below 1 or above 2^31 - 1.
 */
hm_status_t hm_grid_make(const hm_view_t *view, hm_grid_t *grid, hm_error_t *err);

/** re[k] = real part of column first + k, k in [0, count). Accumulated: repeats the additions from
 * the start. */
void hm_grid_re(const hm_grid_t *grid, int64_t first, int64_t count, double *re);

/** im[k] = imaginary part of row first + k, k in [0, count). */
void hm_grid_im(const hm_grid_t *grid, int64_t first, int64_t count, double *im);

#endif
