/* The potential as a picture: rows travel to rank 0 in their order. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hm_picture.h"
#include "potential.h"

/* Rows of a message: about this many bytes. */
enum { PIECE_BYTES = 1 << 20, TAG = 77 };

/* A line covers about this many pixels, and takes this share of the light at its middle. */
static const double LINE_WIDTH = 1.3;
static const double LINE_DEPTH = 0.75;

/* Nearer to the set than this many lines a pixel they would only grey the picture. */
static const double DENSEST = 0.4;

/* What is drawn, on rank 0: three rows of the potential, as lines need slopes. */
typedef struct drawing_t {
    int64_t width, height;
    int64_t lines;
    hm_painter_t *painter;
    hm_png_t *png;
    double *row[3];   /* [width] above, at, below; turning */
    uint32_t *counts; /* [width] what a painter takes: 1 in the set */
    float *smooth;    /* [width] -log2 of the potential, as smooth counts are */
    uint8_t *rgb;     /* [width][3] */
    int64_t taken;    /* rows so far */
} drawing_t;

enum { IN_SET = 1 };

static void drawing_free(drawing_t *d) {
    for (int n = 0; n < 3; ++n) {
        free(d->row[n]);
    }
    free(d->counts);
    free(d->smooth);
    free(d->rgb);
    hm_painter_free(d->painter);
}

static hm_status_t drawing_make(const hm_potential_t *potential, const potential_look_t *look,
                                drawing_t *d, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_palette_t *palette = NULL;
    const size_t width = (size_t)potential->width;
    /* The potential of the highest point of most views; the same light for all pictures, so that
     * they can be compared. */
    const hm_exposure_t exposure = {.low = 0, .knee = 8};
    d->width = potential->width;
    d->height = potential->height;
    d->lines = look->lines;
    for (int n = 0; n < 3; ++n) {
        d->row[n] = calloc(width, sizeof *d->row[n]);
    }
    d->counts = calloc(width, sizeof *d->counts);
    d->smooth = calloc(width, sizeof *d->smooth);
    d->rgb = calloc(width, 3);
    if (!d->row[0] || !d->row[1] || !d->row[2] || !d->counts || !d->smooth || !d->rgb) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for rows of the picture"));
    }
    HM_TRY(hm_palette_find(look->palette, &palette, err));
    HM_TRY(hm_painter_make(palette, &exposure, IN_SET, &d->painter, err));
cleanup:
    return status;
}

static hm_status_t label(const hm_potential_t *potential, const potential_look_t *look,
                         hm_png_t *png, hm_error_t *err) {
    const hm_grid_t *grid = &potential->info.grid;
    char text[320];
    snprintf(text, sizeof text,
             "first point %.17g%+.17gi, %" PRId64 " x %" PRId64
             " points, %lld lines for each halving of the potential, palette %s",
             grid->re0, grid->im0, potential->width, potential->height, (long long)look->lines,
             look->palette ? look->palette : hm_palette_name(0));
    return hm_png_label(png,
                        potential->info.formula.julia ? "Potential of a Julia set"
                                                      : "Potential of the Mandelbrot set",
                        text, err);
}

/* How many lines there are up to a potential; what is in the set, or an error below it, is far
 * down. */
static double level(const drawing_t *d, double u) {
    return u > 0 ? (double)d->lines * log2(u) : -INFINITY;
}

/* How much of a pixel a line covers, 0 to 1: by its distance in pixels, from the slope. */
static double covered(const drawing_t *d, int64_t i) {
    const double here = level(d, d->row[1][i]);
    const int64_t left = i > 0 ? i - 1 : i;
    const int64_t right = i + 1 < d->width ? i + 1 : i;
    const double across = level(d, d->row[1][right]) - level(d, d->row[1][left]);
    const double down = level(d, d->row[2][i]) - level(d, d->row[0][i]);
    const double slope = hypot(across / (double)(right - left), down / 2);
    if (!isfinite(slope) || !(slope < DENSEST) || slope == 0) {
        return 0;
    }
    const double distance = fabs(here - round(here)) / slope;
    const double cover = 0.5 + LINE_WIDTH / 2 - distance;
    return fmin(fmax(cover, 0), 1);
}

/* Paints the middle row. */
static hm_status_t put_row(drawing_t *d, hm_error_t *err) {
    for (int64_t i = 0; i < d->width; ++i) {
        const double u = d->row[1][i];
        d->counts[i] = u > 0 ? 0 : IN_SET;
        /* As a smooth count: n + 1 at the potential ln 2 / 2^n. From 8 ln 2 on, the far outside. */
        d->smooth[i] = u > 0 ? (float)fmax(4 - log2(u / log(2)), 0) : 0;
    }
    hm_painter_row(d->painter, d->counts, d->smooth, d->width, d->rgb);
    for (int64_t i = 0; d->lines > 0 && i < d->width; ++i) {
        const double cover = d->row[1][i] > 0 ? LINE_DEPTH * covered(d, i) : 0;
        for (int n = 0; cover > 0 && n < 3; ++n) {
            const double light = (double)d->rgb[3 * i + n];
            d->rgb[3 * i + n] = (uint8_t)(light + cover * (255 - light) + 0.5);
        }
    }
    return hm_png_row(d->png, d->rgb, err);
}

