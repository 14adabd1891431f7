/**
 * @file hm_picture.h
 * Pictures: counts to colours, streamed to PNG row by row, so that a picture's size never has to
 * fit in memory.
 *
 * Three steps, each usable alone: a *palette* is a closed gradient; an *exposure* says which counts
 * go through it how fast; a *painter* joins both and colours rows. Nothing here is collective, and
 * there is no state outside the arguments.
 */
#ifndef HM_PICTURE_H
#define HM_PICTURE_H

#include <stdint.h>

#include "hm_error.h"

/** An RGB PNG, 8 bits a channel, sRGB, being written. */
typedef struct hm_png_t hm_png_t;

/**
 * Starts a PNG of width x height at `path`. A new or regular file is written under a temporary name
 * beside it and renamed by hm_png_close(), so that it is never seen half written; a device or pipe
 * is written directly. HM_EUSAGE when a side is outside 1 to 2^31 - 1 (the format's limit),
 * HM_ECREATE when the file cannot be made, HM_EMISSING when out of memory.
 */
hm_status_t hm_png_open(const char *path, int64_t width, int64_t height, hm_png_t **png,
                        hm_error_t *err);

/**
 * Adds a text chunk; before the first row. `key` is one of the format's keywords ("Title",
 * "Software", ...), `text` is UTF-8; both are copied. HM_EMISSING, HM_EBUG after the first row.
 */
hm_status_t hm_png_text(hm_png_t *png, const char *key, const char *text, hm_error_t *err);

/**
 * The next row, rgb[width][3]. HM_EIO when it cannot be written (full disk), HM_EBUG beyond the
 * last row. After a failure only hm_png_close() may follow.
 */
hm_status_t hm_png_row(hm_png_t *png, const uint8_t *rgb, hm_error_t *err);

/**
 * Finishes, forces the file to the disk and renames it; or, when `keep` is 0 or a row failed,
 * removes what was written. Always frees, also when it fails: HM_EIO, or HM_EBUG when rows are
 * missing. NULL is allowed.
 */
hm_status_t hm_png_close(hm_png_t *png, int keep, hm_error_t *err);

/** Says what a picture shows, and who drew it, as texts; before the first row. `description` NULL:
 * none. Errors as hm_png_text(). */
hm_status_t hm_png_label(hm_png_t *png, const char *title, const char *description,
                         hm_error_t *err);

/** Colours row `row` of a picture: *rgb, [width][3], is the painter's own and read before the next
 * call. */
typedef hm_status_t (*hm_png_row_t)(void *context, int64_t row, const uint8_t **rgb,
                                    hm_error_t *err);

/** A whole picture: its label, and rows in their order as `paint` colours them. Errors as of the
 * functions above, and those of `paint`; on failure no picture is left, and an older one at `path`
 * stays. */
hm_status_t hm_png_draw(const char *path, int64_t width, int64_t height, const char *title,
                        const char *description, hm_png_row_t paint, void *context,
                        hm_error_t *err);

/** A palette: a closed gradient given by a few colours, and the colour of the inside. Constant. */
typedef struct hm_palette_t hm_palette_t;

/** The palette called `name`, or the default for NULL. HM_EUSAGE with the known names. */
hm_status_t hm_palette_find(const char *name, const hm_palette_t **palette, hm_error_t *err);

/** Name and one line of description of palette `index` (0 is the default); NULL past the last. */
const char *hm_palette_name(int index);
const char *hm_palette_about(int index);

/** All names, for help. */
#define HM_PALETTE_NAMES \
    "gilded (the default), ember, lagoon, dusk, viridis, inferno, cividis, grey"

enum { HM_EXPOSURE_KNOTS = 256 };

/**
 * How counts travel through the gradient: by log(1 + (n - low) / knee), eased in, the lowest counts
 * at half the speed; round and round, as the gradient is closed. So equal steps for low counts,
 * equal ratios for high ones, and a view deep in the set, where all counts are high, gets the same
 * contrast as the whole set.
 */
typedef struct hm_exposure_t {
    double low;  /**< count at the gradient's beginning; lower ones get its colour */
    double knee; /**< > 0: counts above low where linear turns into logarithmic */
    int knots;   /**< 0, or 2 to HM_EXPOSURE_KNOTS: equalized, see hm_exposure_equalize() */
    double knot[HM_EXPOSURE_KNOTS][2]; /**< count, and its place on the gradient, both rising */
} hm_exposure_t;

/**
 * Measures an exposure from a sample of a picture's counts: low is the smallest one, knee the
 * median above it, or more where that would make the steps between neighbouring counts visible as
 * bands. Those at max_iter and 2^32 - 1 (not computed) are left out. Reorders `counts`.
 */
hm_exposure_t hm_exposure_measure(uint32_t *counts, int64_t count, uint32_t max_iter);

/**
 * The same for histogram equalization: equal areas of the picture get equal lengths of the
 * gradient, once through it.
 */
hm_exposure_t hm_exposure_equalize(uint32_t *counts, int64_t count, uint32_t max_iter);

/** Colours rows. Made by hm_painter_make(), freed by hm_painter_free(). */
typedef struct hm_painter_t hm_painter_t;

/** HM_EMISSING when out of memory. */
hm_status_t hm_painter_make(const hm_palette_t *palette, const hm_exposure_t *exposure,
                            uint32_t max_iter, hm_painter_t **painter, hm_error_t *err);
void hm_painter_free(hm_painter_t *painter);

/** The colour of a continuous count outside the set; what hm_painter_row() gives a whole one. */
void hm_painter_colour(const hm_painter_t *painter, double count, uint8_t rgb[3]);

/**
 * Colours a row: counts[width] to rgb[width][3]. `smooth` ([width], may be NULL) are the continuous
 * counts, used instead where they are finite. Points at max_iter get the palette's inside colour.
 */
void hm_painter_row(const hm_painter_t *painter, const uint32_t *counts, const float *smooth,
                    int64_t width, uint8_t *rgb);

/** The hatch of greys that stands for row `row` of a picture where it was not computed. */
void hm_painter_hatch(int64_t row, int64_t width, uint8_t *rgb);

#endif
