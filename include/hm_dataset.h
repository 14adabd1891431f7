/**
 * @file hm_dataset.h
 * The data set file: created whole by one rank, written in parallel by many, finished by one. See
 * `--help` of render for the objects in it.
 *
 * Life: hm_dataset_create() on rank 0 alone (serial driver, all space allocated, nothing
 * pre-filled, made under a temporary name and renamed: a file with the final name is whole) -
 * hm_dataset_open() on all writers (parallel HDF5) - hm_dataset_write_band() by anybody at any time
 * (independent) - hm_dataset_close() on all writers - hm_dataset_finish() on rank 0 alone. After
 * creation only raw data and values of fixed size change in place, so a file killed at any instant
 * opens.
 */
#ifndef HM_DATASET_H
#define HM_DATASET_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hm_error.h"
#include "hm_grid.h"
#include "hm_kernel.h"

/** Channels, in the order of the columns of /rows/crc32 when present. */
typedef enum hm_channel_t {
    HM_CHANNEL_ITERATIONS,
    HM_CHANNEL_SMOOTH,
    HM_CHANNEL_DISTANCE,
    HM_CHANNEL_PERIOD,
    HM_CHANNEL_COUNT
} hm_channel_t;

const char *hm_channel_name(hm_channel_t channel);

/** "iterations,smooth" to a mask of 1u << hm_channel_t; iterations is always in it. HM_EUSAGE on
 * unknown or repeated names. */
hm_status_t hm_channels_parse(const char *text, uint32_t *mask, hm_error_t *err);

/** A key and its value as text, for attributes of /run. */
typedef struct hm_attribute_t {
    const char *key;
    const char *value;
} hm_attribute_t;

/** What a file is made for. Borrowed pointers. */
typedef struct hm_dataset_plan_t {
    hm_grid_t grid;
    hm_formula_t formula;
    uint32_t channels;                /**< mask */
    const char *configuration;        /**< resolved settings as INI text (hm_options_ini) */
    const hm_attribute_t *attributes; /**< provenance strings: version, revision, compiler, mpi,
                                         hdf5, host, scheduler, job_id ... */
    int attribute_count;
    bool overwrite;
} hm_dataset_plan_t;

/** A rank's row of /run/ranks. */
typedef struct hm_rank_account_t {
    char host[64]; /**< NUL-padded */
    int32_t node;
    char isa[16];
    int32_t threads;
    int64_t rows, iterations;
    double busy, waiting, writing, talking; /**< seconds */
} hm_rank_account_t;

/** What a finished run says of itself, as found in or written to /run. */
typedef struct hm_dataset_result_t {
    uint64_t sum;    /**< of the iterations channel */
    uint64_t inside; /**< points at max_iter */
    uint32_t crc32;  /**< of the iterations channel as little-endian uint32, row-major */
    double seconds;
    bool complete;
} hm_dataset_result_t;

/** Rank 0 alone, serial. HM_ECREATE when it cannot be made or exists (and overwrite is off); HM_EIO
 * on a full disk. */
hm_status_t hm_dataset_create(const char *path, const hm_dataset_plan_t *plan, hm_error_t *err);

typedef struct hm_dataset_t hm_dataset_t;

/** A band's results in memory: rows [first, first + rows) of every channel of the file, and their
 * accounts. */
typedef struct hm_band_data_t {
    int64_t first, rows;
    const void
        *channel[HM_CHANNEL_COUNT]; /**< [rows][width], NULL where the file lacks the channel */
    const uint64_t *work;           /**< [rows] */
    const double *seconds;          /**< [rows] */
    int32_t rank;
} hm_band_data_t;

/** Opens for writing in parallel. Collective over `comm`, which is duplicated by HDF5. HM_EIO,
 * HM_EDATA. */
hm_status_t hm_dataset_open(const char *path, MPI_Comm comm, hm_dataset_t **dataset,
                            hm_error_t *err);

/** Writes a band: channels, then crc32, work, seconds, rank, and last the done marks. Independent.
 * HM_EIO. */
hm_status_t hm_dataset_write_band(hm_dataset_t *dataset, const hm_band_data_t *band,
                                  hm_error_t *err);

/** Forces what was written to the disk (fsync). Independent. */
hm_status_t hm_dataset_flush(hm_dataset_t *dataset, hm_error_t *err);

/** Collective. `dataset` may be NULL on no rank or on all. */
hm_status_t hm_dataset_close(hm_dataset_t *dataset, hm_error_t *err);

/**
 * Rank 0 alone, serial, after all ranks closed: derives complete and crc32 from the rows, writes
 * the accounts ([ranks]) and, last, `complete`. `result` brings sum, inside, seconds, and receives
 * crc32 and complete.
 */
hm_status_t hm_dataset_finish(const char *path, const hm_rank_account_t *accounts, int ranks,
                              hm_dataset_result_t *result, hm_error_t *err);

/** A file open for reading, serial driver; any rank, independent. */
typedef struct hm_reader_t hm_reader_t;

/** What a reader found. */
typedef struct hm_dataset_info_t {
    hm_grid_t grid;
    hm_formula_t formula;
    uint32_t channels;
    int64_t rows_done;
    hm_dataset_result_t result;
} hm_dataset_info_t;

/** HM_EDATA when it is not a data set file of ours or is damaged; HM_EIO when it cannot be read. */
hm_status_t hm_reader_open(const char *path, hm_reader_t **reader, hm_dataset_info_t *info,
                           hm_error_t *err);
/** Rows [first, first + rows) of a channel into `values` ([rows][width], uint32_t or float by
 * channel). */
hm_status_t hm_reader_rows(hm_reader_t *reader, hm_channel_t channel, int64_t first, int64_t rows,
                           void *values, hm_error_t *err);
/** done[rows] marks. */
hm_status_t hm_reader_done(hm_reader_t *reader, int64_t first, int64_t rows, uint8_t *done,
                           hm_error_t *err);
/** The stored configuration as INI text, malloc'ed; the caller frees it. */
hm_status_t hm_reader_configuration(hm_reader_t *reader, char **text, hm_error_t *err);
void hm_reader_close(hm_reader_t *reader);

#endif
