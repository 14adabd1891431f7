/**
 * @file hm_mirror.h
 * Rows that mirror each other in the real axis: what is computed of one holds for the other.
 *
 * Conjugating the point conjugates its orbit, in doubles too, bit by bit: x' = x*x - y*y + cr stays
 * as it is when y and ci change their signs, y' = 2*x*y + ci changes its sign, and rounding to
 * nearest does not know which sign there is; fused operations neither. So do the derivative and
 * Newton's steps for the period. All channels depend on the imaginary parts through products of two
 * of them only. A Julia set is symmetric that way when its c is real.
 *
 * That takes rows whose imaginary parts are the same double but for the sign. The rows of a grid
 * are origin + index * step, rounded twice: with a step of few binary digits (a span and a size
 * like 3 and 2048) all of them are such pairs, with any other one here and there a pair is, which
 * is not used. Pure arithmetic, the same on every rank.
 */
#ifndef HM_MIRROR_H
#define HM_MIRROR_H

#include <stdint.h>

#include "hm_grid.h"
#include "hm_kernel.h"

/** Rows first .. first + pairs - 1 have twins: the twin of row r is row sum - r, below all of them.
 * A row in the middle, on the real axis itself, has none. */
typedef struct hm_mirror_t {
    int64_t first;
    int64_t pairs; /**< 0: no row has one */
    int64_t sum;
} hm_mirror_t;

/** Fewer pairs are not worth the bands that they take apart. */
enum { HM_MIRROR_LEAST = 8 };

/**
 * Finds the widest range of rows around the real axis in which every row has a twin; none where
 * formula->interior is HM_INTERIOR_NONE, as then every update is to be done, or for a Julia set
 * whose c is not real. O(1) memory; O(pairs) time, which ends at the first two rows that do not
 * mirror each other (with accumulated coordinates O(pairs * height / 4096)).
 */
hm_mirror_t hm_mirror_find(const hm_grid_t *grid, const hm_formula_t *formula);

/** Is the row the twin of another one, which is computed for both? */
static inline bool hm_mirror_is_twin(const hm_mirror_t *mirror, int64_t row) {
    const int64_t other = mirror->sum - row;
    return other >= mirror->first && other < mirror->first + mirror->pairs;
}

#endif
