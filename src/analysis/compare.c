/** @file compare.c Two files point by point. */
#include "hm_compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare_rows.h"
#include "hm_together.h"
#include "reduce.h"
#include "share.h"

/** Names what two files differ in, when they do not stand for the same points. */
static hm_status_t check_comparable(const char *const path[2], const hm_dataset_info_t info[2],
                                    hm_error_t *err) {
    const hm_grid_t *a = &info[0].grid;
    const hm_grid_t *b = &info[1].grid;
    const hm_formula_t *f = &info[0].formula;
    const hm_formula_t *g = &info[1].formula;
    const struct {
        const char *name;
        double a, b;
    } numbers[] = {
        {"the width", (double)a->width, (double)b->width},
        {"the height", (double)a->height, (double)b->height},
        {"the first column's real part", a->re0, b->re0},
        {"the columns' step", a->re_step, b->re_step},
        {"the first row's imaginary part", a->im0, b->im0},
        {"the rows' step", a->im_step, b->im_step},
        {"accumulated coordinates", a->coords, b->coords},
        {"a Julia set", f->julia, g->julia},
        {"the real part of the Julia set's constant", f->julia_re, g->julia_re},
        {"the imaginary part of the Julia set's constant", f->julia_im, g->julia_im},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        if (numbers[i].a != numbers[i].b) {
            return hm_error_set(err, HM_EDATA,
                                "'%s' and '%s' do not stand for the same points: %s is %.17g in "
                                "one and %.17g in the other",
                                path[0], path[1], numbers[i].name, numbers[i].a, numbers[i].b);
        }
    }
    return HM_OK;
}

/** A rank's findings: exact sums besides what all may know. */
typedef struct tally_t {
    hm_difference_t found;
    hm_wide_t sum[HM_DIFFERENCE_OCTAVES]; /**< of the mantissas, as whole numbers of 53 bits */
} tally_t;

static void begin(tally_t *tally) {
    memset(tally, 0, sizeof *tally);
    tally->found.first_row = tally->found.first_column = -1;
    tally->found.top = tally->found.left = INT64_MAX;
    tally->found.bottom = tally->found.right = -1;
}

/** One point that differs, by |difference|, infinite or not a number where there is none. */
static void add(tally_t *tally, int64_t row, int64_t column, double difference) {
    hm_difference_t *d = &tally->found;
    ++d->points;
    if (d->first_row < 0) {
        d->first_row = row;
        d->first_column = column;
    }
    d->top = row < d->top ? row : d->top;
    d->bottom = row > d->bottom ? row : d->bottom;
    d->left = column < d->left ? column : d->left;
    d->right = column > d->right ? column : d->right;
    if (!isfinite(difference)) {
        ++d->unordered;
        return;
    }
    int exponent = 0;
    const double mantissa = frexp(difference, &exponent);
    /* Differences of floats have exponents from -148 to 129: always inside. */
    const int octave = exponent - 1 + HM_DIFFERENCE_ONE;
    ++d->octave[octave];
    hm_wide_add(&tally->sum[octave], (hm_wide_t){(uint64_t)ldexp(mantissa, 53), 0});
    d->most = difference > d->most ? difference : d->most;
}

static void add_row(tally_t *tally, hm_channel_t channel, int64_t row, int64_t width, const void *a,
                    const void *b) {
    if (memcmp(a, b, (size_t)width * 4) == 0) {
        return;
    }
    for (int64_t i = 0; i < width; ++i) {
        double difference = 0;
        if (hm_points_differ(channel, a, b, i, &difference)) {
            add(tally, row, i, difference);
        }
    }
}

/** The rank's rows of both files. */
typedef struct pair_t {
    hm_reader_t *reader[2];
    hm_dataset_info_t info[2];
    uint32_t channels;
    tally_t *tally; /**< [HM_CHANNEL_COUNT] */
    uint64_t rows, rows_only[2];
} pair_t;

static hm_status_t compare_piece(pair_t *p, int64_t first, int64_t rows, uint8_t *done[2],
                                 char *values[2], hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = p->info[0].grid.width;
    for (int side = 0; side < 2; ++side) {
        HM_TRY(hm_reader_done(p->reader[side], first, rows, done[side], err));
    }
    for (int64_t i = 0; i < rows; ++i) {
        p->rows += done[0][i] == 1 && done[1][i] == 1;
        p->rows_only[0] += done[0][i] == 1 && done[1][i] != 1;
        p->rows_only[1] += done[0][i] != 1 && done[1][i] == 1;
    }
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if (!((p->channels >> channel) & 1u)) {
            continue;
        }
        for (int side = 0; side < 2; ++side) {
            HM_TRY(hm_reader_rows(p->reader[side], (hm_channel_t)channel, first, rows, values[side],
                                  err));
        }
        for (int64_t i = 0; i < rows; ++i) {
            if (done[0][i] == 1 && done[1][i] == 1) {
                add_row(&p->tally[channel], (hm_channel_t)channel, first + i, width,
                        values[0] + i * width * 4, values[1] + i * width * 4);
            }
        }
    }
cleanup:
    return status;
}

