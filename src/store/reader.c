/** @file reader.c Reading a data set file, serially, row by row. */
#include <stdint.h>
#include <stdlib.h>

#include "info.h"

struct hm_reader_t {
    hid_t file;
    hid_t channel[HM_CHANNEL_COUNT];
    hid_t done;
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
    HM_TRY(hm_layout_open(reader->file, hm_layout_row(HM_ROW_DONE)->path, HM_H5_U8, 1, shape,
                          &reader->done, err));
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
    opened->done = H5I_INVALID_HID;
    for (int i = 0; i < HM_CHANNEL_COUNT; ++i) {
        opened->channel[i] = H5I_INVALID_HID;
    }
    opened->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (opened->file < 0) {
        HM_TRY(hm_layout_refuse(path, false, err));
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

hm_status_t hm_reader_done(hm_reader_t *reader, int64_t first, int64_t rows, uint8_t *done,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(check_range(reader, first, rows, err));
    HM_TRY(hm_layout_transfer(reader->done, HM_H5_U8, first, rows, 0, false, done, err));
cleanup:
    return status;
}

hm_status_t hm_reader_configuration(hm_reader_t *reader, char **text, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t run = H5Gopen2(reader->file, HM_PATH_RUN, H5P_DEFAULT);
    if (run < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing", HM_PATH_RUN));
    }
    HM_TRY(hm_h5_get_text(run, "configuration", text, err));
cleanup:
    hm_h5_close(&run);
    return status;
}

void hm_reader_close(hm_reader_t *reader) {
    if (!reader) {
        return;
    }
    for (int i = 0; i < HM_CHANNEL_COUNT; ++i) {
        hm_h5_close(&reader->channel[i]);
    }
    hm_h5_close(&reader->done);
    hm_h5_close(&reader->file);
    free(reader);
}
