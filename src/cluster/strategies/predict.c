/**
 * @file predict.c
 * Contiguous portions of equal predicted cost.
 *
 * All ranks together predict the bands' costs (job->probe), everybody learns all of them
 * (allgather), and adds them up (prefix sums): rank r's portion ends where the sum comes nearest to
 * (r + 1)/size of the total. After that no message is needed, and each rank's rows are one piece of
 * the image. It is as good as the prediction, and knows nothing of ranks that differ in speed.
 */
#include <math.h>
#include <stdlib.h>

#include "../work.h"
#include "strategies.h"

typedef struct forecast_t {
    double *cost; /* [bands] */
    double *sum;  /* [bands + 1]: cost of all bands before */
    int *counts, *starts;
} forecast_t;

/* In place of a cost: this rank could not predict it. */
static const double UNKNOWN = -1;

static void free_forecast(forecast_t *f) {
    free(f->cost);
    free(f->sum);
    free(f->counts);
    free(f->starts);
}

static hm_status_t open_forecast(const hm_work_t *work, forecast_t *f) {
    const int64_t bands = work->job->bands;
    const size_t size = (size_t)work->cluster->size;
    if (bands > INT32_MAX) {
        return hm_error_set(work->err, HM_EUSAGE,
                            "predict takes at most %d bands, not %lld; use larger bands", INT32_MAX,
                            (long long)bands);
    }
    f->cost = calloc((size_t)bands + 1, sizeof *f->cost);
    f->sum = calloc((size_t)bands + 1, sizeof *f->sum);
    f->counts = calloc(size, sizeof *f->counts);
    f->starts = calloc(size, sizeof *f->starts);
    if (f->cost == NULL || f->sum == NULL || f->counts == NULL || f->starts == NULL) {
        return hm_error_set(work->err, HM_EMISSING, "out of memory for the costs of %lld bands",
                            (long long)bands);
    }
    for (int r = 0; r < work->cluster->size; ++r) {
        f->starts[r] = (int)hm_part_start(bands, r, work->cluster->size);
        f->counts[r] = (int)hm_part_start(bands, r + 1, work->cluster->size) - f->starts[r];
    }
    return HM_OK;
}

/* This rank's part of the costs. */
static void probe(hm_work_t *work, forecast_t *f) {
    const hm_job_t *job = work->job;
    const int first = f->starts[work->cluster->rank];
    const int count = f->counts[work->cluster->rank];
    hm_status_t status = HM_OK;
    hm_account_enter(work->account, HM_STATE_BUSY);
    if (job->probe != NULL && count > 0) {
        status = job->probe(job->context, first, count, f->cost + first, &work->compute_err);
    }
    for (int i = first; i < first + count; ++i) {
        if (job->probe == NULL) {
            f->cost[i] = job->cost != NULL ? job->cost[i] : 1;
        }
        if (status != HM_OK || !isfinite(f->cost[i]) || f->cost[i] < 0) {
            f->cost[i] = status != HM_OK ? UNKNOWN : 0;
        }
    }
    if (status != HM_OK) {
        hm_work_fail(work, status, &work->compute_err);
    }
    hm_account_enter(work->account, HM_STATE_TALKING);
}

/* Everybody learns all costs; false: one is missing, all ranks see the same. */
static bool exchange(hm_work_t *work, forecast_t *f) {
    MPI_Request request = MPI_REQUEST_NULL;
    if (!hm_work_mpi(work,
                     MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, f->cost, f->counts,
                                     f->starts, MPI_DOUBLE, work->cluster->comm, &request),
                     "exchanging the predicted costs") ||
        !hm_work_wait(work, &request, "exchanging the predicted costs")) {
        return false;
    }
    for (int64_t i = 0; i < work->job->bands; ++i) {
        if (f->cost[i] == UNKNOWN) {
            if (work->status == HM_OK) {
                work->status = HM_STOPPED; /* its rank knows why */
            }
            return false;
        }
        f->sum[i + 1] = f->sum[i] + f->cost[i];
    }
    return true;
}

/* The costliest part over the mean. */
static double imbalance(const forecast_t *f, int64_t bands, int parts) {
    double most = 0;
    for (int part = 0; part < parts; ++part) {
        double cost = f->sum[hm_predict_start(f->sum, bands, part + 1, parts)] -
                      f->sum[hm_predict_start(f->sum, bands, part, parts)];
        most = cost > most ? cost : most;
    }
    return f->sum[bands] > 0 ? most * parts / f->sum[bands] : 1;
}

static void run(hm_work_t *work) {
    forecast_t f = {0};
    const int64_t bands = work->job->bands;
    const int rank = work->cluster->rank;
    const int size = work->cluster->size;
    if (hm_work_ready(work, open_forecast(work, &f))) {
        probe(work, &f);
        if (exchange(work, &f)) {
            work->account->predicted = imbalance(&f, bands, size);
            const int64_t end = hm_predict_start(f.sum, bands, rank + 1, size);
            for (int64_t band = hm_predict_start(f.sum, bands, rank, size);
                 band < end && hm_work_band(work, band); ++band) {
            }
        }
    }
    free_forecast(&f);
}

const hm_strategy_t hm_strategy_predict = {
    .name = "predict",
    .what = "contiguous portions of equal predicted cost",
    .pattern = "static balancing by a parallel pre-pass and prefix sums",
    .mpi = "Iallgatherv of the predicted costs",
    .run = run,
};
