/** @file reader.c Reading a data set file, serially, row by row. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "build.h"
#include "hm_crc32.h"
#include "info.h"
#include "seal.h"
#include "table.h"

struct hm_reader_t {
    hid_t file;
    hid_t channel[HM_CHANNEL_COUNT];
    hid_t row[HM_ROW_COUNT];
    hm_dataset_info_t info;
};

static hm_status_t open_objects(hm_reader_t *reader, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hsize_t shape[2] = {(hsize_t)reader->info.grid.height, (hsize_t)reader->info.grid.width};
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        const hm_channel_layout_t *layout = hm_layout_channel((hm_channel_t)channel);
        if ((reader->info.channels >> channel) & 1u) {
            HM_TRY(hm_layout_open(reader->file, layout->name, layout->number, 2, shape,
                                  &reader->channel[channel], err));
        }
    }
    const hsize_t table[2] = {shape[0], (hsize_t)hm_layout_channels(reader->info.channels)};
    for (int row = 0; row < HM_ROW_COUNT; ++row) {
        const hm_row_layout_t *layout = hm_layout_row((hm_row_t)row);
        HM_TRY(hm_layout_open(reader->file, layout->path, layout->number,
                              layout->by_channel ? 2 : 1, table, &reader->row[row], err));
    }
cleanup:
    return status;
}

/** Sound headers, before HDF5 sees them. */
static hm_status_t check_seal(const char *path, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_seal_t seal;
    bool found = false;
    int descriptor = -1;
    HM_TRY(hm_layout_descriptor(path, false, &descriptor, err));
    status = hm_seal_check(descriptor, &seal, &found, err);
    if (status != HM_OK) {
        (void)hm_error_context(err, "'%s'", path);
    }
    close(descriptor);
cleanup:
    return status;
}

hm_status_t hm_reader_open(const char *path, hm_reader_t **reader, hm_dataset_info_t *info,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_h5_quiet();
    hid_t access = hm_h5_serial_access();
    hm_reader_t *opened = calloc(1, sizeof *opened);
    if (!opened || access < 0) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory to open '%s'", path));
    }
    opened->file = H5I_INVALID_HID;
    for (int i = 0; i < HM_ROW_COUNT; ++i) {
        opened->row[i] = H5I_INVALID_HID;
    }
    for (int i = 0; i < HM_CHANNEL_COUNT; ++i) {
        opened->channel[i] = H5I_INVALID_HID;
    }
    HM_TRY(check_seal(path, err));
    opened->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (opened->file < 0) {
        HM_TRY(hm_layout_refuse(path, err));
    }
    status = hm_info_read(opened->file, &opened->info, err);
    if (status == HM_OK) {
        status = open_objects(opened, err);
    }
    if (status != HM_OK) {
        (void)hm_error_context(err, "'%s'", path);
        goto cleanup;
    }
    *info = opened->info;
    *reader = opened;
    opened = NULL;
cleanup:
    hm_h5_close(&access);
    hm_reader_close(opened);
    return status;
}

void *hm_reader_room(size_t bytes) {
    const size_t pages = (bytes + HM_PAGE - 1) / HM_PAGE;
    return bytes > SIZE_MAX - HM_PAGE ? NULL : aligned_alloc(HM_PAGE, (pages + 1) * HM_PAGE);
}

static hm_status_t check_range(const hm_reader_t *reader, int64_t first, int64_t rows,
                               hm_error_t *err) {
    if (first < 0 || rows < 0 || first > reader->info.grid.height - rows) {
        return hm_error_set(err, HM_EBUG, "%lld rows from row %lld read, there are %lld",
                            (long long)rows, (long long)first, (long long)reader->info.grid.height);
    }
    return HM_OK;
}

hm_status_t hm_reader_rows(hm_reader_t *reader, hm_channel_t channel, int64_t first, int64_t rows,
                           void *values, hm_error_t *err) {
    const hm_channel_layout_t *layout = hm_layout_channel(channel);
    hm_status_t status = HM_OK;
    HM_TRY(check_range(reader, first, rows, err));
    if (reader->channel[channel] < 0) {
        HM_TRY(hm_error_set(err, HM_EDATA, "the file has no channel %s", layout->name));
    }
    HM_TRY(hm_layout_transfer(reader->channel[channel], layout->number, first, rows,
                              reader->info.grid.width, false, values, err));
cleanup:
    return status;
}

