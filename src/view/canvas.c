/* Runs of points of a data set file, coloured. */
#include "hm_canvas.h"

#include <stdlib.h>
#include <string.h>

#include "oklab.h"
#include "palette.h"
#include "relief.h"

enum { SAMPLE = 1 << 18, WINDOW_BYTES = 4 << 20, WINDOW_ROWS = 256 };

/* What has been read: rows [first, first + rows) of columns [column, column + columns). */
typedef struct window_t {
    int64_t first, rows, column, columns;
    int64_t points;   /* room */
    uint32_t *counts; /* [rows][columns] */
    float *smooth;    /* NULL when the file has none */
    float *distance;  /* NULL when not needed */
    uint8_t done[WINDOW_ROWS + 1];
} window_t;

struct hm_canvas_t {
    hm_reader_t *reader;
    hm_dataset_info_t info;
    hm_part_t part;
    bool relief;
    bool sparse; /* rows are not asked for one after the other: none is read ahead */
    uint8_t inside[3];
    hm_painter_t *painter;
    window_t window;
};

static int64_t least(int64_t x, int64_t y) {
    return x < y ? x : y;
}

static hm_status_t find_part(const hm_look_t *look, const hm_grid_t *grid, hm_part_t *part,
                             hm_error_t *err) {
    const hm_part_t asked = look->part;
    if (asked.width == 0) {
        *part = (hm_part_t){.width = grid->width, .height = grid->height};
        return HM_OK;
    }
    if (asked.x < 0 || asked.y < 0 || asked.width < 1 || asked.height < 1 ||
        asked.width > grid->width - asked.x || asked.height > grid->height - asked.y) {
        return hm_error_set(err, HM_EUSAGE,
                            "a part of %lld x %lld points from (%lld, %lld) is not in a grid of "
                            "%lld x %lld",
                            (long long)asked.width, (long long)asked.height, (long long)asked.x,
                            (long long)asked.y, (long long)grid->width, (long long)grid->height);
    }
    *part = asked;
    return HM_OK;
}

hm_status_t hm_canvas_sample(hm_canvas_t *canvas, int64_t most, uint32_t *sample, int64_t *count,
                             hm_error_t *err) {
    enum { SIDE = 512 };
    const hm_part_t *part = &canvas->part;
    const int64_t rows = least(part->height, most < SIDE ? most : SIDE);
    const int64_t columns = least(part->width, rows > 0 && most / rows < SIDE ? most / rows : SIDE);
    hm_status_t status = HM_OK;
    int64_t found = 0;
    uint32_t *counts = malloc((size_t)part->width * sizeof *counts);
    if (!counts) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a row of %lld points",
                            (long long)part->width));
    }
    for (int64_t j = 0; j < rows; ++j) {
        const int64_t row = part->y + j * part->height / rows;
        uint8_t done = 0;
        HM_TRY(hm_reader_done(canvas->reader, row, 1, &done, err));
        if (!done) {
            continue;
        }
        HM_TRY(hm_reader_part(canvas->reader, HM_CHANNEL_ITERATIONS, row, 1, part->x, part->width,
                              counts, err));
        for (int64_t i = 0; i < columns; ++i) {
            sample[found++] = counts[i * part->width / columns];
        }
    }
    *count = found;
cleanup:
    free(counts);
    return status;
}

static hm_status_t expose(hm_canvas_t *canvas, hm_tone_t tone, hm_exposure_t *exposure,
                          hm_error_t *err) {
    const uint32_t max_iter = canvas->info.formula.max_iter;
    hm_status_t status = HM_OK;
    int64_t count = 0;
    uint32_t *sample = malloc(SAMPLE * sizeof *sample);
    if (!sample) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a sample of the picture"));
    }
    HM_TRY(hm_canvas_sample(canvas, SAMPLE, sample, &count, err));
    *exposure = tone == HM_TONE_EQUALIZED ? hm_exposure_equalize(sample, count, max_iter)
                                          : hm_exposure_measure(sample, count, max_iter);
cleanup:
    free(sample);
    return status;
}

hm_status_t hm_canvas_open(const char *path, const hm_look_t *look, hm_canvas_t **canvas,
                           hm_dataset_info_t *info, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_palette_t *palette = NULL;
    hm_exposure_t exposure;
    hm_canvas_t *made = calloc(1, sizeof *made);
    if (!made) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    HM_TRY(hm_palette_find(look->palette, &palette, err));
    HM_TRY(hm_reader_open(path, &made->reader, &made->info, err));
    HM_TRY(find_part(look, &made->info.grid, &made->part, err));
    made->relief = look->relief;
    made->sparse = look->sample > 0 && look->sample < look->shrink;
    if (look->relief && !(made->info.channels >> HM_CHANNEL_DISTANCE & 1u)) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "'%s' has no channel distance, which relief needs; render it with "
                            "--channels iterations,distance",
                            path));
    }
    if (look->exposure) {
        exposure = *look->exposure;
    } else {
        HM_TRY(expose(made, look->tone, &exposure, err));
    }
    HM_TRY(hm_painter_make(palette, &exposure, made->info.formula.max_iter, &made->painter, err));
    oklab_to_rgb(oklab_from_hex(palette->inside), made->inside);
    if (info) {
        *info = made->info;
    }
    *canvas = made;
    made = NULL;
