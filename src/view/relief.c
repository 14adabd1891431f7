#include "relief.h"

#include <math.h>

/* How much brighter and darker slopes towards and away from the light are. */
static const double CONTRAST = 0.4;
/* Far from the set the plane is level: the light is half as strong there, in points. */
static const double FAR = 150;
/* The set's colour begins to cover points nearer than this, in points: the boundary is everywhere
 * in a point long before. */
static const double FADE = 0.25;

/* From a point to its neighbour, or, `back`, from that one to it. A neighbour inside says nothing
 * of the slope, nor one at a critical point of the potential, where the estimate is infinite. */
static double slope(double distance, float neighbour, bool back) {
    const bool known = neighbour > 0 && isfinite(neighbour);
    const double rise = known ? (double)neighbour - distance : 0;
    return back ? -rise : rise;
}

void relief_shade(const relief_t *relief, int64_t columns, const uint8_t inside[3], uint8_t *rgb) {
    for (int64_t i = 0; i < columns; ++i, rgb += 3) {
        const float *here = relief->here + i;
        const double distance = (double)*here;
        if (!(distance > 0) || !isfinite(distance)) {
            continue; /* inside, or a critical point */
        }
        double right_slope = 0;
        if (i + 1 < columns || relief->right) {
            right_slope = slope(distance, here[1], false);
        } else if (i > 0 || relief->left) {
            right_slope = slope(distance, here[-1], true);
        }
        const double down_slope =
            relief->neighbour ? slope(distance, relief->neighbour[i], relief->above) : 0;
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
