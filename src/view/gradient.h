/* Closed gradients through a few colours. */
#ifndef HM_GRADIENT_H
#define HM_GRADIENT_H

#include <stdint.h>

enum { GRADIENT_SAMPLES = 4096, GRADIENT_KNOTS = 32 };

/**
 * Draws a smooth closed curve through knots[count] (sRGB as 0xRRGGBB, 3 <= count <= GRADIENT_KNOTS,
 * neighbours different) in OKLab and samples it at GRADIENT_SAMPLES places that are equally far
 * apart along the curve, the first at the first knot. Returns the curve's length in OKLab.
 */
double gradient_sample(const uint32_t *knots, int count, uint8_t (*samples)[3]);

#endif
