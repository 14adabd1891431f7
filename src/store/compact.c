/** @file compact.c Compressed copies, written by all ranks together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "build.h"
#include "hm_clock.h"
#include "hm_together.h"
#include "info.h"
#include "place.h"
#include "table.h"

enum {
    CHUNK_ROWS = 64,
    CHUNK_COLUMNS = 4096, /**< a chunk of 1 MiB */
    BLOCK_CHUNKS = 16     /**< what a rank brings to a collective write */
};

/** A copy under way. */
typedef struct copy_t {
    MPI_Comm comm;
    int rank, size;
    const char *source;
    const char *path; /**< of the copy, for now */
    hm_dataset_info_t info;
    hm_chunks_t chunks;
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

/** What the iteration over attributes carries along. */
typedef struct texts_t {
    hid_t to;
    hm_status_t status;
    hm_error_t *err;
} texts_t;

/** Copies a text attribute that the copy does not have: provenance. */
static herr_t copy_text(hid_t from, const char *name, const H5A_info_t *info, void *context) {
    texts_t *texts = context;
    char *value = NULL;
    (void)info;
    if (H5Aexists(texts->to, name) > 0) {
        return 0;
    }
    texts->status = hm_h5_get_text(from, name, &value, texts->err);
    if (texts->status == HM_OK) {
        texts->status = hm_h5_put_text(texts->to, name, value, 0, texts->err);
    }
    free(value);
    return texts->status == HM_OK ? 0 : -1;
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
    texts_t texts = {new, HM_OK, err};
    if (H5Aiterate2(old, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, copy_text, &texts) < 0) {
        HM_TRY(texts.status != HM_OK
                   ? texts.status
                   : hm_h5_fail(err, HM_EDATA, "cannot read the attributes of %s", HM_PATH_RUN));
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

/** Makes the copy with everything in it but the channels. */
static hm_status_t make_skeleton(const copy_t *copy, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t from = H5I_INVALID_HID;
    hid_t to = H5I_INVALID_HID;
    hid_t run = H5I_INVALID_HID;
    char *configuration = NULL;
    int64_t ranks = 0;
    hid_t access = hm_h5_serial_access();
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
    const herr_t closed = H5Fclose(to);
    to = H5I_INVALID_HID;
    if (closed < 0) {
        HM_TRY(hm_h5_fail(err, HM_EIO, "the copy cannot be written"));
    }
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

/** A rank's share of a collective write: some chunks of one row of chunks. */
typedef struct block_t {
    hsize_t start[2], count[2]; /**< count 0: nothing */
} block_t;

/** How many blocks the image has, and the `index`th of them. */
static int64_t block_at(const copy_t *copy, int64_t index, block_t *block) {
    const int64_t height = copy->info.grid.height;
    const int64_t width = copy->info.grid.width;
    const int64_t broad = (int64_t)copy->chunks.shape[1] * BLOCK_CHUNKS;
    const int64_t tall = (int64_t)copy->chunks.shape[0];
    const int64_t across = (width + broad - 1) / broad;
    const int64_t blocks = across * ((height + tall - 1) / tall);
    *block = (block_t){{0, 0}, {0, 0}};
    if (index < blocks) {
        const int64_t row = index / across * tall;
        const int64_t column = index % across * broad;
        block->start[0] = (hsize_t)row;
        block->start[1] = (hsize_t)column;
        block->count[0] = (hsize_t)(height - row < tall ? height - row : tall);
        block->count[1] = (hsize_t)(width - column < broad ? width - column : broad);
    }
    return blocks;
}

/** Reads a block (alone) and writes it (together, also with nothing, also after a failure). */
static hm_status_t copy_block(hid_t from, hid_t to, const block_t *block, hid_t together,
                              hm_h5_number_t number, void *values, bool failed, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hid_t type = hm_h5_memory_type(number);
    const hsize_t one[2] = {1, 1};
    const bool empty = failed || block->count[0] == 0;
    hid_t there = H5Dget_space(from);
    hid_t here = H5Screate_simple(2, empty ? one : block->count, NULL);
    if (empty) {
        (void)H5Sselect_none(there);
        (void)H5Sselect_none(here);
    } else if (H5Sselect_hyperslab(there, H5S_SELECT_SET, block->start, NULL, block->count, NULL) <
                   0 ||
               H5Dread(from, type, here, there, H5P_DEFAULT, values) < 0) {
        status = hm_h5_fail(err, HM_EIO, "cannot read the source");
        (void)H5Sselect_none(there);
        (void)H5Sselect_none(here);
    }
    if (H5Dwrite(to, type, here, there, together, values) < 0 && status == HM_OK) {
        status = hm_h5_fail(err, HM_EIO, "cannot write the copy");
    }
    hm_h5_close(&here);
    hm_h5_close(&there);
    return status;
}

/** Copies one channel; adds the bytes that it takes to *stored. */
static hm_status_t copy_channel(const copy_t *copy, hid_t from_file, hid_t to_file,
                                hm_channel_t channel, void *values, int64_t *stored,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_channel_layout_t *layout = hm_layout_channel(channel);
    const hsize_t shape[2] = {(hsize_t)copy->info.grid.height, (hsize_t)copy->info.grid.width};
    hid_t from = H5I_INVALID_HID;
    hid_t to = H5I_INVALID_HID;
    hid_t together = H5Pcreate(H5P_DATASET_XFER);
    block_t block;
    status = hm_layout_open(from_file, layout->name, layout->number, 2, shape, &from, err);
    if (status == HM_OK) {
        status = hm_layout_open(to_file, layout->name, layout->number, 2, shape, &to, err);
    }
    if (status == HM_OK && (together < 0 || H5Pset_dxpl_mpio(together, H5FD_MPIO_COLLECTIVE) < 0)) {
        status = hm_h5_fail(err, HM_EMISSING, "no collective writes");
    }
    HM_TRY(hm_together(copy->comm, status, err));
    const int64_t blocks = block_at(copy, 0, &block);
    for (int64_t round = 0; round < blocks; round += copy->size) {
        (void)block_at(copy, round + copy->rank, &block);
        const hm_status_t now = copy_block(from, to, &block, together, layout->number, values,
                                           status != HM_OK, status == HM_OK ? err : NULL);
        status = status == HM_OK ? now : status;
    }
    HM_TRY(hm_together(copy->comm, status, err));
    *stored += (int64_t)H5Dget_storage_size(to);
cleanup:
    hm_h5_close(&together);
    hm_h5_close(&to);
    hm_h5_close(&from);
    return status;
}

static hm_status_t copy_channels(const copy_t *copy, int64_t *stored, hm_error_t *err) {
    hm_status_t status = HM_OK;
    hid_t from = H5I_INVALID_HID;
    hid_t to = H5I_INVALID_HID;
    hid_t alone = hm_h5_serial_access();
    hid_t together = H5Pcreate(H5P_FILE_ACCESS);
    void *values = malloc((size_t)(copy->chunks.shape[0] * copy->chunks.shape[1] * BLOCK_CHUNKS) *
                          HM_POINT_BYTES);
    if (!values || together < 0 || H5Pset_fapl_mpio(together, copy->comm, MPI_INFO_NULL) < 0) {
        status = hm_error_set(err, HM_EMISSING, "out of memory to copy '%s'", copy->source);
    } else if ((from = H5Fopen(copy->source, H5F_ACC_RDONLY, alone)) < 0) {
        status = hm_h5_fail(err, HM_EIO, "'%s' cannot be opened again", copy->source);
    }
    HM_TRY(hm_together(copy->comm, status, err));
    to = H5Fopen(copy->path, H5F_ACC_RDWR, together);
    if (to < 0) {
        status = hm_h5_fail(err, HM_EIO, "the copy cannot be opened by all ranks");
    }
    HM_TRY(hm_together(copy->comm, status, err));
    for (int channel = 0; channel < HM_CHANNEL_COUNT; ++channel) {
        if ((copy->info.channels >> channel) & 1u) {
            HM_TRY(copy_channel(copy, from, to, (hm_channel_t)channel, values, stored, err));
        }
    }
cleanup:
    if (to >= 0 && H5Fclose(to) < 0 && status == HM_OK) {
        status = hm_h5_fail(err, HM_EIO, "the copy cannot be written");
    }
    hm_h5_close(&from);
    hm_h5_close(&together);
    hm_h5_close(&alone);
    free(values);
    return hm_together(copy->comm, status, err);
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
    uint8_t good[CHUNK_ROWS];
    HM_TRY(hm_reader_open(copy->path, &reader, &info, err));
    for (int64_t row = 0; row < rows; row += CHUNK_ROWS) {
        const int64_t n = rows - row < CHUNK_ROWS ? rows - row : CHUNK_ROWS;
        HM_TRY(hm_reader_verify(reader, first + row, n, good, &verified, err));
    }
    if (verified.good != rows) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "%lld rows of the copy do not have the checksums that '%s' says: check "
                            "it",
                            (long long)(rows - verified.good), copy->source));
    }
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
    copy->chunks.level = (unsigned)level;
    copy->chunks.shape[0] =
        copy->info.grid.height < CHUNK_ROWS ? (hsize_t)copy->info.grid.height : CHUNK_ROWS;
    copy->chunks.shape[1] =
        copy->info.grid.width < CHUNK_COLUMNS ? (hsize_t)copy->info.grid.width : CHUNK_COLUMNS;
cleanup:
    hm_reader_close(reader);
    return status;
}

/** Rank 0 finds a place, makes the skeleton there and tells the others where. */
static hm_status_t begin(copy_t *copy, const char *target, bool overwrite, hm_place_t *place,
                         hm_error_t *err) {
    hm_status_t status = HM_OK;
    if (copy->rank == 0) {
        status = hm_place_find(target, overwrite, place, err);
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
cleanup:
    return status;
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
    HM_TRY(copy_channels(&copy, &made.stored, err));
    HM_TRY(hm_together(comm, verify(&copy, err), err));
    HM_TRY(hm_together(comm, copy.rank == 0 ? hm_place_publish(place, err) : HM_OK, err));
    made.plain = copy.info.grid.width * copy.info.grid.height * HM_POINT_BYTES *
                 hm_layout_channels(copy.info.channels);
    made.seconds = hm_clock_now() - start;
    *report = made;
cleanup:
    if (status == HM_EDATA && !strstr(err ? err->text : "", source)) {
        (void)hm_error_context(err, "'%s'", source);
    }
    if (status != HM_OK && copy.rank == 0 && place && place->temporary[0]) {
        hm_place_discard(place);
    }
    free(place);
    return status;
}
