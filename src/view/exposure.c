/* Which counts go through the gradient how fast: measured from samples of a picture. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hm_picture.h"

static const double LEAST_KNEE = 40;

static const uint32_t NOT_COMPUTED = UINT32_MAX;

static int ascending(const void *x, const void *y) {
    const uint32_t a = *(const uint32_t *)x;
    const uint32_t b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Brings the counts of points outside to the front, sorted; returns how many. */
static size_t sort_outside(uint32_t *counts, int64_t count, uint32_t max_iter) {
    size_t outside = 0;
    for (int64_t k = 0; k < count; ++k) {
        if (counts[k] != max_iter && counts[k] != NOT_COMPUTED) {
            counts[outside++] = counts[k];
        }
    }
    if (outside > 0) {
        qsort(counts, outside, sizeof *counts, ascending);
    }
    return outside;
}

hm_exposure_t hm_exposure_measure(uint32_t *counts, int64_t count, uint32_t max_iter) {
    const size_t outside = sort_outside(counts, count, max_iter);
    if (outside == 0) {
        return (hm_exposure_t){.low = 0, .knee = LEAST_KNEE};
    }
    const double low = (double)counts[0];
    const double median = (double)counts[outside / 2];
    return (hm_exposure_t){.low = low, .knee = fmax(median - low, LEAST_KNEE)};
}

/*
 * A count's place is the share of points below it, half of its own included. The last knot is not
 * at 1: the gradient is closed, so 1 would be the colour of 0 again.
 */
hm_exposure_t hm_exposure_equalize(uint32_t *counts, int64_t count, uint32_t max_iter) {
    static const double LAST_PLACE = 0.85;
    hm_exposure_t made = {.low = 0, .knee = LEAST_KNEE};
    const size_t outside = sort_outside(counts, count, max_iter);
    if (outside == 0 || counts[0] == counts[outside - 1]) {
        made.low = outside > 0 ? (double)counts[0] : 0;
        return made; /* nothing to tell apart */
    }
    const double step = LAST_PLACE / (HM_EXPOSURE_KNOTS - 2);
    for (size_t i = 0; i < outside;) {
        size_t next = i;
        while (next < outside && counts[next] == counts[i]) {
            ++next;
        }
        const double place = LAST_PLACE * ((double)i + (double)(next - i) / 2) / (double)outside;
        const bool last = next == outside;
        if (made.knots == 0 || last || place - made.knot[made.knots - 1][1] >= step) {
            made.knot[made.knots][0] = (double)counts[i];
            made.knot[made.knots][1] = place;
            ++made.knots;
        }
        i = next;
    }
    return made;
}
