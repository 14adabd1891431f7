/**
 * @file histogram.h
 * A histogram of counts from 0 to 2^32 - 1 in little memory: counts below 2^14 have a bin each,
 * those of each octave above share 2^13 bins, so that a bin is never wider than a 2^-13th of its
 * counts. Powers of two are bins' edges. After Gil Tene's HdrHistogram. Inside src/analysis only.
 */
#ifndef HM_ANALYSIS_HISTOGRAM_H
#define HM_ANALYSIS_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum { HM_BINS_EXACT_BITS = 14, HM_BINS_EXACT = 1 << HM_BINS_EXACT_BITS };

/** The bin that a count falls into. */
static inline int32_t hm_bin_of(uint32_t count) {
    if (count < HM_BINS_EXACT) {
        return (int32_t)count;
    }
    const int shift = 31 - __builtin_clz(count) - (HM_BINS_EXACT_BITS - 1);
    return (int32_t)(count >> shift) + shift * (HM_BINS_EXACT / 2);
}

/** The lowest count of a bin; that of bin + 1 is the first one beyond it. */
static inline uint64_t hm_bin_first(int32_t bin) {
    if (bin < HM_BINS_EXACT) {
        return (uint64_t)bin;
    }
    const int shift = bin / (HM_BINS_EXACT / 2) - 1;
    return (uint64_t)(bin - shift * (HM_BINS_EXACT / 2)) << shift;
}

/** Bins needed for counts 0 to most. */
static inline int32_t hm_bins_for(uint32_t most) {
    return hm_bin_of(most) + 1;
}

/** A histogram: bin[bins], the counts below `end`. */
typedef struct hm_histogram_t {
    const uint64_t *bin;
    int32_t bins;
    uint64_t end;
} hm_histogram_t;

/** How many are in bins whose first count is in [from, to). Exact where both are edges of bins. */
uint64_t hm_histogram_between(const hm_histogram_t *histogram, uint64_t from, uint64_t to);

/** How many there are. */
uint64_t hm_histogram_total(const hm_histogram_t *histogram);

/**
 * The smallest count that at least a `permille` thousandth of all do not exceed (the inverse of the
 * distribution function): it is in [*from, *to). false: the histogram is empty.
 */
bool hm_histogram_quantile(const hm_histogram_t *histogram, int permille, uint64_t *from,
                           uint64_t *to);

#endif
