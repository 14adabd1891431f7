/** @file table.c See table.h. */
#include "table.h"

#include <stdint.h>

static hm_status_t open_column(hid_t file, const char *path, hid_t *made, hsize_t *length,
                               hsize_t *room, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t space = H5I_INVALID_HID;
    hid_t opened = H5Dopen2(file, path, H5P_DEFAULT);
    if (opened >= 0) {
        space = H5Dget_space(opened);
    }
    if (space < 0 || H5Sget_simple_extent_ndims(space) != 1 ||
        H5Sget_simple_extent_dims(space, length, room) != 1 || *length > *room ||
        *room > INT32_MAX) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing or is no table", path));
    }
    *made = opened;
    opened = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&space);
    hm_h5_close(&opened);
    return status;
}

hm_status_t hm_table_length(hid_t file, const hm_table_t *table, int64_t *length, int64_t *room,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t column = H5I_INVALID_HID;
    hsize_t found = 0;
    hsize_t most = 0;
    HM_TRY(open_column(file, table->path, &column, &found, &most, err));
    *length = (int64_t)found;
    if (room) {
        *room = (int64_t)most;
    }
cleanup:
    hm_h5_close(&column);
    return status;
}

/** Sets one dataset's length, no longer than its room. */
static hm_status_t resize(hid_t file, const char *path, int64_t *rows, int64_t *before,
                          hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t column = H5I_INVALID_HID;
    hsize_t length = 0;
    hsize_t room = 0;
    HM_TRY(open_column(file, path, &column, &length, &room, err));
    const hsize_t wanted = (hsize_t)*rows < room ? (hsize_t)*rows : room;
    if (wanted != length && H5Dset_extent(column, &wanted) < 0) {
        HM_TRY(hm_h5_fail(err, HM_EIO, "cannot change the length of %s", path));
    }
    *rows = (int64_t)wanted;
    *before = (int64_t)length;
cleanup:
    hm_h5_close(&column);
    return status;
}

hm_status_t hm_table_resize(hid_t file, const hm_table_t *table, int64_t *rows, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t length = *rows;
    int64_t before = 0;
    HM_TRY(resize(file, table->path, &length, &before, err));
    HM_TRY(resize(file, table->scale, &length, &before, err));
    if (length > before) {
        HM_TRY(hm_table_number(file, table, before, length - before, err));
    }
    *rows = length;
cleanup:
    return status;
}

hm_status_t hm_table_number(hid_t file, const hm_table_t *table, int64_t first, int64_t rows,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t column = H5I_INVALID_HID;
    hsize_t length = 0;
    hsize_t room = 0;
    int32_t numbers[HM_PIECE];
    HM_TRY(open_column(file, table->scale, &column, &length, &room, err));
    for (int64_t i = 0; i < rows; i += HM_PIECE) {
        const int64_t n = rows - i < HM_PIECE ? rows - i : HM_PIECE;
        for (int64_t k = 0; k < n; ++k) {
            numbers[k] = (int32_t)(first + i + k);
        }
        HM_TRY(hm_layout_transfer(column, HM_H5_I32, first + i, n, 0, true, numbers, err));
    }
cleanup:
    hm_h5_close(&column);
    return status;
}

/** Reads into `in`, or writes from `out`: one of them is NULL. */
static hm_status_t transfer(hid_t file, const hm_table_t *table, int64_t first, int64_t rows,
                            void *in, const void *out, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t column = H5I_INVALID_HID;
    hid_t space = H5I_INVALID_HID;
    hid_t memory = H5I_INVALID_HID;
    hid_t type = H5I_INVALID_HID;
    hid_t type_here = H5I_INVALID_HID;
    hid_t type_there = H5I_INVALID_HID;
    hsize_t length = 0;
    hsize_t room = 0;
    const hsize_t start = (hsize_t)first;
    const hsize_t count = (hsize_t)rows;
    herr_t done = -1;
    HM_TRY(open_column(file, table->path, &column, &length, &room, err));
    HM_TRY(table->types(&type, &type_here, err));
    type_there = H5Dget_type(column);
    if (type_there < 0 || H5Tequal(type, type_there) <= 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is of another type", table->path));
    }
    space = H5Dget_space(column);
    memory = H5Screate_simple(1, &count, NULL);
    if (space >= 0 && memory >= 0 &&
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0) {
        done = in ? H5Dread(column, type_here, memory, space, H5P_DEFAULT, in)
                  : H5Dwrite(column, type_here, memory, space, H5P_DEFAULT, out);
    }
    if (done < 0) {
        HM_TRY(hm_h5_fail(err, in ? HM_EDATA : HM_EIO, "cannot %s %s", in ? "read" : "write",
                          table->path));
    }
cleanup:
    hm_h5_close(&type_there);
    hm_h5_close(&type_here);
    hm_h5_close(&type);
    hm_h5_close(&memory);
    hm_h5_close(&space);
    hm_h5_close(&column);
    return status;
}

hm_status_t hm_table_write(hid_t file, const hm_table_t *table, int64_t first, int64_t rows,
                           const void *values, hm_error_t *err) {
    return transfer(file, table, first, rows, NULL, values, err);
}

hm_status_t hm_table_read(hid_t file, const hm_table_t *table, int64_t first, int64_t rows,
                          void *values, hm_error_t *err) {
    return transfer(file, table, first, rows, values, NULL, err);
}
