#include "gradient.h"

#include <assert.h>
#include <math.h>

#include "oklab.h"

/* Pieces into which the curve between two knots is cut to measure its length. */
enum { PIECES = 256 };

static oklab_t mix(oklab_t x, oklab_t y, double t) {
    return (oklab_t){x.l + t * (y.l - x.l), x.a + t * (y.a - x.a), x.b + t * (y.b - x.b)};
}

/*
 * The curve from p[1] (t = 0) to p[2] (t = 1): centripetal Catmull-Rom, which has no cusps and
 * overshoots little (Yuksel, Schaefer and Keyser 2011, doi:10.1016/j.cad.2010.08.008), by the
 * pyramid of Barry and Goldman 1988 (doi:10.1145/54852.378511).
 */
static oklab_t spline(const oklab_t p[4], double t) {
    double knot[4] = {0};
    for (int k = 1; k < 4; ++k) {
        knot[k] = knot[k - 1] + sqrt(oklab_distance(p[k - 1], p[k]));
    }
    const double x = knot[1] + t * (knot[2] - knot[1]);
    oklab_t level[4] = {p[0], p[1], p[2], p[3]};
    for (int k = 0; k < 3; ++k) {
        level[k] = mix(level[k], level[k + 1], (x - knot[k]) / (knot[k + 1] - knot[k]));
    }
    for (int k = 0; k < 2; ++k) {
        level[k] = mix(level[k], level[k + 1], (x - knot[k]) / (knot[k + 2] - knot[k]));
    }
    return mix(level[0], level[1], (x - knot[1]) / (knot[2] - knot[1]));
}

/* Point `place` of the curve, in units of pieces from the first knot, below count * PIECES. */
static oklab_t curve(const oklab_t *knots, int count, double place) {
    const int from = (int)(place / PIECES);
    const oklab_t p[4] = {knots[(from + count - 1) % count], knots[from], knots[(from + 1) % count],
                          knots[(from + 2) % count]};
    return spline(p, place / PIECES - from);
}

double gradient_sample(const uint32_t *knots, int count, uint8_t (*samples)[3]) {
    assert(count >= 3 && count <= GRADIENT_KNOTS);
    oklab_t colour[GRADIENT_KNOTS];
    for (int k = 0; k < count; ++k) {
        colour[k] = oklab_from_hex(knots[k]);
    }
    double length[GRADIENT_KNOTS * PIECES + 1] = {0};
    const int pieces = count * PIECES;
    oklab_t before = colour[0];
    for (int k = 1; k <= pieces; ++k) {
        const oklab_t here = k < pieces ? curve(colour, count, k) : colour[0];
        length[k] = length[k - 1] + oklab_distance(before, here);
        before = here;
    }
    /* Equal distances along the curve: equal steps of the count then look equally large. */
    int piece = 0;
    for (int k = 0; k < GRADIENT_SAMPLES; ++k) {
        const double want = length[pieces] * k / GRADIENT_SAMPLES;
        while (length[piece + 1] <= want) {
            ++piece;
        }
        const double part = (want - length[piece]) / (length[piece + 1] - length[piece]);
        oklab_to_rgb(curve(colour, count, piece + part), samples[k]);
    }
    return length[pieces];
}
