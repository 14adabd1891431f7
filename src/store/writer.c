/** @file writer.c Writing bands in parallel: raw data in place, nothing else. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hm_crc32.h"
#include "hm_together.h"
#include "layout.h"
#include "shared.h"

struct hm_dataset_t {
    hid_t file;
    hid_t channel[HM_CHANNEL_COUNT];
    hid_t row[HM_ROW_COUNT];
    int64_t width, height;
    uint32_t channels;
    int channel_count;
    char *path;     /**< for messages */
    MPI_Comm comm;  /**< a duplicate: our barriers must not meet the caller's messages */
    int descriptor; /**< the file once more, for fdatasync: MPI's own sync is collective */
    /** What rows' accounts are put together in, HM_PIECE rows at a time. */
    uint32_t crc32[HM_PIECE * HM_CHANNEL_COUNT];
    uint64_t work[HM_PIECE];
    double seconds[HM_PIECE];
    int32_t rank[HM_PIECE];
    uint8_t done[HM_PIECE];
};

static void close_all(hm_dataset_t *dataset) {
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        hm_h5_close(&dataset->channel[channel]);
    }
    for (int row = 0; row < HM_ROW_COUNT; ++row) {
        hm_h5_close(&dataset->row[row]);
    }
    if (dataset->descriptor >= 0) {
        close(dataset->descriptor);
        dataset->descriptor = -1;
    }
}

/** Opens the objects: what this rank does by itself once the file is open. */
static hm_status_t open_objects(hm_dataset_t *dataset, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t space = H5I_INVALID_HID;
    hsize_t shape[2] = {0, 0};
    const char *iterations = hm_channel_name(HM_CHANNEL_ITERATIONS);
    hid_t probe = H5Dopen2(dataset->file, iterations, H5P_DEFAULT);
    if (probe >= 0) {
        space = H5Dget_space(probe);
    }
    if (space < 0 || H5Sget_simple_extent_ndims(space) != 2 ||
        H5Sget_simple_extent_dims(space, shape, NULL) != 2 || shape[0] < 1 || shape[1] < 1 ||
        shape[0] > INT32_MAX || shape[1] > INT32_MAX) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing or is no image", iterations));
    }
    dataset->height = (int64_t)shape[0];
    dataset->width = (int64_t)shape[1];
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        const hm_channel_layout_t *layout = hm_layout_channel((hm_channel_t)channel);
        if (H5Lexists(dataset->file, layout->name, H5P_DEFAULT) > 0) {
            HM_TRY(hm_layout_open(dataset->file, layout->name, layout->number, 2, shape,
                                  &dataset->channel[channel], err));
            if (H5Dget_offset(dataset->channel[channel]) == HADDR_UNDEF) {
                HM_TRY(hm_error_set(err, HM_EDATA,
                                    "it is a copy in chunks, compressed perhaps: "
                                    "such a file can only be read"));
            }
            dataset->channels |= 1u << channel;
        }
    }
    dataset->channel_count = hm_layout_channels(dataset->channels);
    shape[1] = (hsize_t)dataset->channel_count;
    for (int row = 0; row < HM_ROW_COUNT; ++row) {
        const hm_row_layout_t *layout = hm_layout_row((hm_row_t)row);
        HM_TRY(hm_layout_open(dataset->file, layout->path, layout->number,
                              layout->by_channel ? 2 : 1, shape, &dataset->row[row], err));
    }
cleanup:
    hm_h5_close(&space);
    hm_h5_close(&probe);
    return status;
}

static void release(hm_dataset_t *dataset) {
    if (dataset->comm != MPI_COMM_NULL) {
        MPI_Comm_free(&dataset->comm);
    }
    free(dataset->path);
    free(dataset);
}

/** Closes whatever is open of it; collective when the file is. */
static void dispose(hm_dataset_t *dataset) {
    if (dataset) {
        close_all(dataset);
        (void)hm_shared_close(&dataset->file, dataset->comm, false);
        release(dataset);
    }
}

