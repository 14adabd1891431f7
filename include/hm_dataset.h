/**
 * @file hm_dataset.h
 * The data set file: created whole by one rank, written in parallel by many, finished by one.
 *
 * Life: hm_dataset_create() on rank 0 alone (serial driver, all space allocated, nothing
 * pre-filled, made under a temporary name and renamed: a file with the final name is whole) -
 * hm_dataset_open() on all writers (parallel HDF5) - hm_dataset_write_band() by anybody at any time
 * (independent) - hm_dataset_close() on all writers - hm_dataset_finish() on rank 0 alone. After
 * creation only raw data and values of fixed size change in place, so a file killed at any instant
 * opens.
 *
 * Objects: the channels /iterations, /smooth, /distance, /period [height][width], contiguous, row 0
 * first; their dimension scales /im [height] and /re [width]; for each row /rows/done, crc32
 * [height][channels], work, seconds (both 0 where the row was copied from the one that it mirrors),
 * rank, and /rows/channel, which names the columns of crc32; the group /run with the provenance as
 * attributes, /run/ranks (one hm_rank_account_t a rank of the last session) and /run/history (one
 * hm_session_t a session); the group /analysis with figures (a table of hm_finding_t) and the
 * attribute `valid`, 1 when there are any.
 *
 * What survives. Every write reaches the operating system before the next one of the same band
 * begins, and the marks come last: after a kill of any or all processes at any instant every row
 * marked done is whole. After a power failure or a crash of the system, rows written before the
 * last hm_dataset_flush() on their node are on the disk; of later ones some may be lost and some
 * torn, and the torn ones are found by their CRCs on resuming. A new file is forced to the disk
 * before it gets its name; what hm_dataset_resume() and hm_dataset_finish() change is there when
 * they return, and before a file is said to be complete all that its node wrote is. So one rank a
 * node flushes before it closes.
 *
 * Headers carry a checksum of their own (/run/seal), so that damaged ones are refused before HDF5,
 * which believes what it reads, sees them.
 *
 * Memory: a few MiB at most whatever the size of the image.
 *
 * HDF5 is not thread-safe as distributions build it: call from one thread at a time. Its own error
 * printing is switched off by the first call here; its most telling message goes into hm_error_t.
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
    bool scarce; /**< do not ask whether the disk has room for the whole file: for file systems that
                    compress, and for samples of files too large to be filled */
    int64_t alignment; /**< of the channels in the file, bytes; 0: 4096. A multiple of 4096, such as
                          the stripe size of a parallel file system */
    const struct hm_session_t *session; /**< the first row of /run/history; NULL: made up from the
                                           time and nothing else */
} hm_dataset_plan_t;

/** A session: one start of the program on a file. A row of /run/history. Strings NUL-padded. */
typedef struct hm_session_t {
    char start[24];   /**< ISO 8601, UTC */
    char version[32]; /**< of the program */
    char host[64];
    int32_t ranks, threads;
    char strategy[16];
    int64_t rows_before; /**< rows already done when it started */
    double seconds;      /**< how long it took; 0 while it runs and when it was killed */
    char ended[24]; /**< why it ended: "complete", "time limit", "SIGTERM" ...; "" while it runs
                       and when it was killed */
} hm_session_t;

/** A rank's row of /run/ranks. */
typedef struct hm_rank_account_t {
    char host[64]; /**< NUL-padded */
    int32_t node;
    char isa[16];
    int32_t threads;
    int64_t rows, iterations;
    double busy, waiting, writing, talking; /**< seconds */
} hm_rank_account_t;

/** A figure of an analysis: a row of /analysis/figures. Texts NUL-padded; what has no meaning for a
 * figure is 0. */
typedef struct hm_finding_t {
    char section[16]; /**< what kind of figure: "count", "area", "quantile" ... */
    char key[40];     /**< which one */
    double from, to;  /**< what it is about: a range of counts, a box size ... */
    uint64_t count;   /**< whole numbers: pixels, rows, a sum */
    double value;
    double error; /**< of value: the true one is within value +- error */
} hm_finding_t;

