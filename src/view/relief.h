/* Light and shade from the distance channel. */
#ifndef HM_VIEW_RELIEF_H
#define HM_VIEW_RELIEF_H

#include <stdint.h>

/**
 * Shades a run of colours rgb[columns][3]. `here` and `below` are the distances (in points) of this
 * row and the next, [columns + 1] when `more`, else [columns]; `below` NULL: none. `inside` is the
 * colour of the set, into which the points nearest to it fade.
 */
void relief_shade(const float *here, const float *below, int64_t columns, int more,
                  const uint8_t inside[3], uint8_t *rgb);

#endif
