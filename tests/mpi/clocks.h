/**
 * @file clocks.h
 * Strategies on the EuroSciPy 2012 case by clocks of their own. They really run, with all their
 * messages; but a band takes no time. Instead each rank has a clock that its bands move on by their
 * iterations, and leaves a band when no other rank's clock is behind: so bands are finished in the
 * order in which they would be if every rank had a processor of its own, however slow and busy this
 * machine is and however many ranks share it.
 */
#ifndef HM_TEST_CLOCKS_H
#define HM_TEST_CLOCKS_H

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "euroscipy.h"
#include "hm_band.h"
#include "hm_strategy.h"
#include "mpi_runner.h"

enum { CLOCKS_MOST_RANKS = 1024 };

static const int64_t CLOCK_GONE = INT64_MAX;

/** In memory that all processes share, emulated nodes too. */
typedef struct clocks_t {
    _Atomic int64_t started; /* bands, in this run */
    _Alignas(64) _Atomic int64_t at[CLOCKS_MOST_RANKS];
    _Atomic int64_t looked[CLOCKS_MOST_RANKS]; /* how often it looked around while it waited */
    _Atomic bool computes[CLOCKS_MOST_RANKS];
} clocks_t;

static clocks_t *clocks;
static int clocks_rank; /* in MPI_COMM_WORLD: this process's place in them */