static hm_status_t compare_share(pair_t *p, hm_share_t share, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = p->info[0].grid.width;
    const int64_t piece = hm_share_piece(width);
    uint8_t *done[2] = {malloc((size_t)piece), malloc((size_t)piece)};
    char *values[2] = {hm_reader_room((size_t)(piece * width * 4)),
                       hm_reader_room((size_t)(piece * width * 4))};
    if (!done[0] || !done[1] || !values[0] || !values[1]) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for rows of %lld points",
                            (long long)width));
    }
    for (int64_t first = share.first; first < share.end; first += piece) {
        const int64_t rows = share.end - first < piece ? share.end - first : piece;
        for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
            for (int side = 0; side < 2 && ((p->channels >> channel) & 1u); ++side) {
                hm_reader_ahead(p->reader[side], (hm_channel_t)channel, first + piece, piece);
            }
        }
        HM_TRY(compare_piece(p, first, rows, done, values, err));
    }
cleanup:
    for (int side = 0; side < 2; ++side) {
        free(done[side]);
        free(values[side]);
    }
    return status;
}

/** Minima travel as maxima of what they are below. */
static hm_status_t reduce_tally(const hm_cluster_t *cluster, int64_t width, tally_t *tally,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    const bool root = cluster->rank == 0;
    hm_difference_t *d = &tally->found;
    uint64_t sums[] = {d->points, d->unordered};
    const int64_t first = d->first_row < 0 ? INT64_MAX : d->first_row * width + d->first_column;
    int64_t places[] = {-first, -d->top, d->bottom, -d->left, d->right};
    HM_TRY(hm_reduce_sums(cluster->comm, sums, 2, err));
    HM_TRY(hm_reduce_sums(cluster->comm, d->octave, HM_DIFFERENCE_OCTAVES, err));
    HM_TRY(hm_reduce_wide(cluster->comm, tally->sum, HM_DIFFERENCE_OCTAVES, err));
    HM_TRY(hm_mpi_check(
        MPI_Reduce(root ? MPI_IN_PLACE : places, places, 5, MPI_INT64_T, MPI_MAX, 0, cluster->comm),
        "putting the ranks' findings together", err));
    HM_TRY(hm_mpi_check(MPI_Reduce(root ? MPI_IN_PLACE : &d->most, &d->most, 1, MPI_DOUBLE, MPI_MAX,
                                   0, cluster->comm),
                        "putting the ranks' findings together", err));
    d->points = sums[0];
    d->unordered = sums[1];
    if (root && d->points > 0) {
        d->first_row = -places[0] / width;
        d->first_column = -places[0] % width;
        d->top = -places[1];
        d->bottom = places[2];
        d->left = -places[3];
        d->right = places[4];
    }
    /* Octaves from small to large: always the same roundings. */
    double sum = 0;
    for (int i = 0; i < HM_DIFFERENCE_OCTAVES; ++i) {
        sum += ldexp(hm_wide_real(tally->sum[i]), i - HM_DIFFERENCE_ONE + 1 - 53);
    }
    d->mean = d->points > d->unordered ? sum / (double)(d->points - d->unordered) : 0;
cleanup:
    return status;
}

static hm_status_t reduce_pair(const hm_cluster_t *cluster, pair_t *p, hm_comparison_t *made,
                               hm_error_t *err) {
    hm_status_t status = HM_OK;
    uint64_t rows[] = {p->rows, p->rows_only[0], p->rows_only[1]};
    HM_TRY(hm_reduce_sums(cluster->comm, rows, 3, err));
    made->rows = rows[0];
    made->rows_only[0] = rows[1];
    made->rows_only[1] = rows[2];
    made->channels = p->channels;
    int differ = rows[1] > 0 || rows[2] > 0;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((p->channels >> channel) & 1u) {
            HM_TRY(reduce_tally(cluster, p->info[0].grid.width, &p->tally[channel], err));
            made->channel[channel] = p->tally[channel].found;
            differ = differ || p->tally[channel].found.points > 0;
        }
    }
    HM_TRY(hm_mpi_check(MPI_Bcast(&differ, 1, MPI_INT, 0, cluster->comm),
                        "telling the ranks the outcome", err));
    made->differ = differ != 0;
cleanup:
    return status;
}

hm_status_t hm_compare(const hm_cluster_t *cluster, const char *const path[2],
                       hm_comparison_t *comparison, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_comparison_t made = {.rows = 0};
    pair_t p = {.tally = malloc(HM_CHANNEL_COUNT * sizeof(tally_t))};
    status = p.tally ? HM_OK : hm_error_set(err, HM_EMISSING, "out of memory");
    for (int side = 0; side < 2 && status == HM_OK; ++side) {
        status = hm_reader_open(path[side], &p.reader[side], &p.info[side], err);
    }
    if (status == HM_OK) {
        status = check_comparable(path, p.info, err);
    }
    HM_TRY(hm_together(cluster->comm, status, err));
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        begin(&p.tally[channel]);
    }
    p.channels = p.info[0].channels & p.info[1].channels;
    status =
        compare_share(&p, hm_share_of(p.info[0].grid.height, 0, cluster->rank, cluster->size), err);
    HM_TRY(hm_together(cluster->comm, status, err));
    HM_TRY(reduce_pair(cluster, &p, &made, err));
    memcpy(made.info, p.info, sizeof made.info);
    *comparison = made;
cleanup:
    for (int side = 0; side < 2; ++side) {
        hm_reader_close(p.reader[side]);
    }
    free(p.tally);
    return status;
}
