/*
 * bench io: the ways of bands to a data set file, against plain pwrite() of the same bytes from the
 * same ranks in the same run.
 *
 * Bands are handed out cyclically and take no time to compute, so that what is left is getting them
 * into the file: checksums, HDF5, MPI-IO or messages to leaders, accounts and marks. Each
 * repetition makes a new file for every way, in another order. Two times count: until every write
 * has returned, which is what a rank that computes waits for, and until all is on the disk. Rows
 * are compared with their checksums once; a way that loses any has no figure.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "hm_band.h"
#include "hm_clock.h"
#include "hm_dataset.h"
#include "hm_sample.h"
#include "hm_strategy.h"
#include "render.h"

enum {
    MOST_REPETITIONS = 1000,
    WIDTH = 8192,        /* points in a row: 32 KiB */
    BAND_BYTES = 4 << 20 /* as render's, at most */
};

static const uint64_t MARK = UINT64_C(0x68706d616e64656c);

/* A way to the file. */
typedef struct way_t {
    const char *name;
    bool plain; /* pwrite() */
    hm_delivery_t delivery;
} way_t;

static const way_t ways[] = {{"pwrite", true, HM_DELIVERY_DIRECT},
                             {"independent", false, HM_DELIVERY_DIRECT},
                             {"collective", false, HM_DELIVERY_ROUNDS},
                             {"funnel", false, HM_DELIVERY_FUNNEL}};
enum { WAYS = sizeof ways / sizeof *ways };

/* What a rank holds. */
typedef struct io_t {
    const hm_cluster_t *cluster;
    const hm_strategy_t *strategy;
    bool wanted[WAYS];
    hm_dataset_plan_t plan;
    hm_bands_t bands;
    size_t band_bytes;
    char path[PATH_MAX]; /* of the file that is written again and again */
    char *buffer;        /* [band_bytes], for pwrite */
    hm_dataset_t *dataset;
    int descriptor;
} io_t;

/* Seconds of the slowest rank, from the same moment. */
typedef struct outcome_t {
    double accepted; /* until every write had returned */
    double stored;   /* until all was on the disk */
} outcome_t;

/* --- the job
 * ------------------------------------------------------------------------------------- */

/* Numbers that no file system can compress, made once for each buffer there is. */
static hm_status_t compute(void *context, int64_t band, void *buffer, const hm_progress_t *progress,
                           hm_error_t *err) {
    (void)progress, (void)err;
    const io_t *io = context;
    uint64_t *word = buffer;
    if (word[0] != MARK) {
        uint64_t state = (uint64_t)io->cluster->rank + 1;
        for (size_t i = 0; i < io->band_bytes / sizeof *word; ++i) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            word[i] = state ^ state >> 29;
        }
        word[0] = MARK;
    }
    word[1] = (uint64_t)band;
    return HM_OK;
}

static hm_band_data_t band_data(const io_t *io, int64_t band, const void *buffer) {
    const hm_band_t *b = &io->bands.band[band];
    return (hm_band_data_t){
        .first = b->first, .rows = b->rows, .channel = {buffer}, .rank = io->cluster->rank};
}

static hm_status_t deliver(void *context, int64_t band, const void *buffer,
                           const hm_progress_t *progress, hm_error_t *err) {
    (void)progress;
    io_t *io = context;
    const hm_band_data_t data = band_data(io, band, buffer);
    return hm_dataset_write_band(io->dataset, &data, err);
}

static hm_status_t deliver_all(void *context, int count, const int64_t *bands,
                               const void *const *buffers, hm_error_t *err) {
    io_t *io = context;
    hm_band_data_t data[HM_DATASET_ROUND] = {{0}};
    for (int k = 0; k < count; ++k) {
        data[k] = band_data(io, bands[k], buffers[k]);
    }
    return hm_dataset_write_bands(io->dataset, count, data, err);
}

static hm_status_t write_all(int descriptor, const char *bytes, size_t left, off_t at,
                             hm_error_t *err) {
    while (left > 0) {
        const ssize_t n = pwrite(descriptor, bytes, left, at);
        if (n <= 0 && errno != EINTR) {
            return hm_error_errno(err, HM_EIO, errno, "cannot write the trial file");
        }
        if (n > 0) {
            bytes += n;
            at += n;
            left -= (size_t)n;
        }
    }
    return HM_OK;
}

