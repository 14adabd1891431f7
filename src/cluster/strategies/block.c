/**
 * @file block.c
 * Equal contiguous portions: scatter the work, compute, gather the results.
 *
 * Rank 0 scatters to each rank the list of its bands and at the end gathers an entry for every
 * band: the seconds it took, negative if it was not done. It is what one writes first, and it shows
 * what one loses: all wait for the rank with the costliest part.
 */
#include <stdlib.h>

#include "../work.h"
#include "hm_clock.h"
#include "strategies.h"

/* The lists are cut into `parts`, one a rank; `counts` and `starts` are what Scatterv wants. */
typedef struct lists_t {
    int *counts, *starts;
    int64_t *bands;  /* rank 0: [all bands] */
    double *seconds; /* rank 0: [all bands] */
    int64_t *mine;   /* [own count] */
    double *took;    /* [own count] */
    int count;       /* own */
} lists_t;

static void *list(int64_t count, size_t size) {
    return calloc((size_t)(count > 0 ? count : 1), size);
}

static hm_status_t prepare(const hm_work_t *work, lists_t *lists) {
    const int rank = work->cluster->rank;
    const int size = work->cluster->size;
    const int64_t bands = work->job->bands;
    if (bands > INT32_MAX) {
        return hm_error_set(work->err, HM_EUSAGE,
                            "block takes at most %d bands, not %lld; use "
                            "larger bands",
                            INT32_MAX, (long long)bands);
    }
    lists->count = (int)(hm_part_start(bands, rank + 1, size) - hm_part_start(bands, rank, size));
    lists->mine = list(lists->count, sizeof *lists->mine);
    lists->took = list(lists->count, sizeof *lists->took);
    bool enough = lists->mine != NULL && lists->took != NULL;
    if (rank == 0) {
        lists->counts = list(size, sizeof *lists->counts);
        lists->starts = list(size, sizeof *lists->starts);
        lists->bands = list(bands, sizeof *lists->bands);
        lists->seconds = list(bands, sizeof *lists->seconds);
        enough = enough && lists->counts != NULL && lists->starts != NULL && lists->bands != NULL &&
                 lists->seconds != NULL;
    }
    if (!enough) {
        return hm_error_set(work->err, HM_EMISSING, "out of memory for the lists of bands");
    }
    for (int part = 0; rank == 0 && part < size; ++part) {
        lists->starts[part] = (int)hm_part_start(bands, part, size);
        lists->counts[part] = (int)hm_part_start(bands, part + 1, size) - lists->starts[part];
    }
    for (int64_t band = 0; rank == 0 && band < bands; ++band) {
        lists->bands[band] = band;
    }
    return HM_OK;
}

static void scatter(hm_work_t *work, lists_t *lists) {
    hm_account_enter(work->account, HM_STATE_TALKING);
    hm_work_mpi(work,
                MPI_Scatterv(lists->bands, lists->counts, lists->starts, MPI_INT64_T, lists->mine,
                             lists->count, MPI_INT64_T, 0, work->cluster->comm),
                "scattering the bands");
}

static void compute(hm_work_t *work, const lists_t *lists) {
    for (int i = 0; i < lists->count; ++i) {
        lists->took[i] = -1;
    }
    for (int i = 0; i < lists->count; ++i) {
        double start = hm_clock_now();
        if (!hm_work_band(work, lists->mine[i])) {
            return;
        }
        lists->took[i] = hm_clock_now() - start;
    }
}

/* Not blocking: a rank that waits for the others must still pass the alarm on. */
static void gather(hm_work_t *work, lists_t *lists) {
    MPI_Request request = MPI_REQUEST_NULL;
    if (!hm_work_mpi(work,
                     MPI_Igatherv(lists->took, lists->count, MPI_DOUBLE, lists->seconds,
                                  lists->counts, lists->starts, MPI_DOUBLE, 0, work->cluster->comm,
                                  &request),
                     "gathering the accounts of the bands") ||
        !hm_work_wait(work, &request, "gathering the accounts of the bands")) {
        return;
    }
    for (int64_t band = 0; work->cluster->rank == 0 && band < work->job->bands; ++band) {
        if (lists->seconds[band] < 0 && work->status == HM_OK) {
            work->status = HM_STOPPED; /* its rank knows why */
        }
    }
}

static void run(hm_work_t *work) {
    lists_t lists = {0};
    if (hm_work_ready(work, prepare(work, &lists))) {
        scatter(work, &lists);
        compute(work, &lists);
        gather(work, &lists);
    }
    free(lists.counts);
    free(lists.starts);
    free(lists.bands);
    free(lists.seconds);
    free(lists.mine);
    free(lists.took);
}

const hm_strategy_t hm_strategy_block = {
    .name = "block",
    .what = "equal contiguous portions, handed out once",
    .pattern = "scatter/gather",
    .mpi = "Scatterv of the lists of bands, Igatherv of their accounts",
    .run = run,
};
