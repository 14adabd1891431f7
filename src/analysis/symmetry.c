/** @file symmetry.c See symmetry.h. */
#include "symmetry.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hm_together.h"
#include "reduce.h"

enum { PIECE = 4096 };

/** Which points are mirror images: i and sum - i, for i in [first, last]. */
typedef struct mirror_t {
    int64_t sum, first, last;
} mirror_t;

/** Of coordinates origin + i * step, i in [0, count); false: the axis is not at a point or halfway
 * between two, or outside. */
static bool find_mirror(double origin, double step, int64_t count, mirror_t *mirror) {
    const double sum = -2 * origin / step;
    const double whole = nearbyint(sum);
    if (!(fabs(sum - whole) < 1e-6 && whole >= 0 && whole <= 2.0 * (double)(count - 1))) {
        return false;
    }
    mirror->sum = (int64_t)whole;
    mirror->first = mirror->sum > count - 1 ? mirror->sum - (count - 1) : 0;
    mirror->last = mirror->sum - mirror->first;
    return true;
}

/** What a rank looks at. */
typedef struct view_t {
    hm_reader_t *reader;
    const hm_dataset_info_t *info;
    mirror_t rows, columns; /**< columns: of Julia sets */
    int64_t pairs;          /**< of rows: (first + k, last - k) for k in [0, pairs) */
    int channels;
} view_t;

/** The done marks, CRCs and imaginary parts of some rows. */
typedef struct side_t {
    uint8_t done[PIECE];
    uint32_t crc[PIECE * HM_CHANNEL_COUNT];
    double im[PIECE];
} side_t;

static hm_status_t read_side(const view_t *view, int64_t first, int64_t rows, side_t *side,
                             hm_error_t *err) {
    const hm_row_accounts_t into = {.done = side->done, .crc32 = side->crc};
    hm_grid_im(&view->info->grid, first, rows, side->im);
    return hm_reader_accounts(view->reader, first, rows, &into, err);
}

/** Pairs [from, to) by their rows' CRCs, which the pass over the counts has verified. */
static hm_status_t compare_crcs(const view_t *view, int64_t from, int64_t to, hm_symmetry_t *found,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    side_t *upper = malloc(2 * sizeof *upper);
    if (!upper) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the symmetry");
    }
    side_t *lower = upper + 1;
    for (int64_t k = from; k < to; k += PIECE) {
        const int64_t n = to - k < PIECE ? to - k : PIECE;
        HM_TRY(read_side(view, view->rows.first + k, n, upper, err));
        HM_TRY(read_side(view, view->rows.last - k - (n - 1), n, lower, err));
        for (int64_t i = 0; i < n; ++i) {
            const int64_t j = n - 1 - i;
            if (upper->done[i] != 1 || lower->done[j] != 1) {
                continue;
            }
            ++found->pairs;
            if (!view->info->formula.julia && upper->im[i] == -lower->im[j]) {
                ++found->exact;
                found->exact_differ +=
                    upper->crc[i * view->channels] != lower->crc[j * view->channels];
            }
        }
    }
cleanup:
    free(upper);
    return status;
}

/** One pair point by point. `counts` has room for two rows. */
static hm_status_t compare_points(const view_t *view, int64_t pair, uint32_t *counts,
                                  hm_symmetry_t *found, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = view->info->grid.width;
    const int64_t upper = view->rows.first + pair;
    const int64_t lower = view->rows.last - pair;
    uint8_t done[2] = {0, 0};
    HM_TRY(hm_reader_done(view->reader, upper, 1, &done[0], err));
    HM_TRY(hm_reader_done(view->reader, lower, 1, &done[1], err));
    if (done[0] != 1 || done[1] != 1) {
        goto cleanup;
    }
    HM_TRY(hm_reader_rows(view->reader, HM_CHANNEL_ITERATIONS, upper, 1, counts, err));
    HM_TRY(hm_reader_rows(view->reader, HM_CHANNEL_ITERATIONS, lower, 1, counts + width, err));
    ++found->compared;
    for (int64_t i = view->columns.first; i <= view->columns.last; ++i) {
        const int64_t other = view->info->formula.julia ? view->columns.sum - i : i;
        ++found->points;
        found->differ += counts[i] != counts[width + other];
    }
cleanup:
    return status;
}

static hm_status_t compare(const hm_cluster_t *cluster, const view_t *view, hm_symmetry_t *found,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t size = cluster->size;
    const int64_t sample = view->pairs < HM_SYMMETRY_PAIRS ? view->pairs : HM_SYMMETRY_PAIRS;
    uint32_t *counts = malloc((size_t)(2 * view->info->grid.width) * sizeof *counts);
    if (!counts) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for two rows"));
    }
    HM_TRY(compare_crcs(view, view->pairs * cluster->rank / size,
                        view->pairs * (cluster->rank + 1) / size, found, err));
    for (int64_t k = cluster->rank; k < sample; k += size) {
        HM_TRY(compare_points(view, k * view->pairs / sample, counts, found, err));
    }
cleanup:
    free(counts);
    return status;
}

hm_status_t hm_symmetry_check(const hm_cluster_t *cluster, hm_reader_t *reader,
                              const hm_dataset_info_t *info, hm_symmetry_t *symmetry,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_symmetry_t found = {0};
    view_t view = {.reader = reader, .info = info, .columns = {.last = info->grid.width - 1}};
    bool two_sides = find_mirror(info->grid.im0, info->grid.im_step, info->grid.height, &view.rows);
    if (info->formula.julia) {
        two_sides = two_sides && find_mirror(info->grid.re0, info->grid.re_step, info->grid.width,
                                             &view.columns);
    }
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        view.channels += (info->channels >> channel) & 1u ? 1 : 0;
    }
    /* The row in the middle, if there is one, is its own image. */
    view.pairs = two_sides ? (view.rows.last - view.rows.first + 1) / 2 : 0;
    if (view.pairs > 0) {
        status = compare(cluster, &view, &found, err);
    }
    HM_TRY(hm_together(cluster->comm, status, err));
    uint64_t sums[] = {found.pairs,    found.exact,  found.exact_differ,
                       found.compared, found.points, found.differ};
    HM_TRY(hm_reduce_sums(cluster->comm, sums, sizeof sums / sizeof *sums, err));
    *symmetry = (hm_symmetry_t){sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]};
cleanup:
    return status;
}
