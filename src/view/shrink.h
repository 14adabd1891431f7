/* Making pictures smaller: averages of squares of points, in linear light. */
#ifndef HM_VIEW_SHRINK_H
#define HM_VIEW_SHRINK_H

#include <stdint.h>

#include "hm_error.h"

/** Sums of a row of pixels under way. Constant tables are made with it. */
typedef struct shrink_t shrink_t;

/** For rows of `columns` points, `factor` points a side to a pixel; HM_EMISSING. */
hm_status_t shrink_make(int64_t columns, int64_t factor, shrink_t **shrink, hm_error_t *err);
void shrink_free(shrink_t *shrink);

/** Adds a row of points rgb[columns][3]; fewer than `factor` rows may come, at the picture's end.
 */
void shrink_add(shrink_t *shrink, const uint8_t *rgb);

/** The row of pixels that the added ones make: rgb[(columns + factor - 1) / factor][3]. Begins
 * anew. */
void shrink_take(shrink_t *shrink, uint8_t *rgb);

#endif
