/* Order statistics of repeated measurements. */
#include "hm_sample.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

hm_spread_t hm_spread(double *value, int count) {
    qsort(value, (size_t)count, sizeof *value, ascending);
    double middle = (value[(count - 1) / 2] + value[count / 2]) / 2;
    return (hm_spread_t){value[0], middle, value[count - 1], count};
}

/* The probability of at most k heads in n throws of a coin. */
static double heads_at_most(int k, int n) {
    double sum = 0;
    for (int i = 0; i <= k; ++i) {
        sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) - n * log(2.0));
    }
    return sum;
}

hm_interval_t hm_interval(double *value, int count) {
    hm_spread_t spread = hm_spread(value, count);
    hm_interval_t interval = {spread.median, spread.least, spread.most, 0, count};
    for (int k = 0; 2 * k < count - 1; ++k) {
        double level = 1 - 2 * heads_at_most(k, count);
        if (k > 0 && level < 0.95) {
            break;
        }
        interval.low = value[k];
        interval.high = value[count - 1 - k];
        interval.level = level;
    }
    return interval;
}
