/**
 * @file hm_compare.h
 * Two data set files of one view, point by point, by all ranks together: which points differ, how
 * many, by how much and where.
 *
 * Compared are the channels that both files have, in the rows that are done in both. Numbers are
 * the same when they are equal, or both not a number. Two files can be compared when they stand for
 * the same points of the same set: the same grid and, for Julia sets, the same constant. Sums are
 * exact: the outcome has the same bits on every number of ranks.
 */
#ifndef HM_COMPARE_H
#define HM_COMPARE_H

#include <stdint.h>

#include "hm_cluster.h"
#include "hm_dataset.h"
#include "hm_error.h"

/** |difference| by powers of two: octave i is for [2^(i-160), 2^(i-159)). */
enum { HM_DIFFERENCE_OCTAVES = 320, HM_DIFFERENCE_ONE = 160 };

/** How a channel differs. */
typedef struct hm_difference_t {
    uint64_t points;    /**< that differ */
    uint64_t unordered; /**< of these, those of which one is infinite or no number: not in what
                           follows */
    double most, mean;  /**< of |difference| over the points that differ */
    uint64_t octave[HM_DIFFERENCE_OCTAVES];
    int64_t first_row, first_column;  /**< the first one in row-major order, -1: none */
    int64_t top, bottom, left, right; /**< rows and columns that enclose them all */
} hm_difference_t;

/** The outcome. */
typedef struct hm_comparison_t {
    hm_dataset_info_t info[2];
    uint32_t channels;     /**< compared: a mask */
    uint64_t rows;         /**< compared */
    uint64_t rows_only[2]; /**< done in one of them only */
    hm_difference_t channel[HM_CHANNEL_COUNT];
    bool differ; /**< some point, or which rows are done */
} hm_comparison_t;

/**
 * Compares. Collective; all ranks return the same status; on the other ranks than 0 only `differ`
 * is set. HM_EDATA: a file is none of ours, or they are not comparable: the message names what
 * differs. HM_EIO, HM_EMISSING.
 */
hm_status_t hm_compare(const hm_cluster_t *cluster, const char *const path[2],
                       hm_comparison_t *comparison, hm_error_t *err);

/**
 * Draws where two comparable files differ: the first file's picture in dark grey, points that
 * differ in any channel from yellow (by 1, or in another channel only) to red (by 2^24 and more),
 * rows that are not done in both hatched. One rank alone, serial; holds a few rows. Errors as
 * hm_png_open() and hm_canvas_open().
 */
hm_status_t hm_compare_picture(const char *const path[2], const char *png_path, hm_error_t *err);

#endif
