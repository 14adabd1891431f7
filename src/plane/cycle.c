/*
 * Attracting cycles: what becomes of orbits that stay. A quadratic polynomial has at most one
 * (Fatou), so whichever is found is the one. Slow orbits that pass by the place where a cycle has
 * been, or will be, look as if they settled; Newton's method is not taken in.
 */
#include "kernel_private.h"

enum { NEWTON_STEPS = 32 };

static const double SETTLED_SQUARE = 1e-20; /* Newton's last step */
static const double AWAY_SQUARE = 1e-2;     /* farther from z there is nothing to be found */
static const double SAME_SQUARE = 1e-16;    /* points of the cycle that are one */
/* |multiplier|^2. Nearer to 1 the multiplier's own error might decide: where two cycles are about
 * to meet, they are known to the square root of a rounding only. */
static const double ATTRACTS = 1.0 - 1e-6;

typedef struct place_t {
    double x, y;
} place_t;

static inline double square_between(place_t a, place_t b) {
    return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

static inline place_t next(place_t z, place_t c) {
    return (place_t){z.x * z.x - z.y * z.y + c.x, 2.0 * z.x * z.y + c.y};
}

/* z after `turn` updates, and the derivative by the first z. */
static place_t go_round(place_t z, place_t c, int turn, place_t *slope) {
    place_t d = {1.0, 0.0};
    for (int k = 0; k < turn; ++k) {
        d = (place_t){2.0 * (z.x * d.x - z.y * d.y), 2.0 * (z.x * d.y + z.y * d.x)};
        z = next(z, c);
    }
    *slope = d;
    return z;
}

/* After how many updates is `at`, which returns after `turn`, back for the first time? */
static uint32_t first_return(place_t at, place_t c, int turn) {
    place_t z = at;
    for (int k = 1; 2 * k <= turn; ++k) { /* no proper divisor is larger */
        z = next(z, c);
        if (turn % k == 0 && square_between(z, at) <= SAME_SQUARE) {
            return (uint32_t)k;
        }
    }
    return (uint32_t)turn;
}

uint32_t hm_cycle_period(double x, double y, double cr, double ci, int turn) {
    const place_t start = {x, y};
    const place_t c = {cr, ci};
    place_t at = start;
    place_t came = start; /* where z itself comes in a turn */
    for (int k = 0; k < NEWTON_STEPS; ++k) {
        place_t slope;
        const place_t z = go_round(at, c, turn, &slope);
        came = k == 0 ? z : came;
        /* at - (z - at) / (slope - 1) */
        const place_t by = {1.0 - slope.x, -slope.y};
        const double size = by.x * by.x + by.y * by.y;
        const place_t gap = {z.x - at.x, z.y - at.y};
        const place_t step = {(gap.x * by.x + gap.y * by.y) / size,
                              (gap.y * by.x - gap.x * by.y) / size};
        at = (place_t){at.x + step.x, at.y + step.y};
        if (!(square_between(at, start) <= AWAY_SQUARE)) { /* or not a number */
            return 0;
        }
        if (step.x * step.x + step.y * step.y <= SETTLED_SQUARE) {
            const bool attracts = slope.x * slope.x + slope.y * slope.y <= ATTRACTS;
            const double before = square_between(start, at);
            const bool approaches = square_between(came, at) < before || before <= SAME_SQUARE;
            return attracts && approaches ? first_return(at, c, turn) : 0;
        }
    }
    return 0;
}
