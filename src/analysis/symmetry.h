/**
 * @file symmetry.h
 * The Mandelbrot set is its own mirror image in the real axis, a Julia set in the origin. Where the
 * view holds both sides, counts must be equal; exactly where the points' coordinates are exact
 * mirror images, as z -> conj z and z -> -z commute with every rounding of an update. Inside
 * src/analysis only.
 */
#ifndef HM_ANALYSIS_SYMMETRY_H
#define HM_ANALYSIS_SYMMETRY_H

#include "hm_cluster.h"
#include "hm_dataset.h"

/** Most pairs of rows that are compared point by point, evenly spread over all. */
enum { HM_SYMMETRY_PAIRS = 256 };

/** On rank 0. All 0: the view has no two sides. */
typedef struct hm_symmetry_t {
    uint64_t pairs; /**< of rows that are mirror images and done */
    uint64_t exact; /**< of these, with coordinates that are so to the last bit (Mandelbrot) */
    uint64_t exact_differ;   /**< of these, rows with different counts: there must be none */
    uint64_t compared;       /**< pairs compared point by point */
    uint64_t points, differ; /**< points compared, and those with different counts */
} hm_symmetry_t;

/** Collective; all ranks return the same status. HM_EIO, HM_EMISSING. */
hm_status_t hm_symmetry_check(const hm_cluster_t *cluster, hm_reader_t *reader,
                              const hm_dataset_info_t *info, hm_symmetry_t *symmetry,
                              hm_error_t *err);

#endif