/** Collective: whether all ranks have them. */
static inline bool clocks_open(void) {
    char path[64] = "";
    void *memory = MAP_FAILED;
    MPI_Comm_rank(MPI_COMM_WORLD, &clocks_rank);
    snprintf(path, sizeof path, "/tmp/hm-clocks-%ld", (long)getpid());
    MPI_Bcast(path, (int)sizeof path, MPI_CHAR, 0, MPI_COMM_WORLD);
    int file = -1;
    if (clocks_rank == 0) {
        file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (file >= 0 && ftruncate(file, sizeof *clocks) != 0) {
            close(file);
            file = -1;
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (clocks_rank != 0) {
        file = open(path, O_RDWR);
    }
    if (file >= 0) {
        memory = mmap(NULL, sizeof *clocks, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (clocks_rank == 0) {
        unlink(path);
    }
    if (!everywhere(memory != MAP_FAILED)) {
        return false;
    }
    clocks = memory;
    return true;
}

/**
 * Stands before the C library's: a rank that waits in MPI or for MPI naps between its looks, and
 * each is counted here.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): theirs are reserved */
int nanosleep(const struct timespec *time, struct timespec *left) {
    if (clocks != NULL) {
        atomic_fetch_add(&clocks->looked[clocks_rank], 1);
    }
    return clock_nanosleep(CLOCK_MONOTONIC, 0, time, left) == 0 ? 0 : -1;
}

typedef struct clocked_t {
    const hm_bands_t *bands;
    const double *cost; /* [bands->count] */
    int rank, ranks;
    int64_t iterations; /* of this rank, and so what its clock shows */
} clocked_t;

/* The rank that must go on before one whose clock stands at `now`; -1: none. */
static inline int clocks_behind(const clocked_t *run, int64_t now) {
    for (int r = 0; r < run->ranks; ++r) {
        const int64_t at = atomic_load(&clocks->at[r]);
        if (r != run->rank && (at < now || (at == now && r < run->rank))) {
            return r;
        }
    }
    return -1;
}

/*
 * A rank that has nothing more to do does not say so. But what would give it something takes few
 * messages, each of which is seen when its receiver looks. So it is given up when all ranks have
 * looked around, and again, so many times, and it has begun no band: that goes by no time.
 */
enum { CLOCKS_ROUNDS = 12 };

typedef struct clocks_wait_t {
    int rank; /* that is waited for */
    int rounds;
    int64_t looked[CLOCKS_MOST_RANKS]; /* when this round began */
} clocks_wait_t;

static inline void clocks_begin_round(clocks_wait_t *w, const clocked_t *run) {
    for (int r = 0; r < run->ranks; ++r) {
        w->looked[r] = atomic_load(&clocks->looked[r]);
    }
}

/* Twice: the first look may have begun before. */
static inline bool clocks_all_looked(const clocks_wait_t *w, const clocked_t *run) {
    for (int r = 0; r < run->ranks; ++r) {
        if (atomic_load(&clocks->looked[r]) - w->looked[r] < 2) {
            return false;
        }
    }
    return true;
}

static inline bool clocks_give_up(clocks_wait_t *w, const clocked_t *run, int rank) {
    if (rank != w->rank || atomic_load(&clocks->computes[rank])) {
        w->rank = rank;
        w->rounds = 0;
        clocks_begin_round(w, run);
    } else if (clocks_all_looked(w, run)) {
        ++w->rounds;
        clocks_begin_round(w, run);
    }
    return w->rounds >= CLOCKS_ROUNDS;
}

static inline hm_status_t clocked_compute(void *context, int64_t band, void *buffer,
                                          const hm_progress_t *progress, hm_error_t *err) {
    clocked_t *run = context;
    (void)buffer, (void)err;
    const int64_t now = run->iterations + (int64_t)run->cost[band];
    clocks_wait_t wait = {.rank = -1};
    atomic_store(&clocks->computes[run->rank], true);
    atomic_store(&clocks->at[run->rank], now);
    atomic_fetch_add(&clocks->started, 1);
    for (int other = clocks_behind(run, now); other >= 0; other = clocks_behind(run, now)) {
        if (progress->call(progress->context)) {
            return HM_STOPPED;
        }
        atomic_fetch_add(&clocks->looked[run->rank], 1);
        if (atomic_load(&clocks->started) == run->bands->count) {
            break; /* nobody has anything to wait for */
        }
        if (clocks_give_up(&wait, run, other)) {
            int64_t at = atomic_load(&clocks->at[other]);
            if (!atomic_load(&clocks->computes[other])) {
                /* Should it begin one just now, what it stores then is what counts. */
                atomic_compare_exchange_strong(&clocks->at[other], &at, CLOCK_GONE);
            }
            wait.rank = -1;
        }
        sched_yield();
    }
    run->iterations = now;
    atomic_store(&clocks->computes[run->rank], false);
    return HM_OK;
}

static inline hm_status_t clocked_deliver(void *context, int64_t band, const void *buffer,
                                          const hm_progress_t *progress, hm_error_t *err) {
    (void)context, (void)band, (void)buffer, (void)progress, (void)err;
    return HM_OK;
}

static inline hm_status_t clocked_probe(void *context, int64_t first, int64_t count, double *cost,
                                        hm_error_t *err) {
    const clocked_t *run = context;
    (void)err;
    memcpy(cost, run->cost + first, (size_t)count * sizeof *cost);
    return HM_OK;
}

/** Iterations of each band: cost[bands->count]. */
static inline void clocks_costs(const hm_bands_t *bands, double *cost) {
    for (int64_t b = 0; b < bands->count; ++b) {
        cost[b] = 0;
        for (int64_t row = 0; row < bands->band[b].rows; ++row) {
            cost[b] += (double)euroscipy_rows[bands->band[b].first + row];
        }
    }
}

/**
 * Collective over the cluster, whose ranks are the first ones of MPI_COMM_WORLD: all iterations
 * over those of the rank that did most, which is the speed-up that the distribution allows; -1 when
 * the run failed. With `ordered` the strategy knows the costs.
 */
static inline double clocked_speed_up(const hm_cluster_t *cluster, const hm_strategy_t *strategy,
                                      hm_portion_t portion, const hm_bands_t *bands,
                                      const double *cost, bool ordered) {
    clocked_t run = {.bands = bands, .cost = cost, .rank = cluster->rank, .ranks = cluster->size};
    hm_account_t account;
    hm_error_t err = HM_ERROR_NONE;
    const hm_job_t job = {.bands = bands->count,
                          .band_bytes = 64,
                          .cost = ordered ? cost : NULL,
                          .context = &run,
                          .compute = clocked_compute,
                          .deliver = clocked_deliver,
                          .probe = clocked_probe};
    const hm_strategy_options_t options = {.portion = portion};
    int64_t most = 0;
    int64_t sum = 0;
    atomic_store(&clocks->at[run.rank], 0);
    atomic_store(&clocks->computes[run.rank], false);
    atomic_store(&clocks->started, 0);
    MPI_Barrier(cluster->comm);
    int good = hm_strategy_run(strategy, cluster, &job, &options, &account, &err) == HM_OK;
    MPI_Allreduce(&run.iterations, &most, 1, MPI_INT64_T, MPI_MAX, cluster->comm);
    MPI_Allreduce(&run.iterations, &sum, 1, MPI_INT64_T, MPI_SUM, cluster->comm);
    MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_LAND, cluster->comm);
    return good && sum == EUROSCIPY_SUM ? (double)sum / (double)most : -1;
}

#endif
