/**
 * @file hm_picture.h
 * Pictures: counts to colours, streamed to PNG row by row, so that a picture's size never has to
 * fit in memory.
 */
#ifndef HM_PICTURE_H
#define HM_PICTURE_H

#include <stdint.h>

#include "hm_error.h"

typedef struct hm_png_t hm_png_t;

/** Starts an RGB PNG of width x height at `path` (written beside it and renamed by hm_png_close()).
 * HM_ECREATE. */
hm_status_t hm_png_open(const char *path, int64_t width, int64_t height, hm_png_t **png,
                        hm_error_t *err);

/** The next row, rgb[width][3]. HM_EIO on a full disk. */
hm_status_t hm_png_row(hm_png_t *png, const uint8_t *rgb, hm_error_t *err);

/** Finishes and renames; or, when `keep` is 0, removes what was written. Always frees. */
hm_status_t hm_png_close(hm_png_t *png, int keep, hm_error_t *err);

/** A palette: a smooth closed gradient in a perceptual space, sampled finely. */
typedef struct hm_palette_t hm_palette_t;

/** The palette called `name`, or the default for NULL. HM_EUSAGE with the known names. */
hm_status_t hm_palette_find(const char *name, const hm_palette_t **palette, hm_error_t *err);

/**
 * Colours a row of counts: `smooth` (may be NULL) are the continuous counts. Interior (count ==
 * max_iter) gets the palette's inside colour, rows not computed (done == 0) a hatch of greys.
 */
void hm_palette_row(const hm_palette_t *palette, const uint32_t *counts, const float *smooth,
                    uint32_t max_iter, int64_t width, uint8_t *rgb);

#endif
