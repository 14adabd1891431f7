/** @file compact.c Compressed copies, written by all ranks together. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "extras.h"
#include "hm_clock.h"
#include "hm_together.h"
#include "info.h"
#include "place.h"
#include "shared.h"
#include "table.h"

enum { BLOCK_CHUNKS = 16 /**< what a rank brings to a collective write */ };

/** A copy under way. */
typedef struct copy_t {
    MPI_Comm comm;
    int rank, size;
    const char *source;
    const char *path; /**< of the copy, for now */
    hm_dataset_info_t info;
    hm_chunks_t chunks;
    hm_paths_t fields; /**< what is to be copied beside the channels; all ranks */
} copy_t;

/* --- rank 0: everything but the channels
 * ---------------------------------------------------------- */

/** Copies the values of one account of the rows. */
static hm_status_t copy_row(hid_t from, hid_t to, const hm_row_layout_t *layout,
                            const hm_dataset_info_t *info, hm_error_t *err) {
    hm_status_t status = HM_OK;
    uint64_t values[HM_PIECE * HM_CHANNEL_COUNT];
    const int64_t height = info->grid.height;
    const int64_t columns = layout->by_channel ? hm_layout_channels(info->channels) : 0;
    const hsize_t shape[2] = {(hsize_t)height, (hsize_t)columns};
    const int rank = layout->by_channel ? 2 : 1;
    hid_t old = H5I_INVALID_HID;
    hid_t new = H5I_INVALID_HID;
    HM_TRY(hm_layout_open(from, layout->path, layout->number, rank, shape, &old, err));
    HM_TRY(hm_layout_open(to, layout->path, layout->number, rank, shape, &new, err));
    for (int64_t first = 0; first < height; first += HM_PIECE) {
        const int64_t n = height - first < HM_PIECE ? height - first : HM_PIECE;
        HM_TRY(hm_layout_transfer(old, layout->number, first, n, columns, false, values, err));
        HM_TRY(hm_layout_transfer(new, layout->number, first, n, columns, true, values, err));
    }
cleanup:
    hm_h5_close(&old);
    hm_h5_close(&new);
    return status;
}

static hm_status_t copy_table(hid_t from, hid_t to, const hm_table_t *table, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t length = 0;
    int64_t room = 0;
    HM_TRY(hm_table_length(from, table, &length, NULL, err));
    room = length;
    HM_TRY(hm_table_resize(to, table, &room, err));
    union {
        hm_rank_account_t account;
        hm_session_t session;
        hm_finding_t figure;
    } row;
    for (int64_t i = 0; i < room; ++i) {
        /* The last rows where there are too many: what is new is in them. */
        HM_TRY(hm_table_read(from, table, length - room + i, 1, &row, err));
        HM_TRY(hm_table_write(to, table, i, 1, &row, err));
    }
cleanup:
    return status;
}

static hm_status_t copy_run(hid_t from, hid_t to, const hm_dataset_result_t *result,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    const uint8_t complete = result->complete ? 1 : 0;
    hid_t old = H5Gopen2(from, HM_PATH_RUN, H5P_DEFAULT);
    hid_t new = H5Gopen2(to, HM_PATH_RUN, H5P_DEFAULT);
    if (old < 0 || new < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is missing", HM_PATH_RUN));
    }
    HM_TRY(hm_h5_set(new, "sum", HM_H5_U64, &result->sum, err));
    HM_TRY(hm_h5_set(new, "inside", HM_H5_U64, &result->inside, err));
    HM_TRY(hm_h5_set(new, "crc32", HM_H5_U32, &result->crc32, err));
    HM_TRY(hm_h5_set(new, "seconds", HM_H5_F64, &result->seconds, err));
    HM_TRY(hm_h5_set(new, "complete", HM_H5_U8, &complete, err));
    if (H5Aexists(old, "total_seconds") > 0) {
        double total = 0;
        HM_TRY(hm_h5_get(old, "total_seconds", HM_H5_F64, &total, err));
        HM_TRY(hm_h5_set(new, "total_seconds", HM_H5_F64, &total, err));
    }
cleanup:
    hm_h5_close(&new);
    hm_h5_close(&old);
    return status;
}

