/**
 * @file portion.h
 * How self-scheduling strategies cut the bands into portions. Private to src/cluster/.
 *
 * The cut is a table that every rank derives alike, so that handing out work is handing out the
 * numbers 0, 1, 2, ...: one fetch-and-add, whatever the sizes. Shrinking portions without a table
 * need a compare-and-swap loop or a lock.
 */
#ifndef HM_CLUSTER_PORTION_H
#define HM_CLUSTER_PORTION_H

#include "hm_strategy.h"

/** Where part `part` of `parts` contiguous parts starts, equal but for one band. */
static inline int64_t hm_part_start(int64_t bands, int part, int parts) {
    return bands / parts * part + bands % parts * part / parts;
}

typedef struct hm_portions_t {
    int64_t count;
    int64_t *first; /* [count + 1]: portion k is the places [first[k], first[k + 1]) */
    int64_t *order; /* [bands]: the band at a place; NULL: place and band are the same */
} hm_portions_t;

/**
 * Cuts job->bands for `takers` who draw portions, none of fewer than `least` bands but the last.
 * HM_EMISSING: out of memory. Free with hm_portions_free(), also one that is all zeros.
 */
hm_status_t hm_portions_make(hm_portion_t kind, const hm_job_t *job, int takers, int64_t least,
                             hm_portions_t *portions, hm_error_t *err);
void hm_portions_free(hm_portions_t *portions);

/**
 * Whether the portion after number `k` should be asked for while the last band of `k` is being
 * computed. Not of a single band near the end: what is asked for ahead waits behind the present
 * band, which may be a costly one, while another rank has nothing to do.
 */
static inline bool hm_portions_ahead(const hm_portions_t *portions, int64_t k, int takers) {
    const int64_t left = portions->first[portions->count] - portions->first[k + 1];
    return portions->first[k + 1] - portions->first[k] > 1 || left >= 4 * (int64_t)takers;
}

static inline int64_t hm_portions_band(const hm_portions_t *portions, int64_t place) {
    return portions->order == NULL ? place : portions->order[place];
}

#endif
