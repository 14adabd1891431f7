/*
 * How well strategies balance, by iterations, on the EuroSciPy 2012 case: 500 x 500 pixels,
 * accumulated coordinates, at most 1000 updates. A band is not computed but slept, as long as its
 * iterations say, so that the outcome is the same on a machine with two processors as on one with
 * eight.
 */
#include <math.h>
#include <time.h>

#include "euroscipy.h"
#include "hm_band.h"
#include "hm_clock.h"
#include "hm_strategy.h"
#include "job.h"

static int64_t all_iterations;

typedef struct slept_t {
    const hm_bands_t *bands;
    double seconds_each; /* of an iteration */
    int64_t iterations;  /* done by this rank */
    double *cost;
} slept_t;

static int64_t band_iterations(const hm_bands_t *bands, int64_t band) {
    int64_t sum = 0;
    for (int64_t row = 0; row < bands->band[band].rows; ++row) {
        sum += euroscipy_rows[bands->band[band].first + row];
    }
    return sum;
}

static hm_status_t sleep_band(void *context, int64_t band, void *buffer,
                              const hm_progress_t *progress, hm_error_t *err) {
    slept_t *s = context;
    (void)buffer;
    (void)err;
    int64_t iterations = band_iterations(s->bands, band);
    double end = hm_clock_now() + (double)iterations * s->seconds_each;
    for (double left = end - hm_clock_now(); left > 0; left = end - hm_clock_now()) {
        const struct timespec pause = {0, (long)(1e9 * (left < 1e-3 ? left : 1e-3))};
        nanosleep(&pause, NULL);
        if (progress->call(progress->context)) {
            return HM_STOPPED;
        }
    }
    s->iterations += iterations;
    return HM_OK;
}

static hm_status_t drop_band(void *context, int64_t band, const void *buffer,
                             const hm_progress_t *progress, hm_error_t *err) {
    (void)context;
    (void)band;
    (void)buffer;
    (void)progress;
    (void)err;
    return HM_OK;
}

static hm_status_t know_cost(void *context, int64_t first, int64_t count, double *cost,
                             hm_error_t *err) {
    const slept_t *s = context;
    (void)err;
    for (int64_t i = 0; i < count; ++i) {
        cost[i] = (double)band_iterations(s->bands, first + i);
    }
    return HM_OK;
}

/* All iterations over those of the rank that did most: the speed-up that the distribution allows.
 */
static double speed_up(const char *name, int ranks, int64_t band_rows, double seconds,
                       bool ordered) {
    double result = -1;
    int rank = 0;
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &comm);
    if (comm != MPI_COMM_NULL) {
        hm_error_t err = HM_ERROR_NONE;
        hm_cluster_t cluster;
        hm_bands_t bands;
        const hm_strategy_t *strategy = NULL;
        hm_account_t account;
        double cost[EUROSCIPY_SIDE];
        if (hm_bands_make(EUROSCIPY_SIDE, NULL, band_rows, &bands, &err) == HM_OK &&
            hm_cluster_open(comm, &cluster, &err) == HM_OK) {
            slept_t s = {.bands = &bands, .seconds_each = seconds / (double)all_iterations};
            know_cost(&s, 0, bands.count, cost, NULL);
            hm_job_t job = {.bands = bands.count,
                            .band_bytes = 64,
                            .cost = ordered ? cost : NULL,
                            .context = &s,
                            .compute = sleep_band,
                            .deliver = drop_band,
                            .probe = know_cost};
            const hm_strategy_options_t o = {.portion = HM_PORTION_FIXED};
            if (hm_strategy_find(name, &cluster, &strategy, &err) == HM_OK &&
                hm_strategy_run(strategy, &cluster, &job, &o, &account, &err) == HM_OK) {
                int64_t most = 0;
                MPI_Allreduce(&s.iterations, &most, 1, MPI_INT64_T, MPI_MAX, comm);
                result = (double)all_iterations / (double)most;
            }
            hm_cluster_close(&cluster);
            hm_bands_free(&bands);
        }
        MPI_Comm_free(&comm);
    }
    MPI_Bcast(&result, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return result;
}

static bool enough_ranks(int ranks) {
    int size = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size >= ranks;
}

/* First come first served depends on time, and a busy machine on luck: the best of five counts. */
static void served(const char *name, int ranks, int portions, double expected) {
    if (!enough_ranks(ranks)) {
        return;
    }
    double best = 0;
    const int64_t rows = (EUROSCIPY_SIDE + portions - 1) / portions;
    for (int i = 0; i < 5 && best < 0.95 * expected; ++i) {
        /* Long enough that a band is long beside the millisecond that an answer may take. */
        double s = speed_up(name, ranks, rows, (portions > 100 ? 0.6 : 0.3) * ranks, false);
        best = s > best ? s : best;
    }
    printf("\n    %s, %d ranks, %d portions: %.2f ", name, ranks, portions, best);
    CU_ASSERT(best >= 0.95 * expected);
    CU_ASSERT(best <= ranks + 1e-9);
}

static void test_sum(void) {
    CU_ASSERT(all_iterations == EUROSCIPY_SUM);
}

static void test_block(void) {
    if (enough_ranks(4)) {
        CU_ASSERT_DOUBLE_EQUAL(speed_up("block", 4, 1, 0, false), 2.09, 0.01);
    }
    if (enough_ranks(8)) {
        CU_ASSERT_DOUBLE_EQUAL(speed_up("block", 8, 1, 0, false), 3.30, 0.01);
    }
}

static void test_served(void) {
    for (int i = 0; i < EUROSCIPY_SERVED; ++i) {
        const euroscipy_known_t *known = &euroscipy_served[i];
        served("counter", known->workers, known->portions, known->speed_up);
        served("pool", known->workers, known->portions, known->speed_up);
    }
}

/* With the true costs for a prediction. */
static void test_predicted(void) {
    for (int ranks = 2; ranks <= 8 && enough_ranks(ranks); ++ranks) {
        CU_ASSERT(speed_up("predict", ranks, 1, 0, false) >= 0.97 * ranks);
    }
}

/* Few bands, costliest first: closer to balance than any order of rows. */
static void test_ordered(void) {
    if (enough_ranks(8)) {
        double best = 0;
        for (int i = 0; i < 3 && best < 7; ++i) {
            double s = speed_up("counter", 8, 16, 1.2, true);
            best = s > best ? s : best;
        }
        printf("\n    8 ranks, 32 portions, costliest first: %.2f ", best);
        CU_ASSERT(best >= 7);
    }
}

int main(int argc, char **argv) {
    static const hm_case_t cases[] = {
        {"the case's iterations", test_sum},
        {"equal contiguous rows are limited as known", test_block},
        {"first come first served comes near what is known", test_served},
        {"predicted portions are balanced", test_predicted},
        {"costliest bands first", test_ordered},
        {NULL, NULL},
    };
    all_iterations = euroscipy_count();
    return hm_run_mpi_cases(&argc, &argv, "balance", cases, 120);
}