/** What a finished run says of itself, as found in or written to /run. */
typedef struct hm_dataset_result_t {
    uint64_t sum;    /**< of the iterations channel */
    uint64_t inside; /**< points at max_iter */
    uint32_t crc32;  /**< of the iterations channel as little-endian uint32, row-major */
    double seconds;
    bool complete;
    char ended[24]; /**< why the session ended, for /run/history; "": "complete" or "stopped" */
} hm_dataset_result_t;

/** What a file is found to be. */
typedef struct hm_dataset_info_t {
    hm_grid_t grid;
    hm_formula_t formula;
    uint32_t channels;
    int64_t rows_done;
    hm_dataset_result_t result;
} hm_dataset_info_t;

/** About how many bytes the finished file of a plan has: data, coordinates, accounts, headers. */
int64_t hm_dataset_bytes(const hm_dataset_plan_t *plan);

/**
 * Makes the file. Rank 0 alone, serial. Its size on disk is that of the coordinates and the
 * headers: space is reserved in the file but not filled, and the time does not grow with the image.
 *
 * Without `overwrite` an existing file is never touched, not even in a race with another program;
 * with it the old file is replaced at once by the new one, by rename. HM_ECREATE: the file exists,
 * the folder is missing or not writable, the disk has less room than the whole file needs (unless
 * `scarce`), the file would be larger than the limit of file sizes. HM_EIO: writing failed.
 * HM_EUSAGE: the configuration is longer than an attribute holds (60000 bytes). On failure nothing
 * is left behind.
 */
hm_status_t hm_dataset_create(const char *path, const hm_dataset_plan_t *plan, hm_error_t *err);

/**
 * Goes on with a file. Rank 0 alone, serial: checks that it is one that hm_dataset_create() makes
 * of this plan, and adds plan->session to /run/history (with rows_before as found). `info` receives
 * what is in the file; when info->result.complete is set there is nothing to do and nothing was
 * changed. Which rows are done is for hm_reader_verify() to say. HM_EDATA: not ours, damaged, of a
 * newer format, or made by other settings: then the message names the first key that differs and
 * both values. HM_EIO: no such file, or not to be read or written.
 *
 * What decides: the grid's numbers, the formula but for `interior`, and the channels. Nothing else
 * can change the data.
 */
hm_status_t hm_dataset_resume(const char *path, const hm_dataset_plan_t *plan,
                              hm_dataset_info_t *info, hm_error_t *err);

/**
 * Replaces the figures of the last analysis. One rank alone, serial, nobody writing. Changes values
 * in place only, in an order that leaves the file whole at any instant: first `valid` goes to 0,
 * then the figures change, then `valid` goes to 1, each on the disk before the next. Of more than
 * 1024 figures the first ones are kept; there must be one. HM_EDATA: damaged, or made without room
 * for figures. HM_EIO: it cannot be written.
 */
hm_status_t hm_dataset_annotate(const char *path, const hm_finding_t *figures, int count,
                                hm_error_t *err);

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

/**
 * Opens for writing with the MPI driver. Collective over `comm`, which is duplicated by HDF5; all
 * ranks of it return the same status (each with a message of its own). Since only raw data in place
 * change, ranks may as well each open with MPI_COMM_SELF: then opening, writing and closing need no
 * other rank and cannot hang on one. HM_EIO: it cannot be opened. HM_EDATA: it is not what
 * hm_dataset_create() makes.
 */
hm_status_t hm_dataset_open(const char *path, MPI_Comm comm, hm_dataset_t **dataset,
                            hm_error_t *err);

/** The same with hints for MPI-IO, "cb_nodes" = "4" say; MPI ignores those that it does not know.
 * HM_EUSAGE: a hint that MPI refuses (too long, empty). */
hm_status_t hm_dataset_open_hinted(const char *path, MPI_Comm comm, const hm_attribute_t *hints,
                                   int hint_count, hm_dataset_t **dataset, hm_error_t *err);

/**
 * Writes a band: channels, then crc32, work, seconds, rank, and last the done marks, each handed to
 * the operating system before the next: a process killed at any instant leaves no row marked done
 * without its data. `work` and `seconds` may be NULL: zeros. Independent. HM_EIO: a full disk, say.
 */
