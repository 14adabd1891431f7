/** @file potential_plane.c The grid, and which of its points are the set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "potential_private.h"

enum {
    COARSEST = 8,     /* cells a side that the coarsest grid keeps, at least */
    MOST_LEVELS = 24, /* more halvings than any side allows */
    HALO = 2          /* rows around one's own that decide on what its neighbours are */
};

/* See hm_potential.h. A hair below a half, so that of two points half a step away from a filament
 * between them only one is taken. */
static const double NEAR = 0.4999;
static const double CROSSED = 1.05;

static int64_t least(int64_t x, int64_t y) {
    return x < y ? x : y;
}

/* Cells of a side on the grid `halvings` times coarser. */
static int64_t cells(int64_t points, int halvings) {
    const int64_t fine = (int64_t)1 << halvings;
    return (points - 1 + fine - 1) / fine;
}

/* As many halvings as leave the coarsest grid COARSEST cells, and each rank a row of it. */
static int halvings(int64_t width, int64_t height, int ranks) {
    int n = 0;
    while (n < MOST_LEVELS && cells(least(width, height), n + 1) >= COARSEST &&
           cells(height, n + 1) + 1 >= ranks) {
        ++n;
    }
    return n;
}

hm_status_t potential_plane_shape(solver_t *s, hm_error_t *err) {
    const hm_grid_t *grid = &s->info.grid;
    const int64_t step = s->plan->coarsen;
    plane_t *p = &s->plane;
    p->width = (grid->width - 1) / step + 1;
    p->height = (grid->height - 1) / step + 1;
    if (p->width < 5 || p->height < 5) {
        return hm_error_set(err, HM_EUSAGE,
                            "%lld x %lld points are too few for a potential: it needs 5 x 5%s",
                            (long long)p->width, (long long)p->height,
                            step > 1 ? "; give a smaller --coarsen" : "");
    }
    p->re0 = grid->re0;
    p->im0 = grid->im0;
    p->re_step = grid->re_step * (double)step;
    p->im_step = grid->im_step * (double)step;
    /* Square pixels in the end: both 1 but for regions of other proportions. */
    p->across = fabs(p->im_step / p->re_step);
    p->down = 1 / p->across;
    p->middle_re = p->re0 + p->re_step * (double)(p->width - 1) / 2;
    p->middle_im = p->im0 + p->im_step * (double)(p->height - 1) / 2;
    p->factor = (s->info.formula.julia ? 1 : 2) * log(2);
    p->centre_re = s->info.formula.julia ? 0 : -0.5;
    const int n = halvings(p->width, p->height, s->size);
    p->levels = n + 1;
    p->padded_width = (cells(p->width, n) << n) + 1;
    p->padded_height = (cells(p->height, n) << n) + 1;
    /* Five numbers a row of the matrix are counted by PETSc's integers too, but by each rank its
     * own. */
    if (p->padded_width > PETSC_MAX_INT / p->padded_height ||
        p->padded_height / s->size + 1 > PETSC_MAX_INT / 10 / p->padded_width) {
        return hm_error_set(err, HM_EMISSING,
                            "%lld x %lld points on %d rank%s are more than this PETSc can count: "
                            "give --coarsen %lld, more ranks, or a PETSc with 64-bit indices",
                            (long long)p->width, (long long)p->height, s->size,
                            s->size == 1 ? "" : "s", (long long)(2 * step));
    }
    s->report.width = p->width;
    s->report.height = p->height;
    s->report.padded_width = p->padded_width;
    s->report.padded_height = p->padded_height;
    return HM_OK;
}

/* Distances to the set of rows [first, end), in the plane's unit: [end - first][width]; 0: inside.
 * The smooth counts of rows that the plane keeps go there. */
