/* A data set file as one PNG: part, size, strip of ranks. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_canvas.h"
#include "oklab.h"
#include "shrink.h"

typedef struct drawing_t {
    hm_canvas_t *canvas;
    hm_dataset_info_t info;
    hm_part_t part;
    int64_t factor;        /* points to a pixel, a side */
    int64_t sample;        /* rows of these that are looked at */
    int64_t width, height; /* pixels, without the strip */
    int64_t strip;         /* width of the strip in pixels; 0: none */
    hm_reader_t *reader;   /* for the strip */
    shrink_t *shrink;
    uint8_t *points; /* [part.width][3] */
    uint8_t *pixels; /* [strip + width][3] */
} drawing_t;

static hm_status_t open_drawing(drawing_t *d, const char *path, const hm_look_t *look,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_canvas_open(path, look, &d->canvas, &d->info, err));
    d->part = hm_canvas_part(d->canvas);
    d->factor = look->shrink > 1 ? look->shrink : 1;
    d->sample = look->sample > 0 && look->sample < d->factor ? look->sample : d->factor;
    d->width = (d->part.width + d->factor - 1) / d->factor;
    d->height = (d->part.height + d->factor - 1) / d->factor;
    if (look->ranks) {
        d->strip = d->width / 48 > 8 ? d->width / 48 : 8;
        HM_TRY(hm_reader_open(path, &d->reader, &d->info, err));
    }
    HM_TRY(shrink_make(d->part.width, d->factor, &d->shrink, err));
    d->points = malloc((size_t)d->part.width * 3);
    d->pixels = malloc((size_t)(d->strip + d->width) * 3);
    if (!d->points || !d->pixels) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a row of %lld points of '%s'",
                            (long long)d->part.width, path));
    }
cleanup:
    return status;
}

static void close_drawing(drawing_t *d) {
    free(d->points);
    free(d->pixels);
    shrink_free(d->shrink);
    if (d->reader) {
        hm_reader_close(d->reader);
    }
    hm_canvas_close(d->canvas);
}

/* Neighbouring ranks get hues far apart: by the golden angle. */
static void rank_colour(int32_t rank, uint8_t rgb[3]) {
    const double angle = 2.399963229728653 * (double)rank;
    oklab_to_rgb((oklab_t){.l = 0.72, .a = 0.13 * cos(angle), .b = 0.13 * sin(angle)}, rgb);
}

/* The strip beside row `row`, with a gap of an eighth of it to the picture. */
static hm_status_t draw_strip(drawing_t *d, int64_t row, hm_error_t *err) {
    hm_status_t status = HM_OK;
    uint8_t done = 0;
    int32_t rank = 0;
    uint8_t rgb[3];
    HM_TRY(hm_reader_done(d->reader, row, 1, &done, err));
    if (!done) {
        hm_painter_hatch(row, d->strip, d->pixels);
        goto cleanup;
    }
    HM_TRY(hm_reader_costs(d->reader, row, 1, NULL, NULL, &rank, err));
    rank_colour(rank, rgb);
    for (int64_t i = 0; i < d->strip; ++i) {
        memcpy(d->pixels + 3 * i, rgb, 3);
    }
    memset(d->pixels + 3 * (d->strip - d->strip / 8), 0, 3 * (size_t)(d->strip / 8));
cleanup:
    return status;
}

/* A hm_png_row_t. */
static hm_status_t draw_pixels(void *context, int64_t pixel_row, const uint8_t **rgb,
                               hm_error_t *err) {
    drawing_t *d = context;
    const int64_t first = pixel_row * d->factor;
    const int64_t left = d->part.height - first;
    const int64_t rows = left < d->factor ? left : d->factor;
    uint8_t *const picture = d->pixels + 3 * d->strip;
    hm_status_t status = HM_OK;
    *rgb = d->pixels;
    if (d->strip > 0) {
        HM_TRY(draw_strip(d, d->part.y + first, err));
    }
    if (d->factor == 1) {
        HM_TRY(hm_canvas_run(d->canvas, d->part.y + first, d->part.x, d->part.width, picture, err));
        goto cleanup;
    }
    const int64_t looked_at = rows < d->sample ? rows : d->sample;
    for (int64_t k = 0; k < looked_at; ++k) {
        /* Each in the middle of its share. */
        const int64_t row = first + (2 * k + 1) * rows / (2 * looked_at);
        HM_TRY(hm_canvas_run(d->canvas, d->part.y + row, d->part.x, d->part.width, d->points, err));
        shrink_add(d->shrink, d->points);
    }
    shrink_take(d->shrink, picture);
cleanup:
    return status;
}

/* What the picture says of itself. */
static void describe(const drawing_t *d, const char *palette, char *text, size_t size) {
    const hm_grid_t *grid = &d->info.grid;
    snprintf(text, size,
             "first point %.17g%+.17gi, step %.17g%+.17gi, max-iter %" PRIu32 ", palette %s",
             grid->re0 + (double)d->part.x * grid->re_step,
             grid->im0 + (double)d->part.y * grid->im_step, grid->re_step * (double)d->factor,
             grid->im_step * (double)d->factor, d->info.formula.max_iter, palette);
}

hm_status_t hm_picture_write(const char *h5_path, const char *png_path, const hm_look_t *look,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    drawing_t drawing = {0};
    char text[256];
    HM_TRY(open_drawing(&drawing, h5_path, look, err));
    describe(&drawing, look->palette ? look->palette : hm_palette_name(0), text, sizeof text);
    HM_TRY(hm_png_draw(png_path, drawing.strip + drawing.width, drawing.height,
                       drawing.info.formula.julia ? "Julia set" : "Mandelbrot set", text,
                       draw_pixels, &drawing, err));
cleanup:
    close_drawing(&drawing);
    return status;
}
