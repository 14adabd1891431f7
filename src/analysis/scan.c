/** @file scan.c See scan.h. */
#include "scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "hm_clock.h"
#include "hm_crc32.h"

/** What a pass needs besides its sums. */
typedef struct pass_t {
    const hm_dataset_info_t *info;
    int64_t width;
    hm_counts_t sums;
    int columns;      /**< of the table of CRCs */
    int64_t piece;    /**< rows read at a time */
    uint32_t *counts; /**< [piece][width] */
    uint8_t *done;    /**< [piece] */
    uint32_t *crc;    /**< [piece][columns] */
    int64_t words;
    uint64_t *inside; /**< [2][words]: a row's inside points as bits, and those of the row before */
    hm_crc32_joined_t joined; /**< of the rows so far */
    bool known;               /**< there is a row before, and it is done */
} pass_t;

enum { BLOCK = HM_COUNTS_BLOCK };

/** What follows from which points of a row are inside: how many, where, and the row's crossings. */
static void add_inside(hm_scan_t *scan, const uint64_t *inside, int64_t width, int64_t row) {
    const int64_t words = (width + BLOCK - 1) / BLOCK;
    uint64_t found = 0;
    uint64_t columns = 0;
    for (int64_t i = 0; i < words; ++i) {
        const uint64_t bits = inside[i];
        const bool last = i + 1 == words;
        /* Each point with its right neighbour; the last one has none. */
        const uint64_t next = bits >> 1 | (last ? 0 : inside[i + 1] << 63);
        if ((bits | next) == 0) {
            continue;
        }
        const int64_t pairs = last ? width - 1 - i * BLOCK : BLOCK;
        const uint64_t looked_at = pairs == BLOCK ? ~(uint64_t)0 : ((uint64_t)1 << pairs) - 1;
        const uint64_t crossing = (bits ^ next) & looked_at;
        /* Mostly there are none, and counting bits is a call where the processor may not do it. */
        scan->crossings += crossing ? (uint64_t)__builtin_popcountll(crossing) : 0;
        if (bits == ~(uint64_t)0) {
            found += BLOCK;
            columns += (uint64_t)i * BLOCK * BLOCK + (uint64_t)(BLOCK * (BLOCK - 1) / 2);
            continue;
        }
        const uint64_t count = (uint64_t)__builtin_popcountll(bits);
        found += count;
        columns += (uint64_t)i * BLOCK * count;
        for (uint64_t left = bits; left; left &= left - 1) {
            columns += (uint64_t)__builtin_ctzll(left);
        }
    }
    scan->inside += found;
    hm_wide_add(&scan->column, (hm_wide_t){columns, 0});
    hm_wide_add_product(&scan->row, found, (uint64_t)row);
    if (scan->axis >= 0 && row >= scan->axis - 1 && row <= scan->axis + 1) {
        scan->beside[row - scan->axis + 1] = found;
        ++scan->beside_done;
    }
}

/** Adds a row; which of its points are inside into `inside`. */
static hm_status_t add_counts(hm_scan_t *scan, pass_t *pass, const uint32_t *counts, int64_t row,
                              uint64_t *inside, hm_error_t *err) {
    const int64_t bad = hm_counts_add(&pass->sums, counts, pass->width, inside);
    if (bad >= 0) {
        return hm_error_set(err, HM_EDATA,
                            "row %lld has the count %lu at column %lld, but max-iter is %lu",
                            (long long)row, (unsigned long)counts[bad], (long long)bad,
                            (unsigned long)pass->sums.max_iter);
    }
    add_inside(scan, inside, pass->width, row);
    return HM_OK;
}

static uint64_t differing_bits(const uint64_t *a, const uint64_t *b, int64_t words) {
    uint64_t count = 0;
    for (int64_t i = 0; i < words; ++i) {
        count += a[i] != b[i] ? (uint64_t)__builtin_popcountll(a[i] ^ b[i]) : 0;
    }
    return count;
}

