/**
 * @file hm_tally.h
 * How far a run is: every rank adds the rows it has done, rank 0 reads the sum and shows it. Within
 * a node through shared memory; node leaders send their node's sum to rank 0 about once a second,
 * from hm_tally_poll().
 */
#ifndef HM_TALLY_H
#define HM_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_cluster.h"
#include "hm_error.h"

typedef enum hm_progress_mode_t {
    HM_PROGRESS_AUTO, /**< a bar on a terminal, a line every 30 s elsewhere */
    HM_PROGRESS_NEVER
} hm_progress_mode_t;

typedef struct hm_tally_t hm_tally_t;

/**
 * Collective over the cluster; one at a time. `rows`: how many will be done. All must agree
 * (hm_agree()) that it is open before any adds to it. HM_EMISSING, on all ranks: one is out of
 * memory.
 */
hm_status_t hm_tally_open(const hm_cluster_t *cluster, int64_t rows, hm_progress_mode_t mode,
                          hm_tally_t **tally, hm_error_t *err);

/** Adds rows done and the updates they stand for. Not collective. */
void hm_tally_add(hm_tally_t *tally, int64_t rows, uint64_t updates);

/** Shows and sends what is due; cheap; call it about every millisecond. Not collective. */
void hm_tally_poll(hm_tally_t *tally);

/** Collective; clears the bar. */
void hm_tally_close(hm_tally_t *tally);

#endif
