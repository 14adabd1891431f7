/**
 * @file job.h
 * A job for the strategies' tests: bands that can tell whether they arrived whole, take as long as
 * they are told, and fail where they are told. Every rank counts what it did; job_check() adds the
 * ranks up.
 */
#ifndef HM_TEST_JOB_H
#define HM_TEST_JOB_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hm_clock.h"
#include "hm_strategy.h"
#include "mpi_runner.h"

typedef enum fault_t { FAULT_NONE, FAULT_COMPUTE, FAULT_DELIVER, FAULT_PROBE, FAULT_ALARM } fault_t;

typedef struct test_job_t {
    hm_job_t job;
    const hm_cluster_t *cluster;
    int *computed, *delivered; /* [bands], by this rank */
    int wrong;                 /* bands that arrived otherwise than they were made, or nested */
    bool delivering;           /* inside deliver: must not be called again */
    int rounds;                /* calls of deliver_all */
    int calls;                 /* of compute or deliver, whichever the fault is about */
    double most_seconds;       /* a band sleeps up to this long, by its number */
    fault_t fault;
    int64_t fault_band;     /* fails at this band, wherever; -1: */
    int fault_rank;         /* fails at this rank's first call */
    hm_status_t fault_with; /* HM_STOPPED with FAULT_ALARM: raises the alarm and goes on */
    int fired;
    hm_delivery_t delivery;
    MPI_Comm collective; /* deliver_all's own */
} test_job_t;

