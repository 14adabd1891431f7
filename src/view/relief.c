#include "relief.h"

#include <math.h>

/* How much brighter and darker slopes towards and away from the light are. */
static const double CONTRAST = 0.4;
/* Far from the set the plane is level: the light is half as strong there, in points. */
static const double FAR = 150;
/* The set's colour begins to cover points nearer than this, in points: the boundary is everywhere
 * in a point long before. */
static const double FADE = 0.25;

void relief_shade(const float *here, const float *below, int64_t columns, int more,
                  const uint8_t inside[3], uint8_t *rgb) {
    for (int64_t i = 0; i < columns; ++i, rgb += 3) {
        const double distance = (double)here[i];
        if (!(distance > 0)) {
            continue; /* inside */
        }
        const int64_t right = i + 1 < columns || more ? i + 1 : i;
        double right_slope = (double)here[right] - distance;
        double down_slope = below ? (double)below[i] - distance : 0;
        /* A neighbour inside says nothing of the slope. */
        right_slope = here[right] > 0 ? right_slope : 0;
        down_slope = below && below[i] > 0 ? down_slope : 0;
        /* The surface rises away from the set; its normal against light from the upper left. */
        const double length = sqrt(1 + right_slope * right_slope + down_slope * down_slope);
        const double strength = CONTRAST / (1 + distance / FAR);
        const double light = strength * (right_slope + down_slope) / length;
        const double cover = sqrt(fmin(distance / FADE, 1));
        for (int k = 0; k < 3; ++k) {
            const double plain = (double)rgb[k];
            const double lit = plain + light * (light > 0 ? 255 - plain : plain);
            rgb[k] = (uint8_t)lround((double)inside[k] + cover * (lit - (double)inside[k]));
        }
    }
}
