/**
 * @file boxes.h
 * Counts the boxes of 1, 2, 4, ... pixels a side that the boundary of the set goes through.
 *
 * A box of side b at multiples of b has the (b + 1)^2 points on its rim and inside it; it is
 * counted when some of them are in the set and some are not. So a box is counted exactly when one
 * of the four half its size is, and all sizes follow from the smallest ones by or: a pyramid of
 * bits, of which a rank holds a row a level.
 *
 * A rank's rows begin at multiples of 2^base. Up to that size it counts alone; of the boxes of that
 * size there is a map of few bits, which all ranks fill in, and which gives the larger sizes.
 * Inside src/analysis only.
 */
#ifndef HM_ANALYSIS_BOXES_H
#define HM_ANALYSIS_BOXES_H

#include <mpi.h>
#include <stdint.h>

#include "hm_error.h"

enum { HM_BOX_LEVELS = 32 };

typedef struct hm_boxes_t hm_boxes_t;

/** The base for an image: the smallest whose map has at most 2^23 bits. */
int hm_boxes_base(int64_t width, int64_t height);

/** For an image of width x height points; rows come from `first` on. HM_EMISSING. */
hm_status_t hm_boxes_make(int64_t width, int64_t height, int64_t first, hm_boxes_t **boxes,
                          hm_error_t *err);
void hm_boxes_free(hm_boxes_t *boxes);

/**
 * The next row, as bits: bit i % 64 of inside[i / 64] is point i. [words], words = (width + 63) /
 * 64, with zeros behind the last point. NULL: the row is missing: no box that touches it is looked
 * at. After a rank's last row comes the first one of the next rank, if there is one.
 */
void hm_boxes_row(hm_boxes_t *boxes, const uint64_t *inside);

/** After the last row: count[HM_BOX_LEVELS] of sides 1, 2, 4, ..., on rank 0; *levels of them are
 * smaller than the image. Collective. */
hm_status_t hm_boxes_reduce(MPI_Comm comm, hm_boxes_t *boxes, uint64_t count[HM_BOX_LEVELS],
                            int *levels, hm_error_t *err);

#endif
