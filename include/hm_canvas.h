/**
 * @file hm_canvas.h
 * Data set files as pictures: what of a file a picture shows, and how. Colours come in runs of
 * points, read in pieces, so that neither the data nor the picture has to fit in memory.
 */
#ifndef HM_CANVAS_H
#define HM_CANVAS_H

#include <stdbool.h>

#include "hm_dataset.h"
#include "hm_picture.h"

/** How counts become places on the gradient. */
typedef enum hm_tone_t {
    HM_TONE_LOG,      /**< hm_exposure_measure() */
    HM_TONE_EQUALIZED /**< hm_exposure_equalize() */
} hm_tone_t;

/** Columns [x, x + width) of rows [y, y + height) of a data set, points. */
typedef struct hm_part_t {
    int64_t x, y, width, height;
} hm_part_t;

/** What a picture shows, and how. {0} is the whole file in the default palette. */
typedef struct hm_look_t {
    const char *palette; /**< a name; NULL: the default */
    hm_tone_t tone;
    bool relief;    /**< lit from the upper left as if the distance to the set were a height, and
                       sharp where the boundary is nearer than a point: needs the distance channel */
    bool ranks;     /**< a strip beside the picture: a colour for who computed each row */
    hm_part_t part; /**< width 0: all */
    int64_t shrink; /**< points a side that make one pixel, averaged in linear light; 0 is 1 */
    int64_t sample; /**< rows looked at of those that make one row of pixels, evenly spread, so that
                       the time of a picture of a large file is bounded; 0: all */
    const hm_exposure_t *exposure; /**< NULL: measured from the part */
} hm_look_t;

/** A file open for being coloured. */
typedef struct hm_canvas_t hm_canvas_t;

/**
 * Opens a data set file and measures the exposure: from a sample of at most 2^18 points of the
 * part. One rank alone; any number of ranks may each have their own. `info` may be NULL.
 * HM_EUSAGE: palette, or a part outside of the grid; HM_EDATA also when relief is asked for and
 * there is no distance; else as hm_reader_open().
 */
hm_status_t hm_canvas_open(const char *path, const hm_look_t *look, hm_canvas_t **canvas,
                           hm_dataset_info_t *info, hm_error_t *err);

/**
 * The colours of columns [column, column + columns) of a row (of the file, not the part):
 * rgb[columns][3], from the smooth channel where the file has it, else from the counts; hatched
 * where the row is not in the file. Fast when called for the same columns of ascending rows: reads
 * ahead, at most 4 MiB or one row a channel. HM_EIO, HM_EMISSING.
 */
hm_status_t hm_canvas_run(hm_canvas_t *canvas, int64_t row, int64_t column, int64_t columns,
                          uint8_t *rgb, hm_error_t *err);

/**
 * Puts counts of at most `most` points, evenly spread over the look's part, into `sample`; rows not
 * in the file are left out. For one exposure of several files. HM_EIO.
 */
hm_status_t hm_canvas_sample(hm_canvas_t *canvas, int64_t most, uint32_t *sample, int64_t *count,
                             hm_error_t *err);

/** The part that the look means: all of it where it says so. */
hm_part_t hm_canvas_part(const hm_canvas_t *canvas);

/** NULL is allowed. */
void hm_canvas_close(hm_canvas_t *canvas);

/**
 * The pixels of x..., y... of the complex rectangle `text`, "RE0:RE1,IM0:IM1" as in render, that
 * lie in the grid: the part whose points are inside of it. HM_EUSAGE: not such a text, or nothing
 * of it is in the grid.
 */
hm_status_t hm_part_parse(const char *text, const hm_grid_t *grid, hm_part_t *part,
                          hm_error_t *err);

/**
 * Draws a data set file as a PNG at `png_path`, row by row. One rank alone, serial. Errors as of
 * hm_canvas_open() and the functions of hm_picture.h; on failure no picture is left, and an older
 * one at png_path stays.
 */
hm_status_t hm_picture_write(const char *h5_path, const char *png_path, const hm_look_t *look,
                             hm_error_t *err);

#endif
