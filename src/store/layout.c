/** @file layout.c See layout.h. */
#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_CHUNK = 256 << 20 };

#define NOT_COMPUTED "rows with /rows/done = 0 are not computed, whatever stands here"

static const hm_channel_layout_t channels[HM_CHANNEL_COUNT] = {
    [HM_CHANNEL_ITERATIONS] = {"iterations", "index of the first update that escapes", "1",
                               "max_iter of /run where none escapes; " NOT_COMPUTED, HM_H5_U32},
    [HM_CHANNEL_SMOOTH] = {"smooth", "continuous escape count", "1",
                           "n + 1 - log2(log2|z|); not a number inside; " NOT_COMPUTED, HM_H5_F32},
    [HM_CHANNEL_DISTANCE] = {"distance", "exterior distance estimate in pixel steps", "1",
                             "0 inside; " NOT_COMPUTED, HM_H5_F32},
    [HM_CHANNEL_PERIOD] = {"period", "period of the attracting cycle", "1",
                           "0 outside and where it is unknown; " NOT_COMPUTED, HM_H5_U32},
};

static const hm_row_layout_t row_table[HM_ROW_COUNT] = {
    [HM_ROW_DONE] = {"/rows/done", "1 once the row's data are in the file", "1", HM_H5_U8, false},
    [HM_ROW_CRC32] = {"/rows/crc32", "CRC-32 of the row in each channel, little-endian", "1",
                      HM_H5_U32, true},
    [HM_ROW_WORK] = {"/rows/work", "iterations spent", "1", HM_H5_U64, false},
    [HM_ROW_SECONDS] = {"/rows/seconds", "time spent", "s", HM_H5_F64, false},
    [HM_ROW_RANK] = {"/rows/rank", "rank that computed the row", "1", HM_H5_I32, false},
};

const hm_channel_layout_t *hm_layout_channel(hm_channel_t channel) {
    return &channels[channel];
}

const hm_row_layout_t *hm_layout_row(hm_row_t row) {
    return &row_table[row];
}

int hm_layout_channels(uint32_t mask) {
    int count = 0;
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        count += (mask >> channel) & 1u ? 1 : 0;
    }
    return count;
}

/** A member of a compound type: a number, or text of `text` bytes. */
typedef struct member_t {
    const char *name;
    size_t offset;
    hm_h5_number_t number;
    size_t text;
} member_t;

static const member_t account_members[] = {
    {"host", offsetof(hm_rank_account_t, host), HM_H5_U8, 64},
    {"node", offsetof(hm_rank_account_t, node), HM_H5_I32, 0},
    {"isa", offsetof(hm_rank_account_t, isa), HM_H5_U8, 16},
    {"threads", offsetof(hm_rank_account_t, threads), HM_H5_I32, 0},
    {"rows", offsetof(hm_rank_account_t, rows), HM_H5_I64, 0},
    {"iterations", offsetof(hm_rank_account_t, iterations), HM_H5_I64, 0},
    {"busy", offsetof(hm_rank_account_t, busy), HM_H5_F64, 0},
    {"waiting", offsetof(hm_rank_account_t, waiting), HM_H5_F64, 0},
    {"writing", offsetof(hm_rank_account_t, writing), HM_H5_F64, 0},
    {"talking", offsetof(hm_rank_account_t, talking), HM_H5_F64, 0},
};

static const member_t session_members[] = {
    {"start", offsetof(hm_session_t, start), HM_H5_U8, 24},
    {"version", offsetof(hm_session_t, version), HM_H5_U8, 32},
    {"host", offsetof(hm_session_t, host), HM_H5_U8, 64},
    {"ranks", offsetof(hm_session_t, ranks), HM_H5_I32, 0},
    {"threads", offsetof(hm_session_t, threads), HM_H5_I32, 0},
    {"strategy", offsetof(hm_session_t, strategy), HM_H5_U8, 16},
    {"rows_before", offsetof(hm_session_t, rows_before), HM_H5_I64, 0},
    {"seconds", offsetof(hm_session_t, seconds), HM_H5_F64, 0},
    {"ended", offsetof(hm_session_t, ended), HM_H5_U8, 24},
};

static const member_t figure_members[] = {
    {"section", offsetof(hm_finding_t, section), HM_H5_U8, 16},
    {"key", offsetof(hm_finding_t, key), HM_H5_U8, 40},
    {"from", offsetof(hm_finding_t, from), HM_H5_F64, 0},
    {"to", offsetof(hm_finding_t, to), HM_H5_F64, 0},
    {"count", offsetof(hm_finding_t, count), HM_H5_U64, 0},
    {"value", offsetof(hm_finding_t, value), HM_H5_F64, 0},
    {"error", offsetof(hm_finding_t, error), HM_H5_F64, 0},
};