/** The figures of the last analysis, where there are any: they are those of the copy too. */
static hm_status_t copy_analysis(hid_t from, hid_t to, hm_error_t *err) {
    hm_status_t status = HM_OK;
    uint8_t valid = 0;
    hid_t old = H5I_INVALID_HID;
    hid_t new = H5I_INVALID_HID;
    if (H5Lexists(from, HM_PATH_ANALYSIS, H5P_DEFAULT) <= 0) {
        return HM_OK;
    }
    old = H5Gopen2(from, HM_PATH_ANALYSIS, H5P_DEFAULT);
    new = H5Gopen2(to, HM_PATH_ANALYSIS, H5P_DEFAULT);
    if (old < 0 || new < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s is damaged", HM_PATH_ANALYSIS));
    }
    HM_TRY(hm_h5_get(old, "valid", HM_H5_U8, &valid, err));
    if (valid == 1) {
        HM_TRY(copy_table(from, to, hm_layout_figures(), err));
        HM_TRY(hm_h5_set(new, "valid", HM_H5_U8, &valid, err));
    }
cleanup:
    hm_h5_close(&new);
    hm_h5_close(&old);
    return status;
}

/** Makes the copy with everything in it but the channels and fields, which have no values yet. */
static hm_status_t make_skeleton(copy_t *copy, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t from = H5I_INVALID_HID;
    hid_t to = H5I_INVALID_HID;
    hid_t run = H5I_INVALID_HID;
    char *configuration = NULL;
    int64_t ranks = 0;
    int unwritten = 0;
    hid_t access = hm_h5_writing_access(&unwritten);
    from = H5Fopen(copy->source, H5F_ACC_RDONLY, access);
    run = from < 0 ? H5I_INVALID_HID : H5Gopen2(from, HM_PATH_RUN, H5P_DEFAULT);
    if (run < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "'%s' cannot be read", copy->source));
    }
    HM_TRY(hm_h5_get_text(run, "configuration", &configuration, err));
    HM_TRY(hm_table_length(from, hm_layout_ranks(), &ranks, NULL, err));
    const hm_session_t session = {.ranks = (int32_t)ranks, .threads = 1};
    const hm_dataset_plan_t plan = {.grid = copy->info.grid,
                                    .formula = copy->info.formula,
                                    .channels = copy->info.channels,
                                    .configuration = configuration,
                                    .session = &session};
    HM_TRY(hm_build(copy->path, &plan, &copy->chunks, err));
    to = H5Fopen(copy->path, H5F_ACC_RDWR, access);
    if (to < 0) {
        HM_TRY(hm_h5_fail(err, HM_EIO, "the copy cannot be opened"));
    }
    for (int row = 0; row < HM_ROW_COUNT; ++row) {
        HM_TRY(copy_row(from, to, hm_layout_row((hm_row_t)row), &copy->info, err));
    }
    HM_TRY(copy_table(from, to, hm_layout_ranks(), err));
    HM_TRY(copy_table(from, to, hm_layout_history(), err));
    HM_TRY(copy_analysis(from, to, err));
    HM_TRY(copy_run(from, to, &copy->info.result, err));
    HM_TRY(hm_extras_copy(from, to, copy->chunks.level, &copy->fields, err));
    HM_TRY(hm_h5_shut(&to, &unwritten, "the copy cannot be written", err));
cleanup:
    free(configuration);
    hm_h5_close(&run);
    hm_h5_close(&to);
    hm_h5_close(&from);
    hm_h5_close(&access);
    return status;
}

/* --- all ranks: the channels
 * ---------------------------------------------------------------------- */

/** A dataset in two dimensions, in both files. */
typedef struct pair_t {
    hid_t from, to, type;
    int64_t rows, columns;
    hsize_t chunk[2];
    size_t size; /**< of a number */
} pair_t;

/** A rank's share of a collective write: some chunks of one row of chunks. */
typedef struct block_t {
    hsize_t start[2], count[2]; /**< count 0: nothing */
} block_t;