static hm_dataset_t *blank(const char *path) {
    hm_dataset_t *dataset = calloc(1, sizeof *dataset);
    char *copy = strdup(path);
    if (!dataset || !copy) {
        free(dataset);
        free(copy);
        dataset = NULL;
    }
    if (dataset) {
        dataset->path = copy;
        dataset->comm = MPI_COMM_NULL;
        dataset->file = H5I_INVALID_HID;
        dataset->descriptor = -1;
        for (int i = 0; i < HM_CHANNEL_COUNT; ++i) {
            dataset->channel[i] = H5I_INVALID_HID;
        }
        for (int i = 0; i < HM_ROW_COUNT; ++i) {
            dataset->row[i] = H5I_INVALID_HID;
        }
    }
    return dataset;
}

hm_status_t hm_dataset_open_hinted(const char *path, MPI_Comm comm, const hm_attribute_t *hints,
                                   int hint_count, hm_dataset_t **dataset, hm_error_t *err) {
    hm_status_t status = HM_OK;
    MPI_Info info = MPI_INFO_NULL;
    hm_h5_quiet();
    hm_dataset_t *opened = blank(path);
    hid_t access = H5I_INVALID_HID;
    status = hm_shared_hints(hints, hint_count, &info, err);
    if (status == HM_OK && !opened) {
        status = hm_error_set(err, HM_EMISSING, "out of memory to open '%s'", path);
    }
    if (status == HM_OK) {
        status = hm_layout_descriptor(path, true, &opened->descriptor, err);
    }
    HM_TRY(hm_shared_access(comm, info, status, &access, err));
    if (MPI_Comm_dup(comm, &opened->comm) != MPI_SUCCESS) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "no communicator for '%s'", path));
    }
    opened->file = H5Fopen(path, H5F_ACC_RDWR, access);
    if (opened->file < 0) {
        status = hm_layout_refuse(path, err);
    } else if ((status = open_objects(opened, err)) != HM_OK) {
        (void)hm_error_context(err, "'%s'", path);
    }
    HM_TRY(hm_together(comm, status, err));
    *dataset = opened;
    opened = NULL;
cleanup:
    if (info != MPI_INFO_NULL) {
        MPI_Info_free(&info);
    }
    hm_h5_close(&access);
    dispose(opened);
    return status;
}

hm_status_t hm_dataset_open(const char *path, MPI_Comm comm, hm_dataset_t **dataset,
                            hm_error_t *err) {
    return hm_dataset_open_hinted(path, comm, NULL, 0, dataset, err);
}

/** The accounts of rows [first, first + n) of a band, at most HM_PIECE of them. */
static hm_status_t write_accounts(hm_dataset_t *d, const hm_band_data_t *band, int64_t first,
                                  int64_t n, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t at = band->first + first;
    uint32_t *crc32 = d->crc32;
    for (int64_t i = 0; i < n; ++i) {
        for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
            if ((d->channels >> channel) & 1u) {
                const char *values = band->channel[channel];
                *crc32++ = hm_crc32_words(values + (first + i) * d->width * HM_POINT_BYTES,
                                          (size_t)d->width);
            }
        }
        d->work[i] = band->work ? band->work[first + i] : 0;
        d->seconds[i] = band->seconds ? band->seconds[first + i] : 0;
        d->rank[i] = band->rank;
    }
    HM_TRY(hm_layout_transfer(d->row[HM_ROW_CRC32], HM_H5_U32, at, n, d->channel_count, true,
                              d->crc32, err));
    HM_TRY(hm_layout_transfer(d->row[HM_ROW_WORK], HM_H5_U64, at, n, 0, true, d->work, err));
    HM_TRY(hm_layout_transfer(d->row[HM_ROW_SECONDS], HM_H5_F64, at, n, 0, true, d->seconds, err));
    HM_TRY(hm_layout_transfer(d->row[HM_ROW_RANK], HM_H5_I32, at, n, 0, true, d->rank, err));
cleanup:
    return status;
}