hm_status_t hm_reader_part(hm_reader_t *reader, hm_channel_t channel, int64_t first, int64_t rows,
                           int64_t column, int64_t columns, void *values, hm_error_t *err) {
    enum { MOST = 1 << 26 }; /* points at once: 256 MiB */
    const hm_channel_layout_t *layout = hm_layout_channel(channel);
    hm_status_t status = HM_OK;
    HM_TRY(check_range(reader, first, rows, err));
    if (column < 0 || columns < 1 || column > reader->info.grid.width - columns) {
        HM_TRY(hm_error_set(err, HM_EBUG, "%lld x %lld points from column %lld read",
                            (long long)columns, (long long)rows, (long long)column));
    }
    if (reader->channel[channel] < 0) {
        HM_TRY(hm_error_set(err, HM_EDATA, "the file has no channel %s", layout->name));
    }
    /* Several rows at once only where they are whole: a dense block in memory. */
    const int64_t wide = columns < MOST ? columns : MOST;
    const int64_t high = wide == columns ? MOST / wide : 1;
    for (int64_t row = 0; row < rows; row += high) {
        for (int64_t at = 0; at < columns; at += wide) {
            HM_TRY(hm_layout_read_part(
                reader->channel[channel], layout->number, first + row,
                rows - row < high ? rows - row : high, column + at,
                columns - at < wide ? columns - at : wide,
                (char *)values + (size_t)(row * columns + at) * HM_POINT_BYTES, err));
        }
    }
cleanup:
    return status;
}

hm_status_t hm_reader_done(hm_reader_t *reader, int64_t first, int64_t rows, uint8_t *done,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(check_range(reader, first, rows, err));
    HM_TRY(
        hm_layout_transfer(reader->row[HM_ROW_DONE], HM_H5_U8, first, rows, 0, false, done, err));
cleanup:
    return status;
}

hm_status_t hm_reader_accounts(hm_reader_t *reader, int64_t first, int64_t rows,
                               const hm_row_accounts_t *accounts, hm_error_t *err) {
    hm_status_t status = HM_OK;
    void *values[HM_ROW_COUNT] = {[HM_ROW_DONE] = accounts->done,
                                  [HM_ROW_CRC32] = accounts->crc32,
                                  [HM_ROW_WORK] = accounts->work,
                                  [HM_ROW_SECONDS] = accounts->seconds,
                                  [HM_ROW_RANK] = accounts->rank};
    HM_TRY(check_range(reader, first, rows, err));
    for (int row = 0; row < HM_ROW_COUNT; ++row) {
        const hm_row_layout_t *layout = hm_layout_row((hm_row_t)row);
        if (values[row]) {
            HM_TRY(hm_layout_transfer(reader->row[row], layout->number, first, rows,
                                      layout->by_channel ? hm_layout_channels(reader->info.channels)
                                                         : 0,
                                      false, values[row], err));
        }
    }
cleanup:
    return status;
}

hm_status_t hm_reader_costs(hm_reader_t *reader, int64_t first, int64_t rows, uint64_t *work,
                            double *seconds, int32_t *rank, hm_error_t *err) {
    hm_row_accounts_t accounts = {.done = NULL};
    accounts.work = work;
    accounts.seconds = seconds;
    accounts.rank = rank;
    return hm_reader_accounts(reader, first, rows, &accounts, err);
}

void hm_reader_ahead(hm_reader_t *reader, hm_channel_t channel, int64_t first, int64_t rows) {
    void *handle = NULL;
    const int64_t row_bytes = reader->info.grid.width * HM_POINT_BYTES;
    const int64_t height = reader->info.grid.height;
    first = first < height ? first : height;
    rows = rows < height - first ? rows : height - first;
    if (reader->channel[channel] < 0 || rows < 1) {
        return;
    }
    /* Where there is one place in one file: not in chunks. */
    const haddr_t offset = H5Dget_offset(reader->channel[channel]);
    if (offset != HADDR_UNDEF && H5Fget_vfd_handle(reader->file, H5P_DEFAULT, &handle) >= 0 &&
        handle) {
        (void)posix_fadvise(*(const int *)handle, (off_t)offset + (off_t)(first * row_bytes),
                            (off_t)(rows * row_bytes), POSIX_FADV_WILLNEED);
    }
}

/** Reads one piece of rows and clears `good` where a channel is not what its CRC says. */
static hm_status_t verify_piece(hm_reader_t *reader, int64_t first, int64_t rows, uint32_t *values,
                                uint32_t *crc, uint8_t *good, hm_verified_t *found,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t width = reader->info.grid.width;
    const int64_t columns = hm_layout_channels(reader->info.channels);
    uint8_t marked[HM_PIECE];
    int64_t column = 0;
    hm_crc32_joined_t joined = hm_crc32_joined(found->crc32, width * HM_POINT_BYTES);
    HM_TRY(hm_reader_done(reader, first, rows, marked, err));
    HM_TRY(hm_layout_transfer(reader->row[HM_ROW_CRC32], HM_H5_U32, first, rows, columns, false,
                              crc, err));
    bool any = false;
    for (int64_t row = 0; row < rows; ++row) {
        good[row] = marked[row] == 1;
        any = any || good[row];
    }
    if (!any) {
        goto cleanup;
    }
    /* Backwards, so that iterations are what is left in `values` for the sums. */
    for (int channel = HM_CHANNEL_COUNT - 1; channel >= 0; --channel) {
        if (!((reader->info.channels >> channel) & 1u)) {
            continue;
        }
        ++column;
        HM_TRY(hm_reader_rows(reader, (hm_channel_t)channel, first, rows, values, err));
        for (int64_t row = 0; row < rows; ++row) {
            good[row] = good[row] && hm_crc32_words(values + row * width, (size_t)width) ==
                                         crc[row * columns + columns - column];
        }
    }
    for (int64_t row = 0; row < rows; ++row) {
        found->good += good[row];
        found->torn += marked[row] == 1 && !good[row];
        if (good[row]) {
            hm_crc32_join(&joined, crc[row * columns], width * HM_POINT_BYTES);
        }
        for (int64_t i = row * width; good[row] && i < (row + 1) * width; ++i) {
            found->sum += values[i];
            found->inside += values[i] == reader->info.formula.max_iter;
        }
    }
    found->crc32 = joined.crc;
cleanup:
    return status;
}