/** How many blocks the dataset has, and the `index`th of them. */
static int64_t block_at(const pair_t *pair, int64_t index, block_t *block) {
    const int64_t broad = (int64_t)pair->chunk[1] * BLOCK_CHUNKS;
    const int64_t tall = (int64_t)pair->chunk[0];
    const int64_t across = (pair->columns + broad - 1) / broad;
    const int64_t blocks = across * ((pair->rows + tall - 1) / tall);
    *block = (block_t){{0, 0}, {0, 0}};
    if (index < blocks) {
        const int64_t row = index / across * tall;
        const int64_t column = index % across * broad;
        block->start[0] = (hsize_t)row;
        block->start[1] = (hsize_t)column;
        block->count[0] = (hsize_t)(pair->rows - row < tall ? pair->rows - row : tall);
        block->count[1] =
            (hsize_t)(pair->columns - column < broad ? pair->columns - column : broad);
    }
    return blocks;
}

static void close_pair(pair_t *pair) {
    hm_h5_close(&pair->type);
    hm_h5_close(&pair->to);
    hm_h5_close(&pair->from);
}

static hm_status_t open_pair(hid_t from_file, hid_t to_file, const char *path, pair_t *pair,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    pair_t made = {H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, 0, 0, {0, 0}, 0};
    hsize_t old[2] = {0, 0};
    hsize_t new[2] = {0, 0};
    hid_t properties = H5I_INVALID_HID;
    hid_t space[2] = {H5I_INVALID_HID, H5I_INVALID_HID};
    made.from = H5Dopen2(from_file, path, H5P_DEFAULT);
    made.to = H5Dopen2(to_file, path, H5P_DEFAULT);
    if (made.from < 0 || made.to < 0) {
        HM_TRY(hm_h5_fail(err, made.from < 0 ? HM_EDATA : HM_EIO,
                          "%s cannot be opened to be copied", path));
    }
    space[0] = H5Dget_space(made.from);
    space[1] = H5Dget_space(made.to);
    properties = H5Dget_create_plist(made.to);
    made.type = H5Dget_type(made.to);
    if (properties < 0 || made.type < 0 || H5Sget_simple_extent_dims(space[0], old, NULL) != 2 ||
        H5Sget_simple_extent_dims(space[1], new, NULL) != 2 || old[0] != new[0] ||
        old[1] != new[1] || H5Pget_chunk(properties, 2, made.chunk) != 2) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "%s cannot be opened to be copied", path));
    }
    made.rows = (int64_t)old[0];
    made.columns = (int64_t)old[1];
    made.size = H5Tget_size(made.type);
    *pair = made;
cleanup:
    if (status != HM_OK) {
        close_pair(&made);
    }
    hm_h5_close(&properties);
    hm_h5_close(&space[0]);
    hm_h5_close(&space[1]);
    return status;
}

/** Reads a block of a dataset, alone. */
static hm_status_t read_block(hid_t dataset, hid_t type, const block_t *block, void *values,
                              hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t there = H5Dget_space(dataset);
    hid_t here = H5Screate_simple(2, block->count, NULL);
    if (H5Sselect_hyperslab(there, H5S_SELECT_SET, block->start, NULL, block->count, NULL) < 0 ||
        H5Dread(dataset, type, here, there, H5P_DEFAULT, values) < 0) {
        char name[PATH_MAX] = "";
        status = hm_h5_fail(err, HM_EIO, "cannot read a block of numbers");
        if (H5Fget_name(dataset, name, sizeof name) > 0) {
            (void)hm_error_context(err, "'%s'", name);
        }
    }
    hm_h5_close(&here);
    hm_h5_close(&there);
    return status;
}

/** Reads a block (alone) and writes it (together, also with nothing, also after a failure). */
static hm_status_t copy_block(const pair_t *pair, const block_t *block, hid_t together,
                              void *values, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hsize_t one[2] = {1, 1};
    bool empty = block->count[0] == 0;
    if (!empty) {
        status = read_block(pair->from, pair->type, block, values, err);
        empty = status != HM_OK;
    }
    hid_t there = H5Dget_space(pair->to);
    hid_t here = H5Screate_simple(2, empty ? one : block->count, NULL);
    if (empty) {
        (void)H5Sselect_none(there);
        (void)H5Sselect_none(here);
    } else {
        (void)H5Sselect_hyperslab(there, H5S_SELECT_SET, block->start, NULL, block->count, NULL);
    }
    if (H5Dwrite(pair->to, pair->type, here, there, together, values) < 0 && status == HM_OK) {
        status = hm_h5_fail(err, HM_EIO, "cannot write the copy");
    }
    hm_h5_close(&here);
    hm_h5_close(&there);
    return status;
}

