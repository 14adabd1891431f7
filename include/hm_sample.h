/**
 * @file hm_sample.h
 * Repeated measurements: least, median, most.
 */
#ifndef HM_SAMPLE_H
#define HM_SAMPLE_H

/** Order statistics of a few measurements. */
typedef struct hm_spread_t {
    double least, median, most;
    int count;
} hm_spread_t;

/**
 * The spread of value[count], count >= 1. Sorts `value` in place. The median of an even count is
 * the mean of the two in the middle.
 */
hm_spread_t hm_spread(double *value, int count);

#endif
