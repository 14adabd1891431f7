/** @file analysis.c The analysis as a whole: each rank its rows, then rank 0 the figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "components.h"
#include "figures.h"
#include "hm_analysis.h"
#include "hm_clock.h"
#include "hm_crc32.h"
#include "hm_together.h"
#include "scan.h"
#include "symmetry.h"

/** The pass over the periods of the rank's rows. */
static hm_status_t scan_periods(hm_reader_t *reader, const hm_dataset_info_t *info,
                                hm_share_t share, hm_components_t *components, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = info->grid.width;
    const int64_t piece = hm_share_piece(width);
    int columns = 0;
    int column = 0;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        column = channel == HM_CHANNEL_PERIOD ? columns : column;
        columns += (info->channels >> channel) & 1u ? 1 : 0;
    }
    uint32_t *period = hm_reader_room((size_t)(piece * width) * sizeof *period);
    uint32_t *crc = malloc((size_t)(piece * columns) * sizeof *crc);
    uint8_t *done = malloc((size_t)piece);
    if (!period || !crc || !done) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a row of %lld points",
                            (long long)width));
    }
    const hm_row_accounts_t accounts = {.done = done, .crc32 = crc};
    for (int64_t first = share.first; first < share.end; first += piece) {
        const int64_t rows = share.end - first < piece ? share.end - first : piece;
        HM_TRY(hm_reader_accounts(reader, first, rows, &accounts, err));
        HM_TRY(hm_reader_rows(reader, HM_CHANNEL_PERIOD, first, rows, period, err));
        for (int64_t i = 0; i < rows; ++i) {
            const uint32_t *row = period + i * width;
            if (done[i] == 1 && hm_crc32_words(row, (size_t)width) != crc[i * columns + column]) {
                HM_TRY(hm_scan_torn(info, HM_CHANNEL_PERIOD, first + i, err));
            }
            HM_TRY(hm_components_row(components, done[i] == 1 ? row : NULL, width, err));
        }
    }
cleanup:
    free(period);
    free(crc);
    free(done);
    return status;
}

/** Periods and components of all ranks, on rank 0. Collective. */
static hm_status_t count_periods(const hm_cluster_t *cluster, hm_reader_t *reader,
                                 const hm_dataset_info_t *info, hm_share_t share,
                                 hm_period_sums_t *sums, hm_error_t *err) {
    hm_components_t *components = NULL;
    hm_status_t status = hm_components_make(&components, err);
    if (status == HM_OK) {
        status = scan_periods(reader, info, share, components, err);
    }
    HM_TRY(hm_together(cluster->comm, status, err));
    HM_TRY(hm_components_reduce(cluster, components, sums, err));
cleanup:
    hm_components_free(components);
    return status;
}

/** Rank 0: does the file say of itself what was found? */
static hm_status_t compare_results(const hm_dataset_info_t *info, const hm_scan_t *scan,
                                   hm_error_t *err) {
    const hm_dataset_result_t *said = &info->result;
    if (!said->complete) {
        return HM_OK;
    }
    if (scan->rows != (uint64_t)info->grid.height || said->crc32 != (uint32_t)scan->stretch.crc ||
        said->sum != scan->sum || said->inside != scan->inside) {
        return hm_error_set(err, HM_EDATA,
                            "its data are not what it says: it says sum %llu, inside %llu, crc32 "
                            "%08lx; they have sum %llu, inside %llu, crc32 %08lx",
                            (unsigned long long)said->sum, (unsigned long long)said->inside,
                            (unsigned long)said->crc32, (unsigned long long)scan->sum,
                            (unsigned long long)scan->inside, (unsigned long)scan->stretch.crc);
    }
    return HM_OK;
}

/** The pass over the counts, timed. Collective. */
static hm_status_t scan_counts(const hm_cluster_t *cluster, hm_reader_t *reader,
                               const hm_dataset_info_t *info, hm_share_t share, hm_scan_t *scan,
                               hm_analysis_speed_t *speed, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_boxes_t *boxes = NULL;
    const double begin = hm_clock_now();
    status = hm_scan_rows(reader, info, share, scan, &boxes, err);
    double seconds[] = {scan->reading, hm_clock_now() - begin};
    double slowest[] = {0, 0};
    HM_TRY(hm_together(cluster->comm, status, err));
    HM_TRY(hm_mpi_check(MPI_Reduce(seconds, slowest, 2, MPI_DOUBLE, MPI_MAX, 0, cluster->comm),
                        "putting the ranks' figures together", err));
    HM_TRY(hm_scan_reduce(cluster->comm, scan, boxes, err));
    speed->bytes = info->grid.width * info->grid.height * 4;
    speed->reading = slowest[0];
    speed->seconds = slowest[1];
cleanup:
    hm_boxes_free(boxes);
    return status;
}

hm_status_t hm_analysis_run(const hm_cluster_t *cluster, const char *path,
                            const hm_analysis_options_t *options, hm_report_t *report,
                            hm_analysis_speed_t *speed, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const bool root = cluster->rank == 0;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_analysis_speed_t measured = {0, 0, 0};
    hm_findings_t found = {0};
    hm_period_sums_t *periods = calloc(1, sizeof *periods);
    status = periods ? hm_reader_open(path, &reader, &info, err)
                     : hm_error_set(err, HM_EMISSING, "out of memory");
    HM_TRY(hm_together(cluster->comm, status, err));
    const int64_t height = info.grid.height;
    const hm_share_t share =
        hm_share_of(height, hm_boxes_base(info.grid.width, height), cluster->rank, cluster->size);
    HM_TRY(scan_counts(cluster, reader, &info, share, &found.scan, &measured, err));
    status = root ? compare_results(&info, &found.scan, err) : HM_OK;
    HM_TRY(hm_together(cluster->comm, status, err));
    HM_TRY(hm_accounts_read(cluster, reader, hm_share_of(height, 0, cluster->rank, cluster->size),
                            options->top, &found.accounts, err));
    HM_TRY(hm_symmetry_check(cluster, reader, &info, &found.symmetry, err));
    if ((info.channels >> HM_CHANNEL_PERIOD) & 1u) {
        HM_TRY(count_periods(cluster, reader, &info, share, periods, err));
        found.periods = periods;
    }
    if (root) {
        status = hm_reader_ranks(reader, &found.ranks, &found.rank_count, err);
        if (status == HM_OK) {
            status = hm_figures_make(&info, &found, report, err);
        }
    }
    HM_TRY(hm_together(cluster->comm, status, err));
    report->info = info;
    *speed = measured;
cleanup:
    if (status != HM_OK && reader && err && err->text[0] != '\0') {
        (void)hm_error_context(err, "'%s'", path);
    }
    free(found.ranks);
    free(found.scan.bin);
    hm_accounts_free(&found.accounts);
    free(periods);
    hm_reader_close(reader);
    return status;
}