/** Sets the done marks of rows to `mark`. */
static hm_status_t write_marks(hm_dataset_t *d, int64_t first, int64_t rows, uint8_t mark,
                               hm_error_t *err) {
    hm_status_t status = HM_OK;
    memset(d->done, mark, sizeof d->done);
    for (int64_t i = 0; i < rows; i += HM_PIECE) {
        const int64_t n = rows - i < HM_PIECE ? rows - i : HM_PIECE;
        HM_TRY(
            hm_layout_transfer(d->row[HM_ROW_DONE], HM_H5_U8, first + i, n, 0, true, d->done, err));
    }
cleanup:
    return status;
}

static hm_status_t check_range(const hm_dataset_t *dataset, int64_t first, int64_t rows,
                               hm_error_t *err) {
    if (rows < 0 || first < 0 || first > dataset->height - rows) {
        return hm_error_set(err, HM_EBUG, "%lld rows from row %lld written, there are %lld",
                            (long long)rows, (long long)first, (long long)dataset->height);
    }
    return HM_OK;
}

/** What follows a band's data: its accounts and, last, its done marks. */
static hm_status_t finish_band(hm_dataset_t *dataset, const hm_band_data_t *band, hm_error_t *err) {
    hm_status_t status = HM_OK;
    for (int64_t i = 0; i < band->rows; i += HM_PIECE) {
        HM_TRY(write_accounts(dataset, band, i,
                              band->rows - i < HM_PIECE ? band->rows - i : HM_PIECE, err));
    }
    HM_TRY(write_marks(dataset, band->first, band->rows, 1, err));
cleanup:
    return status;
}

hm_status_t hm_dataset_write_band(hm_dataset_t *dataset, const hm_band_data_t *band,
                                  hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(check_range(dataset, band->first, band->rows, err));
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if (!((dataset->channels >> channel) & 1u)) {
            continue;
        }
        if (!band->channel[channel]) {
            HM_TRY(hm_error_set(err, HM_EBUG, "a band without the channel %s",
                                hm_channel_name((hm_channel_t)channel)));
        }
        /* The transfer only reads from what it writes to the file. */
        void *values = (void *)(uintptr_t)band->channel[channel];
        HM_TRY(hm_layout_transfer(dataset->channel[channel],
                                  hm_layout_channel((hm_channel_t)channel)->number, band->first,
                                  band->rows, dataset->width, true, values, err));
    }
    HM_TRY(finish_band(dataset, band, err));
cleanup:
    if (status == HM_EIO) {
        (void)hm_error_context(err, "writing '%s'", dataset->path);
    }
    return status;
}

/** The bands as one piece of memory, in the order of their rows, and as one selection of the file's
 * rows. `order` are the bands' indices by first row. */
static hm_status_t gather_bands(const hm_dataset_t *d, hm_channel_t channel, int count,
                                const hm_band_data_t *band, const int *order, hid_t space,
                                char *staging, hm_error_t *err) {
    if (H5Sselect_none(space) < 0) {
        return hm_h5_fail(err, HM_EIO, "no selection");
    }
    for (int k = 0; k < count; ++k) {
        const hm_band_data_t *b = &band[order[k]];
        const hsize_t start[2] = {(hsize_t)b->first, 0};
        const hsize_t extent[2] = {(hsize_t)b->rows, (hsize_t)d->width};
        const size_t bytes = (size_t)(b->rows * d->width) * HM_POINT_BYTES;
        memcpy(staging, b->channel[channel], bytes);
        staging += bytes;
        if (H5Sselect_hyperslab(space, H5S_SELECT_OR, start, NULL, extent, NULL) < 0) {
            return hm_h5_fail(err, HM_EIO, "no selection");
        }
    }
    return HM_OK;
}

/** One channel of the bands of all ranks in one collective write. A rank that fails before it
 * writes nothing, but joins, as the others would wait for it. */