/** Copies one dataset; adds its bytes, and those that the copy takes. */
static hm_status_t copy_dataset(const copy_t *copy, hid_t from_file, hid_t to_file,
                                const char *path, void *values, hm_compact_t *report,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    pair_t pair = {H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, 0, 0, {0, 0}, 0};
    hid_t together = H5Pcreate(H5P_DATASET_XFER);
    block_t block;
    status = open_pair(from_file, to_file, path, &pair, err);
    if (status == HM_OK && (together < 0 || H5Pset_dxpl_mpio(together, H5FD_MPIO_COLLECTIVE) < 0)) {
        status = hm_h5_fail(err, HM_EMISSING, "no collective writes");
    }
    HM_TRY(hm_together(copy->comm, status, err));
    const int64_t blocks = block_at(&pair, 0, &block);
    for (int64_t round = 0; round < blocks; round += copy->size) {
        (void)block_at(&pair, round + copy->rank, &block);
        status = copy_block(&pair, &block, together, values, err);
        hm_together_after(copy->comm, status, err);
        HM_TRY(hm_together(copy->comm, status, err));
    }
    report->plain += pair.rows * pair.columns * (int64_t)pair.size;
    report->stored += (int64_t)H5Dget_storage_size(pair.to);
cleanup:
    hm_h5_close(&together);
    close_pair(&pair);
    return status;
}

/** Rank 0: room on the disk for what HDF5 has not written yet. It would have to hear of a full disk
 * while the others wait for it. */
static hm_status_t reserve(const copy_t *copy, hid_t file, hm_error_t *err) {
    hm_status_t status = HM_OK;
    haddr_t end = 0;
    int descriptor = -1;
    HM_TRY(hm_layout_descriptor(copy->path, true, &descriptor, err));
    if (H5Fget_eoa(file, &end) >= 0 &&
        fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, (off_t)end) != 0 && errno != EOPNOTSUPP &&
        errno != ENOSYS) {
        status = hm_error_errno(err, HM_EIO, errno, "cannot write the copy");
    }
    close(descriptor);
cleanup:
    return status;
}

/** What HDF5 still has to write is in the file. */
static hm_status_t write_headers(const copy_t *copy, hid_t file, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_together(copy->comm, copy->rank == 0 ? reserve(copy, file, err) : HM_OK, err));
    if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0) {
        status = hm_h5_fail(err, HM_EIO, "cannot write the headers of the copy");
    }
    hm_together_after(copy->comm, status, err);
    HM_TRY(hm_together(copy->comm, status, err));
cleanup:
    return status;
}

static hm_status_t copy_values(const copy_t *copy, hm_compact_t *report, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t from = H5I_INVALID_HID;
    hid_t to = H5I_INVALID_HID;
    hid_t alone = hm_h5_serial_access();
    hid_t together = H5I_INVALID_HID;
    MPI_Info hints = MPI_INFO_NULL;
    void *values = malloc((size_t)HM_CHUNK_BYTES * BLOCK_CHUNKS);
    status = hm_shared_hints(NULL, 0, &hints, err);
    if (status == HM_OK && !values) {
        status = hm_error_set(err, HM_EMISSING, "out of memory to copy '%s'", copy->source);
    } else if (status == HM_OK && (from = H5Fopen(copy->source, H5F_ACC_RDONLY, alone)) < 0) {
        status = hm_h5_fail(err, HM_EIO, "'%s' cannot be opened again", copy->source);
    }
    HM_TRY(hm_shared_access(copy->comm, hints, status, &together, err));
    to = H5Fopen(copy->path, H5F_ACC_RDWR, together);
    if (to < 0) {
        status = hm_h5_fail(err, HM_EIO, "the copy cannot be opened by all ranks");
    }
    HM_TRY(hm_together(copy->comm, status, err));
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((copy->info.channels >> channel) & 1u) {
            HM_TRY(copy_dataset(copy, from, to, hm_layout_channel((hm_channel_t)channel)->name,
                                values, report, err));
        }
    }
    for (const char *path = hm_paths_next(&copy->fields, NULL); path;
         path = hm_paths_next(&copy->fields, path)) {
        HM_TRY(copy_dataset(copy, from, to, path, values, report, err));
    }
    HM_TRY(write_headers(copy, to, err));
