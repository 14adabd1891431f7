/** @file counts.h The look at each count of a row, as fast as memory brings them. Inside
 * src/analysis only. */
#ifndef HM_ANALYSIS_COUNTS_H
#define HM_ANALYSIS_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_error.h"

/** Points looked at together: those of a word of bits. */
enum { HM_COUNTS_BLOCK = 64 };

/** What comes of looking at points. */
typedef struct hm_counts_t {
    uint32_t max_iter;
    bool avx2; /**< this processor has it: the same, faster */
    uint64_t sum;
    uint32_t least;  /**< count outside; UINT32_MAX: there is none */
    uint32_t most;   /**< and the largest one, or 0 */
    uint64_t *bin;   /**< [bins] of the points outside, by hm_bin_of() */
    uint64_t *other; /**< more of them, until hm_counts_join() adds these to those; borrowed */
    int32_t bins;
} hm_counts_t;

/** Nothing has been looked at. The caller frees `bin`. HM_EMISSING. */
hm_status_t hm_counts_make(hm_counts_t *points, uint32_t max_iter, hm_error_t *err);

/** All points outside are in `bin`. */
void hm_counts_join(hm_counts_t *points);

/**
 * Adds a row, counts[width]; which of its points are inside into inside[width / 64 rounded up], the
 * first point in the lowest bit. Returns -1, or the first column with a count above max_iter: then
 * the sums are of no use.
 */
int64_t hm_counts_add(hm_counts_t *points, const uint32_t *counts, int64_t width, uint64_t *inside);

/** Only which of the points are inside. */
void hm_counts_inside(const uint32_t *counts, int64_t width, uint32_t max_iter, uint64_t *inside);

#endif