hm_status_t hm_scan_torn(const hm_dataset_info_t *info, hm_channel_t channel, int64_t row,
                         hm_error_t *err) {
    /* --resume looks for torn rows in files alone that are not complete. */
    return hm_error_set(err, HM_EDATA,
                        "row %lld of the channel %s is torn: its data have not the CRC-32 that was "
                        "written with them; %s",
                        (long long)row, hm_channel_name(channel),
                        info->result.complete ? "render it anew, with --overwrite"
                                              : "render with --resume computes it again");
}

/** One row that is done, and the boundary between it and the row before. `own`: not the next rank's
 * first one, of which only the boundary counts. */
static hm_status_t add_row(hm_scan_t *scan, pass_t *pass, hm_boxes_t *boxes, int64_t row,
                           const uint32_t *counts, uint32_t crc, bool own, hm_error_t *err) {
    hm_status_t status = HM_OK;
    uint64_t *before = pass->inside;
    uint64_t *inside = pass->inside + pass->words;
    if (own) {
        const uint32_t found = hm_crc32_words(counts, (size_t)pass->width);
        if (found != crc) {
            HM_TRY(hm_scan_torn(pass->info, HM_CHANNEL_ITERATIONS, row, err));
        }
        hm_crc32_join(&pass->joined, found, pass->width * 4);
        ++scan->rows;
        HM_TRY(add_counts(scan, pass, counts, row, inside, err));
    } else {
        hm_counts_inside(counts, pass->width, pass->sums.max_iter, inside);
    }
    if (pass->known) {
        scan->crossings += differing_bits(before, inside, pass->words);
    }
    hm_boxes_row(boxes, inside);
    memcpy(before, inside, (size_t)pass->words * sizeof *before);
    pass->known = true;
cleanup:
    return status;
}

/** The row that is on the real axis, -1: there is none. */
static int64_t find_axis(const hm_grid_t *grid) {
    double im = 1;
    const double row = nearbyint(-grid->im0 / grid->im_step);
    if (!(row >= 0 && row < (double)grid->height)) {
        return -1;
    }
    hm_grid_im(grid, (int64_t)row, 1, &im);
    return im == 0 ? (int64_t)row : -1;
}

static hm_status_t make_pass(const hm_dataset_info_t *info, pass_t *pass, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = info->grid.width;
    *pass = (pass_t){
        .info = info, .width = width, .piece = hm_share_piece(width), .words = (width + 63) / 64};
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        pass->columns += (info->channels >> channel) & 1u ? 1 : 0;
    }
    HM_TRY(hm_counts_make(&pass->sums, info->formula.max_iter, err));
    pass->counts = hm_reader_room((size_t)(pass->piece * width) * sizeof *pass->counts);
    pass->done = malloc((size_t)pass->piece);
    pass->crc = malloc((size_t)(pass->piece * pass->columns) * sizeof *pass->crc);
    pass->inside = calloc((size_t)(2 * pass->words), sizeof *pass->inside);
    if (!pass->counts || !pass->done || !pass->crc || !pass->inside) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a row of %lld points",
                            (long long)width));
    }
cleanup:
    return status;
}

static void free_pass(pass_t *pass) {
    free(pass->sums.bin);
    free(pass->counts);
    free(pass->done);
    free(pass->crc);
    free(pass->inside);
}

/** Rows [first, first + rows), at most a piece. */
static hm_status_t add_piece(hm_reader_t *reader, pass_t *pass, int64_t first, int64_t rows,
                             bool own, hm_scan_t *scan, hm_boxes_t *boxes, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_row_accounts_t accounts = {.done = pass->done, .crc32 = pass->crc};
    const double begin = hm_clock_now();
    HM_TRY(hm_reader_accounts(reader, first, rows, &accounts, err));
    HM_TRY(hm_reader_rows(reader, HM_CHANNEL_ITERATIONS, first, rows, pass->counts, err));
    scan->reading += hm_clock_now() - begin;
    for (int64_t i = 0; i < rows; ++i) {
        if (pass->done[i] == 1) {
            HM_TRY(add_row(scan, pass, boxes, first + i, pass->counts + i * pass->width,
                           pass->crc[i * pass->columns], own, err));
        } else {
            hm_boxes_row(boxes, NULL);
            pass->known = false;
        }
    }
cleanup:
    return status;
}