cleanup:
    if (!hm_shared_close(&to, copy->comm, status == HM_OK) && status == HM_OK) {
        status = hm_h5_fail(err, HM_EIO, "the copy cannot be written");
    }
    hm_h5_close(&from);
    hm_h5_close(&together);
    hm_h5_close(&alone);
    if (hints != MPI_INFO_NULL) {
        MPI_Info_free(&hints);
    }
    free(values);
    return hm_together(copy->comm, status, err);
}

/** Each rank compares its share of a field with the source: fields have no checksums. */
static hm_status_t verify_field(const copy_t *copy, hid_t from_file, hid_t to_file,
                                const char *path, void *values, hm_error_t *err) {
    hm_status_t status = HM_OK;
    pair_t pair;
    block_t block;
    char *other = (char *)values + (size_t)HM_CHUNK_BYTES * BLOCK_CHUNKS;
    HM_TRY(open_pair(from_file, to_file, path, &pair, err));
    const int64_t blocks = block_at(&pair, 0, &block);
    for (int64_t i = copy->rank; i < blocks && status == HM_OK; i += copy->size) {
        (void)block_at(&pair, i, &block);
        status = read_block(pair.from, pair.type, &block, values, err);
        if (status == HM_OK) {
            status = read_block(pair.to, pair.type, &block, other, err);
        }
        if (status == HM_OK &&
            memcmp(values, other, block.count[0] * block.count[1] * pair.size) != 0) {
            status = hm_error_set(err, HM_EDATA, "%s of the copy does not equal the source", path);
        }
    }
    close_pair(&pair);
cleanup:
    return status;
}

static hm_status_t verify_fields(const copy_t *copy, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t access = hm_h5_serial_access();
    hid_t from = H5Fopen(copy->source, H5F_ACC_RDONLY, access);
    hid_t to = H5Fopen(copy->path, H5F_ACC_RDONLY, access);
    void *values = malloc((size_t)2 * HM_CHUNK_BYTES * BLOCK_CHUNKS);
    if (from < 0 || to < 0) {
        HM_TRY(hm_h5_fail(err, HM_EIO, "the copy cannot be opened again"));
    }
    if (!values) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory to verify the copy"));
    }
    for (const char *path = hm_paths_next(&copy->fields, NULL); path;
         path = hm_paths_next(&copy->fields, path)) {
        HM_TRY(verify_field(copy, from, to, path, values, err));
    }
cleanup:
    free(values);
    hm_h5_close(&to);
    hm_h5_close(&from);
    hm_h5_close(&access);
    return status;
}

/** Each rank reads its share of the rows of the copy: they are those that the CRCs were made of. */
static hm_status_t verify(const copy_t *copy, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t height = copy->info.grid.height;
    const int64_t first = height * copy->rank / copy->size;
    const int64_t rows = height * (copy->rank + 1) / copy->size - first;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_verified_t verified = {0};
    uint8_t good[HM_CHUNK_ROWS];
    HM_TRY(hm_reader_open(copy->path, &reader, &info, err));
    for (int64_t row = 0; row < rows; row += HM_CHUNK_ROWS) {
        const int64_t n = rows - row < HM_CHUNK_ROWS ? rows - row : HM_CHUNK_ROWS;
        HM_TRY(hm_reader_verify(reader, first + row, n, good, &verified, err));
    }
    if (verified.good != rows) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "%lld rows of the copy do not have the checksums that '%s' says: check "
                            "it",
                            (long long)(rows - verified.good), copy->source));
    }
    HM_TRY(copy->fields.count > 0 ? verify_fields(copy, err) : HM_OK);
cleanup:
    hm_reader_close(reader);
    return status;
}

/* --- the whole
 * ------------------------------------------------------------------------------------ */

