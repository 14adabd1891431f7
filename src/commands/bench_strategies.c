/*
 * bench strategies: every strategy on the same view in one run, on the ranks that mpirun started.
 *
 * Each repetition times the work on one rank alone (the others wait politely) and then every
 * strategy on all ranks, so that speed-ups are ratios of neighbours in time. Beside it a null
 * kernel: bands that take no time, which leaves what handing them out costs. Nothing is written to
 * disk. A strategy whose counts differ has no figure.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bench.h"
#include "hm_band.h"
#include "hm_clock.h"
#include "hm_kernel.h"
#include "hm_sample.h"
#include "hm_scene.h"
#include "hm_strategy.h"

enum { MOST_REPETITIONS = 1000, MOST_STRATEGIES = 32, NULL_BANDS = 20000 };

/* One rank's side of the work. */
typedef struct work_t {
    const hm_kernel_t *kernel;
    hm_formula_t formula;
    hm_grid_t grid;
    hm_bands_t bands;
    double *re;        /* [grid.width] */
    uint64_t checksum; /* of the bands delivered here, whatever their order */
    uint64_t updates;  /* of the bands computed here */
} work_t;

/* What a band's buffer begins with. */
typedef struct head_t {
    uint64_t updates;
} head_t;

typedef struct poll_t {
    const hm_progress_t *progress;
} poll_t;

static bool poll_progress(void *context) {
    const poll_t *p = context;
    return p->progress->call && p->progress->call(p->progress->context);
}

static hm_status_t compute(void *context, int64_t band, void *buffer, const hm_progress_t *progress,
                           hm_error_t *err) {
    work_t *work = context;
    const hm_band_t *b = &work->bands.band[band];
    double im[1024];
    uint64_t per_row[1024];
    hm_grid_im(&work->grid, b->first, b->rows, im);
    hm_tile_t tile = {work->re, work->grid.width, im, b->rows};
    hm_channels_t channels = {.iterations = (uint32_t *)((head_t *)buffer + 1)};
    poll_t context_of_poll = {progress};
    hm_poll_t poll = {poll_progress, &context_of_poll};
    hm_status_t status =
        hm_kernel_compute(work->kernel, &work->formula, &tile, &channels, per_row, &poll, err);
    if (status == HM_OK) {
        head_t head = {0};
        for (int64_t row = 0; row < b->rows; ++row) {
            head.updates += per_row[row];
        }
        memcpy(buffer, &head, sizeof head);
        work->updates += head.updates;
    }
    return status;
}

static hm_status_t deliver(void *context, int64_t band, const void *buffer,
                           const hm_progress_t *progress, hm_error_t *err) {
    (void)progress;
    (void)err;
    work_t *work = context;
    const hm_band_t *b = &work->bands.band[band];
    const Bytef *counts = (const Bytef *)((const head_t *)buffer + 1);
    uLong crc = crc32(0L, counts, (uInt)((size_t)(b->rows * work->grid.width) * sizeof(uint32_t)));
    /* A sum, so that the order does not matter; the band's number keeps bands apart. */
    work->checksum += (uint64_t)crc * (2 * (uint64_t)band + 1);
    return HM_OK;
}

static hm_status_t probe(void *context, int64_t first, int64_t count, double *cost,
                         hm_error_t *err) {
    work_t *work = context;
    enum { POINTS = 48 };
    double re[POINTS];
    uint32_t counts[POINTS];
    for (int64_t i = 0; i < POINTS; ++i) {
        re[i] = work->re[(2 * i + 1) * work->grid.width / (2 * POINTS)];
    }
    for (int64_t k = 0; k < count; ++k) {
        const hm_band_t *b = &work->bands.band[first + k];
        double im = 0;
        uint64_t updates = 0;
        hm_grid_im(&work->grid, b->first + b->rows / 2, 1, &im);
        hm_tile_t tile = {re, POINTS, &im, 1};
        hm_channels_t channels = {.iterations = counts};
        hm_poll_t poll = {0};
        hm_status_t status =
            hm_kernel_compute(work->kernel, &work->formula, &tile, &channels, &updates, &poll, err);
        if (status != HM_OK) {
            return status;
        }
        cost[k] = ((double)updates / POINTS + 20) * (double)(b->rows * work->grid.width);
    }
    return HM_OK;
}

static hm_status_t null_compute(void *context, int64_t band, void *buffer,
                                const hm_progress_t *progress, hm_error_t *err) {
    (void)context, (void)band, (void)buffer, (void)progress, (void)err;
    return HM_OK;
}

static hm_status_t null_deliver(void *context, int64_t band, const void *buffer,
                                const hm_progress_t *progress, hm_error_t *err) {
    (void)context, (void)band, (void)buffer, (void)progress, (void)err;
    return HM_OK;
}