static hm_status_t compound(const member_t *members, size_t count, size_t size, hid_t *file,
                            hid_t *memory, hm_error_t *err) {
    hm_status_t status = HM_OK;
    size_t packed = 0;
    bool good = true;
    for (size_t i = 0; i < count; ++i) {
        packed += members[i].text ? members[i].text : hm_h5_size(members[i].number);
    }
    hid_t in_file = H5Tcreate(H5T_COMPOUND, packed);
    hid_t in_memory = H5Tcreate(H5T_COMPOUND, size);
    size_t offset = 0;
    good = in_file >= 0 && in_memory >= 0;
    for (size_t i = 0; i < count && good; ++i) {
        const member_t *m = &members[i];
        hid_t text = H5I_INVALID_HID;
        if (m->text) {
            text = H5Tcopy(H5T_C_S1);
            good = text >= 0 && H5Tset_size(text, m->text) >= 0 &&
                   H5Tset_strpad(text, H5T_STR_NULLPAD) >= 0;
        }
        good =
            good &&
            H5Tinsert(in_file, m->name, offset, m->text ? text : hm_h5_file_type(m->number)) >= 0 &&
            H5Tinsert(in_memory, m->name, m->offset,
                      m->text ? text : hm_h5_memory_type(m->number)) >= 0;
        offset += m->text ? m->text : hm_h5_size(m->number);
        hm_h5_close(&text);
    }
    if (!good) {
        HM_TRY(hm_h5_fail(err, HM_EBUG, "cannot describe a table of the file"));
    }
    *file = in_file;
    *memory = in_memory;
cleanup:
    if (status != HM_OK) {
        hm_h5_close(&in_file);
        hm_h5_close(&in_memory);
    }
    return status;
}

static hm_status_t account_types(hid_t *file, hid_t *memory, hm_error_t *err) {
    return compound(account_members, sizeof account_members / sizeof *account_members,
                    sizeof(hm_rank_account_t), file, memory, err);
}

static hm_status_t session_types(hid_t *file, hid_t *memory, hm_error_t *err) {
    return compound(session_members, sizeof session_members / sizeof *session_members,
                    sizeof(hm_session_t), file, memory, err);
}

static hm_status_t figure_types(hid_t *file, hid_t *memory, hm_error_t *err) {
    return compound(figure_members, sizeof figure_members / sizeof *figure_members,
                    sizeof(hm_finding_t), file, memory, err);
}

const hm_table_t *hm_layout_ranks(void) {
    static const hm_table_t table = {"/run/ranks",
                                     "accounts of the ranks of the last session, times in seconds",
                                     "/run/rank",
                                     "rank",
                                     sizeof(hm_rank_account_t),
                                     account_types};
    return &table;
}

const hm_table_t *hm_layout_history(void) {
    static const hm_table_t table = {"/run/history",       "sessions that worked on this file",
                                     "/run/session",       "session",
                                     sizeof(hm_session_t), session_types};
    return &table;
}

const hm_table_t *hm_layout_figures(void) {
    static const hm_table_t table = {HM_PATH_ANALYSIS "/figures", "figures of the last analysis",
                                     HM_PATH_ANALYSIS "/figure",  "figure",
                                     sizeof(hm_finding_t),        figure_types};
    return &table;
}

hm_status_t hm_layout_descriptor(const char *path, bool write, int *descriptor, hm_error_t *err) {
    struct stat found;
    /* O_NONBLOCK: a pipe must not keep us waiting for its other end. */
    const int file = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    const int failed = errno;
    if (file < 0 && (failed != EISDIR || !write)) {
        return hm_error_errno(err, HM_EIO, failed, "cannot open '%s'", path);
    }
    if (file < 0 || fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) {
        if (file >= 0) {
            close(file);
        }
        return hm_error_set(err, HM_EDATA, "'%s' is not a regular file", path);
    }
    *descriptor = file;
    return HM_OK;
}

hm_status_t hm_layout_refuse(const char *path, hm_error_t *err) {
    return hm_h5_fail(err, HM_EDATA, "'%s' is not an HDF5 file, or is cut off or damaged", path);
}

/** A contiguous dataset has all its bytes; chunks have a size that can be held. */
static bool stored_soundly(hid_t dataset, size_t size, int rank, const hsize_t *shape) {
    hsize_t bytes = size;
    hsize_t chunk[2] = {0, 0};
    hid_t properties = H5Dget_create_plist(dataset);
    const H5D_layout_t layout = properties < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(properties);
    bool sound = false;
    if (layout == H5D_CONTIGUOUS) {
        for (int d = 0; d < rank; ++d) {
            bytes *= shape[d];
        }
        sound = H5Dget_storage_size(dataset) == bytes && H5Dget_offset(dataset) != HADDR_UNDEF;
    } else if (layout == H5D_CHUNKED && H5Pget_chunk(properties, rank, chunk) == rank) {
        sound = true;
        for (int d = 0; d < rank; ++d) {
            sound = sound && chunk[d] > 0 && chunk[d] <= MOST_CHUNK / bytes;
            bytes *= sound ? chunk[d] : 1;
        }
    }
    hm_h5_close(&properties);
    return sound;
}