hm_status_t hm_scan_rows(hm_reader_t *reader, const hm_dataset_info_t *info, hm_share_t share,
                         hm_scan_t *scan, hm_boxes_t **boxes, hm_error_t *err) {
    enum { AHEAD = 4 };
    hm_status_t status = HM_OK;
    pass_t pass = {0};
    hm_boxes_t *made = NULL;
    hm_scan_t found = {.axis = find_axis(&info->grid)};
    HM_TRY(hm_boxes_make(info->grid.width, info->grid.height, share.first, &made, err));
    HM_TRY(make_pass(info, &pass, err));
    hm_reader_ahead(reader, HM_CHANNEL_ITERATIONS, share.first, AHEAD * pass.piece);
    for (int64_t row = share.first; row < share.end; row += pass.piece) {
        const int64_t rows = share.end - row < pass.piece ? share.end - row : pass.piece;
        hm_reader_ahead(reader, HM_CHANNEL_ITERATIONS, row + AHEAD * pass.piece, pass.piece);
        HM_TRY(add_piece(reader, &pass, row, rows, true, &found, made, err));
    }
    /* The boundary to the row below, which is the next rank's. */
    if (share.first < share.end && share.end < info->grid.height) {
        HM_TRY(add_piece(reader, &pass, share.end, 1, false, &found, made, err));
    }
    hm_counts_t *points = &pass.sums;
    hm_counts_join(points);
    found.stretch = (hm_stretch_t){pass.joined.crc, found.rows * (uint64_t)pass.width * 4};
    found.sum = points->sum;
    found.least = points->least == UINT32_MAX ? INT64_MAX : (int64_t)points->least;
    found.most = points->most;
    found.bin = points->bin;
    found.bins = points->bins;
    points->bin = NULL;
    *scan = found;
    *boxes = made;
    made = NULL;
cleanup:
    hm_boxes_free(made);
    free_pass(&pass);
    return status;
}

hm_status_t hm_scan_reduce(MPI_Comm comm, hm_scan_t *scan, hm_boxes_t *boxes, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int rank = 0;
    uint64_t sums[] = {scan->rows,      scan->sum,       scan->inside,    scan->crossings,
                       scan->beside[0], scan->beside[1], scan->beside[2], scan->beside_done};
    /* The least by a maximum, in one message. */
    int64_t ends[] = {-scan->least, scan->most};
    hm_wide_t places[] = {scan->column, scan->row};
    MPI_Comm_rank(comm, &rank);
    HM_TRY(hm_reduce_sums(comm, sums, sizeof sums / sizeof *sums, err));
    HM_TRY(hm_mpi_check(
        MPI_Reduce(rank == 0 ? MPI_IN_PLACE : ends, ends, 2, MPI_INT64_T, MPI_MAX, 0, comm),
        "putting the ranks' figures together", err));
    HM_TRY(hm_reduce_wide(comm, places, 2, err));
    HM_TRY(hm_reduce_stretch(comm, &scan->stretch, err));
    HM_TRY(hm_reduce_sums(comm, scan->bin, scan->bins, err));
    HM_TRY(hm_boxes_reduce(comm, boxes, scan->box, &scan->box_levels, err));
    scan->rows = sums[0];
    scan->sum = sums[1];
    scan->inside = sums[2];
    scan->crossings = sums[3];
    memcpy(scan->beside, sums + 4, sizeof scan->beside);
    scan->beside_done = sums[7];
    scan->least = -ends[0];
    scan->most = ends[1];
    scan->column = places[0];
    scan->row = places[1];
cleanup:
    return status;
}