hm_status_t hm_dataset_write_band(hm_dataset_t *dataset, const hm_band_data_t *band,
                                  hm_error_t *err);

/** Most bands that hm_dataset_write_bands() takes from a rank: 8 and their twins. */
enum { HM_DATASET_ROUND = 16 };

/**
 * Writes the bands of all ranks together: one collective write a channel (two-phase I/O), then each
 * rank the accounts and marks of its own. Collective over the communicator that the file was opened
 * on; `count` may differ from rank to rank, 0 to HM_DATASET_ROUND. Takes memory for a copy of the
 * bands' largest channel. HM_EIO, HM_EMISSING: this rank's own failure; the others do not see it.
 */
hm_status_t hm_dataset_write_bands(hm_dataset_t *dataset, int count, const hm_band_data_t *band,
                                   hm_error_t *err);

/** Takes the done marks of rows back. Independent. HM_EIO. */
hm_status_t hm_dataset_unmark(hm_dataset_t *dataset, int64_t first, int64_t rows, hm_error_t *err);

/**
 * Forces to the disk what any process of this machine wrote to the file (fdatasync). Independent:
 * one rank a node is enough. HM_EIO: the system could not keep data that it had accepted.
 */
hm_status_t hm_dataset_flush(hm_dataset_t *dataset, hm_error_t *err);

/** Collective over the communicator it was opened on; frees `dataset` also on failure. NULL: does
 * nothing. */
hm_status_t hm_dataset_close(hm_dataset_t *dataset, hm_error_t *err);

/**
 * Rank 0 alone, serial, after all ranks closed: derives complete and crc32 from the rows, writes
 * the accounts ([ranks]), the end of the session, the time of all sessions that ended
 * (/run/total_seconds) and, last, `complete`. `result` brings sum, inside, seconds, ended, and
 * receives crc32 (0 unless complete) and complete. All is on the disk on return. Room for accounts
 * is made with the file, 4 times the ranks of its first session and at least 1024; of more ranks
 * the first ones are kept. HM_EDATA, HM_EIO.
 *
 * The CRC of the image comes from those of its rows (crc32_combine_gen of zlib: Mark Adler's
 * multiplication of polynomials over GF(2)), in rows' order: the image is not read again.
 */
hm_status_t hm_dataset_finish(const char *path, const hm_rank_account_t *accounts, int ranks,
                              hm_dataset_result_t *result, hm_error_t *err);

/** A file open for reading, serial driver; any rank, independent. */
typedef struct hm_reader_t hm_reader_t;

/** HM_EDATA when it is not a data set file of ours or is damaged; HM_EIO when it cannot be read. */
hm_status_t hm_reader_open(const char *path, hm_reader_t **reader, hm_dataset_info_t *info,
                           hm_error_t *err);
/** Rows [first, first + rows) of a channel into `values` ([rows][width], uint32_t or float by
 * channel). */
hm_status_t hm_reader_rows(hm_reader_t *reader, hm_channel_t channel, int64_t first, int64_t rows,
                           void *values, hm_error_t *err);

/** Columns [column, column + columns) of rows [first, first + rows): [rows][columns], as
 * hm_reader_rows(). */
hm_status_t hm_reader_part(hm_reader_t *reader, hm_channel_t channel, int64_t first, int64_t rows,
                           int64_t column, int64_t columns, void *values, hm_error_t *err);
/** done[rows] marks. */
hm_status_t hm_reader_done(hm_reader_t *reader, int64_t first, int64_t rows, uint8_t *done,
                           hm_error_t *err);
/** What rows [first, first + rows) cost: updates spent, seconds, and the rank that computed them,
 * each [rows], NULL where not wanted. Zeros, and whatever rank, where a row is not done. */
hm_status_t hm_reader_costs(hm_reader_t *reader, int64_t first, int64_t rows, uint64_t *work,
                            double *seconds, int32_t *rank, hm_error_t *err);

/** Where the accounts of rows go: arrays [rows], crc32 [rows][channels of the file]; NULL what is
 * not wanted. */