hm_status_t hm_reader_verify(hm_reader_t *reader, int64_t first, int64_t rows, uint8_t *good,
                             hm_verified_t *verified, hm_error_t *err) {
    enum { PIECE_BYTES = 1 << 20 };
    hm_status_t status = HM_OK;
    const int64_t row_bytes = reader->info.grid.width * HM_POINT_BYTES;
    int64_t most = PIECE_BYTES / row_bytes;
    most = most < 1 ? 1 : most > HM_PIECE ? HM_PIECE : most;
    most = most < rows ? most : rows;
    hm_verified_t found = *verified;
    uint32_t *values = hm_reader_room((size_t)(most * row_bytes));
    uint32_t *crc = malloc((size_t)(most > 0 ? most : 1) * HM_CHANNEL_COUNT * sizeof *crc);
    if (!values || !crc) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a row of %lld points",
                            (long long)reader->info.grid.width));
    }
    HM_TRY(check_range(reader, first, rows, err));
    for (int64_t i = 0; i < rows; i += most) {
        const int64_t n = rows - i < most ? rows - i : most;
        HM_TRY(verify_piece(reader, first + i, n, values, crc, good + i, &found, err));
    }
    *verified = found;
cleanup:
    free(values);
    free(crc);
    return status;
}

/** A whole table of structures, malloc'ed. */
static hm_status_t read_table(hm_reader_t *reader, const hm_table_t *table, void **rows, int *count,
                              hm_error_t *err) {
    enum { MOST = 1 << 20 };
    hm_status_t status = HM_OK;
    int64_t length = 0;
    void *values = NULL;
    HM_TRY(hm_table_length(reader->file, table, &length, NULL, err));
    if (length > MOST) {
        HM_TRY(hm_error_set(err, HM_EDATA, "%s has %lld rows: that cannot be", table->path,
                            (long long)length));
    }
    values = calloc(length > 0 ? (size_t)length : 1, table->row_bytes);
    if (!values) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for %s", table->path));
    }
    if (length > 0) {
        HM_TRY(hm_table_read(reader->file, table, 0, length, values, err));
    }
    *rows = values;
    *count = (int)length;
    values = NULL;
cleanup:
    free(values);
    return status;
}

/** Text of a table, ended, and on one line whatever stands in the file. */
static void tame(char *text, size_t size) {
    text[size - 1] = '\0';
    for (; *text; ++text) {
        if ((unsigned char)*text < ' ' || *text == '\x7f') {
            *text = '?';
        }
    }
}

hm_status_t hm_reader_ranks(hm_reader_t *reader, hm_rank_account_t **accounts, int *count,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    void *rows = NULL;
    HM_TRY(read_table(reader, hm_layout_ranks(), &rows, count, err));
    *accounts = rows;
    for (int i = 0; i < *count; ++i) {
        tame((*accounts)[i].host, sizeof(*accounts)[i].host);
        tame((*accounts)[i].isa, sizeof(*accounts)[i].isa);
    }
cleanup:
    return status;
}

hm_status_t hm_reader_history(hm_reader_t *reader, hm_session_t **sessions, int *count,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    void *rows = NULL;
    HM_TRY(read_table(reader, hm_layout_history(), &rows, count, err));
    *sessions = rows;
    for (int i = 0; i < *count; ++i) {
        hm_session_t *session = &(*sessions)[i];
        tame(session->start, sizeof session->start);
        tame(session->version, sizeof session->version);
        tame(session->host, sizeof session->host);
        tame(session->strategy, sizeof session->strategy);
        tame(session->ended, sizeof session->ended);
    }
cleanup:
    return status;
}

hm_status_t hm_reader_attribute(hm_reader_t *reader, const char *key, char **text,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t run = H5Gopen2(reader->file, HM_PATH_RUN, H5P_DEFAULT);
    if (run < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing", HM_PATH_RUN));
    }
    HM_TRY(hm_h5_get_text(run, key, text, err));
cleanup:
    hm_h5_close(&run);
    return status;
}

hm_status_t hm_reader_configuration(hm_reader_t *reader, char **text, hm_error_t *err) {
    return hm_reader_attribute(reader, "configuration", text, err);
}

void hm_reader_close(hm_reader_t *reader) {
    if (!reader) {
        return;
    }
    for (int i = 0; i < HM_CHANNEL_COUNT; ++i) {
        hm_h5_close(&reader->channel[i]);
    }
    for (int i = 0; i < HM_ROW_COUNT; ++i) {
        hm_h5_close(&reader->row[i]);
    }
    hm_h5_close(&reader->file);
    free(reader);
}
