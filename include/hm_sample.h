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

/** A median and an interval that holds the true one with probability `level`. */
typedef struct hm_interval_t {
    double median, low, high;
    double level; /**< 0 when there were fewer than two values: low and high are the median then */
    int count;
} hm_interval_t;

/**
 * The narrowest interval between two order statistics, as far from either end, that holds the
 * median of what the values are drawn from with at least 95 % probability; that of the least and
 * the most when none does (below 6 values), and `level` says what that comes to. Supposes nothing
 * of the distribution but independent draws: the number of values below the median is binomial (W.
 * R. Thompson 1936, doi:10.1214/aoms/1177732502). value[count], count >= 1, is sorted in place.
 */
hm_interval_t hm_interval(double *value, int count);

#endif