/** Sound and complete: what can be copied. */
static hm_status_t read_source(copy_t *copy, int level, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_reader_t *reader = NULL;
    HM_TRY(hm_reader_open(copy->source, &reader, &copy->info, err));
    if (!copy->info.result.complete) {
        HM_TRY(hm_error_set(err, HM_EDATA, "'%s' is not complete: go on with it by --resume",
                            copy->source));
    }
    if (level < 1 || level > 9) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "compression has levels 1 to 9, not %d", level));
    }
    copy->chunks = hm_chunks_for(copy->info.grid.height, copy->info.grid.width, HM_POINT_BYTES,
                                 (unsigned)level);
cleanup:
    hm_reader_close(reader);
    return status;
}

/** Which fields there are, from rank 0 to all. */
static hm_status_t share_fields(copy_t *copy, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int64_t said[2] = {copy->fields.count, (int64_t)copy->fields.length};
    bool told = MPI_Bcast(said, 2, MPI_INT64_T, 0, copy->comm) == MPI_SUCCESS;
    if (copy->rank != 0) {
        copy->fields = (hm_paths_t){calloc((size_t)said[1] + 1, 1), (size_t)said[1], (int)said[0]};
    }
    if (said[0] > 0 && !copy->fields.text) {
        status = hm_error_set(err, HM_EMISSING, "out of memory for the names of fields");
    }
    HM_TRY(hm_together(copy->comm, status, err));
    told =
        told && MPI_Bcast(copy->fields.text, (int)said[1], MPI_CHAR, 0, copy->comm) == MPI_SUCCESS;
    if (!told) {
        HM_TRY(hm_error_set(err, HM_EIO, "cannot talk to the other ranks"));
    }
cleanup:
    return status;
}

/** Rank 0 finds a place, makes the skeleton there and tells the others where. */
static hm_status_t begin(copy_t *copy, const char *target, bool overwrite, hm_place_t *place,
                         hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (copy->rank == 0) {
        status = hm_place_find(target, overwrite, false, place, err);
        if (status == HM_OK) {
            copy->path = place->temporary;
            status = make_skeleton(copy, err);
        }
    }
    HM_TRY(hm_together(copy->comm, status, err));
    if (MPI_Bcast(place->temporary, (int)sizeof place->temporary, MPI_CHAR, 0, copy->comm) !=
        MPI_SUCCESS) {
        HM_TRY(hm_error_set(err, HM_EIO, "cannot talk to the other ranks"));
    }
    copy->path = place->temporary;
    HM_TRY(share_fields(copy, err));
cleanup:
    return status;
}

/** Says which file it was, where the message does not. */
static void name_file(hm_status_t status, const char *source, const char *target, hm_error_t *err) {
    if (!err || strstr(err->text, source) || strstr(err->text, target)) {
        return;
    }
    if (status == HM_EDATA) {
        (void)hm_error_context(err, "'%s'", source);
    } else if (status == HM_EIO || status == HM_ECREATE) {
        (void)hm_error_context(err, "writing '%s'", target);
    }
}

hm_status_t hm_dataset_compact(const char *source, const char *target, MPI_Comm comm, int level,
                               bool overwrite, hm_compact_t *report, hm_error_t *err) {
    hm_status_t status = HM_OK;
    copy_t copy = {.comm = comm, .source = source};
    hm_compact_t made = {0};
    const double start = hm_clock_now();
    hm_place_t *place = calloc(1, sizeof *place);
    hm_h5_quiet();
    if (!place || MPI_Comm_rank(comm, &copy.rank) != MPI_SUCCESS ||
        MPI_Comm_size(comm, &copy.size) != MPI_SUCCESS) {
        status = hm_error_set(err, HM_EMISSING, "out of memory to copy '%s'", source);
    } else {
        status = read_source(&copy, level, err);
    }
    HM_TRY(hm_together(comm, status, err));
    HM_TRY(begin(&copy, target, overwrite, place, err));
    HM_TRY(copy_values(&copy, &made, err));
    HM_TRY(hm_together(comm, verify(&copy, err), err));
    HM_TRY(hm_together(comm, copy.rank == 0 ? hm_place_publish(place, err) : HM_OK, err));
    made.seconds = hm_clock_now() - start;
    *report = made;
cleanup:
    name_file(status, source, target, err);
    if (status != HM_OK && copy.rank == 0 && place && place->temporary[0]) {
        hm_place_discard(place);
    }
    free(copy.fields.text);
    free(place);
    return status;
}