/* Takes the next row of the potential, and paints the one before. */
static hm_status_t take_row(drawing_t *d, const double *u, hm_error_t *err) {
    double *above = d->row[0];
    d->row[0] = d->row[1];
    d->row[1] = d->row[2];
    d->row[2] = above;
    memcpy(d->row[2], u, (size_t)d->width * sizeof *u);
    if (d->taken == 0) {
        memcpy(d->row[1], u, (size_t)d->width * sizeof *u); /* nothing above the first row */
    }
    return d->taken++ == 0 ? HM_OK : put_row(d, err);
}

static hm_status_t last_row(drawing_t *d, hm_error_t *err) {
    double *above = d->row[0];
    d->row[0] = d->row[1];
    d->row[1] = d->row[2];
    d->row[2] = above;
    memcpy(d->row[2], d->row[1], (size_t)d->width * sizeof *d->row[1]);
    return put_row(d, err);
}

/* Rows of one message. */
static int64_t piece_rows(int64_t width) {
    const int64_t rows = PIECE_BYTES / (width * (int64_t)sizeof(double));
    return rows > 0 ? rows : 1;
}

/* Who has which rows: [2 * size], first and rows. */
static hm_status_t share_out(const hm_cluster_t *cluster, const hm_potential_t *potential,
                             int64_t *shares, hm_error_t *err) {
    const int64_t mine[2] = {potential->first, potential->rows};
    return hm_mpi_check(MPI_Gather(mine, 2, MPI_INT64_T, shares, 2, MPI_INT64_T, 0, cluster->comm),
                        "asking who has which rows", err);
}

/* Others: send piece after piece; waits until it is asked for the next. */
static hm_status_t send_rows(const hm_cluster_t *cluster, const hm_potential_t *potential,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t most = piece_rows(potential->width);
    for (int64_t row = 0; row < potential->rows; row += most) {
        const int64_t n = potential->rows - row < most ? potential->rows - row : most;
        /* Synchronous: a piece leaves when rank 0 takes it, so that none pile up there. */
        HM_TRY(
            hm_mpi_check(MPI_Ssend(potential->u + row * potential->width,
                                   (int)(n * potential->width), MPI_DOUBLE, 0, TAG, cluster->comm),
                         "sending rows", err));
    }
cleanup:
    return status;
}

/* Rank 0: takes all rows in order; also when drawing has failed, as the others send them. */
static hm_status_t take_rows(const hm_cluster_t *cluster, const hm_potential_t *potential,
                             const int64_t *shares, drawing_t *d, double *piece,
                             hm_status_t drawing, hm_error_t *err) {
    hm_status_t status = drawing;
    const int64_t width = potential->width;
    const int64_t most = piece_rows(width);
    for (int rank = 0; rank < cluster->size; ++rank) {
        const int64_t rows = shares[2 * rank + 1];
        for (int64_t row = 0; row < rows; row += most) {
            const int64_t n = rows - row < most ? rows - row : most;
            const double *u = potential->u + row * width;
            if (rank > 0) {
                hm_error_t lost = HM_ERROR_NONE;
                const hm_status_t got =
                    hm_mpi_check(MPI_Recv(piece, (int)(n * width), MPI_DOUBLE, rank, TAG,
                                          cluster->comm, MPI_STATUS_IGNORE),
                                 "taking rows", &lost);
                if (got != HM_OK) {
                    return status != HM_OK ? status : hm_error_set(err, got, "%s", lost.text);
                }
                u = piece;
            }
            for (int64_t j = 0; status == HM_OK && j < n; ++j) {
                status = take_row(d, u + j * width, err);
            }
        }
    }
    return status == HM_OK ? last_row(d, err) : status;
}

static hm_status_t draw(const hm_cluster_t *cluster, const hm_potential_t *potential,
                        const potential_look_t *look, const char *path, const int64_t *shares,
                        double *piece, hm_error_t *err) {
    hm_status_t status = HM_OK;
    drawing_t d = {0};
    status = drawing_make(potential, look, &d, err);
    if (status == HM_OK) {
        status = hm_png_open(path, potential->width, potential->height, &d.png, err);
    }
    if (status == HM_OK) {
        status = label(potential, look, d.png, err);
    }
    status = take_rows(cluster, potential, shares, &d, piece, status, err);
    const hm_status_t closed = hm_png_close(d.png, status == HM_OK, status == HM_OK ? err : NULL);
    drawing_free(&d);
    return status != HM_OK ? status : closed;
}

hm_status_t potential_picture_write(const hm_cluster_t *cluster, const hm_potential_t *potential,
                                    const potential_look_t *look, const char *path, bool *speaker,
                                    hm_error_t *err) {
    hm_status_t status = HM_OK;
    const bool draws = cluster->rank == 0;
    int64_t *shares = malloc(2 * (size_t)cluster->size * sizeof *shares);
    double *piece =
        draws ? malloc((size_t)(piece_rows(potential->width) * potential->width) * sizeof *piece)
              : NULL;
    if (!shares || (draws && !piece)) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for rows of the picture");
    }
    HM_TRY(hm_agree(cluster, status, err, speaker));
    HM_TRY(hm_agree(cluster, share_out(cluster, potential, shares, err), err, speaker));
    status = draws ? draw(cluster, potential, look, path, shares, piece, err)
                   : send_rows(cluster, potential, err);
    HM_TRY(hm_agree(cluster, status, err, speaker));
cleanup:
    free(piece);
    free(shares);
    return status;
}
