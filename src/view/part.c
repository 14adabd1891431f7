/* Rectangles of the plane as parts of a grid. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hm_canvas.h"
#include "hm_text.h"

enum { LONGEST = 4096 };

typedef void coordinates_t(const hm_grid_t *grid, int64_t first, int64_t count, double *values);

/* The end k of the indices before `bound`: for ascending coordinates those below it, for
 * descending ones those at or above it. */
static int64_t end_before(const hm_grid_t *grid, coordinates_t *axis, double start, double step,
                          int64_t count, double bound) {
    double value = 0;
    /* About there; then by the coordinates themselves, which are rounded. */
    int64_t k = (int64_t)fmin(fmax((bound - start) / step, 0), (double)count);
    while (k > 0 && (axis(grid, k - 1, 1, &value), step > 0 ? value >= bound : value < bound)) {
        --k;
    }
    while (k < count && (axis(grid, k, 1, &value), step > 0 ? value < bound : value >= bound)) {
        ++k;
    }
    return k;
}

/* The indices [*first, *end) of coordinates in [low, high). */
static void indices(const hm_grid_t *grid, coordinates_t *axis, double start, double step,
                    int64_t count, const double ends[2], int64_t *first, int64_t *end) {
    *first = end_before(grid, axis, start, step, count, step > 0 ? ends[0] : ends[1]);
    *end = end_before(grid, axis, start, step, count, step > 0 ? ends[1] : ends[0]);
}

static hm_status_t parse_interval(char *text, double *low, double *high, hm_error_t *err) {
    char buffer[LONGEST];
    char *piece[2];
    int count = 0;
    double end[2];
    hm_status_t status = HM_OK;
    HM_TRY(hm_text_split(text, ':', buffer, sizeof buffer, piece, 2, &count, err));
    if (count != 2) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "expected FROM:TO, not '%s'", text));
    }
    HM_TRY(hm_text_real(piece[0], &end[0], err));
    HM_TRY(hm_text_real(piece[1], &end[1], err));
    *low = fmin(end[0], end[1]);
    *high = fmax(end[0], end[1]);
cleanup:
    return status;
}

hm_status_t hm_part_parse(const char *text, const hm_grid_t *grid, hm_part_t *part,
                          hm_error_t *err) {
    char buffer[LONGEST];
    char *piece[2];
    int count = 0;
    double re[2];
    double im[2];
    hm_status_t status = HM_OK;
    HM_TRY(hm_text_split(text, ',', buffer, sizeof buffer, piece, 2, &count, err));
    if (count != 2) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "expected RE0:RE1,IM0:IM1, not '%s'", text));
    }
    HM_TRY(parse_interval(piece[0], &re[0], &re[1], err));
    HM_TRY(parse_interval(piece[1], &im[0], &im[1], err));
    int64_t right = 0;
    int64_t bottom = 0;
    hm_part_t found = {0};
    indices(grid, hm_grid_re, grid->re0, grid->re_step, grid->width, re, &found.x, &right);
    indices(grid, hm_grid_im, grid->im0, grid->im_step, grid->height, im, &found.y, &bottom);
    found.width = right - found.x;
    found.height = bottom - found.y;
    if (found.width < 1 || found.height < 1) {
        HM_TRY(hm_error_set(err, HM_EUSAGE,
                            "no point of the grid is in %s: it is from %.17g%+.17gi on, step "
                            "%.17g%+.17gi",
                            text, grid->re0, grid->im0, grid->re_step, grid->im_step));
    }
    *part = found;
cleanup:
    return status;
}
