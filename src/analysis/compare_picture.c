/** @file compare_picture.c Where two files differ, as a picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare_rows.h"
#include "hm_canvas.h"
#include "hm_compare.h"

/** A drawing under way. */
typedef struct drawing_t {
    hm_reader_t *reader[2];
    hm_dataset_info_t info[2];
    hm_canvas_t *canvas;
    void *row[2]; /**< [width] of a channel */
    double *by;   /**< [width] how much the points of a row differ; 0: not at all */
    uint8_t *rgb; /**< [width][3] */
} drawing_t;

static hm_status_t open_drawing(const char *const path[2], drawing_t *d, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_look_t look = {.palette = NULL};
    for (int side = 0; side < 2; ++side) {
        HM_TRY(hm_reader_open(path[side], &d->reader[side], &d->info[side], err));
    }
    const size_t width = (size_t)d->info[0].grid.width;
    d->row[0] = malloc(4 * width);
    d->row[1] = malloc(4 * width);
    d->by = malloc(width * sizeof *d->by);
    d->rgb = malloc(3 * width);
    if (!d->row[0] || !d->row[1] || !d->by || !d->rgb) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for rows of %zu points", width));
    }
    HM_TRY(hm_canvas_open(path[0], &look, &d->canvas, NULL, err));
cleanup:
    return status;
}

static void close_drawing(drawing_t *d) {
    hm_canvas_close(d->canvas);
    for (int side = 0; side < 2; ++side) {
        hm_reader_close(d->reader[side]);
        free(d->row[side]);
    }
    free(d->by);
    free(d->rgb);
}

/** How much the points of a row differ: in counts, or 1 where another channel does. */
static hm_status_t measure(drawing_t *d, int64_t row, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = d->info[0].grid.width;
    memset(d->by, 0, (size_t)width * sizeof *d->by);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if (!((d->info[0].channels & d->info[1].channels) >> channel & 1u)) {
            continue;
        }
        for (int side = 0; side < 2; ++side) {
            HM_TRY(
                hm_reader_rows(d->reader[side], (hm_channel_t)channel, row, 1, d->row[side], err));
        }
        for (int64_t i = 0; i < width; ++i) {
            double by = 0;
            if (d->by[i] == 0 &&
                hm_points_differ((hm_channel_t)channel, d->row[0], d->row[1], i, &by)) {
                d->by[i] = channel == HM_CHANNEL_ITERATIONS ? by : 1;
            }
        }
    }
cleanup:
    return status;
}

/** A hm_png_row_t. */
static hm_status_t draw_row(void *context, int64_t row, const uint8_t **picture, hm_error_t *err) {
    enum { RED_AT = 24 };
    hm_status_t status = HM_OK;
    drawing_t *d = context;
    const int64_t width = d->info[0].grid.width;
    uint8_t done[2] = {0, 0};
    *picture = d->rgb;
    for (int side = 0; side < 2; ++side) {
        HM_TRY(hm_reader_done(d->reader[side], row, 1, &done[side], err));
    }
    if (done[0] != 1 || done[1] != 1) {
        hm_painter_hatch(row, width, d->rgb);
        goto cleanup;
    }
    HM_TRY(hm_canvas_run(d->canvas, row, 0, width, d->rgb, err));
    HM_TRY(measure(d, row, err));
    for (int64_t i = 0; i < width; ++i) {
        uint8_t *rgb = d->rgb + 3 * i;
        if (d->by[i] > 0) {
            const double part = fmin(1, log2(fmax(1, d->by[i])) / RED_AT);
            rgb[0] = 255;
            rgb[1] = (uint8_t)(220 * (1 - part));
            rgb[2] = (uint8_t)(40 * (1 - part));
        } else {
            /* Luma of BT.601, at a third: what differs must stand out. */
            const int grey = (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]) / 3000;
            rgb[0] = rgb[1] = rgb[2] = (uint8_t)grey;
        }
    }
cleanup:
    return status;
}

hm_status_t hm_compare_picture(const char *const path[2], const char *png_path, hm_error_t *err) {
    hm_status_t status = HM_OK;
    drawing_t drawing = {.canvas = NULL};
    const hm_grid_t *grid = &drawing.info[0].grid;
    HM_TRY(open_drawing(path, &drawing, err));
    HM_TRY(hm_png_draw(png_path, grid->width, grid->height, "Differences of two data sets", NULL,
                       draw_row, &drawing, err));
cleanup:
    close_drawing(&drawing);
    return status;
}