static hm_status_t write_together(hm_dataset_t *d, hm_channel_t channel, int count,
                                  const hm_band_data_t *band, const int *order, char *staging,
                                  hid_t transfer, hm_error_t *err) {
    hid_t space = H5Dget_space(d->channel[channel]);
    hm_status_t status = gather_bands(d, channel, count, band, order, space, staging, err);
    hsize_t points = 0;
    for (int k = 0; status == HM_OK && k < count; ++k) {
        points += (hsize_t)(band[k].rows * d->width);
    }
    const hsize_t at_least_one = points > 0 ? points : 1;
    hid_t memory = H5Screate_simple(1, &at_least_one, NULL);
    if (points == 0) {
        H5Sselect_none(memory);
        H5Sselect_none(space);
    }
    hm_h5_number_t number = hm_layout_channel(channel)->number;
    if (H5Dwrite(d->channel[channel], hm_h5_memory_type(number), memory, space, transfer, staging) <
            0 &&
        status == HM_OK) {
        status = hm_h5_fail(err, HM_EIO, "cannot write with the other ranks");
    }
    hm_h5_close(&memory);
    hm_h5_close(&space);
    return status;
}

hm_status_t hm_dataset_write_bands(hm_dataset_t *dataset, int count, const hm_band_data_t *band,
                                   hm_error_t *err) {
    hm_status_t status = HM_OK;
    size_t bytes = 1;
    int order[HM_DATASET_ROUND] = {0};
    for (int k = 0; k < count; ++k) {
        hm_status_t s = check_range(dataset, band[k].first, band[k].rows, err);
        status = status == HM_OK ? s : status;
        bytes += (size_t)(band[k].rows * dataset->width) * HM_POINT_BYTES;
        int place = k;
        for (; place > 0 && band[order[place - 1]].first > band[k].first; --place) {
            order[place] = order[place - 1];
        }
        order[place] = k;
    }
    char *staging = malloc(bytes);
    if (!staging) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for %d bands", count);
    }
    /* Whatever happened here, the other ranks count on this one: it joins with nothing. */
    const int mine = status == HM_OK ? count : 0;
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((dataset->channels >> channel) & 1u) {
            hm_status_t s = write_together(dataset, (hm_channel_t)channel, mine, band, order,
                                           staging, transfer, status == HM_OK ? err : NULL);
            status = status == HM_OK ? s : status;
        }
    }
    hm_h5_close(&transfer);
    free(staging);
    if (status == HM_EIO) {
        (void)hm_error_context(err, "writing '%s'", dataset->path);
    }
    /* Another rank may have written our data for us (two-phase I/O). ROMIO returns only when all
     * ranks have written, as it has told all of them of errors; we wait for that in any case, as
     * marks must not be in the file before data. Where a write takes it several turns, though, it
     * leaves at the first that fails, and the others wait for what will not come. */
    hm_together_after(dataset->comm, status, err);
    if (status != HM_OK) {
        return status;
    }
    for (int k = 0; status == HM_OK && k < count; ++k) {
        status = finish_band(dataset, &band[k], err);
    }
    if (status == HM_EIO) {
        (void)hm_error_context(err, "writing '%s'", dataset->path);
    }
    return status;
}

hm_status_t hm_dataset_unmark(hm_dataset_t *dataset, int64_t first, int64_t rows, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(check_range(dataset, first, rows, err));
    HM_TRY(write_marks(dataset, first, rows, 0, err));
cleanup:
    return status;
}

hm_status_t hm_dataset_flush(hm_dataset_t *dataset, hm_error_t *err) {
    if (fdatasync(dataset->descriptor) != 0) {
        return hm_error_errno(err, HM_EIO, errno, "cannot force '%s' to the disk", dataset->path);
    }
    return HM_OK;
}

hm_status_t hm_dataset_close(hm_dataset_t *dataset, hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (!dataset) {
        return HM_OK;
    }
    close_all(dataset);
    if (!hm_shared_close(&dataset->file, dataset->comm, true)) {
        status = hm_h5_fail(err, HM_EIO, "cannot close '%s'", dataset->path);
    }
    release(dataset);
    return status;
}