/* What one run on all ranks came to; the same on every rank. */
typedef struct outcome_t {
    double seconds;    /* of the slowest rank */
    double imbalance;  /* max/mean busy */
    double iterations; /* max/mean updates */
    uint64_t checksum;
} outcome_t;

static hm_status_t run_once(const hm_cluster_t *cluster, const hm_strategy_t *strategy,
                            const hm_job_t *job, work_t *work, outcome_t *outcome,
                            hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_account_t account = {.state = HM_STATE_WAITING};
    hm_strategy_options_t options = {.portion = HM_PORTION_AUTO};
    bool speaker = false;
    if (work) {
        work->checksum = 0;
        work->updates = 0;
    }
    MPI_Barrier(cluster->comm);
    double begin = hm_clock_now();
    HM_TRY(hm_agree(cluster, hm_strategy_run(strategy, cluster, job, &options, &account, err), err,
                    &speaker));
    double mine[3] = {hm_clock_now() - begin, account.seconds[HM_STATE_BUSY],
                      work ? (double)work->updates : 0};
    double most[3];
    double sum[3];
    uint64_t checksum = work ? work->checksum : 0;
    MPI_Allreduce(mine, most, 3, MPI_DOUBLE, MPI_MAX, cluster->comm);
    MPI_Allreduce(mine, sum, 3, MPI_DOUBLE, MPI_SUM, cluster->comm);
    MPI_Allreduce(&checksum, &outcome->checksum, 1, MPI_UINT64_T, MPI_SUM, cluster->comm);
    outcome->seconds = most[0];
    outcome->imbalance = sum[1] > 0 ? most[1] * cluster->size / sum[1] : 0;
    outcome->iterations = sum[2] > 0 ? most[2] * cluster->size / sum[2] : 0;
cleanup:
    return status;
}

/* Measurements of one strategy. */
typedef struct series_t {
    double seconds[MOST_REPETITIONS], speedup[MOST_REPETITIONS];
    double imbalance[MOST_REPETITIONS], iterations[MOST_REPETITIONS];
    double null_us[MOST_REPETITIONS];
} series_t;

static int strategy_count(void) {
    int count = 0;
    while (count < MOST_STRATEGIES && hm_strategies[count]->name) {
        ++count;
    }
    return count;
}

static void print_table(const hm_cluster_t *cluster, series_t *series, int repetitions, FILE *csv) {
    printf("%-9s %9s %18s %8s %10s %9s %10s %12s\n", "strategy", "seconds", "least..most",
           "speedup", "efficiency", "imbalance", "iterations", "null us/band");
    if (csv) {
        fprintf(csv, "strategy,ranks,nodes,repetitions,seconds,seconds_least,seconds_most,speedup,"
                     "efficiency,imbalance,imbalance_iterations,null_us_per_band\n");
    }
    for (int s = 0; s < strategy_count(); ++s) {
        hm_spread_t seconds = hm_spread(series[s].seconds, repetitions);
        double speedup = hm_spread(series[s].speedup, repetitions).median;
        double imbalance = hm_spread(series[s].imbalance, repetitions).median;
        double iterations = hm_spread(series[s].iterations, repetitions).median;
        double null_us = hm_spread(series[s].null_us, repetitions).median;
        printf("%-9s %9.3f %8.3f..%-8.3f %8.3f %10.3f %9.3f %10.3f %12.2f\n",
               hm_strategies[s]->name, seconds.median, seconds.least, seconds.most, speedup,
               speedup / cluster->size, imbalance, iterations, null_us);
        if (csv) {
            fprintf(csv, "%s,%d,%d,%d,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g\n",
                    hm_strategies[s]->name, cluster->size, cluster->nodes, repetitions,
                    seconds.median, seconds.least, seconds.most, speedup, speedup / cluster->size,
                    imbalance, iterations, null_us);
        }
    }
}

