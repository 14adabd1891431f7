/** @file estimate.c See estimate.h. */
#include "estimate.h"

#include <math.h>
#include <stdbool.h>

double hm_estimate_grid_error(double pixel, uint64_t crossings) {
    return pixel * sqrt((double)crossings);
}

hm_estimate_t hm_estimate_rest(double a4, double a2, double a1) {
    const double d1 = a4 - a2;
    const double d2 = a2 - a1;
    /* By halves the rest of a power law falls by a factor of 2; noise makes other factors. */
    if (!(d2 > 0 && d1 > 1.25 * d2 && d1 < 4 * d2)) {
        return (hm_estimate_t){d2, fabs(d2)};
    }
    const double rest = d2 * d2 / (d1 - d2);
    return (hm_estimate_t){rest, fmax(rest / 4, fabs(rest - d2))};
}

bool hm_estimate_dimension(const uint64_t *count, int levels, hm_estimate_t *dimension) {
    enum { ENOUGH = 32 };
    double n = 0;
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;
    double yy = 0;
    for (int level = 0; level < levels; ++level) {
        if (count[level] >= ENOUGH) {
            const double side = -(double)level;
            const double boxes = log2((double)count[level]);
            n += 1;
            x += side;
            y += boxes;
            xx += side * side;
            xy += side * boxes;
            yy += boxes * boxes;
        }
    }
    if (n < 3) {
        return false;
    }
    const double across = n * xx - x * x;
    const double slope = (n * xy - x * y) / across;
    const double left = fmax(0, n * yy - y * y - slope * slope * across);
    *dimension = (hm_estimate_t){slope, sqrt(left / across / (n - 2))};
    return true;
}

/** Moebius' function. */
static int moebius(int n) {
    int sign = 1;
    for (int p = 2; p <= n; ++p) {
        if (n % p == 0) {
            n /= p;
            sign = -sign;
            if (n % p == 0) {
                return 0;
            }
        }
    }
    return sign;
}

double hm_estimate_centres(int period) {
    double centres = 0;
    for (int d = 1; d <= period; ++d) {
        centres += period % d == 0 ? ldexp(moebius(period / d), d - 1) : 0;
    }
    return centres;
}