hm_status_t hm_layout_open(hid_t file, const char *path, hm_h5_number_t number, int rank,
                           const hsize_t *shape, hid_t *dataset, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t space = H5I_INVALID_HID;
    hid_t type = H5I_INVALID_HID;
    hsize_t found[2] = {0, 0};
    hid_t opened = H5Dopen2(file, path, H5P_DEFAULT);
    if (opened < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing or cannot be opened", path));
    }
    type = H5Dget_type(opened);
    hid_t wanted = hm_h5_file_type(number);
    if (type < 0 || H5Tget_class(type) != H5Tget_class(wanted) ||
        H5Tget_size(type) != hm_h5_size(number) ||
        (H5Tget_class(wanted) == H5T_INTEGER && H5Tget_sign(type) != H5Tget_sign(wanted))) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s holds numbers of another type", path));
    }
    space = H5Dget_space(opened);
    if (space < 0 || H5Sget_simple_extent_ndims(space) != rank || rank > 2 ||
        H5Sget_simple_extent_dims(space, found, NULL) != rank) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s does not have %d dimension%s", path, rank,
                          rank == 1 ? "" : "s"));
    }
    for (int d = 0; d < rank; ++d) {
        if (found[d] != shape[d]) {
            HM_TRY(hm_error_set(err, HM_EDATA, "%s is %llu long in dimension %d instead of %llu",
                                path, (unsigned long long)found[d], d,
                                (unsigned long long)shape[d]));
        }
    }
    if (!stored_soundly(opened, hm_h5_size(number), rank, shape)) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is not stored in a way that can be", path));
    }
    *dataset = opened;
    opened = H5I_INVALID_HID;
cleanup:
    hm_h5_close(&space);
    hm_h5_close(&type);
    hm_h5_close(&opened);
    return status;
}

/** One request: rows x columns at (row, column), from or to a dense block. */
static hm_status_t request(hid_t dataset, hm_h5_number_t number, int rank, const hsize_t *start,
                           const hsize_t *count, bool write, void *values, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t file = H5Dget_space(dataset);
    hid_t memory = H5Screate_simple(rank, count, NULL);
    hid_t type = hm_h5_memory_type(number);
    herr_t done = -1;
    if (file >= 0 && memory >= 0 &&
        H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL) >= 0) {
        done = write ? H5Dwrite(dataset, type, memory, file, H5P_DEFAULT, values)
                     : H5Dread(dataset, type, memory, file, H5P_DEFAULT, values);
    }
    if (done < 0) {
        status =
            hm_h5_fail(err, HM_EIO, "cannot %s rows %llu to %llu", write ? "write" : "read",
                       (unsigned long long)start[0], (unsigned long long)(start[0] + count[0] - 1));
    }
    hm_h5_close(&memory);
    hm_h5_close(&file);
    return status;
}

hm_status_t hm_layout_transfer(hid_t dataset, hm_h5_number_t number, int64_t first, int64_t rows,
                               int64_t columns, bool write, void *values, hm_error_t *err) {
    const int64_t most = (int64_t)(((size_t)256 << 20) / hm_h5_size(number));
    const int64_t width = columns > 0 ? columns : 1;
    const int64_t wide = width < most ? width : most;
    /* Several rows at once only where they are whole: a dense block in memory. */
    const int64_t high = wide == width ? most / width : 1;
    char *next = values;
    hm_status_t status = HM_OK;
    for (int64_t row = 0; row < rows; row += high) {
        for (int64_t column = 0; column < width; column += wide) {
            const int64_t tall = rows - row < high ? rows - row : high;
            const int64_t broad = width - column < wide ? width - column : wide;
            const hsize_t start[2] = {(hsize_t)(first + row), (hsize_t)column};
            const hsize_t count[2] = {(hsize_t)tall, (hsize_t)broad};
            HM_TRY(request(dataset, number, columns > 0 ? 2 : 1, start, count, write, next, err));
            next += (size_t)(tall * broad) * hm_h5_size(number);
        }
    }
cleanup:
    return status;
}

hm_status_t hm_layout_read_part(hid_t dataset, hm_h5_number_t number, int64_t first, int64_t rows,
                                int64_t column, int64_t columns, void *values, hm_error_t *err) {
    const hsize_t start[2] = {(hsize_t)first, (hsize_t)column};
    const hsize_t count[2] = {(hsize_t)rows, (hsize_t)columns};
    return request(dataset, number, 2, start, count, false, values, err);
}
