/**
 * @file gravity.h
 * Which of two statuses matters more. Private to src/cluster/.
 *
 * HM_OK < HM_DIFFERENT < HM_STOPPED < any error. The encoding is a number whose order is the
 * gravity, so that a maximum (of a reduction, of what has been heard) picks the gravest; among
 * errors it is the highest exit code.
 */
#ifndef HM_CLUSTER_GRAVITY_H
#define HM_CLUSTER_GRAVITY_H

#include "hm_error.h"

enum { HM_GRAVITY_STEP = 256 }; /* exit codes are smaller */

static inline int hm_gravity_class(hm_status_t status) {
    switch (status) {
    case HM_OK:
        return 0;
    case HM_DIFFERENT:
        return 1;
    case HM_STOPPED:
        return 2;
    default:
        return 3;
    }
}

static inline int hm_gravity_encode(hm_status_t status) {
    return hm_gravity_class(status) * HM_GRAVITY_STEP + (int)status;
}

static inline hm_status_t hm_gravity_decode(int encoded) {
    return (hm_status_t)(encoded % HM_GRAVITY_STEP);
}

#endif