typedef struct hm_row_accounts_t {
    uint8_t *done;
    uint32_t *crc32;
    uint64_t *work;
    double *seconds;
    int32_t *rank;
} hm_row_accounts_t;

/** The accounts of rows [first, first + rows), as they stand in the file: nothing but their types
 * is checked. HM_EIO. */
hm_status_t hm_reader_accounts(hm_reader_t *reader, int64_t first, int64_t rows,
                               const hm_row_accounts_t *accounts, hm_error_t *err);

/** Says that these rows are read soon: the system may fetch them from the disk meanwhile. Rows
 * beyond the last are none. A hint: cannot fail. */
void hm_reader_ahead(hm_reader_t *reader, hm_channel_t channel, int64_t first, int64_t rows);

/** What hm_reader_verify() found; it adds to what is there. */
typedef struct hm_verified_t {
    int64_t good;         /**< rows done whose data have the CRC that was written with them */
    int64_t torn;         /**< rows marked done whose data have not */
    uint64_t sum, inside; /**< of the iterations channel in the good rows */
    uint32_t crc32;       /**< of the iterations of the good rows, one after the other: when all are
                             good, that of the image */
} hm_verified_t;

/**
 * Reads rows [first, first + rows) in all channels and compares them with /rows/crc32: good[rows]
 * is 1 where the row is done and true, else 0. In pieces of about 1 MiB, or a row; pieces of which
 * no row is done are not read. A power failure may leave torn rows behind, a process killed at any
 * instant may not. HM_EIO, HM_EMISSING (memory).
 */
hm_status_t hm_reader_verify(hm_reader_t *reader, int64_t first, int64_t rows, uint8_t *good,
                             hm_verified_t *verified, hm_error_t *err);

/** The tables of /run, malloc'ed: the caller frees them. HM_EDATA. */
hm_status_t hm_reader_ranks(hm_reader_t *reader, hm_rank_account_t **accounts, int *count,
                            hm_error_t *err);
hm_status_t hm_reader_history(hm_reader_t *reader, hm_session_t **sessions, int *count,
                              hm_error_t *err);

/** The stored configuration as INI text, malloc'ed; the caller frees it. */
hm_status_t hm_reader_configuration(hm_reader_t *reader, char **text, hm_error_t *err);

/** What /run says of `key` (version, mpi, host ...: the attributes of hm_dataset_plan_t),
 * malloc'ed; the caller frees it. HM_EDATA: it says nothing, or no text. */
hm_status_t hm_reader_attribute(hm_reader_t *reader, const char *key, char **text, hm_error_t *err);
void hm_reader_close(hm_reader_t *reader);

/**
 * Memory for rows to be read into, freed by free(); NULL: there is none. It begins with a page:
 * some processors (Zen 3, Zen 4) take four times as long to copy from the system's cache to a few
 * bytes behind one, where malloc() puts large pieces.
 */
void *hm_reader_room(size_t bytes);

/** What a compressed copy came to. */
typedef struct hm_compact_t {
    int64_t plain, stored; /**< bytes of channels and fields: as numbers, and in the copy */
    double seconds;
} hm_compact_t;

/**
 * Makes a compressed copy of a complete file: channels, fields, and all else that is numbers in two
 * dimensions in chunks of 64 rows and at most 1 MiB, shuffled and deflated (`level` 1 to 9),
 * compressed and written by all ranks in collective writes; all other objects and attributes as
 * they are, also those that others have put there. Then all ranks read the copy back and compare
 * each row with /rows/crc32, fields with the source, and at last it gets its name. Readers take it
 * as any other file; it cannot be written to again.
 *
 * Collective over `comm`; all ranks return the same status, or failures of their own. About 40 MiB
 * a rank. HM_EDATA: `source` is not complete or not sound, or the copy does not equal it.
 * HM_ECREATE: `target` as in hm_dataset_create(). HM_EIO, HM_EMISSING.
 */
hm_status_t hm_dataset_compact(const char *source, const char *target, MPI_Comm comm, int level,
                               bool overwrite, hm_compact_t *report, hm_error_t *err);

#endif