static hm_status_t write_plainly(io_t *io, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const size_t row_bytes = WIDTH * sizeof(uint32_t);
    for (int64_t band = io->cluster->rank; band < io->bands.count; band += io->cluster->size) {
        const hm_band_t *b = &io->bands.band[band];
        HM_TRY(compute(io, band, io->buffer, NULL, err));
        HM_TRY(write_all(io->descriptor, io->buffer, (size_t)b->rows * row_bytes,
                         (off_t)(b->first * (int64_t)row_bytes), err));
    }
cleanup:
    return status;
}

/* --- one way, once
 * ------------------------------------------------------------------------------- */

/* Who writes in this way. */
static MPI_Comm writers(const io_t *io, const way_t *way) {
    return way->delivery == HM_DELIVERY_FUNNEL ? io->cluster->leaders : io->cluster->comm;
}

static hm_status_t make_file(const io_t *io, const way_t *way, hm_error_t *err) {
    if (!way->plain) {
        return hm_dataset_create(io->path, &io->plan, err);
    }
    const int64_t bytes = io->plan.grid.height * WIDTH * (int64_t)sizeof(uint32_t);
    const int file = open(io->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool made = file >= 0 && ftruncate(file, (off_t)bytes) == 0;
    const int failed = errno;
    if (file >= 0) {
        close(file);
    }
    return made ? HM_OK : hm_error_errno(err, HM_ECREATE, failed, "cannot create '%s'", io->path);
}

static hm_status_t open_file(io_t *io, const way_t *way, hm_error_t *err) {
    if (way->plain) {
        io->descriptor = open(io->path, O_RDWR | O_CLOEXEC);
        return io->descriptor >= 0
                   ? HM_OK
                   : hm_error_errno(err, HM_EIO, errno, "cannot open '%s'", io->path);
    }
    const MPI_Comm comm = writers(io, way);
    return comm == MPI_COMM_NULL ? HM_OK : hm_dataset_open(io->path, comm, &io->dataset, err);
}

static hm_status_t write_file(io_t *io, const way_t *way, hm_error_t *err) {
    const hm_job_t job = {.bands = io->bands.count,
                          .band_bytes = io->band_bytes,
                          .context = io,
                          .compute = compute,
                          .deliver = deliver,
                          .deliver_all = deliver_all};
    const hm_strategy_options_t options = {.portion = HM_PORTION_AUTO, .delivery = way->delivery};
    hm_account_t account = {.state = HM_STATE_WAITING};
    return way->plain ? write_plainly(io, err)
                      : hm_strategy_run(io->strategy, io->cluster, &job, &options, &account, err);
}

/* One rank a node is enough. */
static hm_status_t flush(const io_t *io, const way_t *way, hm_error_t *err) {
    if (io->cluster->node_rank != 0) {
        return HM_OK;
    }
    if (!way->plain) {
        return hm_dataset_flush(io->dataset, err);
    }
    return fdatasync(io->descriptor) == 0
               ? HM_OK
               : hm_error_errno(err, HM_EIO, errno, "cannot force '%s' to the disk", io->path);
}

static hm_status_t close_file(io_t *io, hm_error_t *err) {
    if (io->descriptor >= 0) {
        close(io->descriptor);
        io->descriptor = -1;
    }
    hm_dataset_t *dataset = io->dataset;
    io->dataset = NULL;
    return hm_dataset_close(dataset, err);
}

/* This rank's share of the rows is what was written. */
static hm_status_t verify(const io_t *io, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hm_cluster_t *cluster = io->cluster;
    const int64_t height = io->plan.grid.height;
    const int64_t first = height * cluster->rank / cluster->size;
    const int64_t rows = height * (cluster->rank + 1) / cluster->size - first;
    hm_reader_t *reader = NULL;
    hm_dataset_info_t info;
    hm_verified_t verified = {0};
    uint8_t *good = malloc((size_t)rows + 1);
    if (!good) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    HM_TRY(hm_reader_open(io->path, &reader, &info, err));
    HM_TRY(hm_reader_verify(reader, first, rows, good, &verified, err));
    if (verified.good != rows) {
        HM_TRY(hm_error_set(err, HM_EDATA, "%lld rows of the trial file are not what was written",
                            (long long)(rows - verified.good)));
    }
cleanup:
    hm_reader_close(reader);
    free(good);
    return status;
}

/* Collective; the status is common. The file is gone afterwards. */
static hm_status_t run_once(io_t *io, const way_t *way, bool check, outcome_t *outcome,
                            hm_error_t *err) {
    const hm_cluster_t *cluster = io->cluster;
    bool speaker = false;
    hm_status_t status = cluster->rank == 0 ? make_file(io, way, err) : HM_OK;
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    HM_TRY(hm_agree(cluster, open_file(io, way, err), err, &speaker));
    MPI_Barrier(cluster->comm);
    const double begin = hm_clock_now();
    HM_TRY(hm_agree(cluster, write_file(io, way, err), err, &speaker));
    double mine[2] = {hm_clock_now() - begin, 0};
    HM_TRY(hm_agree(cluster, flush(io, way, err), err, &speaker));
    mine[1] = hm_clock_now() - begin;
    HM_TRY(hm_agree(cluster, close_file(io, err), err, &speaker));
    if (check && !way->plain) {
        HM_TRY(hm_agree(cluster, verify(io, err), err, &speaker));
    }
    double most[2] = {0, 0};
    MPI_Allreduce(mine, most, 2, MPI_DOUBLE, MPI_MAX, cluster->comm);
    *outcome = (outcome_t){.accepted = most[0], .stored = most[1]};
cleanup:
    /* Also after a failure on some rank only: closing is collective, and so is this. */
    (void)close_file(io, NULL);
    if (cluster->rank == 0) {
        (void)unlink(io->path);
    }
    return status;
}

/* --- all ways
 * ------------------------------------------------------------------------------------ */

/* Measurements of one way. */
typedef struct series_t {
    double accepted[MOST_REPETITIONS], stored[MOST_REPETITIONS]; /* seconds */
    double accepted_ratio[MOST_REPETITIONS], stored_ratio[MOST_REPETITIONS];
} series_t;

static void print_table(const io_t *io, series_t *series, int repetitions, FILE *csv) {
    const hm_cluster_t *cluster = io->cluster;
    const render_settings_t settings = {0};
    const hm_delivery_t fallback = render_delivery(&settings, cluster->oversubscribed);
    const double bytes = (double)io->plan.grid.height * WIDTH * sizeof(uint32_t);
    printf("%.0f MB from %d rank%s on %d node%s, bands of %.1f MB; * is what --io auto takes "
           "here\n",
           bytes / 1e6, cluster->size, cluster->size == 1 ? "" : "s", cluster->nodes,
           cluster->nodes == 1 ? "" : "s", (double)io->band_bytes / 1e6);
    printf("%-13s %10s %18s %10s %14s %10s\n", "way", "MB/s", "least..most", "of pwrite",
           "MB/s to disk", "of pwrite");
    if (csv) {
        fprintf(csv, "way,ranks,nodes,bytes,repetitions,seconds,seconds_least,seconds_most,"
                     "mb_per_s,of_pwrite,seconds_disk,mb_per_s_disk,of_pwrite_disk\n");
    }
    for (int w = 0; w < WAYS; ++w) {
        if (!io->wanted[w]) {
            continue;
        }
        const hm_spread_t accepted = hm_spread(series[w].accepted, repetitions);
        const hm_spread_t stored = hm_spread(series[w].stored, repetitions);
        const double ratio = hm_spread(series[w].accepted_ratio, repetitions).median;
        const double stored_ratio = hm_spread(series[w].stored_ratio, repetitions).median;
        const bool is_auto = !ways[w].plain && ways[w].delivery == fallback;
        printf("%-11s%2s %10.0f %8.0f..%-8.0f %10.3f %14.0f %10.3f\n", ways[w].name,
               is_auto ? "*" : "", bytes / 1e6 / accepted.median, bytes / 1e6 / accepted.most,
               bytes / 1e6 / accepted.least, ratio, bytes / 1e6 / stored.median, stored_ratio);
        if (csv) {
            fprintf(csv, "%s,%d,%d,%.0f,%d,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g\n", ways[w].name,
                    cluster->size, cluster->nodes, bytes, repetitions, accepted.median,
                    accepted.least, accepted.most, bytes / 1e6 / accepted.median, ratio,
                    stored.median, bytes / 1e6 / stored.median, stored_ratio);
        }
    }
}

static hm_status_t measure(io_t *io, int repetitions, FILE *csv, hm_error_t *err) {
    hm_status_t status = HM_OK;
    bool speaker = false;
    series_t *series = calloc(WAYS, sizeof *series);
    HM_TRY(hm_agree(io->cluster, series ? HM_OK : hm_error_set(err, HM_EMISSING, "out of memory"),
                    err, &speaker));
    for (int r = -1; r < repetitions; ++r) { /* the first round warms up, and checks */
        for (int k = 0; k < WAYS; ++k) {
            const int w = (k + (r < 0 ? 0 : r)) % WAYS;
            outcome_t outcome = {0};
            if (!io->wanted[w]) {
                continue;
            }
            HM_TRY(run_once(io, &ways[w], r < 0, &outcome, err));
            if (r >= 0) {
                series[w].accepted[r] = outcome.accepted;
                series[w].stored[r] = outcome.stored;
            }
        }
        for (int w = 0; w < WAYS && r >= 0; ++w) {
            if (!io->wanted[w]) {
                continue;
            }
            series[w].accepted_ratio[r] = series[0].accepted[r] / series[w].accepted[r];
            series[w].stored_ratio[r] = series[0].stored[r] / series[w].stored[r];
        }
    }
    if (io->cluster->rank == 0) {
        print_table(io, series, repetitions, csv);
    }
cleanup:
    free(series);
    return status;
}

/* Plain writes, and those that were asked for. */
static hm_status_t choose(const char *name, bool wanted[WAYS], hm_error_t *err) {
    bool known = !name;
    for (int w = 0; w < WAYS; ++w) {
        const bool named = name && !ways[w].plain && strcmp(ways[w].name, name) == 0;
        wanted[w] = !name || ways[w].plain || named;
        known = known || named;
    }
    return known ? HM_OK
                 : hm_error_set(err, HM_EUSAGE,
                                "unknown way '%s': independent, collective or funnel", name);
}

static hm_status_t prepare(const hm_cluster_t *cluster, const bench_settings_t *settings, io_t *io,
                           hm_error_t *err) {
    hm_status_t status = HM_OK;
    const int64_t row_bytes = WIDTH * (int64_t)sizeof(uint32_t);
    const int64_t height = settings->megabytes * 1000000 / row_bytes;
    const hm_view_t view = {.center = "0,0", .span = "4", .width = WIDTH, .height = height};
    const int64_t rows = hm_band_rows_auto(height, cluster->size, row_bytes, BAND_BYTES);
    const int length = snprintf(io->path, sizeof io->path, "%s/.hpcmandel-bench-%ld.h5",
                                settings->folder, (long)getpid());
    if (length >= (int)sizeof io->path) {
        HM_TRY(hm_error_set(err, HM_EUSAGE, "folder: its name is too long"));
    }
    HM_TRY(choose(settings->way, io->wanted, err));
    HM_TRY(hm_strategy_find("cyclic", cluster, &io->strategy, err));
    io->plan = (hm_dataset_plan_t){.formula = {.max_iter = 1000, .bailout = 2},
                                   .channels = 1u << HM_CHANNEL_ITERATIONS,
                                   .configuration = ""};
    HM_TRY(hm_grid_make(&view, &io->plan.grid, err));
    HM_TRY(hm_bands_make(height, NULL, rows, &io->bands, err));
    io->band_bytes = (size_t)(rows * row_bytes);
    io->buffer = calloc(1, io->band_bytes);
    if (!io->buffer) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory for a band"));
    }
cleanup:
    return status;
}

/* All ranks work on rank 0's file. */
static hm_status_t share_path(io_t *io, hm_error_t *err) {
    MPI_Request request = MPI_REQUEST_NULL;
    hm_status_t status = hm_mpi_check(
        MPI_Ibcast(io->path, (int)sizeof io->path, MPI_CHAR, 0, io->cluster->comm, &request),
        "telling the trial file's name", err);
    return status == HM_OK ? hm_wait(&request, "telling the trial file's name", err) : status;
}

static hm_status_t run(hm_context_t *context, const bench_settings_t *settings, FILE *csv) {
    hm_error_t err = HM_ERROR_NONE;
    io_t io = {.cluster = context->cluster, .descriptor = -1};
    hm_status_t status = HM_OK;
    HM_TRY(hm_meet(context, prepare(context->cluster, settings, &io, &err), &err));
    HM_TRY(hm_meet(context, share_path(&io, &err), &err));
    HM_TRY(hm_meet(context, measure(&io, (int)settings->repetitions, csv, &err), &err));
cleanup:
    free(io.buffer);
    hm_bands_free(&io.bands);
    return status;
}

const bench_t bench_io = {
    .name = "io",
    .what = "the ways of bands to the file, against plain pwrite",
    .run = run,
};
