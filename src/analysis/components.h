/**
 * @file components.h
 * Connected regions of pixels of one period: the hyperbolic components that the image shows.
 *
 * Rows come one after the other, as runs of one period; a run joins those of the row above that it
 * touches, corners included (Rosenfeld and Pfaltz 1966, by runs and with sets that are united by
 * path halving). A region is counted as soon as it ends, so that only the regions of one row are
 * held. Regions that reach the first or last row of a rank stay open; rank 0 joins them in the
 * ranks' order. Inside src/analysis only.
 */
#ifndef HM_ANALYSIS_COMPONENTS_H
#define HM_ANALYSIS_COMPONENTS_H

#include <stdint.h>

#include "hm_cluster.h"
#include "hm_error.h"

/** Periods below have a line each; [0] is for longer ones. */
enum { HM_PERIODS = 1024 };

/** What is known of a period. */
typedef struct hm_period_sums_t {
    uint64_t pixels[HM_PERIODS];
    uint64_t components[HM_PERIODS];
    uint64_t largest[HM_PERIODS]; /**< pixels of the largest one */
} hm_period_sums_t;

typedef struct hm_components_t hm_components_t;

/** HM_EMISSING. */
hm_status_t hm_components_make(hm_components_t **components, hm_error_t *err);
void hm_components_free(hm_components_t *components);

/** The next row, period[width], 0: none; NULL: the row is missing. HM_EMISSING. */
hm_status_t hm_components_row(hm_components_t *components, const uint32_t *period, int64_t width,
                              hm_error_t *err);

/** After the last row: all ranks' together, on rank 0. Collective, all ranks return the same
 * status. HM_EMISSING, HM_EIO. */
hm_status_t hm_components_reduce(const hm_cluster_t *cluster, hm_components_t *components,
                                 hm_period_sums_t *sums, hm_error_t *err);

#endif
