/** @file scan.h The pass over the counts. Inside src/analysis only. */
#ifndef HM_ANALYSIS_SCAN_H
#define HM_ANALYSIS_SCAN_H

#include "boxes.h"
#include "histogram.h"
#include "hm_cluster.h"
#include "hm_dataset.h"
#include "reduce.h"
#include "share.h"

/** Sums over the rows that are done. */
typedef struct hm_scan_t {
    uint64_t rows, sum, inside;
    uint64_t crossings;    /**< neighbours, beside or below each other, of which one is inside */
    int64_t least;         /**< count of a point that is not inside; INT64_MAX: there is none */
    int64_t most;          /**< and the largest one, or 0 */
    int64_t axis;          /**< the row whose points are real to the last bit, -1: there is none */
    uint64_t beside[3];    /**< points inside in rows axis - 1 to axis + 1 */
    uint64_t beside_done;  /**< how many of these rows are done */
    hm_wide_t column, row; /**< sums of the inside points' columns and rows */
    hm_stretch_t stretch;  /**< of the rows that are done, one behind the other */
    uint64_t *bin;         /**< [bins] of the points that are not inside */
    int32_t bins;
    uint64_t box[HM_BOX_LEVELS]; /**< boundary boxes of side 1, 2, 4, ... */
    int box_levels;
    double reading; /**< seconds in reads */
} hm_scan_t;

/** Says that a row's data of a channel are not those that were written, and what to do. HM_EDATA.
 */
hm_status_t hm_scan_torn(const hm_dataset_info_t *info, hm_channel_t channel, int64_t row,
                         hm_error_t *err);

/** Reads this rank's rows. Not collective but for the file. HM_EDATA: the first bad row. On failure
 * nothing needs freeing. `boxes` and `scan->bin` are the caller's to free. */
hm_status_t hm_scan_rows(hm_reader_t *reader, const hm_dataset_info_t *info, hm_share_t share,
                         hm_scan_t *scan, hm_boxes_t **boxes, hm_error_t *err);

/** All ranks' together, on rank 0. Collective. */
hm_status_t hm_scan_reduce(MPI_Comm comm, hm_scan_t *scan, hm_boxes_t *boxes, hm_error_t *err);

#endif
