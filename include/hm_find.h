/**
 * @file hm_find.h
 * The first points of a data set for which an expression holds, in row-major order, found by all
 * ranks together with an early stop.
 *
 * An expression: numbers; the names of channels (`iterations`, also `count`; `smooth`, `distance`,
 * `period`), `re` and `im`, `row` and `column`, `inside` (1 where no update escaped); + - * / and
 * signs; == != < <= > >=; ! && || (also `not`, `and`, `or`); parentheses; `abs(x)`. All values are
 * doubles; what is not 0 and not NaN is true.
 */
#ifndef HM_FIND_H
#define HM_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "hm_cluster.h"
#include "hm_dataset.h"
#include "hm_error.h"

/** Most hits that may be asked for. */
enum { HM_FIND_MOST = 100000 };

/** An expression, compiled. Owned by who compiled it. */
typedef struct hm_expression_t hm_expression_t;

/** HM_EUSAGE: the message says at which character (from 1) it is wrong, and what was expected.
 * HM_EMISSING. Not collective. */
hm_status_t hm_expression_compile(const char *text, hm_expression_t **expression, hm_error_t *err);
void hm_expression_free(hm_expression_t *expression);

/** The channels that it needs, a mask. */
uint32_t hm_expression_channels(const hm_expression_t *expression);

/** What stands at some neighbouring points of a row. */
typedef struct hm_points_t {
    int64_t row, column, count; /**< points (row, column) to (row, column + count - 1) */
    double im;
    const double *re;                      /**< [count] */
    const void *channel[HM_CHANNEL_COUNT]; /**< [count], uint32_t or float; NULL: not needed */
    uint32_t max_iter;
} hm_points_t;

/** true_[count] is 1 where the expression holds. Thread-safe. */
void hm_expression_evaluate(const hm_expression_t *expression, const hm_points_t *points,
                            uint8_t *true_);

/** A point found. Values of channels that the file lacks are 0. */
typedef struct hm_hit_t {
    int64_t row, column;
    double re, im;
    uint32_t iterations, period;
    float smooth, distance;
} hm_hit_t;

/** What a search found. Start with {0}. */
typedef struct hm_hits_t {
    hm_dataset_info_t info;
    hm_hit_t *hit; /**< [count] on rank 0, in row-major order; the caller frees it */
    int64_t count;
    bool all; /**< the whole file was searched, and there are no more */
} hm_hits_t;

/**
 * Searches the rows that are done, and says of each hit all that the file has. Bands of rows go
 * round: in each round each rank takes one, in order; while the next round is under way a reduction
 * tells all whether there are enough hits, and then they stop where they are. The same hits on
 * every number of ranks. Collective; all ranks return the same status. HM_EDATA: also when the file
 * lacks a channel that is needed. HM_EIO, HM_EMISSING.
 */
hm_status_t hm_find(const hm_cluster_t *cluster, const char *path,
                    const hm_expression_t *expression, int64_t limit, hm_hits_t *hits,
                    hm_error_t *err);

#endif
