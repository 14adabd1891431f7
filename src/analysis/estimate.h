/**
 * @file estimate.h
 * Numbers of geometry from counts of pixels, with errors. Pure computing. Inside src/analysis only.
 */
#ifndef HM_ANALYSIS_ESTIMATE_H
#define HM_ANALYSIS_ESTIMATE_H

#include <stdint.h>

#include "boxes.h"

/** A number that is true within an error. */
typedef struct hm_estimate_t {
    double value, error;
} hm_estimate_t;

/**
 * The error of an area that is measured by counting the points of a grid: twice the standard
 * deviation, pixel/2 * sqrt(crossings), in the area's unit. `crossings` are neighbours of which one
 * is in the set and one is not. As if each of them added an error of its own, of half a pixel: more
 * than a smooth boundary does (0.24 of a pixel: Gundersen and Jensen, J. Microscopy 147:229, 1987,
 * after Matern), as this one has structure below every pixel size.
 */
double hm_estimate_grid_error(double pixel, uint64_t crossings);

/**
 * What remains of an area when more and more updates are done: from the areas of the points not
 * escaped after K/4, K/2 and K updates. The area falls towards that of the set about as 1/K; taken
 * as a geometric series (Aitken 1926), the rest beyond K is d2^2 / (d1 - d2) with d1 = a4 - a2, d2
 * = a2
 * - a1. Error: a quarter of this rest, or its difference from the rest under exactly 1/K, which is
 * d2, where that is more; and the whole of d2 where the three areas follow no such law.
 */
hm_estimate_t hm_estimate_rest(double a4, double a2, double a1);

/**
 * The slope of log(count) against log(1 / side), sides 1, 2, 4, ...: the box-counting dimension at
 * the grid's resolution, by least squares over the sizes with at least 32 boxes, and its standard
 * error. false: fewer than three such sizes.
 */
_Bool hm_estimate_dimension(const uint64_t *count, int levels, hm_estimate_t *dimension);

/** Centres of components of this period, 0 to 1024: the sum of mu(period/d) * 2^(d-1) over its
 * divisors d (OEIS A000740). Exact up to 53, rounded above. */
double hm_estimate_centres(int period);

#endif
