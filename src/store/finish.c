/** @file finish.c The end of a session: what it says of itself. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "hm_crc32.h"
#include "info.h"
#include "table.h"

/** Counts the rows done and, when all are, joins the CRCs of the iterations channel. */
static hm_status_t add_up(hid_t file, const hm_dataset_info_t *info, int64_t *rows_done,
                          uint32_t *crc32, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t columns = hm_layout_channels(info->channels);
    const int64_t height = info->grid.height;
    const hsize_t shape[2] = {(hsize_t)height, (hsize_t)columns};
    hm_crc32_joined_t joined = {0, 0};
    int64_t done = 0;
    hid_t marks = H5I_INVALID_HID;
    hid_t crcs = H5I_INVALID_HID;
    uint8_t mark[HM_PIECE];
    uint32_t crc[HM_PIECE * HM_CHANNEL_COUNT];
    HM_TRY(hm_layout_open(file, hm_layout_row(HM_ROW_DONE)->path, HM_H5_U8, 1, shape, &marks, err));
    HM_TRY(
        hm_layout_open(file, hm_layout_row(HM_ROW_CRC32)->path, HM_H5_U32, 2, shape, &crcs, err));
    for (int64_t first = 0; first < height; first += HM_PIECE) {
        const int64_t n = height - first < HM_PIECE ? height - first : HM_PIECE;
        HM_TRY(hm_layout_transfer(marks, HM_H5_U8, first, n, 0, false, mark, err));
        HM_TRY(hm_layout_transfer(crcs, HM_H5_U32, first, n, columns, false, crc, err));
        for (int64_t i = 0; i < n; ++i) {
            done += mark[i] == 1 ? 1 : 0;
            /* iterations is the first column. */
            hm_crc32_join(&joined, crc[i * columns], info->grid.width * HM_POINT_BYTES);
        }
    }
    *rows_done = done;
    *crc32 = done == height ? joined.crc : 0;
cleanup:
    hm_h5_close(&crcs);
    hm_h5_close(&marks);
    return status;
}

static hm_status_t write_ranks(hid_t file, const hm_rank_account_t *accounts, int ranks,
                               hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t rows = ranks;
    HM_TRY(hm_table_resize(file, hm_layout_ranks(), &rows, err));
    HM_TRY(hm_table_write(file, hm_layout_ranks(), 0, rows, accounts, err));
cleanup:
    return status;
}

/** Writes into the last row of /run/history how the session ended. */
static hm_status_t end_session(hid_t file, double seconds, const char *ended, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t length = 0;
    hm_session_t session;
    HM_TRY(hm_table_length(file, hm_layout_history(), &length, NULL, err));
    if (length > 0) {
        HM_TRY(hm_table_read(file, hm_layout_history(), length - 1, 1, &session, err));
        session.seconds = seconds;
        memset(session.ended, 0, sizeof session.ended);
        snprintf(session.ended, sizeof session.ended, "%s", ended);
        HM_TRY(hm_table_write(file, hm_layout_history(), length - 1, 1, &session, err));
    }
cleanup:
    return status;
}

/** The time of all sessions that ended. */
static hm_status_t sum_sessions(hid_t file, double *seconds, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t length = 0;
    double sum = 0;
    hm_session_t session;
    HM_TRY(hm_table_length(file, hm_layout_history(), &length, NULL, err));
    for (int64_t i = 0; i < length; ++i) {
        HM_TRY(hm_table_read(file, hm_layout_history(), i, 1, &session, err));
        sum += session.seconds;
    }
    *seconds = sum;
cleanup:
    return status;
}

static hm_status_t write_results(hid_t run, const hm_dataset_result_t *result, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_h5_set(run, "sum", HM_H5_U64, &result->sum, err));
    HM_TRY(hm_h5_set(run, "inside", HM_H5_U64, &result->inside, err));
    HM_TRY(hm_h5_set(run, "crc32", HM_H5_U32, &result->crc32, err));
    HM_TRY(hm_h5_set(run, "seconds", HM_H5_F64, &result->seconds, err));
cleanup:
    return status;
}

hm_status_t hm_dataset_finish(const char *path, const hm_rank_account_t *accounts, int ranks,
                              hm_dataset_result_t *result, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_edit_t edit = HM_EDIT_NONE;
    hm_dataset_info_t info;
    hm_dataset_result_t final = *result;
    int64_t rows_done = 0;
    hid_t run = H5I_INVALID_HID;
    HM_TRY(hm_edit_open(path, &edit, err));
    HM_TRY(hm_info_read(edit.file, &info, err));
    HM_TRY(add_up(edit.file, &info, &rows_done, &final.crc32, err));
    final.complete = rows_done == info.grid.height;
    if (final.ended[0] == '\0') {
        snprintf(final.ended, sizeof final.ended, "%s", final.complete ? "complete" : "stopped");
    }
    run = H5Gopen2(edit.file, HM_PATH_RUN, H5P_DEFAULT);
    if (run < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing", HM_PATH_RUN));
    }
    HM_TRY(hm_edit_begin(&edit, err));
    if (ranks > 0) {
        HM_TRY(write_ranks(edit.file, accounts, ranks, err));
    }
    HM_TRY(end_session(edit.file, final.seconds, final.ended, err));
    HM_TRY(write_results(run, &final, err));
    /* Files made by the first versions have no room for it. */
    if (H5Aexists(run, "total_seconds") > 0) {
        double total = 0;
        HM_TRY(sum_sessions(edit.file, &total, err));
        HM_TRY(hm_h5_set(run, "total_seconds", HM_H5_F64, &total, err));
    }
    /* `complete` alone and last: who finds it set may trust all the rest. */
    HM_TRY(hm_edit_barrier(&edit, err));
    const uint8_t complete = final.complete ? 1 : 0;
    HM_TRY(hm_h5_set(run, "complete", HM_H5_U8, &complete, err));
    hm_h5_close(&run);
    HM_TRY(hm_edit_close(&edit, err));
    *result = final;
cleanup:
    if (status != HM_OK) {
        (void)hm_error_context(err, "finishing '%s'", path);
    }
    hm_h5_close(&run);
    hm_edit_abandon(&edit);
    return status;
}