/* A hash: neighbours differ, every rank computes the same. */
static inline uint64_t scramble(uint64_t x) {
    x = (x + 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
    return x ^ (x >> 31);
}

static inline double job_seconds(const test_job_t *t, int64_t band) {
    return t->most_seconds * (double)(scramble((uint64_t)band) % 1000) / 1000.0;
}

static inline bool job_fails(test_job_t *t, fault_t what, int64_t band) {
    if (t->fault != what) {
        return false;
    }
    bool here = t->fault_band >= 0 ? band == t->fault_band
                                   : t->cluster->rank == t->fault_rank && t->calls == 0;
    ++t->calls;
    t->fired += here;
    return here;
}

static inline hm_status_t job_compute(void *context, int64_t band, void *buffer,
                                      const hm_progress_t *progress, hm_error_t *err) {
    test_job_t *t = context;
    if (job_fails(t, FAULT_COMPUTE, band)) {
        return hm_error_set(err, t->fault_with, "compute fails at band %lld", (long long)band);
    }
    if (job_fails(t, FAULT_ALARM, band)) {
        hm_alarm_raise(t->cluster, t->fault_with);
    }
    if ((uintptr_t)buffer % 64 != 0) {
        ++t->wrong;
    }
    double end = hm_clock_now() + job_seconds(t, band);
    while (hm_clock_now() < end) {
        const struct timespec pause = {0, 200000};
        nanosleep(&pause, NULL);
        if (progress->call(progress->context)) {
            return HM_STOPPED;
        }
    }
    if (progress->call(progress->context)) {
        return HM_STOPPED;
    }
    uint64_t *word = buffer;
    for (size_t i = 0; i < t->job.band_bytes / sizeof *word; ++i) {
        word[i] = scramble((uint64_t)band * 1000003u + i);
    }
    ++t->computed[band];
    return HM_OK;
}

static inline hm_status_t job_take(test_job_t *t, int64_t band, const void *buffer,
                                   hm_error_t *err) {
    if (job_fails(t, FAULT_DELIVER, band)) {
        return hm_error_set(err, t->fault_with, "deliver fails at band %lld", (long long)band);
    }
    const uint64_t *word = buffer;
    for (size_t i = 0; i < t->job.band_bytes / sizeof *word; ++i) {
        if (word[i] != scramble((uint64_t)band * 1000003u + i)) {
            ++t->wrong;
            break;
        }
    }
    ++t->delivered[band];
    return HM_OK;
}

static inline hm_status_t job_deliver(void *context, int64_t band, const void *buffer,
                                      const hm_progress_t *progress, hm_error_t *err) {
    test_job_t *t = context;
    t->wrong += t->delivering;
    t->delivering = true;
    hm_status_t status = job_take(t, band, buffer, err);
    progress->call(progress->context);
    t->delivering = false;
    return status;
}

/* As a collective write does, it waits for all ranks and fails where it fails. */
static inline hm_status_t job_deliver_all(void *context, int count, const int64_t *bands,
                                          const void *const *buffers, hm_error_t *err) {
    test_job_t *t = context;
    hm_status_t status = HM_OK;
    int round = t->rounds;
    MPI_Bcast(&round, 1, MPI_INT, 0, t->collective);
    t->wrong += t->delivering + (round != t->rounds);
    ++t->rounds;
    t->delivering = true;
    for (int i = 0; i < count && status == HM_OK; ++i) {
        status = job_take(t, bands[i], buffers[i], err);
    }
    MPI_Barrier(t->collective);
    t->delivering = false;
    return status;
}

static inline hm_status_t job_probe(void *context, int64_t first, int64_t count, double *cost,
                                    hm_error_t *err) {
    test_job_t *t = context;
    for (int64_t i = 0; i < count; ++i) {
        if (job_fails(t, FAULT_PROBE, first + i)) {
            return hm_error_set(err, t->fault_with, "probe fails at band %lld",
                                (long long)(first + i));
        }
        cost[i] = job_seconds(t, first + i);
    }
    return HM_OK;
}

static inline test_job_t job_make(const hm_cluster_t *cluster, int64_t bands, size_t band_bytes) {
    test_job_t t = {.cluster = cluster, .fault_band = -1, .fault_rank = -1};
    t.job = (hm_job_t){.bands = bands,
                       .band_bytes = band_bytes,
                       .compute = job_compute,
                       .deliver = job_deliver,
                       .deliver_all = job_deliver_all,
                       .probe = job_probe};
    MPI_Comm_dup(cluster->comm, &t.collective);
    t.computed = calloc((size_t)bands + 1, sizeof *t.computed);
    t.delivered = calloc((size_t)bands + 1, sizeof *t.delivered);
    if (t.computed == NULL || t.delivered == NULL) {
        fprintf(stderr, "out of memory\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return t;
}

static inline void job_free(test_job_t *t) {
    free(t->computed);
    free(t->delivered);
    MPI_Comm_free(&t->collective);
}

/** Runs it. Collective over its cluster. */
static inline hm_status_t job_run(test_job_t *t, const hm_strategy_t *strategy,
                                  const hm_strategy_options_t *options, hm_account_t *account,
                                  hm_error_t *err) {
    t->job.context = t;
    return hm_strategy_run(strategy, t->cluster, &t->job, options, account, err);
}

/** Collective: every band at most once computed and delivered - exactly once if `all` -, and whole.
 */
static inline bool job_check(const test_job_t *t, bool all) {
    int64_t n = t->job.bands;
    int *sum = calloc(2 * (size_t)n + 2, sizeof *sum);
    if (sum == NULL) {
        return false;
    }
    MPI_Allreduce(t->computed, sum, (int)n, MPI_INT, MPI_SUM, t->cluster->comm);
    MPI_Allreduce(t->delivered, sum + n, (int)n, MPI_INT, MPI_SUM, t->cluster->comm);
    bool good = t->wrong == 0;
    for (int64_t i = 0; i < 2 * n; ++i) {
        good = good && (sum[i] == 1 || (sum[i] == 0 && !all));
    }
    free(sum);
    return good;
}

/** Collective: whether no message is left on the cluster's communicators. */
static inline bool job_nothing_left(const hm_cluster_t *cluster) {
    int left[2] = {0, 0};
    MPI_Barrier(cluster->comm);
    for (int i = 0; i < 3; ++i) { /* a probe that finds nothing may only have made progress */
        int found = 0;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, cluster->comm, &found, MPI_STATUS_IGNORE);
        left[0] += found;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, cluster->node, &found, MPI_STATUS_IGNORE);
        left[1] += found;
    }
    return left[0] + left[1] == 0;
}

#endif