cleanup:
    hm_canvas_close(made);
    return status;
}

hm_part_t hm_canvas_part(const hm_canvas_t *canvas) {
    return canvas->part;
}

static void free_window(window_t *window) {
    free(window->counts);
    free(window->smooth);
    free(window->distance);
    *window = (window_t){0};
}

void hm_canvas_close(hm_canvas_t *canvas) {
    if (!canvas) {
        return;
    }
    free_window(&canvas->window);
    hm_painter_free(canvas->painter);
    hm_reader_close(canvas->reader);
    free(canvas);
}

static hm_status_t make_room(hm_canvas_t *canvas, int64_t points, hm_error_t *err) {
    window_t *w = &canvas->window;
    if (points <= w->points) {
        return HM_OK;
    }
    free_window(w);
    const size_t bytes = (size_t)points * 4;
    const bool has_smooth = (canvas->info.channels >> HM_CHANNEL_SMOOTH & 1u) != 0;
    w->counts = malloc(bytes);
    w->smooth = has_smooth ? malloc(bytes) : NULL;
    w->distance = canvas->relief ? malloc(bytes) : NULL;
    if (!w->counts || (has_smooth && !w->smooth) || (canvas->relief && !w->distance)) {
        free_window(w);
        return hm_error_set(err, HM_EMISSING, "out of memory for %lld points", (long long)points);
    }
    w->points = points;
    return HM_OK;
}

/* Relief needs a point more than a run has: behind it, or before it where the grid ends. */
static int64_t with_margin(const hm_canvas_t *canvas, int64_t first, int64_t count, int64_t total) {
    return canvas->relief && first > 0 && first + count == total ? first - 1 : first;
}

/* Reads what begins with this row, with the margins. */
static hm_status_t move_window(hm_canvas_t *canvas, int64_t row, int64_t column, int64_t columns,
                               hm_error_t *err) {
    window_t *w = &canvas->window;
    const hm_grid_t *grid = &canvas->info.grid;
    const int64_t end = least(column + columns + (canvas->relief ? 1 : 0), grid->width);
    column = with_margin(canvas, column, columns, grid->width);
    row = with_margin(canvas, row, 1, grid->height);
    const int64_t wide = end - column;
    int64_t rows = canvas->sparse ? 1 : least(WINDOW_BYTES / 4 / wide, WINDOW_ROWS);
    rows = least((rows > 1 ? rows : 1) + (canvas->relief ? 1 : 0), grid->height - row);
    hm_status_t status = HM_OK;
    HM_TRY(make_room(canvas, rows * wide, err));
    w->rows = 0;
    HM_TRY(hm_reader_done(canvas->reader, row, rows, w->done, err));
    HM_TRY(hm_reader_part(canvas->reader, HM_CHANNEL_ITERATIONS, row, rows, column, wide, w->counts,
                          err));
    if (w->smooth) {
        HM_TRY(hm_reader_part(canvas->reader, HM_CHANNEL_SMOOTH, row, rows, column, wide, w->smooth,
                              err));
    }
    if (w->distance) {
        HM_TRY(hm_reader_part(canvas->reader, HM_CHANNEL_DISTANCE, row, rows, column, wide,
                              w->distance, err));
    }
    w->first = row;
    w->rows = rows;
    w->column = column;
    w->columns = wide;
cleanup:
    return status;
}

static bool in_window(const hm_canvas_t *canvas, int64_t row, int64_t column, int64_t columns) {
    const window_t *w = &canvas->window;
    const hm_grid_t *grid = &canvas->info.grid;
    const bool wants_next = canvas->relief && row + 1 < grid->height;
    const int64_t from = with_margin(canvas, column, columns, grid->width);
    const int64_t end = least(column + columns + (canvas->relief ? 1 : 0), grid->width);
    return w->rows > 0 && w->column == from && w->columns == end - from &&
           with_margin(canvas, row, 1, grid->height) >= w->first &&
           row + (wants_next ? 1 : 0) < w->first + w->rows;
}

hm_status_t hm_canvas_run(hm_canvas_t *canvas, int64_t row, int64_t column, int64_t columns,
                          uint8_t *rgb, hm_error_t *err) {
    window_t *w = &canvas->window;
    hm_status_t status = HM_OK;
    if (!in_window(canvas, row, column, columns)) {
        HM_TRY(move_window(canvas, row, column, columns, err));
    }
    const int64_t k = row - w->first;
    const int64_t before = column - w->column;
    const int64_t at = k * w->columns + before;
    if (!w->done[k]) {
        hm_painter_hatch(row, columns, rgb);
        goto cleanup;
    }
    hm_painter_row(canvas->painter, w->counts + at, w->smooth ? w->smooth + at : NULL, columns,
                   rgb);
    if (canvas->relief) {
        const bool above = row + 1 == canvas->info.grid.height;
        const int64_t next = above ? k - 1 : k + 1;
        const bool known = next >= 0 && next < w->rows && w->done[next];
        const relief_t relief = {
            .here = w->distance + at,
            .neighbour = known ? w->distance + next * w->columns + before : NULL,
            .above = above,
            .left = before > 0,
            .right = w->columns > before + columns,
        };
        relief_shade(&relief, columns, canvas->inside, rgb);
    }
cleanup:
    return status;
}
