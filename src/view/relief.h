/* Light and shade from the distance channel. */
#ifndef HM_VIEW_RELIEF_H
#define HM_VIEW_RELIEF_H

#include <stdbool.h>
#include <stdint.h>

/** The distances, in points, of a run of a row and around it. Where the grid ends there is no point
 * to the right or below: there the slope is that to the left or from above. */
typedef struct relief_t {
    const float *here;      /**< [columns], with one more at each end that is `left` or `right` */
    const float *neighbour; /**< [columns] of the row below, or of that above; NULL: none */
    bool above;             /**< which of them */
    bool left, right;       /**< here[-1] and here[columns] are there */
} relief_t;

/** Shades a run of colours rgb[columns][3]. `inside` is the colour of the set, into which the
 * points nearest to it fade. */
void relief_shade(const relief_t *relief, int64_t columns, const uint8_t inside[3], uint8_t *rgb);

#endif
