/* Order statistics of repeated measurements. */
#include "hm_sample.h"

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
