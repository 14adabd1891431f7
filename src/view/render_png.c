#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "hm_dataset.h"
#include "hm_picture.h"

/* The sample that the exposure is measured from. */
enum { SAMPLE_ROWS = 512, SAMPLE_COLUMNS = 512 };

/* A drawing under way: what it reads, and one row of everything. */
typedef struct drawing_t {
    hm_reader_t *reader;
    hm_dataset_info_t info;
    uint32_t *counts; /* [width] */
    float *smooth;    /* [width], NULL when the file has none */
    uint8_t *rgb;     /* [width][3] */
} drawing_t;

static int64_t least(int64_t x, int64_t y) {
    return x < y ? x : y;
}

static hm_status_t drawing_open(drawing_t *drawing, const char *path, hm_error_t *err) {
    hm_status_t status = hm_reader_open(path, &drawing->reader, &drawing->info, err);
    if (status != HM_OK) {
        return status;
    }
    const size_t width = (size_t)drawing->info.grid.width;
    const bool has_smooth = (drawing->info.channels & 1u << HM_CHANNEL_SMOOTH) != 0;
    drawing->counts = malloc(width * sizeof *drawing->counts);
    drawing->smooth = has_smooth ? malloc(width * sizeof *drawing->smooth) : NULL;
    drawing->rgb = malloc(3 * width);
    if (!drawing->counts || !drawing->rgb || (has_smooth && !drawing->smooth)) {
        return hm_error_set(err, HM_EMISSING, "out of memory for a row of %zu points of '%s'",
                            width, path);
    }
    return HM_OK;
}

static void drawing_close(drawing_t *drawing) {
    free(drawing->counts);
    free(drawing->smooth);
    free(drawing->rgb);
    if (drawing->reader) {
        hm_reader_close(drawing->reader);
    }
}

/* Measures the exposure from rows and columns spread evenly over the picture. */
static hm_status_t expose(drawing_t *drawing, hm_exposure_t *exposure, hm_error_t *err) {
    const int64_t width = drawing->info.grid.width;
    const int64_t height = drawing->info.grid.height;
    const int64_t rows = least(height, SAMPLE_ROWS);
    const int64_t columns = least(width, SAMPLE_COLUMNS);
    hm_status_t status = HM_OK;
    int64_t count = 0;
    uint32_t *sample = malloc((size_t)(rows * columns) * sizeof *sample);
    if (!sample) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for a sample of the picture");
        goto cleanup;
    }
    for (int64_t j = 0; j < rows; ++j) {
        const int64_t row = j * height / rows;
        uint8_t done = 0;
        HM_TRY(hm_reader_done(drawing->reader, row, 1, &done, err));
        if (!done) {
            continue;
        }
        HM_TRY(
            hm_reader_rows(drawing->reader, HM_CHANNEL_ITERATIONS, row, 1, drawing->counts, err));
        for (int64_t i = 0; i < columns; ++i) {
            sample[count++] = drawing->counts[i * width / columns];
        }
    }
    *exposure = hm_exposure_measure(sample, count, drawing->info.formula.max_iter);

cleanup:
    free(sample);
    return status;
}

static hm_status_t draw_row(drawing_t *drawing, const hm_painter_t *painter, int64_t row,
                            hm_error_t *err) {
    const int64_t width = drawing->info.grid.width;
    hm_status_t status = HM_OK;
    uint8_t done = 0;
    HM_TRY(hm_reader_done(drawing->reader, row, 1, &done, err));
    if (!done) {
        hm_painter_hatch(row, width, drawing->rgb);
        goto cleanup;
    }
    HM_TRY(hm_reader_rows(drawing->reader, HM_CHANNEL_ITERATIONS, row, 1, drawing->counts, err));
    if (drawing->smooth) {
        HM_TRY(hm_reader_rows(drawing->reader, HM_CHANNEL_SMOOTH, row, 1, drawing->smooth, err));
    }
    hm_painter_row(painter, drawing->counts, drawing->smooth, width, drawing->rgb);

cleanup:
    return status;
}

/* What the picture says of itself. */
static hm_status_t label(const drawing_t *drawing, const char *palette, hm_png_t *png,
                         hm_error_t *err) {
    const hm_grid_t *grid = &drawing->info.grid;
    char text[256];
    hm_status_t status = HM_OK;
    HM_TRY(hm_png_text(png, "Software", "hpcmandel", err));
    HM_TRY(hm_png_text(png, "Title", drawing->info.formula.julia ? "Julia set" : "Mandelbrot set",
                       err));
    snprintf(text, sizeof text,
             "first point %.17g%+.17gi, step %.17g%+.17gi, max-iter %" PRIu32 ", palette %s",
             grid->re0, grid->im0, grid->re_step, grid->im_step, drawing->info.formula.max_iter,
             palette);
    HM_TRY(hm_png_text(png, "Description", text, err));

cleanup:
    return status;
}

hm_status_t hm_picture_write(const char *h5_path, const char *png_path, const char *palette,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    drawing_t drawing = {0};
    const hm_palette_t *colours = NULL;
    hm_painter_t *painter = NULL;
    hm_png_t *png = NULL;
    hm_exposure_t exposure;

    HM_TRY(hm_palette_find(palette, &colours, err));
    HM_TRY(drawing_open(&drawing, h5_path, err));
    HM_TRY(expose(&drawing, &exposure, err));
    HM_TRY(hm_painter_make(colours, &exposure, drawing.info.formula.max_iter, &painter, err));
    HM_TRY(hm_png_open(png_path, drawing.info.grid.width, drawing.info.grid.height, &png, err));
    HM_TRY(label(&drawing, palette ? palette : hm_palette_name(0), png, err));
    for (int64_t row = 0; row < drawing.info.grid.height; ++row) {
        HM_TRY(draw_row(&drawing, painter, row, err));
        HM_TRY(hm_png_row(png, drawing.rgb, err));
    }
    hm_png_t *finished = png;
    png = NULL;
    HM_TRY(hm_png_close(finished, 1, err));

cleanup:
    hm_png_close(png, 0, NULL);
    hm_painter_free(painter);
    drawing_close(&drawing);
    return status;
}