static hm_status_t read_rows(solver_t *s, hm_reader_t *reader, int64_t first, int64_t end,
                             float *near, hm_error_t *err) {
    hm_status_t status = HM_OK;
    plane_t *p = &s->plane;
    const int64_t step = s->plan->coarsen;
    const double unit = 0.5 * s->info.grid.re_step;
    float *row = malloc((size_t)s->info.grid.width * sizeof *row);
    if (!row) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a row"));
    }
    for (int64_t j = first; j < end; ++j) {
        float *line = near + (j - first) * p->width;
        const bool kept = j >= p->first - 1 && j <= p->first + p->rows;
        float *smooth = kept ? p->smooth + (j - p->first + 1) * p->width : NULL;
        HM_TRY(hm_reader_rows(reader, HM_CHANNEL_DISTANCE, j * step, 1, row, err));
        for (int64_t i = 0; i < p->width; ++i) {
            line[i] = (float)(unit * (double)row[i * step]);
        }
        HM_TRY(hm_reader_rows(reader, HM_CHANNEL_SMOOTH, j * step, 1, row, err));
        for (int64_t i = 0; i < p->width; ++i) {
            const float value = row[i * step];
            if (!isfinite(value) || !isfinite(line[i])) {
                line[i] = 0;
            }
            if (smooth) {
                smooth[i] = value;
            }
        }
    }
cleanup:
    free(row);
    return status;
}

/* What decides on a point: its distance and those of its neighbours. */
typedef struct look_t {
    const float *near; /* [..][width], from row `first` */
    int64_t first, end, width;
    double near_most, across_most, down_most;
} look_t;

/* Is the set between these two, and nearer to the first? */
static bool crosses(double here, double there, double most, bool first) {
    return there > 0 && here + there <= most && (here < there || (here == there && first));
}

static bool in_set(const look_t *l, int64_t row, int64_t column) {
    const float *at = l->near + (row - l->first) * l->width + column;
    const double here = (double)*at;
    if (!(here > l->near_most)) {
        return true;
    }
    return (column > 0 && crosses(here, (double)at[-1], l->across_most, false)) ||
           (column + 1 < l->width && crosses(here, (double)at[1], l->across_most, true)) ||
           (row > l->first && crosses(here, (double)at[-l->width], l->down_most, false)) ||
           (row + 1 < l->end && crosses(here, (double)at[l->width], l->down_most, true));
}

static void classify(plane_t *p, const look_t *look) {
    for (int64_t j = p->first - 1; j <= p->first + p->rows; ++j) {
        uint8_t *kind = p->kind + (j - p->first + 1) * p->padded_width;
        memset(kind, KIND_PAD, (size_t)p->padded_width);
        if (j < 0 || j >= p->height) {
            continue;
        }
        const bool edge = j == 0 || j == p->height - 1;
        for (int64_t i = 0; i < p->width; ++i) {
            const bool rim = edge || i == 0 || i == p->width - 1;
            kind[i] = (uint8_t)(in_set(look, j, i) ? KIND_SET : rim ? KIND_RIM : KIND_FREE);
        }
    }
}

hm_status_t potential_plane_read(solver_t *s, hm_error_t *err) {
    hm_status_t status = HM_OK;
    plane_t *p = &s->plane;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    const int64_t first = p->first > HALO ? p->first - HALO : 0;
    const int64_t end = least(p->first + p->rows + HALO, p->height);
    const int64_t rows = end > first ? end - first : 0;
    float *near = calloc((size_t)(rows > 0 ? rows * p->width : 1), sizeof *near);
    p->kind = malloc((size_t)((p->rows + 2) * p->padded_width));
    p->smooth = malloc((size_t)((p->rows + 2) * p->width) * sizeof *p->smooth);
    if (!near || !p->kind || !p->smooth) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %lld rows of %lld points",
                            (long long)p->rows, (long long)p->width));
    }
    HM_TRY(hm_reader_open(s->plan->path, &reader, &info, err));
    HM_TRY(read_rows(s, reader, first, first + rows, near, err));
    const double re_step = fabs(p->re_step);
    const double im_step = fabs(p->im_step);
    const look_t look = {.near = near,
                         .first = first,
                         .end = first + rows,
                         .width = p->width,
                         .near_most = NEAR * fmin(re_step, im_step),
                         .across_most = CROSSED * re_step,
                         .down_most = CROSSED * im_step};
    classify(p, &look);
cleanup:
    hm_reader_close(reader);
    free(near);
    return status;
}

void potential_plane_free(plane_t *plane) {
    free(plane->kind);
    free(plane->smooth);
    plane->kind = NULL;
    plane->smooth = NULL;
}