/* The work on rank 0 alone; the others wait. `seconds` and `checksum` on all ranks. */
static hm_status_t run_alone(const hm_cluster_t *cluster, const hm_cluster_t *alone,
                             const hm_job_t *job, work_t *work, outcome_t *outcome,
                             hm_error_t *err) {
    hm_status_t status = HM_OK;
    bool speaker = false;
    *outcome = (outcome_t){0};
    if (cluster->rank == 0) {
        /* All strategies are the same on one rank; the first is the plainest. */
        status = run_once(alone, hm_strategies[0], job, work, outcome, err);
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    MPI_Request request = MPI_REQUEST_NULL;
    HM_TRY(hm_mpi_check(
        MPI_Ibcast(outcome, (int)sizeof *outcome, MPI_BYTE, 0, cluster->comm, &request),
        "telling the time of one rank", err));
    HM_TRY(hm_wait(&request, "telling the time of one rank", err));
cleanup:
    return status;
}

static hm_status_t measure(const hm_cluster_t *cluster, const hm_cluster_t *alone, work_t *work,
                           const bench_settings_t *settings, FILE *csv, hm_error_t *err) {
    hm_status_t status = HM_OK;
    int repetitions = (int)settings->repetitions;
    series_t *series = calloc(MOST_STRATEGIES, sizeof *series);
    hm_job_t job = {.bands = work->bands.count,
                    .band_bytes =
                        sizeof(head_t) +
                        (size_t)(work->bands.band_rows * work->grid.width) * sizeof(uint32_t),
                    .context = work,
                    .compute = compute,
                    .deliver = deliver,
                    .probe = probe};
    hm_job_t nothing = {
        .bands = NULL_BANDS, .band_bytes = 64, .compute = null_compute, .deliver = null_deliver};
    bool speaker = false;
    if (!series) {
        status = hm_error_set(err, HM_EMISSING, "out of memory");
    }
    HM_TRY(hm_agree(cluster, status, err, &speaker));
    for (int r = -1; r < repetitions; ++r) { /* the first round warms up */
        outcome_t one;
        HM_TRY(run_alone(cluster, alone, &job, work, &one, err));
        for (int s = 0; s < strategy_count(); ++s) {
            outcome_t all;
            outcome_t null;
            HM_TRY(run_once(cluster, hm_strategies[s], &job, work, &all, err));
            HM_TRY(run_once(cluster, hm_strategies[s], &nothing, NULL, &null, err));
            if (all.checksum != one.checksum) {
                status = hm_error_set(err, HM_EBUG, "strategy %s: the counts differ",
                                      hm_strategies[s]->name);
                goto cleanup;
            }
            if (r >= 0) {
                series[s].seconds[r] = all.seconds;
                series[s].speedup[r] = one.seconds / all.seconds;
                series[s].imbalance[r] = all.imbalance;
                series[s].iterations[r] = all.iterations;
                series[s].null_us[r] = null.seconds * 1e6 * cluster->size / NULL_BANDS;
            }
        }
    }
    if (cluster->rank == 0) {
        print_table(cluster, series, repetitions, csv);
    }
cleanup:
    free(series);
    return status;
}

static hm_status_t make_work(const hm_cluster_t *cluster, const bench_settings_t *settings,
                             work_t *work, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const char *name = settings->scene ? settings->scene : hm_scenes[0].name;
    const hm_scene_t *scene = hm_scenes;
    while (scene->name && strcmp(scene->name, name) != 0) {
        ++scene;
    }
    if (!scene->name) {
        return hm_error_set(err, HM_EUSAGE, "unknown scene '%s'", name);
    }
    work_t w = {
        .formula = {.max_iter = scene->max_iter, .bailout = 2, .interior = HM_INTERIOR_NONE}};
    HM_TRY(hm_kernel_best(&w.kernel));
    HM_TRY(hm_grid_make(&scene->view, &w.grid, err));
    int64_t rows = hm_band_rows_auto(w.grid.height, cluster->size,
                                     w.grid.width * (int64_t)sizeof(uint32_t), INT64_C(4) << 20);
    rows = rows < 1024 ? rows : 1024;
    HM_TRY(hm_bands_make(w.grid.height, NULL, rows, &w.bands, err));
    w.re = malloc((size_t)w.grid.width * sizeof *w.re);
    if (!w.re) {
        hm_bands_free(&w.bands);
        status = hm_error_set(err, HM_EMISSING, "out of memory for the scene");
        goto cleanup;
    }
    hm_grid_re(&w.grid, 0, w.grid.width, w.re);
    *work = w;
cleanup:
    return status;
}

static hm_status_t run(hm_context_t *context, const bench_settings_t *settings, FILE *csv) {
    const hm_cluster_t *cluster = context->cluster;
    hm_error_t err = HM_ERROR_NONE;
    work_t work = {.re = NULL};
    hm_cluster_t alone = {.comm = MPI_COMM_NULL};
    bool opened = false;
    hm_status_t status = make_work(cluster, settings, &work, &err);
    if (status == HM_OK) {
        status = hm_cluster_open(MPI_COMM_SELF, &alone, &err);
        opened = status == HM_OK;
    }
    status = hm_meet(context, status, &err);
    if (status == HM_OK) {
        status = hm_meet(context, measure(cluster, &alone, &work, settings, csv, &err), &err);
    }
    if (opened) {
        hm_cluster_close(&alone);
    }
    free(work.re);
    hm_bands_free(&work.bands);
    return status;
}

const bench_t bench_strategies = {
    .name = "strategies",
    .what = "every strategy on the same view, and with a null kernel",
    .run = run,
};
