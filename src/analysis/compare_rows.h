/** @file compare_rows.h When two points differ. Inside src/analysis only. */
#ifndef HM_ANALYSIS_COMPARE_ROWS_H
#define HM_ANALYSIS_COMPARE_ROWS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "hm_dataset.h"

/** Whether point `i` of two rows of a channel differs, and by how much: infinite or not a number
 * where one of the two is. Equal numbers are the same, and so are two that are none. */
static inline bool hm_points_differ(hm_channel_t channel, const void *a, const void *b, int64_t i,
                                    double *difference) {
    double x;
    double y;
    if (channel == HM_CHANNEL_SMOOTH || channel == HM_CHANNEL_DISTANCE) {
        x = ((const float *)a)[i];
        y = ((const float *)b)[i];
    } else {
        x = ((const uint32_t *)a)[i];
        y = ((const uint32_t *)b)[i];
    }
    if (x == y || (isnan(x) && isnan(y))) {
        return false;
    }
    *difference = fabs(x - y);
    return true;
}

#endif
